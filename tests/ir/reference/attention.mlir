// RUN: tilewright-opt %s -xf-interpret

// Three sequences: two queries at the end of three keys, an empty one, and one
// query at the end of five keys. Pages of two in no order; 99 where nobody may
// read. Expected values by the formula, in f64.
func.func @paged_causal_grouped() {
  %q = arith.constant dense<[[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [2.0, -1.0]], [[0.5, 0.5], [-1.0, 1.0]]]> : tensor<3x2x2xf32>
  %k = arith.constant dense<[[[[1.0, 1.0], [99.0, 99.0]]], [[[-1.0, 0.0], [1.0, -1.0]]], [[[1.0, 0.0], [0.0, 1.0]]],
                             [[[0.5, 1.0], [99.0, 99.0]]], [[[99.0, 99.0], [99.0, 99.0]]], [[[1.0, 0.0], [0.0, 2.0]]]]> : tensor<6x1x2x2xf32>
  %v = arith.constant dense<[[[[5.0, 6.0], [99.0, 99.0]]], [[[2.0, 2.0], [-1.0, 3.0]]], [[[1.0, 2.0], [3.0, 4.0]]],
                             [[[4.0, -4.0], [99.0, 99.0]]], [[[99.0, 99.0], [99.0, 99.0]]], [[[1.0, 0.0], [0.0, 1.0]]]]> : tensor<6x1x2x2xf32>
  %blocks = arith.constant dense<[[2, 0, -1], [-1, -1, -1], [5, 1, 3]]> : tensor<3x3xi32>
  %cu = arith.constant dense<[0, 2, 2, 3]> : tensor<4xi32>
  %lens = arith.constant dense<[3, 0, 5]> : tensor<3xi32>

  %all = xf.attention %q, %k, %v, %blocks, %cu, %lens scale = 0.5
      : tensor<3x2x2xf32>, tensor<6x1x2x2xf32>, tensor<3x3xi32>, tensor<4xi32>, tensor<3xi32>
  %expected_all = arith.constant dense<[[[1.755081337596291, 2.755081337596291], [2.244918662403709, 3.244918662403709]],
                                        [[3.3555882856328183, 4.355588285632819], [2.569899146315824, 3.5698991463158234]],
                                        [[1.242446173467549, 0.06265381368227255], [1.308923971432294, 0.29934033674606875]]]> : tensor<3x2x2xf32>
  xf_check.expect_close %all, %expected_all relative = 1.0e-6 absolute = 1.0e-6 : tensor<3x2x2xf32>, tensor<3x2x2xf32>

  %near = xf.attention %q, %k, %v, %blocks, %cu, %lens scale = 0.5 window = 2
      : tensor<3x2x2xf32>, tensor<6x1x2x2xf32>, tensor<3x3xi32>, tensor<4xi32>, tensor<3xi32>
  %expected_near = arith.constant dense<[[[1.755081337596291, 2.755081337596291], [2.244918662403709, 3.244918662403709]],
                                         [[4.244918662403709, 5.244918662403709], [4.46211715726001, 5.46211715726001]],
                                         [[1.9633329997703486, -1.1486661996784882], [2.8864993058734556, -2.4410990282228378]]]> : tensor<3x2x2xf32>
  xf_check.expect_close %near, %expected_near relative = 1.0e-6 absolute = 1.0e-6 : tensor<3x2x2xf32>, tensor<3x2x2xf32>
  return
}

// Scores 1 and 0.5, so weights 1 and w = exp(-0.5) = 0.60653; T(w) = 0.60546875.
// T(w) * 1.0078125 / (1 + w) = 0.379824, which rounds to 0.37890625; without T
// it would be 0.380490 and round to 0.380859375.
func.func @weights_round_before_second_product() {
  %q = arith.constant dense<1.0> : tensor<1x1x1xbf16>
  %k = arith.constant dense<[[[[1.0], [0.5]]]]> : tensor<1x1x2x1xbf16>
  %v = arith.constant dense<[[[[0.0], [1.0078125]]]]> : tensor<1x1x2x1xbf16>
  %blocks = arith.constant dense<0> : tensor<1x1xi32>
  %cu = arith.constant dense<[0, 1]> : tensor<2xi32>
  %lens = arith.constant dense<2> : tensor<1xi32>
  %o = xf.attention %q, %k, %v, %blocks, %cu, %lens scale = 1.0
      : tensor<1x1x1xbf16>, tensor<1x1x2x1xbf16>, tensor<1x1xi32>, tensor<2xi32>, tensor<1xi32>
  %expected = arith.constant dense<0.37890625> : tensor<1x1x1xbf16>
  xf_check.expect_eq %o, %expected : tensor<1x1x1xbf16>, tensor<1x1x1xbf16>
  return
}

// Four query heads on two KV heads: heads 0 and 1 read the first. One key, so
// the result is its value.
func.func @groups() {
  %q = arith.constant dense<1.0> : tensor<1x4x1xbf16>
  %kv = arith.constant dense<[[[[3.0]], [[5.0]]]]> : tensor<1x2x1x1xbf16>
  %blocks = arith.constant dense<0> : tensor<1x1xi32>
  %cu = arith.constant dense<[0, 1]> : tensor<2xi32>
  %lens = arith.constant dense<1> : tensor<1xi32>
  %o = xf.attention %q, %kv, %kv, %blocks, %cu, %lens scale = 1.0
      : tensor<1x4x1xbf16>, tensor<1x2x1x1xbf16>, tensor<1x1xi32>, tensor<2xi32>, tensor<1xi32>
  %expected = arith.constant dense<[[[3.0], [3.0], [5.0], [5.0]]]> : tensor<1x4x1xbf16>
  xf_check.expect_eq %o, %expected : tensor<1x4x1xbf16>, tensor<1x4x1xbf16>
  return
}
