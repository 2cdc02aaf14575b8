// RUN: tilewright-opt %s -tile-expand-rings -canonicalize -split-input-file | FileCheck %s

// In a 2 x 2 cluster a row of CTAs shares A and a column shares B: the stage of
// each is written by itself, its neighbour along x and its neighbour along y.
!ring = !tile.ring<2, !tile.shared<64x64xbf16, swizzle = 128>, !tile.shared<128x64xbf16, swizzle = 128>>
// CHECK-LABEL: tile.kernel @cluster
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : i32
// CHECK-DAG:     %[[C2:.*]] = arith.constant 2 : i32
// CHECK-DAG:     %[[PAIR_Y:.*]] = arith.constant 5 : i32
// CHECK-DAG:     %[[PAIR_X:.*]] = arith.constant 3 : i32
// CHECK:         %[[RANK:.*]] = arith.index_castui
// CHECK:         %[[X:.*]] = arith.remui %[[RANK]], %[[C2]]
// CHECK:         %[[COLUMN:.*]] = arith.shli %[[PAIR_Y]], %[[X]]
// CHECK:         %[[Y2:.*]] = arith.muli %{{.*}}, %[[C2]]
// CHECK:         %[[ROW:.*]] = arith.shli %[[PAIR_X]], %[[Y2]]
// CHECK:         %[[RANKS:.*]] = arith.ori %[[COLUMN]], %[[ROW]]
// Four warps of three CTAs.
// CHECK:         tile.mbarrier_init %{{.*}} count 1
// CHECK:         tile.mbarrier_init %[[EMPTY:.*]] count 12
// CHECK:         tile.mbarrier_fence_init
// CHECK-NEXT:    tile.cluster_sync
tile.kernel @cluster(%a: !tile.global<64x64xbf16>, %b: !tile.global<128x64xbf16>) attributes {cluster = array<i64: 2, 2>} {
  %c0 = arith.constant 0 : index
  %ring = tile.ring : !ring
  tile.role @load warps = 1 {
    %sa, %sb = tile.acquire %ring : !ring
    // The bytes are those of the whole stage, whoever copies them.
    // CHECK: tile.mbarrier_wait %[[EMPTY]]{{\[.*\]}} parity %{{[0-9]+}} : !tile.barriers
    // CHECK: tile.mbarrier_expect %{{.*}} bytes 24576
    tile.copy %a[%c0, %c0] to %sa {multicast = array<i64: 1>} : !tile.global<64x64xbf16>, !tile.shared<64x64xbf16, swizzle = 128>
    tile.copy %b[%c0, %c0] to %sb {multicast = array<i64: 0>} : !tile.global<128x64xbf16>, !tile.shared<128x64xbf16, swizzle = 128>
    tile.commit %ring : !ring
  }
  tile.role @math warpgroups = 1 {
    %sa, %sb = tile.wait %ring : !ring
    // CHECK: tile.mbarrier_arrive %[[EMPTY]][%{{.*}}] ranks(%[[RANKS]]) :
    tile.release %ring : !ring
  }
  // No CTA leaves while another may reach its shared memory.
  // CHECK: tile.cluster_sync
  // CHECK-NEXT: }
}

// -----

// A producer that writes by itself: all its stores, then one arrival.
!ring = !tile.ring<2, !tile.shared<64x64xbf16, swizzle = 128>>
// CHECK-LABEL: tile.kernel @stores
tile.kernel @stores(%x: !tile.global<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  %ring = tile.ring : !ring
  tile.role @make warpgroups = 1 {
    // CHECK-NOT: tile.mbarrier_expect
    // CHECK: tile.store_matrix
    // CHECK-NEXT: tile.fence_async
    // CHECK-NEXT: tile.sync
    // CHECK-NEXT: tile.mbarrier_expect %{{.*}} bytes 0
    %f = tile.load %x[%c0, %c0] : !tile.global<64x64xbf16> to !tile.fragment<64x64xbf16>
    %s = tile.acquire %ring : !ring
    tile.store_matrix %f to %s : !tile.fragment<64x64xbf16>, !tile.shared<64x64xbf16, swizzle = 128>
    tile.commit %ring : !ring
  }
  tile.role @use warpgroups = 1 {
    %s = tile.wait %ring : !ring
    tile.release %ring : !ring
  }
}
