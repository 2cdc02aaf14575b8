// RUN: tilewright-opt %s -xf-interpret

func.func @argmax() {
  %logits = arith.constant dense<[[1.0, 3.0, 3.0, 2.0], [0x7FC00000, -1.0, -2.0, 0x7FC00000],
                                  [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000],
                                  [0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000]]> : tensor<4x4xf32>
  %t = xf.argmax %logits : tensor<4x4xf32> -> tensor<4xi32>
  %expected = arith.constant dense<[1, 1, 0, 0]> : tensor<4xi32>
  xf_check.expect_eq %t, %expected : tensor<4xi32>, tensor<4xi32>
  return
}

// In all that follows the logits are ln([0.1, 0.4, 0.2, 0.3]). With seed 0,
// Philox gives u = 0.3990, 0.9722, 0.0194, 0.7874, 0.9345, 0.4503, 0.7136 and
// 0.6590 for the sample indices 0 to 7.

// Sums by index: 0.1, 0.5, 0.7, 1.0.
func.func @draw_by_index() {
  %row = arith.constant dense<[-2.302585093, -0.916290732, -1.609437912, -1.203972804]> : tensor<4xf32>
  %zero = arith.constant dense<0.0> : tensor<8x4xf32>
  %logits = xf.add %zero, %row : tensor<8x4xf32>, tensor<4xf32>
  %one = arith.constant dense<1.0> : tensor<8xf32>
  %off = arith.constant dense<0> : tensor<8xi32>
  %seed = arith.constant dense<0> : tensor<8xi64>
  %index = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7]> : tensor<8xi32>
  %t = xf.sample %logits, %one, %off, %one, %seed, %index
      : (tensor<8x4xf32>, tensor<8xf32>, tensor<8xi32>, tensor<8xf32>, tensor<8xi64>, tensor<8xi32>) -> tensor<8xi32>
  %expected = arith.constant dense<[1, 3, 0, 3, 3, 1, 3, 2]> : tensor<8xi32>
  xf_check.expect_eq %t, %expected : tensor<8xi32>, tensor<8xi32>
  return
}

// Seeds: u(1) = 0.8903, u(2) = 0.4254, u(2^40) = 0.0786 (the key's upper word),
// u(-1) = 0.4478, all with sample index 0.
func.func @seeds() {
  %row = arith.constant dense<[-2.302585093, -0.916290732, -1.609437912, -1.203972804]> : tensor<4xf32>
  %zero = arith.constant dense<0.0> : tensor<4x4xf32>
  %logits = xf.add %zero, %row : tensor<4x4xf32>, tensor<4xf32>
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %off = arith.constant dense<0> : tensor<4xi32>
  %seed = arith.constant dense<[1, 2, 1099511627776, -1]> : tensor<4xi64>
  %t = xf.sample %logits, %one, %off, %one, %seed, %off
      : (tensor<4x4xf32>, tensor<4xf32>, tensor<4xi32>, tensor<4xf32>, tensor<4xi64>, tensor<4xi32>) -> tensor<4xi32>
  %expected = arith.constant dense<[3, 1, 0, 1]> : tensor<4xi32>
  xf_check.expect_eq %t, %expected : tensor<4xi32>, tensor<4xi32>
  return
}

// Row 0: temperature 0. Row 1: temperature 2 gives shares 0.163, 0.325, 0.230,
// 0.282 and sums 0.163, 0.488, 0.718, 1; u = 0.7136 takes token 2, not 3.
// Row 2: NaN is greedy.
func.func @temperature() {
  %row = arith.constant dense<[-2.302585093, -0.916290732, -1.609437912, -1.203972804]> : tensor<4xf32>
  %zero = arith.constant dense<0.0> : tensor<3x4xf32>
  %logits = xf.add %zero, %row : tensor<3x4xf32>, tensor<4xf32>
  %temperature = arith.constant dense<[0.0, 2.0, 0x7FC00000]> : tensor<3xf32>
  %one = arith.constant dense<1.0> : tensor<3xf32>
  %off = arith.constant dense<0> : tensor<3xi32>
  %seed = arith.constant dense<0> : tensor<3xi64>
  %index = arith.constant dense<6> : tensor<3xi32>
  %t = xf.sample %logits, %temperature, %off, %one, %seed, %index
      : (tensor<3x4xf32>, tensor<3xf32>, tensor<3xi32>, tensor<3xf32>, tensor<3xi64>, tensor<3xi32>) -> tensor<3xi32>
  %expected = arith.constant dense<[1, 2, 1]> : tensor<3xi32>
  xf_check.expect_eq %t, %expected : tensor<3xi32>, tensor<3xi32>
  return
}

// Rows 0 and 1: the best two are tokens 1 and 3, with sums 0.571 and 1; u =
// 0.3990 and 0.7136. Row 2: k above the vocabulary is off; u = 0.0194.
// Row 3: k = 1 is greedy; u = 0.9722.
func.func @top_k() {
  %row = arith.constant dense<[-2.302585093, -0.916290732, -1.609437912, -1.203972804]> : tensor<4xf32>
  %zero = arith.constant dense<0.0> : tensor<4x4xf32>
  %logits = xf.add %zero, %row : tensor<4x4xf32>, tensor<4xf32>
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %k = arith.constant dense<[2, 2, 9, 1]> : tensor<4xi32>
  %seed = arith.constant dense<0> : tensor<4xi64>
  %index = arith.constant dense<[0, 6, 2, 1]> : tensor<4xi32>
  %t = xf.sample %logits, %one, %k, %one, %seed, %index
      : (tensor<4x4xf32>, tensor<4xf32>, tensor<4xi32>, tensor<4xf32>, tensor<4xi64>, tensor<4xi32>) -> tensor<4xi32>
  %expected = arith.constant dense<[1, 3, 0, 1]> : tensor<4xi32>
  xf_check.expect_eq %t, %expected : tensor<4xi32>, tensor<4xi32>
  return
}

// Equal logits rank by index: of four equal ones k = 2 keeps tokens 0 and 1.
func.func @top_k_ties() {
  %logits = arith.constant dense<1.0> : tensor<2x4xf32>
  %one = arith.constant dense<1.0> : tensor<2xf32>
  %k = arith.constant dense<2> : tensor<2xi32>
  %seed = arith.constant dense<0> : tensor<2xi64>
  %index = arith.constant dense<[0, 1]> : tensor<2xi32>
  %t = xf.sample %logits, %one, %k, %one, %seed, %index
      : (tensor<2x4xf32>, tensor<2xf32>, tensor<2xi32>, tensor<2xf32>, tensor<2xi64>, tensor<2xi32>) -> tensor<2xi32>
  %expected = arith.constant dense<[0, 1]> : tensor<2xi32>
  xf_check.expect_eq %t, %expected : tensor<2xi32>, tensor<2xi32>
  return
}

// Ranks are tokens 1, 3, 2, 0 with 0, 0.4, 0.7, 0.9 above them.
// Row 0: p = 0.5 keeps 1 and 3 (sums 0.571, 1); u = 0.7136. Row 1: p = 0.35
// keeps 1 only; u = 0.9722. Row 2: p = 0 keeps the first. Row 3: p = 0.8 keeps
// 1, 2, 3 (sums 0.444, 0.667, 1); u = 0.6590. Row 4: k = 2 first, then
// p = 0.55 of the 0.7 that is left keeps 1 only; u = 0.9722.
func.func @top_p() {
  %row = arith.constant dense<[-2.302585093, -0.916290732, -1.609437912, -1.203972804]> : tensor<4xf32>
  %zero = arith.constant dense<0.0> : tensor<5x4xf32>
  %logits = xf.add %zero, %row : tensor<5x4xf32>, tensor<4xf32>
  %one = arith.constant dense<1.0> : tensor<5xf32>
  %k = arith.constant dense<[0, 0, 0, 0, 2]> : tensor<5xi32>
  %p = arith.constant dense<[0.5, 0.35, 0.0, 0.8, 0.55]> : tensor<5xf32>
  %seed = arith.constant dense<0> : tensor<5xi64>
  %index = arith.constant dense<[6, 1, 1, 7, 1]> : tensor<5xi32>
  %t = xf.sample %logits, %one, %k, %p, %seed, %index
      : (tensor<5x4xf32>, tensor<5xf32>, tensor<5xi32>, tensor<5xf32>, tensor<5xi64>, tensor<5xi32>) -> tensor<5xi32>
  %expected = arith.constant dense<[3, 1, 1, 2, 1]> : tensor<5xi32>
  xf_check.expect_eq %t, %expected : tensor<5xi32>, tensor<5xi32>
  return
}

// A NaN is never drawn: what is left is token 1.
func.func @nan_logits() {
  %logits = arith.constant dense<[[0x7FC00000, 0.0, 0x7FC00000]]> : tensor<1x3xf32>
  %one = arith.constant dense<1.0> : tensor<1xf32>
  %off = arith.constant dense<0> : tensor<1xi32>
  %seed = arith.constant dense<0> : tensor<1xi64>
  %index = arith.constant dense<1> : tensor<1xi32>
  %t = xf.sample %logits, %one, %off, %one, %seed, %index
      : (tensor<1x3xf32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>, tensor<1xi64>, tensor<1xi32>) -> tensor<1xi32>
  %expected = arith.constant dense<1> : tensor<1xi32>
  xf_check.expect_eq %t, %expected : tensor<1xi32>, tensor<1xi32>
  return
}
