// RUN: tilewright-opt %s -xf-interpret -split-input-file -verify-diagnostics

// The checks themselves: what they let pass, and what they report.

func.func @expect_eq_first_coordinate() {
  %x = arith.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %y = arith.constant dense<[[1, 2, 3], [4, 7, 8]]> : tensor<2x3xi32>
  // expected-error @+1 {{expects element [1, 1] to be 7, but got 5; 2 of 6 elements differ by too much}}
  xf_check.expect_eq %x, %y : tensor<2x3xi32>, tensor<2x3xi32>
  return
}

// -----

func.func @expect_eq_tells_zeros_apart() {
  %x = arith.constant dense<0.0> : tensor<1xf32>
  %y = arith.constant dense<-0.0> : tensor<1xf32>
  // expected-error @+1 {{expects element [0] to be -0, but got 0}}
  xf_check.expect_eq %x, %y : tensor<1xf32>, tensor<1xf32>
  return
}

// -----

func.func @expect_close_counts() {
  %x = arith.constant dense<[1.0, 2.5, 0x7F800000, 0x7FC00000]> : tensor<4xf32>
  %y = arith.constant dense<[1.1, 2.0, 1.0, 0x7FC00000]> : tensor<4xf32>
  // expected-error @+1 {{expects element [1] to be 2, but got 2.5, off by 0.5; 2 of 4 elements differ by too much}}
  xf_check.expect_close %x, %y relative = 0.1 absolute = 0.0 : tensor<4xf32>, tensor<4xf32>
  return
}

// -----

// An infinite bound must not let everything pass.
func.func @expect_close_infinity() {
  %x = arith.constant dense<1.0> : tensor<1xf32>
  %y = arith.constant dense<0x7F800000> : tensor<1xf32>
  // expected-error @+1 {{expects element [0] to be inf, but got 1}}
  xf_check.expect_close %x, %y relative = 0.1 absolute = 0.0 : tensor<1xf32>, tensor<1xf32>
  return
}

// -----

func.func @expect_eq_shape(%unused: tensor<1xf32>) {
  return
}
func.func @other_shape() {
  %x = arith.constant dense<0.0> : tensor<2x3xf32>
  %y = arith.constant dense<0.0> : tensor<3x2xf32>
  // expected-error @+1 {{expects shape [3, 2], but got [2, 3]}}
  xf_check.expect_eq %x, %y : tensor<2x3xf32>, tensor<3x2xf32>
  return
}

// -----

func.func @expect_eq_c1() {
  %x = arith.constant dense<0.0> : tensor<1xf32>
  %y = arith.constant dense<0> : tensor<1xi32>
  // expected-error @+1 {{expects 'expected' to have element type 'f32', but got 'tensor<1xi32>'}}
  xf_check.expect_eq %x, %y : tensor<1xf32>, tensor<1xi32>
  return
}

// -----

func.func @expect_close_c1() {
  %x = arith.constant dense<0.0> : tensor<1xf32>
  %y = arith.constant dense<0.0> : tensor<1xf16>
  // expected-error @+1 {{expects 'expected' to have element type 'f32', but got 'tensor<1xf16>'}}
  xf_check.expect_close %x, %y relative = 0.0 absolute = 0.0 : tensor<1xf32>, tensor<1xf16>
  return
}

// -----

func.func @expect_close_c2() {
  %x = arith.constant dense<0.0> : tensor<1xf32>
  // expected-error @+1 {{expects 'relative' and 'absolute' not to be negative}}
  xf_check.expect_close %x, %x relative = -1.0 absolute = 0.0 : tensor<1xf32>, tensor<1xf32>
  return
}

// -----

func.func @rename_sizes_c1() {
  %x = arith.constant dense<0> : tensor<1xi32>
  // expected-error @+1 {{expects 'result' to have element type 'i32', but got 'tensor<?xi64, #xf.sizes<tokens>>'}}
  %y = xf_check.rename_sizes %x : tensor<1xi32> to tensor<?xi64, #xf.sizes<tokens>>
  return
}

// -----

func.func @rename_sizes_c2() {
  %x = arith.constant dense<0> : tensor<1x1xi32>
  // expected-error @+1 {{expects 'result' to have rank 2, but got 'tensor<?xi32, #xf.sizes<tokens>>'}}
  %y = xf_check.rename_sizes %x : tensor<1x1xi32> to tensor<?xi32, #xf.sizes<tokens>>
  return
}
