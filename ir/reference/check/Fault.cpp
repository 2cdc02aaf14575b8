//===- Fault.cpp - A pass with a bug, for tests of what happens then ------===//

#include "ir/reference/check/Fault.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;

namespace tilewright::check {

namespace {
struct Fault : PassWrapper<Fault, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(Fault)

  Fault() = default;
  explicit Fault(llvm::StringRef kind) { this->kind = kind.str(); }
  Fault(const Fault &other) : PassWrapper(other) { kind = other.kind; }

  StringRef getArgument() const override { return "xf-check-fault"; }
  StringRef getDescription() const override {
    return "Fails as asked, for tests of what happens then";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<func::FuncDialect>();
  }
  void runOnOperation() override;

  Option<std::string> kind{
      *this, "kind", llvm::cl::desc("fail, invalid, crash, overflow or fatal"),
      llvm::cl::init("fail")};
};
} // namespace

/// A function whose block has no end.
static void addInvalidFunction(ModuleOp module) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  auto function = func::FuncOp::create(builder, module.getLoc(), "endless",
                                       builder.getFunctionType({}, {}));
  function.addEntryBlock();
}

/// Fills the stack. Something is left to do behind the call, so that it stays
/// one.
static int recurse(volatile int *outer) {
  if (*outer < 0)
    return 0; // never: the stack is full long before
  volatile int mine = *outer + 1;
  return recurse(&mine) + mine;
}

void Fault::runOnOperation() {
  if (kind == "invalid")
    return addInvalidFunction(getOperation());
  if (kind == "crash")
    std::abort();
  volatile int depth = 0;
  if (kind == "overflow")
    depth = recurse(&depth);
  if (kind == "fatal")
    llvm::report_fatal_error("Cannot select: as asked");
  getOperation().emitError("fails, as asked");
  signalPassFailure();
}

std::unique_ptr<Pass> createFaultPass(llvm::StringRef kind) {
  return std::make_unique<Fault>(kind);
}

void registerFaultPass() { PassRegistration<Fault>(); }

} // namespace tilewright::check
