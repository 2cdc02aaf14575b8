// RUN: tilewright-opt %s -xf-interpret

// One query at the end of five keys in pages of two, in parts of whole blocks
// of two: the second part has the last key alone, the third none. Scores are
// q . k / 2 = 0.5, 0, -0.5, 0 and 1.
func.func @parts_and_whole() {
  %q = arith.constant dense<[[[1.0, 0.0]]]> : tensor<1x1x2xf32>
  %k = arith.constant dense<[[[[1.0, 0.0], [0.0, 2.0]]], [[[-1.0, 0.0], [0.0, 5.0]]], [[[2.0, 1.0], [99.0, 99.0]]]]> : tensor<3x1x2x2xf32>
  %v = arith.constant dense<[[[[1.0, 0.0], [0.0, 1.0]]], [[[2.0, 2.0], [-1.0, 3.0]]], [[[4.0, -4.0], [99.0, 99.0]]]]> : tensor<3x1x2x2xf32>
  %blocks = arith.constant dense<[[0, 1, 2]]> : tensor<1x3xi32>
  %cu = arith.constant dense<[0, 1]> : tensor<2xi32>
  %lens = arith.constant dense<5> : tensor<1xi32>
  %p, %lse = xf.attention_partial %q, %k, %v, %blocks, %cu, %lens scale = 0.5 splits = 2 block = 2
      : tensor<1x1x2xf32>, tensor<3x1x2x2xf32>, tensor<1x3xi32>, tensor<2xi32>, tensor<1xi32>
      -> tensor<1x2x1x2xf32>, tensor<1x2x1xf32>
  // Three blocks: two for the first part, one for the second. Weights of the
  // first are exp(0.5), 1, exp(-0.5) and 1, with the sum 4.2552519.
  %expected_p = arith.constant dense<[[[[0.43752582, 1.2250888]], [[4.0, -4.0]]]]> : tensor<1x2x1x2xf32>
  %expected_lse = arith.constant dense<[[[1.4481550], [1.0]]]> : tensor<1x2x1xf32>
  xf_check.expect_close %p, %expected_p relative = 1.0e-6 absolute = 0.0 : tensor<1x2x1x2xf32>, tensor<1x2x1x2xf32>
  xf_check.expect_close %lse, %expected_lse relative = 1.0e-6 absolute = 0.0 : tensor<1x2x1xf32>, tensor<1x2x1xf32>

  %o = xf.attention_combine %p, %lse : tensor<1x2x1x2xf32>, tensor<1x2x1xf32> -> tensor<1x1x2xf32>
  %whole = xf.attention %q, %k, %v, %blocks, %cu, %lens scale = 0.5
      : tensor<1x1x2xf32>, tensor<3x1x2x2xf32>, tensor<1x3xi32>, tensor<2xi32>, tensor<1xi32>
  xf_check.expect_close %o, %whole relative = 1.0e-6 absolute = 1.0e-6 : tensor<1x1x2xf32>, tensor<1x1x2xf32>
  return
}

// More parts than blocks: those at the end have no keys, and no share.
func.func @parts_without_keys() {
  %q = arith.constant dense<1.0> : tensor<1x1x1xbf16>
  %kv = arith.constant dense<[[[[3.0], [3.0]]]]> : tensor<1x1x2x1xbf16>
  %blocks = arith.constant dense<0> : tensor<1x1xi32>
  %cu = arith.constant dense<[0, 1]> : tensor<2xi32>
  %lens = arith.constant dense<2> : tensor<1xi32>
  %p, %lse = xf.attention_partial %q, %kv, %kv, %blocks, %cu, %lens scale = 1.0 splits = 3 block = 1
      : tensor<1x1x1xbf16>, tensor<1x1x2x1xbf16>, tensor<1x1xi32>, tensor<2xi32>, tensor<1xi32>
      -> tensor<1x3x1x1xf32>, tensor<1x3x1xf32>
  %expected_p = arith.constant dense<[[[[3.0]], [[3.0]], [[0.0]]]]> : tensor<1x3x1x1xf32>
  %expected_lse = arith.constant dense<[[[3.0], [3.0], [0xFF800000]]]> : tensor<1x3x1xf32>
  xf_check.expect_eq %p, %expected_p : tensor<1x3x1x1xf32>, tensor<1x3x1x1xf32>
  xf_check.expect_eq %lse, %expected_lse : tensor<1x3x1xf32>, tensor<1x3x1xf32>
  %o = xf.attention_combine %p, %lse : tensor<1x3x1x1xf32>, tensor<1x3x1xf32> -> tensor<1x1x1xbf16>
  %expected = arith.constant dense<3.0> : tensor<1x1x1xbf16>
  xf_check.expect_eq %o, %expected : tensor<1x1x1xbf16>, tensor<1x1x1xbf16>
  return
}

// A window of two over keys in blocks of two: the query at position 4 sees keys
// 3 and 4, of which the block of the first begins at 2.
func.func @window() {
  %q = arith.constant dense<0.0> : tensor<1x1x1xf32>
  %k = arith.constant dense<0.0> : tensor<1x1x8x1xf32>
  %v = arith.constant dense<[[[[99.0], [99.0], [99.0], [3.0], [5.0], [99.0], [99.0], [99.0]]]]> : tensor<1x1x8x1xf32>
  %blocks = arith.constant dense<0> : tensor<1x1xi32>
  %cu = arith.constant dense<[0, 1]> : tensor<2xi32>
  %lens = arith.constant dense<5> : tensor<1xi32>
  %p, %lse = xf.attention_partial %q, %k, %v, %blocks, %cu, %lens scale = 1.0 window = 2 splits = 2 block = 2
      : tensor<1x1x1xf32>, tensor<1x1x8x1xf32>, tensor<1x1xi32>, tensor<2xi32>, tensor<1xi32>
      -> tensor<1x2x1x1xf32>, tensor<1x2x1xf32>
  %expected_p = arith.constant dense<[[[[3.0]], [[5.0]]]]> : tensor<1x2x1x1xf32>
  %expected_lse = arith.constant dense<0.0> : tensor<1x2x1xf32>
  xf_check.expect_eq %p, %expected_p : tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>
  xf_check.expect_eq %lse, %expected_lse : tensor<1x2x1xf32>, tensor<1x2x1xf32>
  return
}

// Shares 1 and exp(-1): (1 + 3 / e) / (1 + 1 / e) = 1.5378828. Nothing at all
// is zero.
func.func @combine() {
  %p = arith.constant dense<[[[[1.0]], [[3.0]]], [[[7.0]], [[7.0]]]]> : tensor<2x2x1x1xf32>
  %lse = arith.constant dense<[[[11.0], [10.0]], [[0xFF800000], [0xFF800000]]]> : tensor<2x2x1xf32>
  %o = xf.attention_combine %p, %lse : tensor<2x2x1x1xf32>, tensor<2x2x1xf32> -> tensor<2x1x1xf32>
  %expected = arith.constant dense<[[[1.5378828]], [[0.0]]]> : tensor<2x1x1xf32>
  xf_check.expect_close %o, %expected relative = 1.0e-6 absolute = 0.0 : tensor<2x1x1xf32>, tensor<2x1x1xf32>
  return
}
