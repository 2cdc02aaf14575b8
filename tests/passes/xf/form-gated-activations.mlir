// RUN: tilewright-opt %s -xf-form-gated-activations | FileCheck %s

!x = tensor<?x32xbf16, #xf.sizes<tokens>>
!h = tensor<?x16xbf16, #xf.sizes<tokens>>

// CHECK-LABEL: func @gate_first
// CHECK-SAME:    %[[X:[^:]*]]:
// CHECK:         %[[Z:.*]] = xf.gated_activation silu %[[X]] pair_distance = 16
// CHECK-NEXT:    return %[[Z]]
func.func @gate_first(%x: !x) -> !h {
  %gate, %up = xf.split %x dim 1 : !x -> !h, !h
  %a = xf.activation silu %gate : !h
  %z = xf.mul %a, %up : !h, !h
  return %z : !h
}

// CHECK-LABEL: func @activation_on_the_right
// CHECK:         xf.gated_activation gelu_tanh %{{.*}} pair_distance = 16
// CHECK-NOT:     xf.mul
func.func @activation_on_the_right(%x: !x) -> !h {
  %gate, %up = xf.split %x dim 1 : !x -> !h, !h
  %a = xf.activation gelu_tanh %gate : !h
  %z = xf.mul %up, %a : !h, !h
  return %z : !h
}

// CHECK-LABEL: func @gate_second
// CHECK-NOT:     xf.gated_activation
func.func @gate_second(%x: !x) -> !h {
  %up, %gate = xf.split %x dim 1 : !x -> !h, !h
  %a = xf.activation silu %gate : !h
  %z = xf.mul %a, %up : !h, !h
  return %z : !h
}

// CHECK-LABEL: func @no_activation
// CHECK-NOT:     xf.gated_activation
func.func @no_activation(%x: !x) -> !h {
  %gate, %up = xf.split %x dim 1 : !x -> !h, !h
  %z = xf.mul %gate, %up : !h, !h
  return %z : !h
}

// CHECK-LABEL: func @activation_has_another_user
// CHECK-NOT:     xf.gated_activation
func.func @activation_has_another_user(%x: !x) -> (!h, !h) {
  %gate, %up = xf.split %x dim 1 : !x -> !h, !h
  %a = xf.activation silu %gate : !h
  %z = xf.mul %a, %up : !h, !h
  return %z, %a : !h, !h
}

// CHECK-LABEL: func @partner_from_elsewhere
// CHECK-NOT:     xf.gated_activation
func.func @partner_from_elsewhere(%x: !x, %other: !h) -> !h {
  %gate, %up = xf.split %x dim 1 : !x -> !h, !h
  %a = xf.activation silu %gate : !h
  %z = xf.mul %a, %other : !h, !h
  return %z : !h
}

// CHECK-LABEL: func @not_a_half
// CHECK-NOT:     xf.gated_activation
func.func @not_a_half(%gate: !h, %up: !h) -> !h {
  %a = xf.activation silu %gate : !h
  %z = xf.mul %a, %up : !h, !h
  return %z : !h
}

// CHECK-LABEL: func @three_pieces
// CHECK-NOT:     xf.gated_activation
func.func @three_pieces(%x: tensor<?x48xbf16, #xf.sizes<tokens>>) -> !h {
  %gate, %up, %rest = xf.split %x dim 1 : tensor<?x48xbf16, #xf.sizes<tokens>> -> !h, !h, !h
  %a = xf.activation silu %gate : !h
  %z = xf.mul %a, %up : !h, !h
  return %z : !h
}

// CHECK-LABEL: func @split_of_rows
// CHECK-NOT:     xf.gated_activation
func.func @split_of_rows(%x: tensor<8x4xbf16>) -> tensor<4x4xbf16> {
  %gate, %up = xf.split %x dim 0 : tensor<8x4xbf16> -> tensor<4x4xbf16>, tensor<4x4xbf16>
  %a = xf.activation silu %gate : tensor<4x4xbf16>
  %z = xf.mul %a, %up : tensor<4x4xbf16>, tensor<4x4xbf16>
  return %z : tensor<4x4xbf16>
}
