// RUN: tilewright-opt %s -xf-tune-kernels="sku=h800-sxm sku-directory=%root/autotune/skus" | FileCheck %s
// RUN: tilewright-opt %s -xf-tune-kernels="sku=h20 sku-directory=%root/autotune/skus" | FileCheck %s --check-prefix=H20
// RUN: tilewright-opt %s -xf-tune-kernels="sku=%root/autotune/skus/h200.json" | FileCheck %s --check-prefix=PATH

!x = tensor<?x576xbf16, #xf.sizes<tokens>>
!y = tensor<?x960xbf16, #xf.sizes<tokens>>
!h = tensor<?x9x64xbf16, #xf.sizes<tokens>>
!k = tensor<?x3x64x64xbf16, #xf.sizes<pages>>
!blocks = tensor<?x?xi32, #xf.sizes<seqs, pages_per_seq>>
!cu = tensor<?xi32, #xf.sizes<seqs + 1>>
!lens = tensor<?xi32, #xf.sizes<seqs>>

// Few tokens: the weights take the side that has 64 rows at least.
// CHECK-LABEL: func @decode_8
// CHECK:         xf.kernel gemm
// CHECK-SAME:    config {{{.*}}BLOCK_M = 8 : i64{{.*}}slice = {{[0-9]+}} : i64{{.*}}swap_ab = 1 : i64}
// CHECK-SAME:    reason "{{.*}} of h800-sxm; {{.*}} at 8 tokens {{.*}}; weights on the M side, because tokens are few"
// CHECK:         xf.kernel attention
// CHECK-SAME:    num_splits
// CHECK-SAME:    reason "{{.*}} at 8 sequences of 2048 keys;
// H20-LABEL: func @decode_8
// H20:         reason "{{.*}} of h20;
// PATH-LABEL: func @decode_8
// PATH:         reason "{{.*}} of h200;
func.func @decode_8(%x: !x, %w: tensor<960x576xbf16>, %q: !h, %kc: !k, %vc: !k, %b: !blocks, %cu: !cu, %lens: !lens) -> (!y, !h)
    attributes {xf.entry = "decode", xf.bounds = {tokens = 8 : i64, seqs = 8 : i64, rows = 8 : i64, context = 2048 : i64}} {
  %y = xf.kernel gemm (%bx = %x : !x, %bw = %w : tensor<960x576xbf16>) -> (!y) {
    %p = xf.matmul %bx, %bw : !x, tensor<960x576xbf16> -> !y
    xf.yield %p : !y
  }
  %o = xf.kernel attention (%bq = %q : !h, %bk = %kc : !k, %bv = %vc : !k, %bb = %b : !blocks, %bc = %cu : !cu, %bl = %lens : !lens) -> (!h) {
    %a = xf.attention %bq, %bk, %bv, %bb, %bc, %bl scale = 0.125 : !h, !k, !blocks, !cu, !lens
    xf.yield %a : !h
  }
  return %y, %o : !y, !h
}

// Many: tokens take it. Attention is that of prefill. The kernel on chosen rows
// is tuned for their number.
// CHECK-LABEL: func @prefill_2048
// CHECK:         xf.kernel gemm
// CHECK-SAME:    swap_ab = 0 : i64
// CHECK:         xf.kernel attention
// CHECK-SAME:    math_warpgroups
// CHECK:         xf.kernel row_wise
// CHECK-SAME:    reason "{{.*}} at 16 rows on h800-sxm"
// CHECK:         xf.kernel sample
// CHECK-SAME:    config {keep_row = 0 : i64, warps = {{[0-9]+}} : i64}
func.func @prefill_2048(%x: !x, %w: tensor<960x576xbf16>, %q: !h, %kc: !k, %vc: !k, %b: !blocks, %cu: !cu, %lens: !lens,
                        %rows: tensor<?xi32, #xf.sizes<rows>>) -> (!y, !h, tensor<?xi32, #xf.sizes<rows>>)
    attributes {xf.entry = "prefill", xf.bounds = {tokens = 2048 : i64, seqs = 64 : i64, rows = 16 : i64, context = 2048 : i64}} {
  %y = xf.kernel gemm (%bx = %x : !x, %bw = %w : tensor<960x576xbf16>) -> (!y) {
    %p = xf.matmul %bx, %bw : !x, tensor<960x576xbf16> -> !y
    xf.yield %p : !y
  }
  %o = xf.kernel attention (%bq = %q : !h, %bk = %kc : !k, %bv = %vc : !k, %bb = %b : !blocks, %bc = %cu : !cu, %bl = %lens : !lens) -> (!h) {
    %a = xf.attention %bq, %bk, %bv, %bb, %bc, %bl scale = 0.125 : !h, !k, !blocks, !cu, !lens
    xf.yield %a : !h
  }
  %r = xf.kernel row_wise (%bx = %x : !x, %br = %rows : tensor<?xi32, #xf.sizes<rows>>) -> (tensor<?x576xbf16, #xf.sizes<rows>>) {
    %g = xf.gather_rows %bx, %br : !x, tensor<?xi32, #xf.sizes<rows>> -> tensor<?x576xbf16, #xf.sizes<rows>>
    xf.yield %g : tensor<?x576xbf16, #xf.sizes<rows>>
  }
  %t = xf.kernel sample (%bx = %r : tensor<?x576xbf16, #xf.sizes<rows>>) -> (tensor<?xi32, #xf.sizes<rows>>) {
    %a = xf.argmax %bx : tensor<?x576xbf16, #xf.sizes<rows>> -> tensor<?xi32, #xf.sizes<rows>>
    xf.yield %a : tensor<?xi32, #xf.sizes<rows>>
  }
  return %y, %o, %t : !y, !h, tensor<?xi32, #xf.sizes<rows>>
}

// Parts divided by hand keep their blocks and number.
// CHECK-LABEL: func @parts
// CHECK:         xf.kernel attention
// CHECK-SAME:    config {BLOCK_N = 32 : i64, num_splits = 4 : i64, num_stages = {{[0-9]+}} : i64}
// CHECK:         xf.kernel attention
// CHECK-SAME:    config {ROWS = {{[0-9]+}} : i64, warps = {{[0-9]+}} : i64}
func.func @parts(%q: !h, %kc: !k, %vc: !k, %b: !blocks, %cu: !cu, %lens: !lens) -> !h
    attributes {xf.entry = "decode", xf.bounds = {tokens = 8 : i64, seqs = 8 : i64, rows = 8 : i64, context = 2048 : i64}} {
  %p, %lse = xf.kernel attention (%bq = %q : !h, %bk = %kc : !k, %bv = %vc : !k, %bb = %b : !blocks, %bc = %cu : !cu, %bl = %lens : !lens)
      -> (tensor<?x4x9x64xf32, #xf.sizes<tokens>>, tensor<?x4x9xf32, #xf.sizes<tokens>>) {
    %a, %l = xf.attention_partial %bq, %bk, %bv, %bb, %bc, %bl scale = 0.125 splits = 4 block = 32 : !h, !k, !blocks, !cu, !lens
        -> tensor<?x4x9x64xf32, #xf.sizes<tokens>>, tensor<?x4x9xf32, #xf.sizes<tokens>>
    xf.yield %a, %l : tensor<?x4x9x64xf32, #xf.sizes<tokens>>, tensor<?x4x9xf32, #xf.sizes<tokens>>
  }
  %o = xf.kernel attention (%bp = %p : tensor<?x4x9x64xf32, #xf.sizes<tokens>>, %bl = %lse : tensor<?x4x9xf32, #xf.sizes<tokens>>) -> (!h) {
    %c = xf.attention_combine %bp, %bl : tensor<?x4x9x64xf32, #xf.sizes<tokens>>, tensor<?x4x9xf32, #xf.sizes<tokens>> -> !h
    xf.yield %c : !h
  }
  return %o : !h
}
