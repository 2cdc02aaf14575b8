// RUN: tilewright-opt %s -tile-collect-parameters -split-input-file | FileCheck %s

// Tensor maps for copies, pointers and sizes for accesses; equal maps are one.
// 512 rows are cut in boxes of 256, rows of 256 bytes in panels of 128.
// CHECK-LABEL: tile.kernel @params
// CHECK-SAME:    block = array<i64: 128, 1, 1>
// CHECK-SAME:    params = [
// CHECK-SAME:      {arg = 0 : i64, box = [256, 64], kind = "tensor_map", swizzle = 128 : i64, view = {{\[\[}}"tokens"], [512]]},
// CHECK-SAME:      {arg = 1 : i64, box = [1, 64, 64], kind = "tensor_map", swizzle = 128 : i64, view = {{\[\[}}"pages"], [64], [64]]},
// CHECK-SAME:      {arg = 0 : i64, kind = "pointer"}, {arg = 2 : i64, kind = "pointer"}, {arg = 3 : i64, kind = "scalar"},
// CHECK-SAME:      {kind = "size", value = "tokens"}, {kind = "size", value = ["add", "seqs", 1]}]
tile.kernel @params(%x: !tile.global<?x512xbf16, [tokens]>, %k: !tile.global<?x64x64xbf16, [pages]>,
                    %cu: !tile.global<?xi32, [["add", "seqs", 1]]>, %scale: f32) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  %full = tile.alloc : !tile.barriers<1>
  %slot = arith.constant 0 : i32
  %s = tile.alloc : !tile.shared<512x128xbf16, swizzle = 128>
  %t = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  // CHECK: tile.copy {{.*}} {box = array<i64: 256, 64>, param = 0 : i64}
  tile.copy %x[%c0, %c0] to %s barrier(%full[%slot] : !tile.barriers<1>) : !tile.global<?x512xbf16, [tokens]>, !tile.shared<512x128xbf16, swizzle = 128>
  // CHECK: tile.copy {{.*}} {box = array<i64: 1, 64, 64>, param = 1 : i64}
  tile.copy %k[%c0, %c0, %c0] to %t barrier(%full[%slot] : !tile.barriers<1>) : !tile.global<?x64x64xbf16, [pages]>, !tile.shared<64x64xbf16, swizzle = 128>
  // CHECK: tile.copy_out {{.*}} {box = array<i64: 256, 64>, param = 0 : i64}
  tile.copy_out %s to %x[%c0, %c0] : !tile.shared<512x128xbf16, swizzle = 128>, !tile.global<?x512xbf16, [tokens]>
  %f = tile.load %x[%c0, %c0] : !tile.global<?x512xbf16, [tokens]> to !tile.fragment<8x512xbf16>
  %n = tile.load_scalar %cu[%c0] : !tile.global<?xi32, [["add", "seqs", 1]]> to i32
}

// -----

// Roles lie on whole warpgroups in their order. 384 threads can have 170
// registers each; budgets go by eight.
// CHECK-LABEL: tile.kernel @roles
// CHECK-SAME:    block = array<i64: 384, 1, 1>, launch_registers = 168 : i64
tile.kernel @roles() {
  // CHECK: tile.role @load {{.*}}first_warp = 0
  tile.role @load warps = 1 registers = 40 {
  }
  // CHECK: tile.role @math {{.*}}first_warp = 4
  tile.role @math warpgroups = 1 replicas = 2 (%i) registers = 232 {
  }
}
