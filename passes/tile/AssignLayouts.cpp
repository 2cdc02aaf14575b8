//===- AssignLayouts.cpp - Give every fragment a layout -------------------===//

#include "passes/tile/LayoutAssignment.h"

using namespace mlir;
using tilewright::tile::FragmentType;
using tilewright::tile::LayoutAttr;

namespace tilewright {
#define GEN_PASS_DEF_ASSIGNLAYOUTS
#include "passes/Passes.h.inc"

static FragmentType withLayout(Value value, LayoutAttr layout) {
  return cast<FragmentType>(value.getType()).withLayout(layout);
}

/// Writes the layouts to the types of all results and arguments.
static void setTypes(tile::KernelOp kernel, const LayoutAssignment &layouts) {
  auto set = [&](Value value) {
    if (LayoutAttr layout = layouts.get(value))
      value.setType(withLayout(value, layout));
  };
  kernel.walk([&](Operation *op) {
    llvm::for_each(op->getResults(), set);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        llvm::for_each(block.getArguments(), set);
  });
}

/// Gives the results of an op the layouts it makes, converted for their users
/// where those were given another.
static LogicalResult settleResults(Operation *op) {
  for (OpResult result : op->getResults()) {
    if (!isa<FragmentType>(result.getType()))
      continue;
    FailureOr<LayoutAttr> natural = getNaturalLayout(result);
    if (failed(natural))
      return failure();
    auto assigned = cast<FragmentType>(result.getType());
    if (!*natural || *natural == assigned.getLayout())
      continue;
    result.setType(withLayout(result, *natural));
    OpBuilder builder(op->getContext());
    builder.setInsertionPointAfter(op);
    auto convert = tile::ConvertOp::create(builder, op->getLoc(), assigned,
                                           result, /*scratch=*/Value());
    result.replaceAllUsesExcept(convert.getResult(), convert);
  }
  return success();
}

/// Whether each thread already holds what the wanted layout asks of it, for an
/// operand that is only read (a broadcast's).
static bool suffices(OpOperand &operand, LayoutAttr wanted) {
  auto have = cast<FragmentType>(operand.get().getType()).getLayout();
  return have == wanted ||
         (isa<tile::BroadcastOp>(operand.getOwner()) &&
          have.getLayout().getThreadLocalMap(wanted.getLayout()));
}

static void settleOperands(Operation *op) {
  for (OpOperand &operand : op->getOpOperands()) {
    LayoutAttr wanted = getRequiredLayout(operand);
    if (!wanted || suffices(operand, wanted))
      continue;
    OpBuilder builder(op);
    auto convert = tile::ConvertOp::create(
        builder, op->getLoc(), withLayout(operand.get(), wanted), operand.get(),
        /*scratch=*/Value());
    operand.set(convert.getResult());
  }
}

namespace {
struct AssignLayouts : impl::AssignLayoutsBase<AssignLayouts> {
  void runOnOperation() override {
    LayoutAssignment layouts(getOperation());
    if (failed(layouts.run()))
      return signalPassFailure();
    setTypes(getOperation(), layouts);
    SmallVector<Operation *> ops;
    getOperation().walk<WalkOrder::PreOrder>(
        [&](Operation *op) { ops.push_back(op); });
    // Operands first: what an op makes follows from them.
    for (Operation *op : ops) {
      settleOperands(op);
      if (failed(settleResults(op)))
        return signalPassFailure();
      // It has said what it had to, and would only keep a value alive.
      if (auto load = dyn_cast<tile::LoadOp>(op))
        load.getLikeMutable().clear();
    }
  }
};
} // namespace
} // namespace tilewright
