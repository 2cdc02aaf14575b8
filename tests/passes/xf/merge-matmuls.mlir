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
