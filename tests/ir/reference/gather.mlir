// RUN: tilewright-opt %s -xf-interpret

func.func @embedding() {
  %table = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xbf16>
  %c = arith.constant dense<[2, 0, 2]> : tensor<3xi32>
  %ids = xf_check.rename_sizes %c : tensor<3xi32> to tensor<?xi32, #xf.sizes<tokens>>
  %x = xf.embedding %table, %ids : tensor<3x2xbf16>, tensor<?xi32, #xf.sizes<tokens>> -> tensor<?x2xbf16, #xf.sizes<tokens>>
  %expected = arith.constant dense<[[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]]> : tensor<3x2xbf16>
  xf_check.expect_eq %x, %expected : tensor<?x2xbf16, #xf.sizes<tokens>>, tensor<3x2xbf16>
  return
}

func.func @gather_rows() {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %rows = arith.constant dense<[1]> : tensor<1xi32>
  %y = xf.gather_rows %x, %rows : tensor<3x2xf32>, tensor<1xi32> -> tensor<1x2xf32>
  %expected = arith.constant dense<[[3.0, 4.0]]> : tensor<1x2xf32>
  xf_check.expect_eq %y, %expected : tensor<1x2xf32>, tensor<1x2xf32>
  return
}

// The table holds (cos, sin) = (0, 1), a quarter turn, for frequency 0 and
// (-1, 0), half a turn, for frequency 1 at position 1; no turn at position 0.
// Element 4 is not rotated.
func.func @rope_halves() {
  %x = arith.constant dense<[[[1.0, 2.0, 3.0, 4.0, 5.0]], [[1.0, 2.0, 3.0, 4.0, 5.0]]]> : tensor<2x1x5xbf16>
  %table = arith.constant dense<[[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [-1.0, 0.0]]]> : tensor<2x2x2xf32>
  %positions = arith.constant dense<[1, 0]> : tensor<2xi32>
  %y = xf.rope %x, %table, %positions pair_distance = 2 : tensor<2x1x5xbf16>, tensor<2x2x2xf32>, tensor<2xi32>
  %expected = arith.constant dense<[[[-3.0, -2.0, 1.0, -4.0, 5.0]], [[1.0, 2.0, 3.0, 4.0, 5.0]]]> : tensor<2x1x5xbf16>
  xf_check.expect_eq %y, %expected : tensor<2x1x5xbf16>, tensor<2x1x5xbf16>
  return
}

func.func @rope_neighbours() {
  %x = arith.constant dense<[[[1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 0.0, 1.0]]]> : tensor<1x2x4xf32>
  %table = arith.constant dense<[[[0.0, 1.0], [-1.0, 0.0]]]> : tensor<1x2x2xf32>
  %positions = arith.constant dense<[0]> : tensor<1xi32>
  %y = xf.rope %x, %table, %positions pair_distance = 1 : tensor<1x2x4xf32>, tensor<1x2x2xf32>, tensor<1xi32>
  %expected = arith.constant dense<[[[-2.0, 1.0, -3.0, -4.0], [-1.0, 0.0, -0.0, -1.0]]]> : tensor<1x2x4xf32>
  xf_check.expect_eq %y, %expected : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  return
}

// Rope of regrouped heads is the regrouped rope: pairs 2 apart moved to 1 apart.
func.func @rope_commutes_with_regrouping() {
  %x = arith.constant dense<[[[1.0, 2.0, 3.0, 4.0]]]> : tensor<1x1x4xf32>
  %table = xf.rope_table theta = 100.0 : tensor<8x2x2xf32>
  %positions = arith.constant dense<[5]> : tensor<1xi32>
  %far = xf.rope %x, %table, %positions pair_distance = 2 : tensor<1x1x4xf32>, tensor<8x2x2xf32>, tensor<1xi32>
  %moved = xf.regroup_columns %x period = 4 extent = 4 from = 2 to = 1 : tensor<1x1x4xf32>
  %near = xf.rope %moved, %table, %positions pair_distance = 1 : tensor<1x1x4xf32>, tensor<8x2x2xf32>, tensor<1xi32>
  %back = xf.regroup_columns %near period = 4 extent = 4 from = 1 to = 2 : tensor<1x1x4xf32>
  xf_check.expect_eq %back, %far : tensor<1x1x4xf32>, tensor<1x1x4xf32>
  return
}

// Two pages of two slots, two heads. Slot 3 is page 1, offset 1; the token with
// a negative slot is dropped.
func.func @cache_append() {
  %cache = arith.constant dense<0.0> : tensor<2x2x2x1xbf16>
  %x = arith.constant dense<[[[1.0], [2.0]], [[3.0], [4.0]], [[5.0], [6.0]]]> : tensor<3x2x1xbf16>
  %slots = arith.constant dense<[3, -1, 0]> : tensor<3xi32>
  %y = xf.cache_append %cache, %x, %slots : tensor<2x2x2x1xbf16>, tensor<3x2x1xbf16>, tensor<3xi32>
  %expected = arith.constant dense<[[[[5.0], [0.0]], [[6.0], [0.0]]], [[[0.0], [1.0]], [[0.0], [2.0]]]]> : tensor<2x2x2x1xbf16>
  xf_check.expect_eq %y, %expected : tensor<2x2x2x1xbf16>, tensor<2x2x2x1xbf16>
  // The operand is a value: it has not changed.
  %zero = arith.constant dense<0.0> : tensor<2x2x2x1xbf16>
  xf_check.expect_eq %cache, %zero : tensor<2x2x2x1xbf16>, tensor<2x2x2x1xbf16>
  return
}
