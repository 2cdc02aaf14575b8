// RUN: tilewright-opt %s -xf-pair-rope-columns | FileCheck %s
// RUN: tilewright-opt %s -xf-pair-rope-columns="distance=2" | FileCheck %s --check-prefix=TWO

!x = tensor<?x32xbf16, #xf.sizes<tokens>>
!y = tensor<?x64xbf16, #xf.sizes<tokens>>
!h = tensor<?x2x32xbf16, #xf.sizes<tokens>>
!t = tensor<16x16x2xf32>
!i = tensor<?xi32, #xf.sizes<tokens>>

// CHECK-LABEL: func @plain
// CHECK:         %[[W:.*]] = xf.weight "q"
// CHECK:         %[[G:.*]] = xf.regroup_rows %[[W]] period = 32 extent = 32 from = 16 to = 8 : tensor<64x32xbf16>
// CHECK-NEXT:    %[[Y:.*]] = xf.matmul %{{.*}}, %[[G]]
// CHECK-NEXT:    %[[H:.*]] = xf.reshape %[[Y]]
// CHECK-NEXT:    %[[R:.*]] = xf.rope %[[H]], {{.*}} pair_distance = 8
// CHECK-NEXT:    %[[Q:.*]] = xf.regroup_columns %[[R]] period = 32 extent = 32 from = 8 to = 16
// CHECK-NEXT:    return %[[Q]]
// TWO-LABEL: func @plain
// TWO:         xf.regroup_rows {{.*}} from = 16 to = 2
// TWO:         xf.rope {{.*}} pair_distance = 2
// TWO:         xf.regroup_columns {{.*}} from = 2 to = 16
func.func @plain(%x: !x, %table: !t, %positions: !i) -> !h {
  %w = xf.weight "q" from bf16 : tensor<64x32xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x32xbf16> -> !y
  %heads = xf.reshape %y : !y to !h
  %q = xf.rope %heads, %table, %positions pair_distance = 16 : !h, !t, !i
  return %q : !h
}

// What has one number per column is regrouped with the columns.
// CHECK-LABEL: func @bias_and_head_norm
// CHECK-DAG:     %[[B:.*]] = xf.weight "bias"
// CHECK-DAG:     %[[N:.*]] = xf.weight "norm"
// CHECK:         %[[GB:.*]] = xf.regroup_rows %[[B]] period = 32 extent = 32 from = 16 to = 8 : tensor<64xbf16>
// CHECK:         xf.add %{{.*}}, %[[GB]]
// CHECK:         %[[GN:.*]] = xf.regroup_rows %[[N]] period = 32 extent = 32 from = 16 to = 8 : tensor<32xbf16>
// CHECK:         xf.rms_norm %{{.*}}, %[[GN]]
func.func @bias_and_head_norm(%x: !x, %table: !t, %positions: !i) -> !h {
  %w = xf.weight "q" from bf16 : tensor<64x32xbf16>
  %b = xf.weight "bias" from bf16 : tensor<64xbf16>
  %n = xf.weight "norm" from bf16 : tensor<32xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x32xbf16> -> !y
  %z = xf.add %y, %b : !y, tensor<64xbf16>
  %heads = xf.reshape %z : !y to !h
  %normed = xf.rms_norm %heads, %n, epsilon = 1.0e-6 : !h, tensor<32xbf16>
  %q = xf.rope %normed, %table, %positions pair_distance = 16 : !h, !t, !i
  return %q : !h
}

// Half of each head turns; the rest stays where it is.
// CHECK-LABEL: func @part_of_a_head
// CHECK-NOT:     regroup
// TWO-LABEL: func @part_of_a_head
// TWO:         xf.regroup_rows {{.*}} period = 32 extent = 16 from = 8 to = 2
// TWO:         xf.rope {{.*}} pair_distance = 2
// TWO:         xf.regroup_columns {{.*}} period = 32 extent = 16 from = 2 to = 8
func.func @part_of_a_head(%x: !x, %table: tensor<16x8x2xf32>, %positions: !i) -> !h {
  %w = xf.weight "q" from bf16 : tensor<64x32xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x32xbf16> -> !y
  %heads = xf.reshape %y : !y to !h
  %q = xf.rope %heads, %table, %positions pair_distance = 8 : !h, tensor<16x8x2xf32>, !i
  return %q : !h
}

// CHECK-LABEL: func @at_this_distance
// CHECK-NOT:     regroup
func.func @at_this_distance(%x: !x, %table: !t, %positions: !i) -> !h {
  %w = xf.weight "q" from bf16 : tensor<64x32xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x32xbf16> -> !y
  %heads = xf.reshape %y : !y to !h
  %q = xf.rope %heads, %table, %positions pair_distance = 8 : !h, !t, !i
  return %q : !h
}

// CHECK-LABEL: func @too_few_pairs
// CHECK-NOT:     regroup
func.func @too_few_pairs(%x: !x, %table: tensor<16x6x2xf32>, %positions: !i) -> !h {
  %w = xf.weight "q" from bf16 : tensor<64x32xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x32xbf16> -> !y
  %heads = xf.reshape %y : !y to !h
  %q = xf.rope %heads, %table, %positions pair_distance = 6 : !h, tensor<16x6x2xf32>, !i
  return %q : !h
}

// CHECK-LABEL: func @another_user
// CHECK-NOT:     regroup
func.func @another_user(%x: !x, %table: !t, %positions: !i) -> (!h, !y) {
  %w = xf.weight "q" from bf16 : tensor<64x32xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x32xbf16> -> !y
  %heads = xf.reshape %y : !y to !h
  %q = xf.rope %heads, %table, %positions pair_distance = 16 : !h, !t, !i
  return %q, %y : !h, !y
}

// CHECK-LABEL: func @weight_from_outside
// CHECK-NOT:     regroup
func.func @weight_from_outside(%x: !x, %w: tensor<64x32xbf16>, %table: !t, %positions: !i) -> !h {
  %y = xf.matmul %x, %w : !x, tensor<64x32xbf16> -> !y
  %heads = xf.reshape %y : !y to !h
  %q = xf.rope %heads, %table, %positions pair_distance = 16 : !h, !t, !i
  return %q : !h
}

// CHECK-LABEL: func @residual_on_the_way
// CHECK-NOT:     regroup
func.func @residual_on_the_way(%x: !x, %r: !y, %table: !t, %positions: !i) -> !h {
  %w = xf.weight "q" from bf16 : tensor<64x32xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x32xbf16> -> !y
  %z = xf.add %y, %r : !y, !y
  %heads = xf.reshape %z : !y to !h
  %q = xf.rope %heads, %table, %positions pair_distance = 16 : !h, !t, !i
  return %q : !h
}

// An activation does the same to every column, but it is not of this chain.
// CHECK-LABEL: func @unknown_op_on_the_way
// CHECK-NOT:     regroup
func.func @unknown_op_on_the_way(%x: !x, %table: !t, %positions: !i) -> !h {
  %w = xf.weight "q" from bf16 : tensor<64x32xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x32xbf16> -> !y
  %z = xf.activation silu %y : !y
  %heads = xf.reshape %z : !y to !h
  %q = xf.rope %heads, %table, %positions pair_distance = 16 : !h, !t, !i
  return %q : !h
}

// The norm is over parts of a head: its weight has no number for each column
// of one.
// CHECK-LABEL: func @norm_over_less_than_a_head
// CHECK-NOT:     regroup
func.func @norm_over_less_than_a_head(%x: !x, %table: !t, %positions: !i) -> !h {
  %w = xf.weight "q" from bf16 : tensor<64x32xbf16>
  %n = xf.weight "norm" from bf16 : tensor<16xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x32xbf16> -> !y
  %parts = xf.reshape %y : !y to tensor<?x4x16xbf16, #xf.sizes<tokens>>
  %normed = xf.rms_norm %parts, %n, epsilon = 1.0e-6 : tensor<?x4x16xbf16, #xf.sizes<tokens>>, tensor<16xbf16>
  %heads = xf.reshape %normed : tensor<?x4x16xbf16, #xf.sizes<tokens>> to !h
  %q = xf.rope %heads, %table, %positions pair_distance = 16 : !h, !t, !i
  return %q : !h
}
