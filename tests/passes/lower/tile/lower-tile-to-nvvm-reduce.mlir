// RUN: tilewright-translate %s --require-clean | FileCheck %s

#acc = #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(8, 0), 2:(0, 8)]>
#acc_row = #tile.layout<thread = [4:(0, 0), 8:(1, 0), 4:(16, 0)], register = [2:(8, 0)]>
#wide = #tile.layout<thread = [128:(0, 4)], register = [4:(0, 1)]>
#lane = #tile.layout<thread = [128:(0, 1)], register = []>
#one = #tile.layout<thread = [128:(0, 0)], register = []>

// Registers first, then the four lanes of a row; no shared memory.
// CHECK-LABEL: .entry lanes(
// CHECK-COUNT-6: max.f32
// CHECK:         shfl.sync.bfly.b32 %{{r[0-9]+}}, %{{r[0-9]+}}, 1, 31, -1
// CHECK:         shfl.sync.bfly.b32 %{{r[0-9]+}}, %{{r[0-9]+}}, 2, 31, -1
// CHECK-NOT:     shfl.sync.bfly.b32 %{{r[0-9]+}}, %{{r[0-9]+}}, 4, 31, -1
// CHECK-NOT:     bar.sync
// CHECK:         ret
tile.kernel @lanes(%x: !tile.global<64x16xf32>, %y: !tile.global<64x1xf32>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, params = [{kind = "pointer", arg = 0}, {kind = "pointer", arg = 1}]} {
  %c0 = arith.constant 0 : index
  %f = tile.load %x[%c0, %c0] : !tile.global<64x16xf32> to !tile.fragment<64x16xf32, #acc>
  %max = tile.reduce max %f 1 : !tile.fragment<64x16xf32, #acc> to !tile.fragment<64x1xf32, #acc_row>
  tile.store %max to %y[%c0, %c0] : !tile.fragment<64x1xf32, #acc_row>, !tile.global<64x1xf32>
}

// All lanes, then the four warps in order: one lane of each writes, all read.
// CHECK-LABEL: .entry warps(
// CHECK:         shfl.sync.bfly.b32 %{{r[0-9]+}}, %{{r[0-9]+}}, 16, 31, -1
// CHECK:         bar.sync
// CHECK:         @%{{p[0-9]+}} st.shared.b32
// CHECK:         bar.sync
// CHECK:         ld.shared{{.*}} [tilewright_shared]
// CHECK:         add.rn.f32
// CHECK-NEXT:    add.rn.f32
// CHECK-NEXT:    add.rn.f32
tile.kernel @warps(%x: !tile.global<1x512xf32>, %y: !tile.global<1x1xf32>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, shared_bytes = 16 : i64, params = [{kind = "pointer", arg = 0}, {kind = "pointer", arg = 1}]} {
  %c0 = arith.constant 0 : index
  %s = tile.alloc {offset = 0 : i64} : !tile.shared<16xi8>
  %f = tile.load %x[%c0, %c0] : !tile.global<1x512xf32> to !tile.fragment<1x512xf32, #wide>
  %sum = tile.reduce add %f 1 scratch(%s : !tile.shared<16xi8>) : !tile.fragment<1x512xf32, #wide> to !tile.fragment<1x1xf32, #one>
  tile.store %sum to %y[%c0, %c0] : !tile.fragment<1x1xf32, #one>, !tile.global<1x1xf32>
}

// The fragments of a cluster meet in rank 0, over distributed shared memory.
// CHECK-LABEL: .entry cluster(
// CHECK:         st.shared.b32
// CHECK:         barrier.cluster.arrive.aligned
// CHECK:         barrier.cluster.wait.aligned
// CHECK-COUNT-2: mapa.shared::cluster.u32 {{.*}} ld.shared::cluster.b32
// CHECK:         barrier.cluster.arrive.aligned
// CHECK:         barrier.cluster.wait.aligned
tile.kernel @cluster(%x: !tile.global<1x128xf32>, %y: !tile.global<1x128xf32>)
    attributes {warps = 4 : i64, cluster = array<i64: 2>, block = array<i64: 128, 1, 1>, shared_bytes = 512 : i64,
                params = [{kind = "pointer", arg = 0}, {kind = "pointer", arg = 1}]} {
  %c0 = arith.constant 0 : index
  %s = tile.alloc {offset = 0 : i64} : !tile.shared<512xi8>
  %f = tile.load %x[%c0, %c0] : !tile.global<1x128xf32> to !tile.fragment<1x128xf32, #tile.layout<thread = [128:(0, 1)], register = []>>
  %sum = tile.cluster_sum %f scratch(%s : !tile.shared<512xi8>) : !tile.fragment<1x128xf32, #tile.layout<thread = [128:(0, 1)], register = []>> to !tile.fragment<1x128xf32, #tile.layout<thread = [128:(0, 1)], register = []>>
  tile.store %sum to %y[%c0, %c0] : !tile.fragment<1x128xf32, #tile.layout<thread = [128:(0, 1)], register = []>>, !tile.global<1x128xf32>
}

// In a role the CTAs meet at mbarriers, for the cluster's barrier is for all
// threads: every warp tells rank 0 that its part is written, and rank 0 tells
// the others that it has been read.
// CHECK-LABEL: .entry cluster_in_role(
// CHECK:         st.shared.b32
// CHECK:         bar.warp.sync
// CHECK:         mapa.shared::cluster.u32 {{.*}} mbarrier.arrive.release.cluster.shared::cluster.b64
// CHECK:         mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64
// CHECK-COUNT-2: mapa.shared::cluster.u32 {{.*}} ld.shared::cluster.b32
// CHECK:         mapa.shared::cluster.u32 {{.*}} mbarrier.arrive.release.cluster.shared::cluster.b64
// CHECK-NOT:     barrier.cluster
tile.kernel @cluster_in_role(%x: !tile.global<1x128xf32>, %y: !tile.global<1x128xf32>)
    attributes {cluster = array<i64: 2>, block = array<i64: 128, 1, 1>, shared_bytes = 528 : i64,
                params = [{kind = "pointer", arg = 0}, {kind = "pointer", arg = 1}]} {
  %s = tile.alloc {offset = 0 : i64} : !tile.shared<512xi8>
  %barriers = tile.alloc {offset = 512 : i64} : !tile.barriers<2>
  tile.role @math warpgroups = 1 attributes {first_warp = 0 : i64, barrier = 1 : i64} {
    %c0 = arith.constant 0 : index
    %f = tile.load %x[%c0, %c0] : !tile.global<1x128xf32> to !tile.fragment<1x128xf32, #lane>
    %sum = tile.cluster_sum %f scratch(%s : !tile.shared<512xi8>) barriers(%barriers : !tile.barriers<2>)
        : !tile.fragment<1x128xf32, #lane> to !tile.fragment<1x128xf32, #lane>
    tile.store %sum to %y[%c0, %c0] : !tile.fragment<1x128xf32, #lane>, !tile.global<1x128xf32>
  }
}
