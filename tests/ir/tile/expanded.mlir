// RUN: tilewright-opt %s -verify-roundtrip -o /dev/null
// RUN: tilewright-opt %s | FileCheck %s

// What the passes leave for the lowering.

#acc = #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(8, 0), 8:(0, 8)]>

// CHECK: #layout = #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(8, 0), 8:(0, 8)]>
// CHECK-LABEL: tile.kernel @expanded
tile.kernel @expanded(%a: !tile.global<64x64xbf16>) attributes {block = array<i64: 256, 1, 1>, shared_bytes = 33024,
    launch_registers = 128, params = [{kind = "tensor_map", arg = 0, view = [[64], [64]], box = [64, 64], swizzle = 128}]} {
  // CHECK: tile.alloc {offset = 0 : i64} : !tile.shared<2x64x64xbf16, swizzle = 128>
  %buffer = tile.alloc {offset = 0} : !tile.shared<2x64x64xbf16, swizzle = 128>
  %full = tile.alloc {offset = 32768} : !tile.barriers<2>
  %empty = tile.alloc {offset = 32784} : !tile.barriers<2>
  // CHECK: tile.mbarrier_init %{{.*}} count 1 : !tile.barriers<2>
  tile.mbarrier_init %full count 1 : !tile.barriers<2>
  tile.mbarrier_init %empty count 4 : !tile.barriers<2>
  tile.mbarrier_fence_init
  tile.sync
  tile.role @load warps = 1 attributes {first_warp = 0} {
    %c0 = arith.constant 0 : i32
    %i0 = arith.constant 0 : index
    // CHECK: %[[V:.*]] = tile.variable %{{.*}} : !tile.variable
    %v = tile.variable %c0 : !tile.variable
    // CHECK: %[[I:.*]] = tile.get %[[V]] : !tile.variable
    %i = tile.get %v : !tile.variable
    // CHECK: tile.mbarrier_wait %{{.*}}[%[[I]]] parity %{{.*}} : !tile.barriers<2>
    tile.mbarrier_wait %empty[%i] parity %c0 : !tile.barriers<2>
    // CHECK: tile.mbarrier_expect %{{.*}}[%[[I]]] bytes 8192 : !tile.barriers<2>
    tile.mbarrier_expect %full[%i] bytes 8192 : !tile.barriers<2>
    // CHECK: %[[S:.*]] = tile.stage %{{.*}}[%[[I]]] : !tile.shared<2x64x64xbf16, swizzle = 128>
    %s = tile.stage %buffer[%i] : !tile.shared<2x64x64xbf16, swizzle = 128>
    // CHECK: tile.copy %{{.*}} to %[[S]] barrier(%{{.*}}[%[[I]]] : !tile.barriers<2>) {box = array<i64: 64, 64>, param = 0 : i64}
    tile.copy %a[%i0, %i0] to %s barrier(%full[%i] : !tile.barriers<2>) {box = array<i64: 64, 64>, param = 0}
        : !tile.global<64x64xbf16>, !tile.shared<64x64xbf16, swizzle = 128>
    // CHECK: tile.set %[[V]], %{{.*}} : !tile.variable
    tile.set %v, %i : !tile.variable
  }
  // CHECK: tile.role @math warpgroups = 1 attributes {barrier = 1 : i64, first_warp = 4 : i64}
  tile.role @math warpgroups = 1 attributes {barrier = 1, first_warp = 4} {
    %c0 = arith.constant 0 : i32
    %true = arith.constant true
    %f0 = arith.constant 0.0 : f32
    %zero = tile.splat %f0 : f32 to !tile.fragment<64x64xf32, #acc>
    tile.mbarrier_wait %full[%c0] parity %c0 {cluster} : !tile.barriers<2>
    %s = tile.stage %buffer[%c0] : !tile.shared<2x64x64xbf16, swizzle = 128>
    // CHECK: tile.mma_fence
    tile.mma_fence
    %d = tile.mma %s, %s, %zero transpose_b
        : !tile.shared<64x64xbf16, swizzle = 128>, !tile.shared<64x64xbf16, swizzle = 128>, !tile.fragment<64x64xf32, #acc>
    // CHECK: tile.mma_commit
    tile.mma_commit
    // CHECK: tile.mma_wait %{{.*}} : !tile.fragment<64x64xf32, #layout>
    %done = tile.mma_wait %d : !tile.fragment<64x64xf32, #acc>
    // CHECK: tile.mma_wait {in_flight = 1 : i64}
    tile.mma_wait {in_flight = 1}
    // CHECK: tile.mbarrier_arrive %{{.*}}[%{{.*}}] ranks(%{{.*}}) if(%{{.*}}) : !tile.barriers<2>
    tile.mbarrier_arrive %empty[%c0] ranks(%c0) if(%true) : !tile.barriers<2>
    // CHECK: tile.named_barrier %{{.*}} threads 256 arrive if(%{{.*}})
    tile.named_barrier %c0 threads 256 arrive if(%true)
    tile.fence_async
  }
  tile.cluster_sync
}
