// RUN: tilewright-opt %s -xf-interpret

func.func @matmul() {
  %x = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xbf16>
  %w = arith.constant dense<[[1.0, 0.0, -1.0], [0.5, 0.25, 2.0]]> : tensor<2x3xbf16>
  %y = xf.matmul %x, %w : tensor<2x3xbf16>, tensor<2x3xbf16> -> tensor<2x2xf32>
  %expected = arith.constant dense<[[-2.0, 7.0], [-2.0, 15.25]]> : tensor<2x2xf32>
  xf_check.expect_eq %y, %expected : tensor<2x2xf32>, tensor<2x2xf32>
  return
}

// 256 + 1 does not fit bf16, but the sum rounds once: 256 + 8 * 0.5 = 260.
func.func @matmul_rounds_once() {
  %x = arith.constant dense<[[256.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]]> : tensor<1x9xbf16>
  %w = arith.constant dense<1.0> : tensor<1x9xbf16>
  %y = xf.matmul %x, %w : tensor<1x9xbf16>, tensor<1x9xbf16> -> tensor<1x1xbf16>
  %expected = arith.constant dense<260.0> : tensor<1x1xbf16>
  xf_check.expect_eq %y, %expected : tensor<1x1xbf16>, tensor<1x1xbf16>
  return
}

// Every edge of the blocking: 5 rows, 3 columns, 11 terms.
func.func @matmul_odd_sizes() {
  %x = arith.constant dense<1.0> : tensor<5x11xbf16>
  %w = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0],
                             [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0],
                             [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0]]> : tensor<3x11xbf16>
  %y = xf.matmul %x, %w : tensor<5x11xbf16>, tensor<3x11xbf16> -> tensor<5x3xf32>
  %row = arith.constant dense<[66.0, 3.0, 4.0]> : tensor<3xf32>
  %zero = arith.constant dense<0.0> : tensor<5x3xf32>
  %expected = xf.add %zero, %row : tensor<5x3xf32>, tensor<3xf32>
  xf_check.expect_eq %y, %expected : tensor<5x3xf32>, tensor<5x3xf32>
  return
}

// scipy: x * special.expit(x); x * special.ndtr(x); the tanh form by hand.
func.func @activations() {
  %x = arith.constant dense<[-2.0, -0.5, 0.0, 1.0, 3.0]> : tensor<5xf32>
  %silu = xf.activation silu %x : tensor<5xf32>
  %expected_silu = arith.constant dense<[-0.2384058440, -0.1887703344, 0.0, 0.7310585786, 2.8577223804]> : tensor<5xf32>
  xf_check.expect_close %silu, %expected_silu relative = 1.0e-6 absolute = 0.0 : tensor<5xf32>, tensor<5xf32>
  %gelu = xf.activation gelu %x : tensor<5xf32>
  %expected_gelu = arith.constant dense<[-0.0455002639, -0.1542687694, 0.0, 0.8413447461, 2.9959503059]> : tensor<5xf32>
  xf_check.expect_close %gelu, %expected_gelu relative = 2.0e-6 absolute = 0.0 : tensor<5xf32>, tensor<5xf32>
  %tanh = xf.activation gelu_tanh %x : tensor<5xf32>
  %expected_tanh = arith.constant dense<[-0.0454023059, -0.1542859934, 0.0, 0.8411919906, 2.9963625000]> : tensor<5xf32>
  xf_check.expect_close %tanh, %expected_tanh relative = 4.0e-6 absolute = 0.0 : tensor<5xf32>, tensor<5xf32>
  %relu = xf.activation relu %x : tensor<5xf32>
  %expected_relu = arith.constant dense<[0.0, 0.0, 0.0, 1.0, 3.0]> : tensor<5xf32>
  xf_check.expect_eq %relu, %expected_relu : tensor<5xf32>, tensor<5xf32>
  return
}

func.func @gated_activation() {
  // Halves: gates 1, -1 and partners 10, 20.
  %x = arith.constant dense<[[1.0, -1.0, 10.0, 20.0]]> : tensor<1x4xf32>
  %halves = xf.gated_activation relu %x pair_distance = 2 : tensor<1x4xf32> -> tensor<1x2xf32>
  %expected_halves = arith.constant dense<[[10.0, 0.0]]> : tensor<1x2xf32>
  xf_check.expect_eq %halves, %expected_halves : tensor<1x2xf32>, tensor<1x2xf32>
  // Neighbours: gates 1, 10 and partners -1, 20.
  %pairs = xf.gated_activation relu %x pair_distance = 1 : tensor<1x4xf32> -> tensor<1x2xf32>
  %expected_pairs = arith.constant dense<[[-1.0, 200.0]]> : tensor<1x2xf32>
  xf_check.expect_eq %pairs, %expected_pairs : tensor<1x2xf32>, tensor<1x2xf32>
  return
}

// mean([9, 16]) = 12.5; rsqrt(12.5 + 3.5) = 1/4. The second row is all zero.
func.func @rms_norm() {
  %x = arith.constant dense<[[3.0, 4.0], [0.0, 0.0]]> : tensor<2x2xbf16>
  %w = arith.constant dense<[2.0, 1.0]> : tensor<2xbf16>
  %y = xf.rms_norm %x, %w, epsilon = 3.5 : tensor<2x2xbf16>, tensor<2xbf16>
  %expected = arith.constant dense<[[1.5, 1.0], [0.0, 0.0]]> : tensor<2x2xbf16>
  xf_check.expect_eq %y, %expected : tensor<2x2xbf16>, tensor<2x2xbf16>
  return
}

func.func @rms_norm_of_heads() {
  %x = arith.constant dense<[[[3.0, 4.0], [4.0, 3.0]]]> : tensor<1x2x2xf32>
  %w = arith.constant dense<[2.0, 1.0]> : tensor<2xbf16>
  %y = xf.rms_norm %x, %w, epsilon = 3.5 : tensor<1x2x2xf32>, tensor<2xbf16>
  %expected = arith.constant dense<[[[1.5, 1.0], [2.0, 0.75]]]> : tensor<1x2x2xf32>
  xf_check.expect_eq %y, %expected : tensor<1x2x2xf32>, tensor<1x2x2xf32>
  return
}

func.func @sum_squares_then_rstd() {
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0], [0.0, 1.0, 0.0, 1.0, 0.0]]> : tensor<2x5xbf16>
  %p = xf.sum_squares %x chunk = 2 : tensor<2x5xbf16> -> tensor<2x3xf32>
  %expected = arith.constant dense<[[5.0, 25.0, 25.0], [1.0, 1.0, 0.0]]> : tensor<2x3xf32>
  xf_check.expect_eq %p, %expected : tensor<2x3xf32>, tensor<2x3xf32>
  // 55 / 5 + 5 = 16, and 2 / 5 + 5 = 5.4.
  %r = xf.rstd %p count = 5 epsilon = 5.0 : tensor<2x3xf32> -> tensor<2xf32>
  %expected_rstd = arith.constant dense<[0.25, 0.43033148]> : tensor<2xf32>
  xf_check.expect_close %r, %expected_rstd relative = 1.0e-7 absolute = 0.0 : tensor<2xf32>, tensor<2xf32>
  return
}
