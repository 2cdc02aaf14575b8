// RUN: tilewright-opt %s -tile-insert-fences | FileCheck %s

// Roles that synchronize have a barrier for each replica; one warp needs none.
// CHECK-LABEL: tile.kernel @barriers
tile.kernel @barriers(%x: !tile.global<?x64xbf16, [tokens]>) {
  %c0 = arith.constant 0 : index
  %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  %order = tile.order : !tile.order
  // CHECK: tile.role @alone warps = 1 {
  tile.role @alone warps = 1 {
    tile.sync
  }
  // CHECK: tile.role @pair warpgroups = 1 replicas = 2 (%[[REPLICA:.*]]) attributes {barrier = 1 : i64} {
  tile.role @pair warpgroups = 1 replicas = 2 (%replica) {
    // Barriers 5 and 6: a replica waits at its own and passes at the next one's.
    // CHECK-DAG: %[[BASE:.*]] = arith.constant 5 : i32
    // CHECK:     %[[R:.*]] = arith.index_castui %[[REPLICA]]
    // CHECK:     %[[AFTER:.*]] = arith.addi %[[R]], %{{.*}}
    // CHECK:     %[[LAST:.*]] = arith.cmpi eq, %[[AFTER]], %{{.*}}
    // CHECK:     %[[NEXT:.*]] = arith.select %[[LAST]], %{{.*}}, %[[AFTER]]
    // CHECK:     %[[OWN:.*]] = arith.addi %[[BASE]], %[[R]]
    // CHECK:     %[[OTHER:.*]] = arith.addi %[[BASE]], %[[NEXT]]
    // The first replica finds its turn already passed to it.
    // CHECK:     tile.named_barrier %[[OTHER]] threads 256 arrive if(%[[LAST]])
    // CHECK:     tile.named_barrier %[[OWN]] threads 256
    // CHECK-NOT: arrive
    // CHECK:     tile.sync
    tile.turn wait %order : !tile.order
    tile.sync
    // CHECK:     tile.named_barrier %[[OTHER]] threads 256 arrive
    tile.turn pass %order : !tile.order
  }
  // CHECK: tile.role @last warpgroups = 2 attributes {barrier = 3 : i64} {
  tile.role @last warpgroups = 2 {
    tile.sync
  }
  // All wait for the copy, which is the one warp's that issued it.
  // CHECK: tile.role @copies warpgroups = 1 attributes {barrier = 4 : i64} {
  // CHECK: tile.copy_wait 0
  tile.role @copies warpgroups = 1 {
    tile.copy_out %s to %x[%c0, %c0] : !tile.shared<64x64xbf16, swizzle = 128>, !tile.global<?x64xbf16, [tokens]>
  }
}
