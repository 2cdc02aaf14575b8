// RUN: tilewright-opt %s -xf-tune-kernels="sku=h800-sxm sku-directory=%root/autotune/skus" -split-input-file -verify-diagnostics
// RUN: not tilewright-opt %s -xf-tune-kernels="sku=h900 sku-directory=%root/autotune/skus" -split-input-file 2>&1 | FileCheck %s

// CHECK: error: unknown SKU 'h900'; known: {{.*}}h20, h200, h800-sxm

// expected-error @+1 {{has no 'seqs' in 'xf.bounds'; run xf-make-plans first}}
func.func @no_bounds() attributes {xf.bounds = {tokens = 8 : i64}} {
  return
}

// -----

!x = tensor<?x8xbf16, #xf.sizes<tokens>>

func.func @gemm_without_matmul(%x: !x) -> !x
    attributes {xf.bounds = {tokens = 8 : i64, seqs = 8 : i64, rows = 8 : i64, context = 64 : i64}} {
  // expected-error @+1 {{of the gemm family expects one 'xf.matmul' in its region}}
  %y = xf.kernel gemm (%bx = %x : !x) -> (!x) {
    %z = xf.scale %bx by 2.0 : !x
    xf.yield %z : !x
  }
  return %y : !x
}

// -----

!x = tensor<?x8xbf16, #xf.sizes<tokens>>

func.func @attention_without_attention(%x: !x) -> !x
    attributes {xf.bounds = {tokens = 8 : i64, seqs = 8 : i64, rows = 8 : i64, context = 64 : i64}} {
  // expected-error @+1 {{of the attention family expects one 'xf.attention' in its region}}
  %y = xf.kernel attention (%bx = %x : !x) -> (!x) {
    %z = xf.scale %bx by 2.0 : !x
    xf.yield %z : !x
  }
  return %y : !x
}
