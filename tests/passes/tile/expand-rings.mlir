// RUN: tilewright-opt %s -tile-expand-rings -canonicalize | FileCheck %s

!ring = !tile.ring<4, !tile.shared<64x64xbf16, swizzle = 128>, !tile.shared<128x64xbf16, swizzle = 128>>
!sum = !tile.fragment<64x128xf32>

// CHECK-LABEL: tile.kernel @ring
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : i32
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : i32
// CHECK-DAG:     %[[C4:.*]] = arith.constant 4 : i32
// CHECK:         %[[A:.*]] = tile.alloc : !tile.shared<4x64x64xbf16, swizzle = 128>
// CHECK:         %[[B:.*]] = tile.alloc : !tile.shared<4x128x64xbf16, swizzle = 128>
// CHECK:         %[[FULL:.*]] = tile.alloc : !tile.barriers<4>
// CHECK:         %[[EMPTY:.*]] = tile.alloc : !tile.barriers<4>
// CHECK:         tile.mbarrier_init %[[FULL]] count 1
// Four warps of each of two replicas.
// CHECK:         tile.mbarrier_init %[[EMPTY]] count 8
// CHECK-NEXT:    tile.mbarrier_fence_init
// CHECK-NEXT:    tile.sync
tile.kernel @ring(%a: !tile.global<64x4096xbf16>, %b: !tile.global<128x4096xbf16>, %c: !tile.global<64x128xf32>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c4096 = arith.constant 4096 : index
  %ring = tile.ring : !ring
  // CHECK: tile.role @load
  // CHECK-DAG: %[[STAGE:.*]] = tile.variable %[[C0]]
  // CHECK-DAG: %[[PHASE:.*]] = tile.variable %[[C0]]
  tile.role @load warps = 1 {
    scf.for %k = %c0 to %c4096 step %c64 {
      // CHECK: %[[I:.*]] = tile.get %[[STAGE]]
      // CHECK: %[[P:.*]] = tile.get %[[PHASE]]
      // CHECK: %[[INVERTED:.*]] = arith.xori %[[P]], %[[C1]]
      // CHECK: tile.mbarrier_wait %[[EMPTY]][%[[I]]] parity %[[INVERTED]] :
      // CHECK: tile.mbarrier_expect %[[FULL]][%[[I]]] bytes 24576
      // CHECK: %[[SA:.*]] = tile.stage %[[A]][%[[I]]]
      // CHECK: %[[SB:.*]] = tile.stage %[[B]][%[[I]]]
      %sa, %sb = tile.acquire %ring : !ring
      // CHECK: tile.copy %{{.*}} to %[[SA]] barrier(%[[FULL]][%[[I]]] : !tile.barriers<4>)
      tile.copy %a[%c0, %k] to %sa : !tile.global<64x4096xbf16>, !tile.shared<64x64xbf16, swizzle = 128>
      // CHECK: tile.copy %{{.*}} to %[[SB]] barrier(%[[FULL]][%[[I]]] : !tile.barriers<4>)
      tile.copy %b[%c0, %k] to %sb : !tile.global<128x4096xbf16>, !tile.shared<128x64xbf16, swizzle = 128>
      // CHECK: %[[NEXT:.*]] = arith.addi %{{.*}}, %[[C1]]
      // CHECK: %[[WRAPS:.*]] = arith.cmpi eq, %[[NEXT]], %[[C4]]
      // CHECK: %[[WRAPPED:.*]] = arith.select %[[WRAPS]], %[[C0]], %[[NEXT]]
      // CHECK: tile.set %[[STAGE]], %[[WRAPPED]]
      // CHECK: %[[FLIP:.*]] = arith.extui %[[WRAPS]]
      // CHECK: %[[FLIPPED:.*]] = arith.xori %{{.*}}, %[[FLIP]]
      // CHECK: tile.set %[[PHASE]], %[[FLIPPED]]
      tile.commit %ring : !ring
    }
  }
  // CHECK: tile.role @math
  // CHECK-COUNT-4: tile.variable %[[C0]]
  tile.role @math warpgroups = 1 replicas = 2 (%replica) {
    %f0 = arith.constant 0.0 : f32
    %zero = tile.splat %f0 : f32 to !sum
    // CHECK: %[[SUM:.*]] = scf.for
    %sum = scf.for %k = %c0 to %c4096 step %c64 iter_args(%acc = %zero) -> (!sum) {
      // CHECK: tile.mbarrier_wait %[[FULL]][%{{.*}}] parity %{{.*}}
      %sa, %sb = tile.wait %ring : !ring
      // CHECK: tile.mma
      %next = tile.mma %sa, %sb, %acc transpose_b
          : !tile.shared<64x64xbf16, swizzle = 128>, !tile.shared<128x64xbf16, swizzle = 128>, !sum
      // One product still runs and reads one stage, which is kept.
      // CHECK: tile.mma_wait {in_flight = 1 : i64}
      // CHECK: %[[HELD:.*]] = tile.get
      // CHECK: %[[FREE:.*]] = arith.cmpi sgt, %[[HELD]], %[[C1]]
      // CHECK: tile.mbarrier_arrive %[[EMPTY]][%{{.*}}] if(%[[FREE]])
      tile.release %ring after(%next : !sum) {in_flight = 1} : !ring
      scf.yield %next : !sum
    }
    // Behind the loop it is given back too.
    // CHECK: %[[DONE:.*]] = tile.mma_wait %[[SUM]]
    // CHECK: %[[HELD:.*]] = tile.get
    // CHECK: %[[FREE:.*]] = arith.cmpi sgt, %[[HELD]], %[[C0]]
    // CHECK: tile.mbarrier_arrive %[[EMPTY]][%{{.*}}] if(%[[FREE]])
    // CHECK: tile.store %[[DONE]]
    tile.store %sum to %c[%c0, %c0] : !sum, !tile.global<64x128xf32>
  }
  // CHECK-NOT: tile.cluster_sync
}
