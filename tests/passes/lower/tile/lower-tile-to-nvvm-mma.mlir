// RUN: tilewright-opt %s -lower-tile-to-nvvm -canonicalize -cse | FileCheck %s
// RUN: tilewright-translate %s --require-clean | FileCheck %s --check-prefix=PTX

#acc64 = #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(8, 0), 8:(0, 8)]>
#acc128 = #tile.layout<thread = [4:(0, 2), 8:(1, 0), 8:(16, 0)], register = [2:(0, 1), 2:(8, 0), 8:(0, 8)]>

// Two warpgroups, below each other: the second starts 64 rows (8192 bytes) on.
// Four steps of K, each two chunks of 16 bytes on; the zero accumulator is not
// read. The descriptor says 128-byte swizzle and 1024 bytes to the next 8 rows.
// CHECK-LABEL: llvm.func @shared_operands
// CHECK:         %[[GROUP:.*]] = arith.divui %{{.*}}, %c4_i32
// CHECK:         %[[ROWS:.*]] = arith.muli %{{.*}}, %c8192_i32
// CHECK:         arith.ori %{{.*}}, %c4611686293305294848_i64
// CHECK:         llvm.inline_asm {{.*}}setp.ne.b32 scale, 0, 0; wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16
// CHECK-SAME:      scale, 1, 1, 0, 0; }", "=f,
// CHECK:         arith.addi %{{.*}}, %c2_i32
// CHECK:         llvm.inline_asm {{.*}}setp.ne.b32 scale, 1, 0; wgmma
// CHECK:         arith.addi %{{.*}}, %c4_i32
// CHECK:         llvm.inline_asm {{.*}}setp.ne.b32 scale, 1, 0; wgmma
// CHECK:         arith.addi %{{.*}}, %c6_i32
// CHECK:         llvm.inline_asm {{.*}}setp.ne.b32 scale, 1, 0; wgmma
// The results pass through the wait.
// CHECK:         nvvm.wgmma.commit.group.sync.aligned
// CHECK:         llvm.inline_asm {{.*}}wgmma.wait_group.sync.aligned 0;", "=f,{{.*}},0,1,2,

// PTX-LABEL: .entry shared_operands(
// PTX:         wgmma.fence.sync.aligned
// PTX-COUNT-4: wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16
// PTX-NOT:     wgmma.mma_async
// PTX:         wgmma.commit_group.sync.aligned
// PTX:         wgmma.wait_group.sync.aligned 0
tile.kernel @shared_operands(%y: !tile.global<128x64xf32>)
    attributes {warps = 8 : i64, block = array<i64: 256, 1, 1>, shared_bytes = 24576 : i64, params = [{kind = "pointer", arg = 0}]} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<128x64xbf16, swizzle = 128>
  %b = tile.alloc {offset = 16384 : i64} : !tile.shared<64x64xbf16, swizzle = 128>
  %init = tile.splat %zero : f32 to !tile.fragment<128x64xf32, #acc128>
  tile.mma_fence
  %d = tile.mma %a, %b, %init transpose_b : !tile.shared<128x64xbf16, swizzle = 128>, !tile.shared<64x64xbf16, swizzle = 128>, !tile.fragment<128x64xf32, #acc128>
  tile.mma_commit
  %done = tile.mma_wait %d : !tile.fragment<128x64xf32, #acc128>
  tile.store %done to %y[%c0, %c0] : !tile.fragment<128x64xf32, #acc128>, !tile.global<128x64xf32>
}

// A from registers, four words a step; B along N, so that a step of K is 16 rows
// (2048 bytes) on, and the last immediate says it is transposed.
// CHECK-LABEL: llvm.func @register_operand
// CHECK:         llvm.inline_asm {{.*}}wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {{.*}}, {$32, $33, $34, $35}, $36, scale, 1, 1, 1; }"
// CHECK:         arith.addi %{{.*}}, %c128_i32
// CHECK:         wgmma.mma_async

// PTX-LABEL: .entry register_operand(
// PTX-COUNT-4: wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16
tile.kernel @register_operand(%y: !tile.global<64x64xf32>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, shared_bytes = 8192 : i64, params = [{kind = "pointer", arg = 0}]} {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %b = tile.alloc {offset = 0 : i64} : !tile.shared<64x64xbf16, swizzle = 128>
  %init = tile.splat %one : f32 to !tile.fragment<64x64xf32, #acc64>
  %i = tile.iota 0 : !tile.fragment<64x64xi32, #acc64>
  %a = tile.cast %i : !tile.fragment<64x64xi32, #acc64> to !tile.fragment<64x64xbf16, #acc64>
  tile.mma_fence
  %d = tile.mma %a, %b, %init : !tile.fragment<64x64xbf16, #acc64>, !tile.shared<64x64xbf16, swizzle = 128>, !tile.fragment<64x64xf32, #acc64>
  tile.mma_commit
  %done = tile.mma_wait %d : !tile.fragment<64x64xf32, #acc64>
  tile.store %done to %y[%c0, %c0] : !tile.fragment<64x64xf32, #acc64>, !tile.global<64x64xf32>
}

// 8-bit floats: K of 32, and no transposition to say.
// CHECK-LABEL: llvm.func @fp8
// CHECK-COUNT-2: wgmma.mma_async.sync.aligned.m64n64k32.f32.e4m3.e4m3 {{.*}}scale, 1, 1; }"
// PTX-LABEL: .entry fp8(
// PTX-COUNT-2: wgmma.mma_async.sync.aligned.m64n64k32
tile.kernel @fp8(%y: !tile.global<64x64xf32>)
    attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, shared_bytes = 8192 : i64, params = [{kind = "pointer", arg = 0}]} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<64x64xf8E4M3FN, swizzle = 64>
  %b = tile.alloc {offset = 4096 : i64} : !tile.shared<64x64xf8E4M3FN, swizzle = 64>
  %init = tile.splat %zero : f32 to !tile.fragment<64x64xf32, #acc64>
  tile.mma_fence
  %d = tile.mma %a, %b, %init transpose_b : !tile.shared<64x64xf8E4M3FN, swizzle = 64>, !tile.shared<64x64xf8E4M3FN, swizzle = 64>, !tile.fragment<64x64xf32, #acc64>
  tile.mma_commit
  %done = tile.mma_wait %d : !tile.fragment<64x64xf32, #acc64>
  tile.store %done to %y[%c0, %c0] : !tile.fragment<64x64xf32, #acc64>, !tile.global<64x64xf32>
}
