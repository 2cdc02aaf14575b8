// RUN: tilewright-opt %s -xf-form-kernels | FileCheck %s

!x = tensor<?x64xbf16, #xf.sizes<tokens>>
!f = tensor<?x64xf32, #xf.sizes<tokens>>
!i = tensor<?xi32, #xf.sizes<tokens>>

// CHECK-LABEL: func @epilogue
// CHECK:         %[[Z:.*]] = xf.kernel gemm
// CHECK-SAME:      (%[[X:[^ ]*]] = {{[^=]*}}, %[[W:[^ ]*]] = {{[^=]*}}, %[[B:[^ ]*]] = {{[^=]*}}, %[[R:[^ ]*]] = {{[^=]*}})
// CHECK-NEXT:      %[[Y:.*]] = xf.matmul %[[X]], %[[W]]
// CHECK-NEXT:      %[[BIASED:.*]] = xf.add %[[Y]], %[[B]]
// CHECK-NEXT:      %[[SUM:.*]] = xf.add %[[BIASED]], %[[R]]
// CHECK-NEXT:      xf.yield %[[SUM]]
// CHECK:         return %[[Z]]
func.func @epilogue(%x: !x, %residual: !x) -> !x {
  %w = xf.weight "w" from bf16 : tensor<64x64xbf16>
  %b = xf.weight "b" from bf16 : tensor<64xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x64xbf16> -> !x
  %biased = xf.add %y, %b : !x, tensor<64xbf16>
  %sum = xf.add %biased, %residual : !x, !x
  return %sum : !x
}

// The residual leaves the kernel too: a result for each value with a user outside.
// CHECK-LABEL: func @two_results
// CHECK:         %[[K:.*]]:2 = xf.kernel gemm
// CHECK:           xf.yield %{{.*}}, %{{.*}} : tensor<?x64xbf16, #xf.sizes<tokens>>, tensor<?x1xf32, #xf.sizes<tokens>>
// CHECK:         return %[[K]]#0, %[[K]]#1
func.func @two_results(%x: !x) -> (!x, tensor<?x1xf32, #xf.sizes<tokens>>) {
  %w = xf.weight "w" from bf16 : tensor<64x64xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x64xbf16> -> !x
  %p = xf.sum_squares %y chunk = 64 : !x -> tensor<?x1xf32, #xf.sizes<tokens>>
  return %y, %p : !x, tensor<?x1xf32, #xf.sizes<tokens>>
}

// The factor is computed from its few numbers in each kernel that scales by it.
// CHECK-LABEL: func @recomputed_factor
// CHECK:         xf.kernel gemm
// CHECK:           xf.rstd
// CHECK:           xf.scale_rows
// CHECK:         xf.kernel gemm
// CHECK:           xf.rstd
// CHECK:           xf.scale_rows
// CHECK-NOT:     xf.kernel
// CHECK:         return
func.func @recomputed_factor(%x: !x, %p: tensor<?x1xf32, #xf.sizes<tokens>>) -> (!f, !f) {
  %w0 = xf.weight "w0" from bf16 : tensor<64x64xbf16>
  %w1 = xf.weight "w1" from bf16 : tensor<64x64xbf16>
  %r = xf.rstd %p count = 64 epsilon = 1.0e-5 : tensor<?x1xf32, #xf.sizes<tokens>> -> tensor<?xf32, #xf.sizes<tokens>>
  %y0 = xf.matmul %x, %w0 : !x, tensor<64x64xbf16> -> !f
  %y1 = xf.matmul %x, %w1 : !x, tensor<64x64xbf16> -> !f
  %z0 = xf.scale_rows %y0, %r : !f, tensor<?xf32, #xf.sizes<tokens>>
  %z1 = xf.scale_rows %y1, %r : !f, tensor<?xf32, #xf.sizes<tokens>>
  return %z0, %z1 : !f, !f
}

// CHECK-LABEL: func @cache_in_place
// CHECK-SAME:    %[[K0:[^:]*]]: tensor<?x1x16x64xbf16, #xf.sizes<pages>>
// CHECK:         %[[K:.*]] = xf.kernel gemm ({{.*}}, %[[CACHE:[^ ]*]] = %[[K0]] : {{.*}} in_place [0 = 2] {
// CHECK:           xf.cache_append %[[CACHE]]
// CHECK:         return %[[K]]
func.func @cache_in_place(%k0: tensor<?x1x16x64xbf16, #xf.sizes<pages>>, %x: !x, %slots: !i) -> tensor<?x1x16x64xbf16, #xf.sizes<pages>> {
  %w = xf.weight "w" from bf16 : tensor<64x64xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x64xbf16> -> !x
  %h = xf.reshape %y : !x to tensor<?x1x64xbf16, #xf.sizes<tokens>>
  %k1 = xf.cache_append %k0, %h, %slots : tensor<?x1x16x64xbf16, #xf.sizes<pages>>, tensor<?x1x64xbf16, #xf.sizes<tokens>>, !i
  return %k1 : tensor<?x1x16x64xbf16, #xf.sizes<pages>>
}

// The second matmul reads the first through the norm: the add cannot join the
// first, whose result it needs to come back.
// CHECK-LABEL: func @no_way_back_in
// CHECK:         %[[Y:.*]] = xf.kernel gemm
// CHECK-NOT:       xf.add
// CHECK:         %[[N:.*]] = xf.kernel row_wise ({{.*}} = %[[Y]]
// CHECK:         xf.kernel gemm ({{.*}} = %[[N]]
// CHECK:           xf.matmul
// CHECK-NEXT:      xf.add
func.func @no_way_back_in(%x: !x, %g: tensor<64xbf16>) -> !x {
  %w0 = xf.weight "w0" from bf16 : tensor<64x64xbf16>
  %w1 = xf.weight "w1" from bf16 : tensor<64x64xbf16>
  %y = xf.matmul %x, %w0 : !x, tensor<64x64xbf16> -> !x
  %n = xf.rms_norm %y, %g, epsilon = 1.0e-5 : !x, tensor<64xbf16>
  %z = xf.matmul %n, %w1 : !x, tensor<64x64xbf16> -> !x
  %sum = xf.add %y, %z : !x, !x
  return %sum : !x
}

// The kernel that runs first need not be the one whose anchor comes first.
// CHECK-LABEL: func @runs_in_order_of_operands
// CHECK-SAME:    %[[X:[^:]*]]: tensor<?x64xbf16, #xf.sizes<tokens>>, %[[U:[^:]*]]:
// CHECK:         %[[Z:.*]] = xf.kernel gemm (%{{[^ ]*}} = %[[U]] :
// CHECK:         xf.kernel gemm (%{{[^ ]*}} = %[[X]] : {{.*}} = %[[Z]] :
func.func @runs_in_order_of_operands(%x: !x, %u: !x) -> !x {
  %w0 = xf.weight "w0" from bf16 : tensor<64x64xbf16>
  %w1 = xf.weight "w1" from bf16 : tensor<64x64xbf16>
  %y = xf.matmul %x, %w0 : !x, tensor<64x64xbf16> -> !x
  %z = xf.matmul %u, %w1 : !x, tensor<64x64xbf16> -> !x
  %sum = xf.add %y, %z : !x, !x
  return %sum : !x
}

// CHECK-LABEL: func @rows
// CHECK:         xf.kernel embedding
// CHECK:           xf.embedding
// CHECK-NEXT:      %[[E:.*]] = xf.scale
// CHECK-NEXT:      xf.sum_squares %[[E]]
// CHECK:         xf.kernel row_wise
// CHECK:           xf.gather_rows
// CHECK-NEXT:      xf.rms_norm
// CHECK:         xf.kernel sample
// CHECK-NEXT:      xf.argmax
func.func @rows(%ids: !i, %rows: tensor<?xi32, #xf.sizes<rows>>, %g: tensor<64xbf16>)
    -> (tensor<?xi32, #xf.sizes<rows>>, tensor<?x1xf32, #xf.sizes<tokens>>) {
  %table = xf.weight "table" from bf16 : tensor<100x64xbf16>
  %e = xf.embedding %table, %ids : tensor<100x64xbf16>, !i -> !x
  %s = xf.scale %e by 8.0 : !x
  %p = xf.sum_squares %s chunk = 64 : !x -> tensor<?x1xf32, #xf.sizes<tokens>>
  %r = xf.gather_rows %s, %rows : !x, tensor<?xi32, #xf.sizes<rows>> -> tensor<?x64xbf16, #xf.sizes<rows>>
  %n = xf.rms_norm %r, %g, epsilon = 1.0e-5 : tensor<?x64xbf16, #xf.sizes<rows>>, tensor<64xbf16>
  %t = xf.argmax %n : tensor<?x64xbf16, #xf.sizes<rows>> -> tensor<?xi32, #xf.sizes<rows>>
  return %t, %p : tensor<?xi32, #xf.sizes<rows>>, tensor<?x1xf32, #xf.sizes<tokens>>
}

// CHECK-LABEL: func @left_over
// CHECK:         xf.kernel elementwise
// CHECK-NEXT:      xf.add
// CHECK-NEXT:      xf.activation
func.func @left_over(%x: !x, %z: !x) -> !x {
  %s = xf.add %x, %z : !x, !x
  %a = xf.activation relu %s : !x
  return %a : !x
}

// Nobody reads it: no kernel.
// CHECK-LABEL: func @unused
// CHECK-NOT:     xf.kernel
func.func @unused(%x: !x) -> !x {
  %w = xf.weight "w" from bf16 : tensor<64x64xbf16>
  %y = xf.matmul %x, %w : !x, tensor<64x64xbf16> -> !x
  return %x : !x
}

// CHECK-LABEL: func private @declaration
func.func private @declaration(!x) -> !x
