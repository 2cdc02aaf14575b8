// RUN: tilewright-opt %s -verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @in_place
func.func @in_place(%x: tensor<4x64xbf16>, %w: tensor<128x64xbf16>, %k0: tensor<8x1x16x64xbf16>, %slots: tensor<4xi32>)
    -> (tensor<4x64xbf16>, tensor<8x1x16x64xbf16>) {
  // CHECK:      %{{.*}}:2 = xf.kernel gemm (%[[BX:.*]] = %{{.*}} : tensor<4x64xbf16>, %[[BW:.*]] = %{{.*}} : tensor<128x64xbf16>,
  // CHECK-SAME: -> (tensor<4x64xbf16>, tensor<8x1x16x64xbf16>) in_place [1 = 2] config {stages = 4 : i64} reason "memory-bound" attributes {label = "qkv"} {
  // CHECK:      xf.matmul %[[BX]], %[[BW]]
  // CHECK:      xf.yield %{{.*}}, %{{.*}} : tensor<4x64xbf16>, tensor<8x1x16x64xbf16>
  %q, %k1 = xf.kernel gemm (%bx = %x : tensor<4x64xbf16>, %bw = %w : tensor<128x64xbf16>,
                            %bk = %k0 : tensor<8x1x16x64xbf16>, %bs = %slots : tensor<4xi32>)
      -> (tensor<4x64xbf16>, tensor<8x1x16x64xbf16>) in_place [1 = 2]
      config {stages = 4 : i64} reason "memory-bound" attributes {label = "qkv"} {
    %y = xf.matmul %bx, %bw : tensor<4x64xbf16>, tensor<128x64xbf16> -> tensor<4x128xbf16>
    %q0, %k = xf.split %y dim 1 : tensor<4x128xbf16> -> tensor<4x64xbf16>, tensor<4x64xbf16>
    %h = xf.reshape %k : tensor<4x64xbf16> to tensor<4x1x64xbf16>
    %c = xf.cache_append %bk, %h, %bs : tensor<8x1x16x64xbf16>, tensor<4x1x64xbf16>, tensor<4xi32>
    xf.yield %q0, %c : tensor<4x64xbf16>, tensor<8x1x16x64xbf16>
  }
  return %q, %k1 : tensor<4x64xbf16>, tensor<8x1x16x64xbf16>
}

// CHECK-LABEL: func @plain
func.func @plain(%x: tensor<4x64xbf16>) -> tensor<4x64xbf16> {
  // CHECK:      xf.kernel elementwise (%{{.*}} = %{{.*}} : tensor<4x64xbf16>) -> tensor<4x64xbf16> {
  // CHECK-NEXT:   xf.scale
  %y = xf.kernel elementwise (%b = %x : tensor<4x64xbf16>) -> tensor<4x64xbf16> {
    %s = xf.scale %b by 2.0 : tensor<4x64xbf16>
    xf.yield %s : tensor<4x64xbf16>
  }
  return %y : tensor<4x64xbf16>
}
