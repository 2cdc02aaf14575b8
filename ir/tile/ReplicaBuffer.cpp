//===- ReplicaBuffer.cpp - A shared tile for each replica -----------------===//

#include "ir/tile/ReplicaBuffer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace tilewright::tile {

Value allocateForReplica(OpBuilder &builder, Location loc, KernelOp kernel,
                         RoleOp role, SharedType type, StringAttr overlay) {
  int64_t replicas = role ? role.getReplicas() : 1;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(kernel.getBodyBlock());
  Value all = AllocOp::create(builder, loc,
                              replicas > 1 ? type.addLeading(replicas) : type,
                              IntegerAttr(), overlay);
  if (replicas == 1)
    return all;
  builder.setInsertionPointToStart(role.getBodyBlock());
  Value replica = arith::IndexCastUIOp::create(
      builder, loc, builder.getI32Type(), role.getBody().getArgument(0));
  return StageBufferOp::create(builder, loc, all, replica);
}

} // namespace tilewright::tile
