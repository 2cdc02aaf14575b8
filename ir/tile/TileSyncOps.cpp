//===- TileSyncOps.cpp - Synchronization ----------------------------------===//

#include "ir/target/Target.h"
#include "ir/tile/Tile.h"

using namespace mlir;

namespace tilewright::tile {

LogicalResult ClusterSyncOp::verify() {
  // cluster_sync_c1
  if (auto role = (*this)->getParentOfType<RoleOp>())
    return emitOpError("is not allowed in a role").attachNote(role.getLoc())
           << "the role";
  return success();
}

LogicalResult TurnOp::verify() {
  // turn_c1
  auto role = (*this)->getParentOfType<RoleOp>();
  if (!role || role.getReplicas() < 2)
    return emitOpError("expects to be in a role with replicas");
  return success();
}

LogicalResult MbarrierInitOp::verify() {
  // mbarrier_init_c1
  int64_t count = getCount();
  if (count < 1)
    return emitOpError("expects a positive count, but got ") << count;
  return success();
}

LogicalResult MbarrierExpectOp::verify() {
  // mbarrier_expect_c1
  int64_t limit = target::getDefaultTarget().copies.transactionBytes;
  int64_t bytes = getBytes();
  if (bytes < 0 || bytes > limit)
    return emitOpError("expects 0 to ") << limit << " bytes, but got " << bytes;
  return success();
}

LogicalResult NamedBarrierOp::verify() {
  // named_barrier_c1
  int64_t threads = getThreads();
  if (threads <= 0 ||
      threads % target::getDefaultTarget().threads.threadsPerWarp)
    return emitOpError("expects whole warps of threads, but got ") << threads;
  return success();
}

} // namespace tilewright::tile
