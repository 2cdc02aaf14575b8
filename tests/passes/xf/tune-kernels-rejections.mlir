// RUN: not tilewright-opt %s -xf-tune-kernels="sku=h800-sxm sku-directory=%root/autotune/skus" 2>&1 | FileCheck %s

// CHECK: error: no config of the row_wise family fits this kernel
// CHECK: note: warps=1 ROWS=1 vector=8: the rows do not fit in registers
// CHECK: note: warps=32 ROWS=4 vector=1: the rows do not fit in registers

!x = tensor<?x200000xbf16, #xf.sizes<tokens>>

// A row of 400 kB fits in no CTA's registers.
func.func @row_too_wide(%x: !x, %g: tensor<200000xbf16>) -> !x
    attributes {xf.bounds = {tokens = 8 : i64, seqs = 8 : i64, rows = 8 : i64, context = 64 : i64}} {
  %y = xf.kernel row_wise (%bx = %x : !x, %bg = %g : tensor<200000xbf16>) -> (!x) {
    %n = xf.rms_norm %bx, %bg, epsilon = 1.0e-5 : !x, tensor<200000xbf16>
    xf.yield %n : !x
  }
  return %y : !x
}
