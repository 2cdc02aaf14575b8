// RUN: tilewright-opt %s -xf-pair-gate-columns | FileCheck %s
// RUN: tilewright-opt %s -xf-pair-gate-columns="distance=4" | FileCheck %s --check-prefix=FOUR

!x = tensor<?x8xbf16, #xf.sizes<tokens>>
!y = tensor<?x64xbf16, #xf.sizes<tokens>>
!z = tensor<?x32xbf16, #xf.sizes<tokens>>

// CHECK-LABEL: func @halves
// CHECK:         %[[W:.*]] = xf.weight "gate_up"
// CHECK-NEXT:    %[[G:.*]] = xf.regroup_rows %[[W]] period = 64 extent = 64 from = 32 to = 8 : tensor<64x8xbf16>
// CHECK-NEXT:    %[[Y:.*]] = xf.matmul %{{.*}}, %[[G]]
// CHECK-NEXT:    xf.gated_activation silu %[[Y]] pair_distance = 8
// FOUR-LABEL: func @halves
// FOUR:         xf.regroup_rows {{.*}} from = 32 to = 4
// FOUR:         xf.gated_activation silu {{.*}} pair_distance = 4
func.func @halves(%x: !x) -> !z {
  %w = xf.weight "gate_up" from bf16 : tensor<64x8xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x8xbf16> -> !y
  %z = xf.gated_activation silu %y pair_distance = 32 : !y -> !z
  return %z : !z
}

// CHECK-LABEL: func @at_this_distance
// CHECK-NOT:     xf.regroup_rows
func.func @at_this_distance(%x: !x) -> !z {
  %w = xf.weight "gate_up" from bf16 : tensor<64x8xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x8xbf16> -> !y
  %z = xf.gated_activation silu %y pair_distance = 8 : !y -> !z
  return %z : !z
}

// CHECK-LABEL: func @product_has_another_user
// CHECK-NOT:     xf.regroup_rows
func.func @product_has_another_user(%x: !x) -> (!z, !y) {
  %w = xf.weight "gate_up" from bf16 : tensor<64x8xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x8xbf16> -> !y
  %z = xf.gated_activation silu %y pair_distance = 32 : !y -> !z
  return %z, %y : !z, !y
}

// CHECK-LABEL: func @weight_from_outside
// CHECK-NOT:     xf.regroup_rows
func.func @weight_from_outside(%x: !x, %w: tensor<64x8xbf16>) -> !z {
  %y = xf.matmul %x, %w : !x, tensor<64x8xbf16> -> !y
  %z = xf.gated_activation silu %y pair_distance = 32 : !y -> !z
  return %z : !z
}

// CHECK-LABEL: func @no_product
// CHECK-NOT:     xf.regroup_rows
func.func @no_product(%y: !y) -> !z {
  %z = xf.gated_activation silu %y pair_distance = 32 : !y -> !z
  return %z : !z
}

// 24 columns do not divide into groups of 16.
// CHECK-LABEL: func @pairs_left_over
// CHECK-NOT:     xf.regroup_rows
func.func @pairs_left_over(%x: !x) -> tensor<?x12xbf16, #xf.sizes<tokens>> {
  %w = xf.weight "gate_up" from bf16 : tensor<24x8xbf16>
  %y = xf.matmul %x, %w : !x, tensor<24x8xbf16> -> tensor<?x24xbf16, #xf.sizes<tokens>>
  %z = xf.gated_activation silu %y pair_distance = 12 : tensor<?x24xbf16, #xf.sizes<tokens>> -> tensor<?x12xbf16, #xf.sizes<tokens>>
  return %z : tensor<?x12xbf16, #xf.sizes<tokens>>
}

// CHECK-LABEL: func @bias
// CHECK:         %[[W:.*]] = xf.weight "gate_up"
// CHECK:         %[[B:.*]] = xf.weight "bias"
// CHECK:         %[[GW:.*]] = xf.regroup_rows %[[W]] period = 64 extent = 64 from = 32 to = 8 : tensor<64x8xbf16>
// CHECK:         xf.matmul %{{.*}}, %[[GW]]
// CHECK:         %[[GB:.*]] = xf.regroup_rows %[[B]] period = 64 extent = 64 from = 32 to = 8 : tensor<64xbf16>
// CHECK:         xf.add %{{.*}}, %[[GB]]
// CHECK:         xf.gated_activation silu %{{.*}} pair_distance = 8
func.func @bias(%x: !x) -> !z {
  %w = xf.weight "gate_up" from bf16 : tensor<64x8xbf16>
  %b = xf.weight "bias" from bf16 : tensor<64xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x8xbf16> -> !y
  %s = xf.add %y, %b : !y, tensor<64xbf16>
  %z = xf.gated_activation silu %s pair_distance = 32 : !y -> !z
  return %z : !z
}

// CHECK-LABEL: func @residual
// CHECK-NOT:     xf.regroup_rows
func.func @residual(%x: !x, %r: !y) -> !z {
  %w = xf.weight "gate_up" from bf16 : tensor<64x8xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x8xbf16> -> !y
  %s = xf.add %y, %r : !y, !y
  %z = xf.gated_activation silu %s pair_distance = 32 : !y -> !z
  return %z : !z
}
