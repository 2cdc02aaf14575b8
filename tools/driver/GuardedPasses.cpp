//===- GuardedPasses.cpp - Pipelines whose bugs leave a reproducer --------===//
// The first run only counts passes, so a compilation that goes well pays for a
// copy of its input alone. Where pass number n fails, the same passes run again
// on that copy, and the IR is written down before number n.
//===----------------------------------------------------------------------===//

#include "tools/driver/GuardedPasses.h"

#include "tools/driver/CrashGuard.h"

#include "mlir/IR/AsmState.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"

using namespace mlir;

namespace tilewright {

namespace {
/// The pass at work, or the first that failed: where one fails on a function,
/// the functions behind it still have theirs. It outlives the pass manager,
/// which a crash leaks.
struct Progress {
  unsigned number = 0; // from 1, adaptors not counted
  std::string pass;
  bool failed = false;
};

class CountPasses : public PassInstrumentation {
public:
  explicit CountPasses(Progress &progress) : progress(progress) {}

  void runBeforePass(Pass *pass, Operation *op) override {
    if (pass->getArgument().empty() || progress.failed)
      return; // an adaptor
    ++progress.number;
    progress.pass = pass->getArgument().str();
  }

  void runAfterPassFailed(Pass *pass, Operation *op) override {
    progress.failed = true;
  }

private:
  Progress &progress;
};

/// Writes down the IR before one of the passes.
class CaptureInput : public PassInstrumentation {
public:
  CaptureInput(unsigned number, std::string &text)
      : number(number), text(text) {}

  void runBeforePass(Pass *pass, Operation *op) override;

private:
  unsigned number, begun = 0;
  std::string &text;
};
} // namespace

/// IR as text, with the pipeline that `--run-reproducer` then runs.
static std::string printWithPipeline(ModuleOp module, std::string pipeline) {
  std::string text;
  llvm::raw_string_ostream os(text);
  AsmState state(module);
  state.attachResourcePrinter("mlir_reproducer",
                              [&](Operation *, AsmResourceBuilder &builder) {
                                builder.buildString("pipeline", pipeline);
                                builder.buildBool("disable_threading", true);
                                builder.buildBool("verify_each", true);
                              });
  module->print(os, state);
  os << "\n";
  return text;
}

/// `op` alone in a module like its own: its neighbours have run through other
/// passes than it has.
static OwningOpRef<ModuleOp> isolate(Operation *op) {
  if (auto module = dyn_cast<ModuleOp>(op))
    return module.clone();
  OwningOpRef<ModuleOp> module = ModuleOp::create(op->getLoc());
  if (auto parent = op->getParentOfType<ModuleOp>())
    (*module)->setAttrs(parent->getAttrs());
  module->push_back(op->clone());
  return module;
}

void CaptureInput::runBeforePass(Pass *pass, Operation *op) {
  if (pass->getArgument().empty() || ++begun != number)
    return;
  std::string pipeline;
  llvm::raw_string_ostream os(pipeline);
  pass->printAsTextualPipeline(os);
  if (!isa<ModuleOp>(op))
    pipeline = (op->getName().getStringRef() + "(" + pipeline + ")").str();
  text = printWithPipeline(*isolate(op), "builtin.module(" + pipeline + ")");
}

static std::unique_ptr<PassManager>
makeManager(MLIRContext *context, const GuardedPipeline &pipeline) {
  auto passes = std::make_unique<PassManager>(context);
  pipeline.build(*passes);
  return passes;
}

/// The IR before pass `number`, or the whole pipeline's input if the second run
/// does not get there.
static Reproducer reproduce(OwningOpRef<ModuleOp> &input,
                            const GuardedPipeline &pipeline,
                            const Progress &progress) {
  MLIRContext *context = input->getContext();
  std::unique_ptr<PassManager> passes = makeManager(context, pipeline);
  std::string text, wholePipeline;
  llvm::raw_string_ostream os(wholePipeline);
  passes->printAsTextualPipeline(os);
  std::string whole = printWithPipeline(*input, wholePipeline);
  passes->addInstrumentation(
      std::make_unique<CaptureInput>(progress.number, text));
  // Of interest is only what comes before the failure.
  ScopedDiagnosticHandler ignore(context,
                                 [](Diagnostic &) { return success(); });
  if (runGuarded([&] { (void)passes->run(*input); })) {
    (void)passes.release();
    (void)input.release();
  }
  std::string name = text.empty() ? "pipeline" : progress.pass;
  Reproducer reproducer;
  reproducer.files[name + ".mlir"] = text.empty() ? whole : text;
  reproducer.command =
      "tilewright-opt --run-reproducer {dir}/" + name + ".mlir";
  return reproducer;
}

llvm::Error runPasses(OwningOpRef<ModuleOp> &module, CompilerContext &context,
                      const GuardedPipeline &pipeline) {
  OwningOpRef<ModuleOp> input(module->clone());
  std::unique_ptr<PassManager> passes = makeManager(&context.get(), pipeline);
  Progress progress;
  passes->addInstrumentation(std::make_unique<CountPasses>(progress));
  if (pipeline.instrument)
    pipeline.instrument(*passes);
  bool ran = false;
  std::optional<std::string> crash =
      runGuarded([&] { ran = succeeded(passes->run(*module)); });
  if (ran)
    return llvm::Error::success();
  std::string details = context.takeDiagnostics();
  if (crash) {
    details += *crash;
    (void)passes.release();
    (void)module.release();
  } else if (llvm::is_contained(pipeline.refusing, progress.pass)) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   llvm::Twine(details));
  }
  std::string headline = "pass '" + progress.pass + "' " +
                         (crash ? StringRef(*crash).split('\n').first.str()
                                : std::string("failed"));
  Reproducer reproducer = reproduce(input, pipeline, progress);
  context.takeDiagnostics();
  return llvm::make_error<InternalError>(headline, details,
                                         std::move(reproducer));
}

} // namespace tilewright
