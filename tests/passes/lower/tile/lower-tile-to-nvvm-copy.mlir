// RUN: tilewright-translate %s --require-clean | FileCheck %s

// Two panels of 64 columns; coordinates are innermost first.
// CHECK-LABEL: .entry panels(
// CHECK:         .param .align 64 .b8 panels_param_0[128]
// CHECK:         cvta.param.u64 %[[MAP:rd[0-9]+]]
// CHECK:         cp.async.bulk.tensor.2d.shared::cluster.global{{.*}} [tilewright_shared], [%[[MAP]], {%{{r[0-9]+}}, %[[ROW:r[0-9]+]]}], [tilewright_shared+16384]
// CHECK:         cp.async.bulk.tensor.2d.shared::cluster.global{{.*}} [tilewright_shared+8192], [%[[MAP]], {%{{r[0-9]+}}, %[[ROW]]}]
// CHECK-NOT:     cp.async.bulk.tensor
// CHECK:         ret
tile.kernel @panels(%x: !tile.global<?x256xbf16, [tokens]>)
    attributes {warps = 1 : i64, block = array<i64: 32, 1, 1>, shared_bytes = 16392 : i64, params = [{kind = "tensor_map", arg = 0}]} {
  %slot = arith.constant 0 : i32
  %row = tile.program_id 0 : index
  %k = tile.program_id 1 : index
  %s = tile.alloc {offset = 0 : i64} : !tile.shared<64x128xbf16, swizzle = 128>
  %full = tile.alloc {offset = 16384 : i64} : !tile.barriers<1>
  tile.copy %x[%row, %k] to %s barrier(%full[%slot] : !tile.barriers<1>) {box = array<i64: 64, 64>, param = 0 : i64}
      : !tile.global<?x256xbf16, [tokens]>, !tile.shared<64x128xbf16, swizzle = 128>
}

// In a cluster of two, each CTA copies half of the rows to both.
// CHECK-LABEL: .entry multicast(
// CHECK:         .reqnctapercluster 2, 1, 1
// CHECK:         mov.u32 %{{r[0-9]+}}, %cluster_ctarank
// CHECK:         cp.async.bulk.tensor.2d.shared::cluster.global{{.*}}.multicast::cluster
tile.kernel @multicast(%x: !tile.global<256x64xbf16>)
    attributes {warps = 1 : i64, cluster = array<i64: 2>, block = array<i64: 32, 1, 1>, shared_bytes = 8200 : i64, params = [{kind = "tensor_map", arg = 0}]} {
  %slot = arith.constant 0 : i32
  %c0 = arith.constant 0 : index
  %s = tile.alloc {offset = 0 : i64} : !tile.shared<64x64xbf16, swizzle = 128>
  %full = tile.alloc {offset = 8192 : i64} : !tile.barriers<1>
  tile.copy %x[%c0, %c0] to %s barrier(%full[%slot] : !tile.barriers<1>) {box = array<i64: 32, 64>, param = 0 : i64, multicast = array<i64: 0>}
      : !tile.global<256x64xbf16>, !tile.shared<64x64xbf16, swizzle = 128>
}

// The box of a tensor of higher rank spans its last dimensions; a store is a
// group, for which its thread waits before all others go on.
// CHECK-LABEL: .entry out(
// CHECK:         cp.async.bulk.tensor.3d.global.shared::cta
// CHECK:         cp.async.bulk.commit_group
// CHECK:         cp.async.bulk.wait_group.read 0
// CHECK:         bar.sync 0
// CHECK:         cp.async.bulk.wait_group 0
tile.kernel @out(%x: !tile.global<?x64x64xbf16, [pages]>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, shared_bytes = 8192 : i64, params = [{kind = "tensor_map", arg = 0}]} {
  %c0 = arith.constant 0 : index
  %page = tile.program_id 0 : index
  %s = tile.alloc {offset = 0 : i64} : !tile.shared<64x64xbf16, swizzle = 128>
  tile.copy_out %s to %x[%page, %c0, %c0] {box = array<i64: 1, 64, 64>, param = 0 : i64} : !tile.shared<64x64xbf16, swizzle = 128>, !tile.global<?x64x64xbf16, [pages]>
  tile.copy_wait 0
  tile.copy_wait 0 written
}
