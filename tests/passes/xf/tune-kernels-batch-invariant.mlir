// RUN: tilewright-opt %s -xf-tune-kernels="batch-invariant sku=h20 sku-directory=%root/autotune/skus" | FileCheck %s

// Every plan adds in one order: nothing is split, what reduces along columns is
// not swapped, blocks of keys have one size. What adds in one order anyway may
// still be swapped.

!x = tensor<?x4096xbf16, #xf.sizes<tokens>>
!wide = tensor<?x4096xf32, #xf.sizes<tokens>>
!parts = tensor<?x64xf32, #xf.sizes<tokens>>
!w = tensor<4096x4096xbf16>
!h = tensor<?x9x64xbf16, #xf.sizes<tokens>>
!k = tensor<?x3x64x64xbf16, #xf.sizes<pages>>
!blocks = tensor<?x?xi32, #xf.sizes<seqs, pages_per_seq>>
!cu = tensor<?xi32, #xf.sizes<seqs + 1>>
!lens = tensor<?xi32, #xf.sizes<seqs>>

// CHECK-LABEL: func @decode_8
// CHECK:         xf.kernel gemm
// CHECK-SAME:    BLOCK_M = 8 : i64
// CHECK-SAME:    split_k = 1 : i64, swap_ab = 1 : i64
// CHECK:         xf.kernel gemm
// CHECK-SAME:    BLOCK_M = 64 : i64
// CHECK-SAME:    split_k = 1 : i64, swap_ab = 0 : i64
// CHECK:         xf.kernel attention
// CHECK-SAME:    config {BLOCK_N = [[#$BLOCK:]] : i64, num_splits = 1 : i64
// CHECK:         xf.kernel row_wise
// CHECK-SAME:    config [[$ROWS:{[^}]*}]]
func.func @decode_8(%x: !x, %w: !w, %n: tensor<4096xbf16>, %q: !h, %kc: !k, %vc: !k, %b: !blocks, %cu: !cu, %lens: !lens) -> (!x, !x, !parts, !h, !x)
    attributes {xf.entry = "decode", xf.bounds = {tokens = 8 : i64, seqs = 8 : i64, rows = 8 : i64, context = 32768 : i64}} {
  %y = xf.kernel gemm (%bx = %x : !x, %bw = %w : !w) -> (!x) {
    %p = xf.matmul %bx, %bw : !x, !w -> !x
    xf.yield %p : !x
  }
  %z, %s = xf.kernel gemm (%bx = %x : !x, %bw = %w : !w) -> (!x, !parts) {
    %p = xf.matmul %bx, %bw : !x, !w -> !x
    %q0 = xf.sum_squares %p chunk = 64 : !x -> !parts
    xf.yield %p, %q0 : !x, !parts
  }
  %o = xf.kernel attention (%bq = %q : !h, %bk = %kc : !k, %bv = %vc : !k, %bb = %b : !blocks, %bc = %cu : !cu, %bl = %lens : !lens) -> (!h) {
    %a = xf.attention %bq, %bk, %bv, %bb, %bc, %bl scale = 0.125 : !h, !k, !blocks, !cu, !lens
    xf.yield %a : !h
  }
  %r = xf.kernel row_wise (%bx = %x : !x, %bn = %n : tensor<4096xbf16>) -> (!x) {
    %m = xf.rms_norm %bx, %bn, epsilon = 1.0e-5 : !x, tensor<4096xbf16>
    xf.yield %m : !x
  }
  return %y, %z, %s, %o, %r : !x, !x, !parts, !h, !x
}

// CHECK-LABEL: func @prefill_2048
// CHECK:         xf.kernel gemm
// CHECK-SAME:    split_k = 1 : i64, swap_ab = 0 : i64
// CHECK:         xf.kernel attention
// CHECK-SAME:    config {BLOCK_M = {{[0-9]+}} : i64, BLOCK_N = [[#$BLOCK]] : i64
// CHECK:         xf.kernel row_wise
// CHECK-SAME:    config [[$ROWS]]
func.func @prefill_2048(%x: !x, %w: !w, %n: tensor<4096xbf16>, %q: !h, %kc: !k, %vc: !k, %b: !blocks, %cu: !cu, %lens: !lens) -> (!x, !parts, !h, !x)
    attributes {xf.entry = "prefill", xf.bounds = {tokens = 2048 : i64, seqs = 64 : i64, rows = 64 : i64, context = 32768 : i64}} {
  %z, %s = xf.kernel gemm (%bx = %x : !x, %bw = %w : !w) -> (!x, !parts) {
    %p = xf.matmul %bx, %bw : !x, !w -> !x
    %q0 = xf.sum_squares %p chunk = 64 : !x -> !parts
    xf.yield %p, %q0 : !x, !parts
  }
  %o = xf.kernel attention (%bq = %q : !h, %bk = %kc : !k, %bv = %vc : !k, %bb = %b : !blocks, %bc = %cu : !cu, %bl = %lens : !lens) -> (!h) {
    %a = xf.attention %bq, %bk, %bv, %bb, %bc, %bl scale = 0.125 : !h, !k, !blocks, !cu, !lens
    xf.yield %a : !h
  }
  %r = xf.kernel row_wise (%bx = %x : !x, %bn = %n : tensor<4096xbf16>) -> (!x) {
    %m = xf.rms_norm %bx, %bn, epsilon = 1.0e-5 : !x, tensor<4096xbf16>
    xf.yield %m : !x
  }
  return %z, %s, %o, %r : !x, !parts, !h, !x
}
