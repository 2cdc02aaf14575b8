// RUN: tilewright-opt %s -xf-hoist-weights | FileCheck %s

// CHECK-LABEL: func @chain_moves_in_order
// CHECK-NEXT:    %[[B:.*]] = xf.weight "b"
// CHECK-NEXT:    %[[A:.*]] = xf.weight "a"
// CHECK-NEXT:    %[[BOTH:.*]] = xf.concat %[[A]], %[[B]] dim 0
// CHECK-NEXT:    %[[X2:.*]] = xf.add
// CHECK-NEXT:    %[[Y:.*]] = xf.matmul %[[X2]], %[[BOTH]]
func.func @chain_moves_in_order(%x: tensor<4x8xbf16>) -> tensor<4x32xbf16> {
  %x2 = xf.add %x, %x : tensor<4x8xbf16>, tensor<4x8xbf16>
  %b = xf.weight "b" from bf16 : tensor<16x8xbf16>
  %a = xf.weight "a" from bf16 : tensor<16x8xbf16>
  %both = xf.concat %a, %b dim 0 : tensor<16x8xbf16>, tensor<16x8xbf16> -> tensor<32x8xbf16>
  %y = xf.matmul %x2, %both : tensor<4x8xbf16>, tensor<32x8xbf16> -> tensor<4x32xbf16>
  return %y : tensor<4x32xbf16>
}

// The op could run at load, but one of its operands is an input.
// CHECK-LABEL: func @depends_on_input
// CHECK-NEXT:    %[[W:.*]] = xf.weight "w"
// CHECK-NEXT:    %[[X2:.*]] = xf.add
// CHECK-NEXT:    xf.concat %[[X2]], %[[W]] dim 0
func.func @depends_on_input(%x: tensor<4x8xbf16>) -> tensor<8x8xbf16> {
  %x2 = xf.add %x, %x : tensor<4x8xbf16>, tensor<4x8xbf16>
  %w = xf.weight "w" from bf16 : tensor<4x8xbf16>
  %y = xf.concat %x2, %w dim 0 : tensor<4x8xbf16>, tensor<4x8xbf16> -> tensor<8x8xbf16>
  return %y : tensor<8x8xbf16>
}

// CHECK-LABEL: func private @declaration
func.func private @declaration(tensor<4x8xbf16>)
