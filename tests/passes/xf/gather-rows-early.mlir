// RUN: tilewright-opt %s -xf-gather-rows-early | FileCheck %s

!x = tensor<?x8xbf16, #xf.sizes<tokens>>
!i = tensor<?xi32, #xf.sizes<rows>>
!r = tensor<?x8xbf16, #xf.sizes<rows>>

// CHECK-LABEL: func @through_norm
// CHECK-SAME:    %[[X:[^:]*]]: tensor<?x8xbf16, #xf.sizes<tokens>>, %[[W:[^:]*]]: tensor<8xbf16>, %[[ROWS:[^:]*]]:
// CHECK-NEXT:    %[[G:.*]] = xf.gather_rows %[[X]], %[[ROWS]]
// CHECK-NEXT:    %[[Y:.*]] = xf.rms_norm %[[G]], %[[W]], epsilon = {{.*}} : tensor<?x8xbf16, #xf.sizes<rows>>
// CHECK-NEXT:    return %[[Y]]
func.func @through_norm(%x: !x, %w: tensor<8xbf16>, %rows: !i) -> !r {
  %n = xf.rms_norm %x, %w, epsilon = 1.0e-5 : !x, tensor<8xbf16>
  %y = xf.gather_rows %n, %rows : !x, !i -> !r
  return %y : !r
}

// CHECK-LABEL: func @through_chain
// CHECK-SAME:    %[[X:[^:]*]]: tensor<?x8xbf16, #xf.sizes<tokens>>
// CHECK-NEXT:    %[[G:.*]] = xf.gather_rows %[[X]]
// CHECK-NEXT:    %[[S:.*]] = xf.scale %[[G]] by
// CHECK-NEXT:    %[[A:.*]] = xf.activation silu %[[S]]
// CHECK-NEXT:    return %[[A]]
func.func @through_chain(%x: !x, %rows: !i) -> !r {
  %s = xf.scale %x by 2.0 : !x
  %a = xf.activation silu %s : !x
  %y = xf.gather_rows %a, %rows : !x, !i -> !r
  return %y : !r
}

// A pair lies in one row.
// CHECK-LABEL: func @through_pairs
// CHECK-NEXT:    %[[G:.*]] = xf.gather_rows
// CHECK-NEXT:    xf.gated_activation silu %[[G]] pair_distance = 8 : tensor<?x16xbf16, #xf.sizes<rows>> -> tensor<?x8xbf16, #xf.sizes<rows>>
func.func @through_pairs(%x: tensor<?x16xbf16, #xf.sizes<tokens>>, %rows: !i) -> !r {
  %a = xf.gated_activation silu %x pair_distance = 8 : tensor<?x16xbf16, #xf.sizes<tokens>> -> !x
  %y = xf.gather_rows %a, %rows : !x, !i -> !r
  return %y : !r
}

// Somebody needs all rows anyway.
// CHECK-LABEL: func @other_user
// CHECK:         %[[N:.*]] = xf.rms_norm
// CHECK-NEXT:    xf.gather_rows %[[N]]
func.func @other_user(%x: !x, %w: tensor<8xbf16>, %rows: !i) -> (!r, !x) {
  %n = xf.rms_norm %x, %w, epsilon = 1.0e-5 : !x, tensor<8xbf16>
  %y = xf.gather_rows %n, %rows : !x, !i -> !r
  return %y, %n : !r, !x
}

// The second operand has rows of its own.
// CHECK-LABEL: func @two_operands_with_rows
// CHECK:         %[[S:.*]] = xf.add
// CHECK-NEXT:    xf.gather_rows %[[S]]
func.func @two_operands_with_rows(%x: !x, %z: !x, %rows: !i) -> !r {
  %s = xf.add %x, %z : !x, !x
  %y = xf.gather_rows %s, %rows : !x, !i -> !r
  return %y : !r
}

// Whatever moves columns between rows stays in front.
// CHECK-LABEL: func @reshaped
// CHECK:         %[[H:.*]] = xf.reshape
// CHECK-NEXT:    xf.gather_rows %[[H]]
func.func @reshaped(%x: tensor<2x16xbf16>, %rows: !i) -> !r {
  %h = xf.reshape %x : tensor<2x16xbf16> to tensor<4x8xbf16>
  %y = xf.gather_rows %h, %rows : tensor<4x8xbf16>, !i -> !r
  return %y : !r
}
