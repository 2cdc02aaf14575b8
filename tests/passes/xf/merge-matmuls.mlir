// RUN: tilewright-opt %s -xf-merge-matmuls | FileCheck %s

!x = tensor<?x8xbf16, #xf.sizes<tokens>>
!a = tensor<?x16xbf16, #xf.sizes<tokens>>
!b = tensor<?x32xbf16, #xf.sizes<tokens>>

// CHECK-LABEL: func @three
// CHECK-SAME:    %[[X:[^:]*]]:
// CHECK:         %[[WQ:.*]] = xf.weight "q"
// CHECK:         %[[WK:.*]] = xf.weight "k"
// CHECK:         %[[WV:.*]] = xf.weight "v"
// CHECK:         %[[W:.*]] = xf.concat %[[WQ]], %[[WK]], %[[WV]] dim 0
// CHECK:         %[[Y:.*]] = xf.matmul %[[X]], %[[W]] : {{.*}} -> tensor<?x64xbf16, #xf.sizes<tokens>>
// CHECK:         %[[P:.*]]:3 = xf.split %[[Y]] dim 1
// CHECK-NOT:     xf.matmul
// CHECK:         return %[[P]]#0, %[[P]]#1, %[[P]]#2
func.func @three(%x: !x) -> (!b, !a, !a) {
  %wq = xf.weight "q" from bf16 : tensor<32x8xbf16>
  %wk = xf.weight "k" from bf16 : tensor<16x8xbf16>
  %wv = xf.weight "v" from bf16 : tensor<16x8xbf16>
  %q = xf.matmul %x, %wq : !x, tensor<32x8xbf16> -> !b
  %k = xf.matmul %x, %wk : !x, tensor<16x8xbf16> -> !a
  %v = xf.matmul %x, %wv : !x, tensor<16x8xbf16> -> !a
  return %q, %k, %v : !b, !a, !a
}

// The second weight is made between the products: it moves up, with its operand.
// CHECK-LABEL: func @weights_move_up
// CHECK:         %[[W1:.*]] = xf.weight "second"
// CHECK:         %[[S1:.*]] = xf.regroup_rows %[[W1]]
// CHECK:         xf.concat %{{.*}}, %[[S1]] dim 0
// CHECK:         xf.matmul
// CHECK-NOT:     xf.matmul
func.func @weights_move_up(%x: !x) -> (!a, !a) {
  %w0 = xf.weight "first" from bf16 : tensor<16x8xbf16>
  %y0 = xf.matmul %x, %w0 : !x, tensor<16x8xbf16> -> !a
  %w1 = xf.weight "second" from bf16 : tensor<16x8xbf16>
  %s1 = xf.regroup_rows %w1 period = 16 extent = 16 from = 8 to = 2 : tensor<16x8xbf16>
  %y1 = xf.matmul %x, %s1 : !x, tensor<16x8xbf16> -> !a
  return %y0, %y1 : !a, !a
}

// CHECK-LABEL: func @other_input
// CHECK-COUNT-2: xf.matmul
// CHECK-NOT:     xf.split
func.func @other_input(%x: !x, %z: !x) -> (!a, !a) {
  %w0 = xf.weight "first" from bf16 : tensor<16x8xbf16>
  %w1 = xf.weight "second" from bf16 : tensor<16x8xbf16>
  %y0 = xf.matmul %x, %w0 : !x, tensor<16x8xbf16> -> !a
  %y1 = xf.matmul %z, %w1 : !x, tensor<16x8xbf16> -> !a
  return %y0, %y1 : !a, !a
}

// CHECK-LABEL: func @other_result_type
// CHECK-COUNT-2: xf.matmul
// CHECK-NOT:     xf.split
func.func @other_result_type(%x: !x) -> (!a, tensor<?x16xf32, #xf.sizes<tokens>>) {
  %w0 = xf.weight "first" from bf16 : tensor<16x8xbf16>
  %w1 = xf.weight "second" from bf16 : tensor<16x8xbf16>
  %y0 = xf.matmul %x, %w0 : !x, tensor<16x8xbf16> -> !a
  %y1 = xf.matmul %x, %w1 : !x, tensor<16x8xbf16> -> tensor<?x16xf32, #xf.sizes<tokens>>
  return %y0, %y1 : !a, tensor<?x16xf32, #xf.sizes<tokens>>
}

// CHECK-LABEL: func @weight_from_outside
// CHECK-COUNT-2: xf.matmul
// CHECK-NOT:     xf.split
func.func @weight_from_outside(%x: !x, %w0: tensor<16x8xbf16>) -> (!a, !a) {
  %w1 = xf.weight "second" from bf16 : tensor<16x8xbf16>
  %y0 = xf.matmul %x, %w0 : !x, tensor<16x8xbf16> -> !a
  %y1 = xf.matmul %x, %w1 : !x, tensor<16x8xbf16> -> !a
  return %y0, %y1 : !a, !a
}

// Tied embeddings would be stored twice.
// CHECK-LABEL: func @shared_weight
// CHECK-COUNT-2: xf.matmul
// CHECK-NOT:     xf.split
func.func @shared_weight(%x: !x, %ids: tensor<?xi32, #xf.sizes<tokens>>) -> (!a, !a, !x) {
  %w0 = xf.weight "first" from bf16 : tensor<16x8xbf16>
  %w1 = xf.weight "second" from bf16 : tensor<16x8xbf16>
  %y0 = xf.matmul %x, %w0 : !x, tensor<16x8xbf16> -> !a
  %y1 = xf.matmul %x, %w1 : !x, tensor<16x8xbf16> -> !a
  %e = xf.embedding %w1, %ids : tensor<16x8xbf16>, tensor<?xi32, #xf.sizes<tokens>> -> !x
  return %y0, %y1, %e : !a, !a, !x
}

// CHECK-LABEL: func @biases
// CHECK:         %[[B0:.*]] = xf.weight "b0"
// CHECK:         %[[B1:.*]] = xf.weight "b1"
// CHECK:         %[[Y:.*]] = xf.matmul
// CHECK:         %[[B:.*]] = xf.concat %[[B0]], %[[B1]] dim 0 : tensor<16xbf16>, tensor<32xbf16> -> tensor<48xbf16>
// CHECK:         %[[Z:.*]] = xf.add %[[Y]], %[[B]]
// CHECK:         %[[P:.*]]:2 = xf.split %[[Z]] dim 1
// CHECK-NOT:     xf.add
// CHECK:         return %[[P]]#0, %[[P]]#1
func.func @biases(%x: !x) -> (!a, !b) {
  %w0 = xf.weight "w0" from bf16 : tensor<16x8xbf16>
  %w1 = xf.weight "w1" from bf16 : tensor<32x8xbf16>
  %b0 = xf.weight "b0" from bf16 : tensor<16xbf16>
  %y0 = xf.matmul %x, %w0 : !x, tensor<16x8xbf16> -> !a
  %z0 = xf.add %y0, %b0 : !a, tensor<16xbf16>
  %y1 = xf.matmul %x, %w1 : !x, tensor<32x8xbf16> -> !b
  %b1 = xf.weight "b1" from bf16 : tensor<32xbf16>
  %z1 = xf.add %y1, %b1 : !b, tensor<32xbf16>
  return %z0, %z1 : !a, !b
}

// CHECK-LABEL: func @one_bias
// CHECK:         %[[P:.*]]:2 = xf.split
// CHECK:         xf.add %[[P]]#0
func.func @one_bias(%x: !x) -> (!a, !b) {
  %w0 = xf.weight "w0" from bf16 : tensor<16x8xbf16>
  %w1 = xf.weight "w1" from bf16 : tensor<32x8xbf16>
  %b0 = xf.weight "b0" from bf16 : tensor<16xbf16>
  %y0 = xf.matmul %x, %w0 : !x, tensor<16x8xbf16> -> !a
  %z0 = xf.add %y0, %b0 : !a, tensor<16xbf16>
  %y1 = xf.matmul %x, %w1 : !x, tensor<32x8xbf16> -> !b
  return %z0, %y1 : !a, !b
}

// The sum before the bias is wanted too.
// CHECK-LABEL: func @product_has_another_user
// CHECK:         %[[P:.*]]:2 = xf.split
// CHECK:         xf.add %[[P]]#0
// CHECK:         xf.add %[[P]]#1
func.func @product_has_another_user(%x: !x) -> (!a, !a, !a) {
  %w0 = xf.weight "w0" from bf16 : tensor<16x8xbf16>
  %w1 = xf.weight "w1" from bf16 : tensor<16x8xbf16>
  %b0 = xf.weight "b0" from bf16 : tensor<16xbf16>
  %b1 = xf.weight "b1" from bf16 : tensor<16xbf16>
  %y0 = xf.matmul %x, %w0 : !x, tensor<16x8xbf16> -> !a
  %y1 = xf.matmul %x, %w1 : !x, tensor<16x8xbf16> -> !a
  %z0 = xf.add %y0, %b0 : !a, tensor<16xbf16>
  %z1 = xf.add %y1, %b1 : !a, tensor<16xbf16>
  return %z0, %z1, %y1 : !a, !a, !a
}
