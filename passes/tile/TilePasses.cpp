//===- TilePasses.cpp - What the passes on tile share ---------------------===//

#include "passes/tile/TilePasses.h"

using namespace mlir;

namespace tilewright {

tile::RoleOp getRole(Operation *op) {
  if (auto role = dyn_cast<tile::RoleOp>(op))
    return role;
  return op->getParentOfType<tile::RoleOp>();
}

int64_t getWarps(Operation *op) {
  if (tile::RoleOp role = getRole(op))
    return role.getWarps();
  return op->getParentOfType<tile::KernelOp>().getTotalWarps();
}

Value getSharedRoot(Value shared) {
  while (Operation *op = shared.getDefiningOp()) {
    if (auto slice = dyn_cast<tile::SliceOp>(op))
      shared = slice.getSource();
    else if (auto stage = dyn_cast<tile::StageBufferOp>(op))
      shared = stage.getSource();
    else
      break;
  }
  return shared;
}

Value getSharedStoreTarget(Operation *op) {
  Value target;
  if (auto store = dyn_cast<tile::StoreMatrixOp>(op))
    target = store.getDestination();
  else if (auto store = dyn_cast<tile::StoreOp>(op))
    target = store.getDestination();
  else if (auto store = dyn_cast<tile::StoreScalarOp>(op))
    target = store.getDestination();
  else if (auto add = dyn_cast<tile::AddAtOp>(op))
    target = add.getDestination();
  return target && isa<tile::SharedType>(target.getType()) ? target : Value();
}

Value createIndex(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value createI32(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantIntOp::create(builder, loc, builder.getI32Type(),
                                      value);
}

} // namespace tilewright
