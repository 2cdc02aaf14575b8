// RUN: tilewright-opt %s -xf-fold-norms | FileCheck %s
// RUN: tilewright-opt %s -xf-fold-norms="chunk=4" | FileCheck %s --check-prefix=FOUR

!x = tensor<?x8xbf16, #xf.sizes<tokens>>
!y = tensor<?x16xbf16, #xf.sizes<tokens>>

// CHECK-LABEL: func @into_one_matmul
// CHECK-SAME:    %[[X:[^:]*]]:
// CHECK:         %[[G:.*]] = xf.weight "norm"
// CHECK:         %[[W:.*]] = xf.weight "w"
// CHECK:         %[[P:.*]] = xf.sum_squares %[[X]] chunk = 64 : {{.*}} -> tensor<?x1xf32, #xf.sizes<tokens>>
// CHECK-NEXT:    %[[R:.*]] = xf.rstd %[[P]] count = 8 epsilon = 9.99999974E-6
// CHECK-NEXT:    %[[S:.*]] = xf.scale_columns %[[W]], %[[G]]
// CHECK-NEXT:    %[[A:.*]] = xf.matmul %[[X]], %[[S]] : {{.*}} -> tensor<?x16xf32, #xf.sizes<tokens>>
// CHECK-NEXT:    %[[B:.*]] = xf.scale_rows %[[A]], %[[R]]
// CHECK-NEXT:    %[[Y:.*]] = xf.cast %[[B]]
// CHECK-NEXT:    return %[[Y]]
// CHECK-NOT:     xf.rms_norm
// FOUR-LABEL: func @into_one_matmul
// FOUR:         xf.sum_squares {{.*}} chunk = 4 : {{.*}} -> tensor<?x2xf32, #xf.sizes<tokens>>
func.func @into_one_matmul(%x: !x) -> !y {
  %g = xf.weight "norm" from bf16 : tensor<8xbf16>
  %w = xf.weight "w" from bf16 : tensor<16x8xbf16>
  %n = xf.rms_norm %x, %g, epsilon = 1.0e-5 : !x, tensor<8xbf16>
  %y = xf.matmul %n, %w : !x, tensor<16x8xbf16> -> !y
  return %y : !y
}

// One factor per row for both; a product that is f32 already needs no cast.
// CHECK-LABEL: func @into_two_matmuls
// CHECK-COUNT-1: xf.sum_squares
// CHECK-COUNT-2: xf.scale_rows
// CHECK-NOT:     xf.cast
// CHECK:         return
func.func @into_two_matmuls(%x: !x) -> (tensor<?x16xf32, #xf.sizes<tokens>>, tensor<?x16xf32, #xf.sizes<tokens>>) {
  %g = xf.weight "norm" from bf16 : tensor<8xbf16>
  %w0 = xf.weight "w0" from bf16 : tensor<16x8xbf16>
  %w1 = xf.weight "w1" from bf16 : tensor<16x8xbf16>
  %n = xf.rms_norm %x, %g, epsilon = 1.0e-5 : !x, tensor<8xbf16>
  %y0 = xf.matmul %n, %w0 : !x, tensor<16x8xbf16> -> tensor<?x16xf32, #xf.sizes<tokens>>
  %y1 = xf.matmul %n, %w1 : !x, tensor<16x8xbf16> -> tensor<?x16xf32, #xf.sizes<tokens>>
  return %y0, %y1 : tensor<?x16xf32, #xf.sizes<tokens>>, tensor<?x16xf32, #xf.sizes<tokens>>
}

// CHECK-LABEL: func @no_user
// CHECK:         xf.rms_norm
func.func @no_user(%x: !x) {
  %g = xf.weight "norm" from bf16 : tensor<8xbf16>
  %n = xf.rms_norm %x, %g, epsilon = 1.0e-5 : !x, tensor<8xbf16>
  return
}

// CHECK-LABEL: func @another_user
// CHECK:         xf.rms_norm
// CHECK-NOT:     xf.scale_columns
func.func @another_user(%x: !x) -> (!y, !x) {
  %g = xf.weight "norm" from bf16 : tensor<8xbf16>
  %w = xf.weight "w" from bf16 : tensor<16x8xbf16>
  %n = xf.rms_norm %x, %g, epsilon = 1.0e-5 : !x, tensor<8xbf16>
  %y = xf.matmul %n, %w : !x, tensor<16x8xbf16> -> !y
  return %y, %n : !y, !x
}

// CHECK-LABEL: func @tied_embedding
// CHECK:         xf.rms_norm
// CHECK-NOT:     xf.scale_columns
func.func @tied_embedding(%ids: tensor<?xi32, #xf.sizes<tokens>>) -> !y {
  %g = xf.weight "norm" from bf16 : tensor<8xbf16>
  %w = xf.weight "w" from bf16 : tensor<16x8xbf16>
  %x = xf.embedding %w, %ids : tensor<16x8xbf16>, tensor<?xi32, #xf.sizes<tokens>> -> !x
  %n = xf.rms_norm %x, %g, epsilon = 1.0e-5 : !x, tensor<8xbf16>
  %y = xf.matmul %n, %w : !x, tensor<16x8xbf16> -> !y
  return %y : !y
}

// CHECK-LABEL: func @weight_from_outside
// CHECK:         xf.rms_norm
func.func @weight_from_outside(%x: !x, %w: tensor<16x8xbf16>) -> !y {
  %g = xf.weight "norm" from bf16 : tensor<8xbf16>
  %n = xf.rms_norm %x, %g, epsilon = 1.0e-5 : !x, tensor<8xbf16>
  %y = xf.matmul %n, %w : !x, tensor<16x8xbf16> -> !y
  return %y : !y
}

// CHECK-LABEL: func @norm_weight_from_outside
// CHECK:         xf.rms_norm
func.func @norm_weight_from_outside(%x: !x, %g: tensor<8xbf16>) -> !y {
  %w = xf.weight "w" from bf16 : tensor<16x8xbf16>
  %n = xf.rms_norm %x, %g, epsilon = 1.0e-5 : !x, tensor<8xbf16>
  %y = xf.matmul %n, %w : !x, tensor<16x8xbf16> -> !y
  return %y : !y
}

// CHECK-LABEL: func @over_heads
// CHECK:         xf.rms_norm
func.func @over_heads(%x: tensor<?x2x8xbf16, #xf.sizes<tokens>>) -> tensor<?x2x16xbf16, #xf.sizes<tokens>> {
  %g = xf.weight "norm" from bf16 : tensor<8xbf16>
  %w = xf.weight "w" from bf16 : tensor<16x8xbf16>
  %n = xf.rms_norm %x, %g, epsilon = 1.0e-5 : tensor<?x2x8xbf16, #xf.sizes<tokens>>, tensor<8xbf16>
  %y = xf.matmul %n, %w : tensor<?x2x8xbf16, #xf.sizes<tokens>>, tensor<16x8xbf16> -> tensor<?x2x16xbf16, #xf.sizes<tokens>>
  return %y : tensor<?x2x16xbf16, #xf.sizes<tokens>>
}

// The kernel that picks the rows does the norm for free.
// CHECK-LABEL: func @chosen_rows
// CHECK:         xf.rms_norm
func.func @chosen_rows(%x: !x, %rows: tensor<?xi32, #xf.sizes<rows>>) -> tensor<?x16xbf16, #xf.sizes<rows>> {
  %g = xf.weight "norm" from bf16 : tensor<8xbf16>
  %w = xf.weight "w" from bf16 : tensor<16x8xbf16>
  %r = xf.gather_rows %x, %rows : !x, tensor<?xi32, #xf.sizes<rows>> -> tensor<?x8xbf16, #xf.sizes<rows>>
  %n = xf.rms_norm %r, %g, epsilon = 1.0e-5 : tensor<?x8xbf16, #xf.sizes<rows>>, tensor<8xbf16>
  %y = xf.matmul %n, %w : tensor<?x8xbf16, #xf.sizes<rows>>, tensor<16x8xbf16> -> tensor<?x16xbf16, #xf.sizes<rows>>
  return %y : tensor<?x16xbf16, #xf.sizes<rows>>
}
