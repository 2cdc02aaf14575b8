// RUN: tilewright-opt %s -tile-plan-shared-memory -split-input-file | FileCheck %s

// The most aligned first, so that there are no gaps.
// CHECK-LABEL: tile.kernel @offsets
// CHECK-SAME:    shared_bytes = 17440 : i64
tile.kernel @offsets() attributes {warps = 4} {
  // CHECK: tile.alloc {offset = 17408 : i64} : !tile.barriers<4>
  %full = tile.alloc : !tile.barriers<4>
  // CHECK: tile.alloc {offset = 16384 : i64} : !tile.shared<256xf32>
  %bias = tile.alloc : !tile.shared<256xf32>
  // CHECK: tile.alloc {offset = 0 : i64} : !tile.shared<2x64x64xbf16, swizzle = 128>
  %buffer = tile.alloc : !tile.shared<2x64x64xbf16, swizzle = 128>
}

// -----

// Ops of a role that need scratch share it; each replica has its own. Nothing
// is needed inside a warp.
#two = #tile.layout<thread = [32:(1, 0), 4:(0, 1)], register = []>
#one = #tile.layout<thread = [32:(1, 0), 4:(0, 0)], register = []>
#lanes = #tile.layout<thread = [32:(0, 1), 4:(1, 0)], register = []>
#sums = #tile.layout<thread = [32:(0, 0), 4:(1, 0)], register = []>
#other = #tile.layout<thread = [4:(0, 1), 32:(1, 0)], register = []>
// CHECK-LABEL: tile.kernel @scratch
// CHECK-SAME:    shared_bytes = 1024 : i64
tile.kernel @scratch(%x: f32) {
  // CHECK-DAG: %[[REDUCE:.*]] = tile.alloc {offset = 0 : i64, overlay = "scratch.math"} : !tile.shared<2x512xi8>
  // CHECK-DAG: %[[CONVERT:.*]] = tile.alloc {offset = 0 : i64, overlay = "scratch.math"} : !tile.shared<2x32x4xf32>
  tile.role @math warpgroups = 1 replicas = 2 (%replica) {
    // CHECK-DAG: %[[MINE:.*]] = tile.stage %[[REDUCE]][%{{.*}}]
    // CHECK-DAG: %[[MINE2:.*]] = tile.stage %[[CONVERT]][%{{.*}}]
    %f = tile.splat %x : f32 to !tile.fragment<32x4xf32, #two>
    // CHECK: tile.reduce add %{{.*}} 1 scratch(%[[MINE]] :
    %s = tile.reduce add %f 1 : !tile.fragment<32x4xf32, #two> to !tile.fragment<32x1xf32, #one>
    // CHECK: tile.convert %{{.*}} scratch(%[[MINE2]] :
    %c = tile.convert %f : !tile.fragment<32x4xf32, #two> to !tile.fragment<32x4xf32, #other>
    %g = tile.splat %x : f32 to !tile.fragment<4x32xf32, #lanes>
    // CHECK: tile.reduce add %{{.*}} 1 :
    %t = tile.reduce add %g 1 : !tile.fragment<4x32xf32, #lanes> to !tile.fragment<4x1xf32, #sums>
  }
}
