// RUN: tilewright-opt %s -tile-expand-rings -canonicalize | FileCheck %s

!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<3, !s>

// Two rings side by side: stages and barriers 0 to 2 are replica 0's, 3 to 5
// replica 1's.
// CHECK-LABEL: tile.kernel @replicas
// CHECK-DAG:     %[[C3:.*]] = arith.constant 3 : i32
// CHECK:         %[[STAGES:.*]] = tile.alloc : !tile.shared<6x64x64xbf16, swizzle = 128>
// CHECK:         %[[FULL:.*]] = tile.alloc : !tile.barriers<6>
// CHECK:         %[[EMPTY:.*]] = tile.alloc : !tile.barriers<6>
// The four warps of the one replica that consumes a stage.
// CHECK:         tile.mbarrier_init %[[EMPTY]] count 4
tile.kernel @replicas(%g: !tile.global<64x4096xbf16>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c4096 = arith.constant 4096 : index
  %ring = tile.ring {replicas = 2 : i64} : !ring
  // CHECK: tile.role @load {{.*}}(%[[LOADER:.*]])
  // CHECK: %[[NUMBER:.*]] = arith.index_castui %[[LOADER]]
  // CHECK: %[[FIRST:.*]] = arith.muli %[[NUMBER]], %[[C3]]
  tile.role @load warps = 1 replicas = 2 (%loader) {
    scf.for %k = %c0 to %c4096 step %c64 {
      // CHECK: %[[STAGE:.*]] = tile.get
      // CHECK: %[[SLOT:.*]] = arith.addi %[[FIRST]], %[[STAGE]]
      // CHECK: tile.mbarrier_wait %[[EMPTY]][%[[SLOT]]]
      // CHECK: tile.mbarrier_expect %[[FULL]][%[[SLOT]]] bytes 8192
      // CHECK: tile.stage %[[STAGES]][%[[SLOT]]]
      %s = tile.acquire %ring : !ring
      tile.copy %g[%c0, %k] to %s : !tile.global<64x4096xbf16>, !s
      // The position wraps within the replica's own stages.
      // CHECK: arith.cmpi eq, %{{.*}}, %[[C3]]
      tile.commit %ring : !ring
    }
  }
  // CHECK: tile.role @math {{.*}}(%[[REPLICA:.*]])
  // CHECK: %[[OWN:.*]] = arith.muli %{{.*}}, %[[C3]]
  tile.role @math warpgroups = 1 replicas = 2 (%replica) {
    scf.for %k = %c0 to %c4096 step %c64 {
      // CHECK: %[[FILLED:.*]] = arith.addi %[[OWN]], %{{.*}}
      // CHECK: tile.mbarrier_wait %[[FULL]][%[[FILLED]]]
      %s = tile.wait %ring : !ring
      // CHECK: %[[GIVEN:.*]] = arith.addi %[[OWN]], %{{.*}}
      // CHECK: tile.mbarrier_arrive %[[EMPTY]][%[[GIVEN]]]
      tile.release %ring : !ring
    }
  }
}
