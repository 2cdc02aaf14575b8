// RUN: tilewright-opt %s -xf-interpret

// 1 + 2^-8 is half-way between two bf16 numbers and goes to the even one.
func.func @add_rounds_to_even() {
  %x = arith.constant dense<[[1.0, 2.0, -3.0], [4.0, 1.0, 0.5]]> : tensor<2x3xbf16>
  %y = arith.constant dense<[[0.00390625, 0.5, 1.0], [0.0, 0.01171875, 0.5]]> : tensor<2x3xbf16>
  %sum = xf.add %x, %y : tensor<2x3xbf16>, tensor<2x3xbf16>
  %expected = arith.constant dense<[[1.0, 2.5, -2.0], [4.0, 1.015625, 1.0]]> : tensor<2x3xbf16>
  xf_check.expect_eq %sum, %expected : tensor<2x3xbf16>, tensor<2x3xbf16>
  return
}

func.func @add_bias_in_f32() {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %bias = arith.constant dense<[0.00390625, -1.0]> : tensor<2xbf16>
  %sum = xf.add %x, %bias : tensor<2x2xf32>, tensor<2xbf16>
  %expected = arith.constant dense<[[1.00390625, 1.0], [3.00390625, 3.0]]> : tensor<2x2xf32>
  xf_check.expect_eq %sum, %expected : tensor<2x2xf32>, tensor<2x2xf32>
  return
}

func.func @mul() {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, -4.0]]> : tensor<2x2xf16>
  %row = arith.constant dense<[0.5, 3.0]> : tensor<2xf16>
  %broadcast = xf.mul %x, %row : tensor<2x2xf16>, tensor<2xf16>
  %expected_broadcast = arith.constant dense<[[0.5, 6.0], [1.5, -12.0]]> : tensor<2x2xf16>
  xf_check.expect_eq %broadcast, %expected_broadcast : tensor<2x2xf16>, tensor<2x2xf16>
  %square = xf.mul %x, %x : tensor<2x2xf16>, tensor<2x2xf16>
  %expected_square = arith.constant dense<[[1.0, 4.0], [9.0, 16.0]]> : tensor<2x2xf16>
  xf_check.expect_eq %square, %expected_square : tensor<2x2xf16>, tensor<2x2xf16>
  return
}

func.func @scale() {
  %x = arith.constant dense<[1.0, -3.0]> : tensor<2xbf16>
  %y = xf.scale %x by 0.125 : tensor<2xbf16>
  %expected = arith.constant dense<[0.125, -0.375]> : tensor<2xbf16>
  xf_check.expect_eq %y, %expected : tensor<2xbf16>, tensor<2xbf16>
  return
}

func.func @scale_rows() {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %s = arith.constant dense<[10.0, 0.5]> : tensor<2xf32>
  %y = xf.scale_rows %x, %s : tensor<2x2xf32>, tensor<2xf32>
  %expected = arith.constant dense<[[10.0, 20.0], [1.5, 2.0]]> : tensor<2x2xf32>
  xf_check.expect_eq %y, %expected : tensor<2x2xf32>, tensor<2x2xf32>
  return
}

// Overflow goes to infinity, and the largest f16 is 65504.
func.func @cast() {
  %x = arith.constant dense<[65519.0, 65520.0, 0.1, 5.9604645e-8, 2.0e-8]> : tensor<5xf32>
  %h = xf.cast %x : tensor<5xf32> to tensor<5xf16>
  %half = arith.constant dense<[65504.0, 0x7C00, 0.0999755859375, 5.9604645e-8, 0.0]> : tensor<5xf16>
  xf_check.expect_eq %h, %half : tensor<5xf16>, tensor<5xf16>
  %b = xf.cast %x : tensor<5xf32> to tensor<5xbf16>
  %brain = arith.constant dense<[65536.0, 65536.0, 0.10009765625, 5.9604645e-8, 2.0023435e-8]> : tensor<5xbf16>
  xf_check.expect_eq %b, %brain : tensor<5xbf16>, tensor<5xbf16>
  return
}
