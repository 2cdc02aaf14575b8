//===- tilewright-import.cpp - Prints the graph of a model directory ------===//
//
// A debugging tool, and what the front end's tests call: a Hugging Face
// directory in, the xf module out, as text for tilewright-opt.
//
//===----------------------------------------------------------------------===//

#include "frontend/hf/HuggingFace.h"

#include "mlir/IR/AsmState.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace tilewright;
namespace cl = llvm::cl;

namespace {
// Exit codes of all our tools: 1 the input is at fault, 2 the command line.
constexpr int inputFailed = 1;
constexpr int usageFailed = 2;

struct CommandLine {
  cl::OptionCategory category{"tilewright-import options"};
  cl::opt<std::string> directory{cl::Positional, cl::Required,
                                 cl::desc("<model directory>"),
                                 cl::cat(category)};
  cl::opt<std::string> output{"o", cl::desc("Output file"),
                              cl::value_desc("FILE"), cl::init("-"),
                              cl::cat(category)};
  cl::opt<bool> configOnly{"config-only",
                           cl::desc("Import without a checkpoint"),
                           cl::cat(category)};
  cl::opt<int64_t> maxContext{"max-context",
                              cl::desc("Positions that a sequence may have"),
                              cl::init(0), cl::cat(category)};
  cl::opt<int64_t> pageSize{"page-size",
                            cl::desc("Tokens per page of the KV cache"),
                            cl::init(64), cl::cat(category)};
  cl::list<std::string> ignored{
      "ignore-config-field",
      cl::desc("A field of config.json that is known to be without effect"),
      cl::value_desc("NAME"), cl::cat(category)};
  cl::opt<bool> locations{"locations", cl::desc("Print locations"),
                          cl::cat(category)};

  frontend::ImportOptions importOptions() const {
    frontend::ImportOptions options;
    options.directory = directory;
    options.configOnly = configOnly;
    options.maxContext = maxContext;
    options.pageSize = pageSize;
    options.ignoredFields.assign(ignored.begin(), ignored.end());
    return options;
  }
};
} // namespace

static int write(mlir::ModuleOp module, const CommandLine &command) {
  std::error_code code;
  llvm::ToolOutputFile file(command.output, code, llvm::sys::fs::OF_Text);
  if (code) {
    llvm::errs() << command.output << ": error: " << code.message() << '\n';
    return inputFailed;
  }
  mlir::OpPrintingFlags flags;
  flags.enableDebugInfo(command.locations);
  flags.printNameLocAsPrefix();
  module->print(file.os(), flags);
  file.keep();
  return 0;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  CommandLine command;
  cl::HideUnrelatedOptions(command.category);
  if (!cl::ParseCommandLineOptions(
          argc, argv, "Prints a model as an xf graph\n", &llvm::errs()))
    return usageFailed;

  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  frontend::DiagnosticSink sink;
  auto module =
      frontend::importHuggingFace(context, command.importOptions(), sink);
  sink.print(llvm::errs());
  if (failed(module))
    return inputFailed;
  return write(**module, command);
}
