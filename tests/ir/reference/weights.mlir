// RUN: tilewright-opt %s -xf-interpret

// Two heads of six rows, of which four turn: pairs two apart become neighbours.
func.func @regroup_rows() {
  %w = arith.constant dense<[[0.0], [1.0], [2.0], [3.0], [4.0], [5.0], [6.0], [7.0], [8.0], [9.0], [10.0], [11.0]]> : tensor<12x1xf32>
  %r = xf.regroup_rows %w period = 6 extent = 4 from = 2 to = 1 : tensor<12x1xf32>
  %expected = arith.constant dense<[[0.0], [2.0], [1.0], [3.0], [4.0], [5.0], [6.0], [8.0], [7.0], [9.0], [10.0], [11.0]]> : tensor<12x1xf32>
  xf_check.expect_eq %r, %expected : tensor<12x1xf32>, tensor<12x1xf32>
  return
}

// From neighbours to pairs two apart, on a bias.
func.func @regroup_rows_of_vector() {
  %b = arith.constant dense<[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]> : tensor<8xbf16>
  %r = xf.regroup_rows %b period = 8 extent = 8 from = 1 to = 2 : tensor<8xbf16>
  %expected = arith.constant dense<[0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]> : tensor<8xbf16>
  xf_check.expect_eq %r, %expected : tensor<8xbf16>, tensor<8xbf16>
  return
}

// 1.0078125 * 1.0078125 = 1.01568603515625, between 1.015625 and 1.0234375.
func.func @scale_columns() {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 1.0078125]]> : tensor<2x2xbf16>
  %s = arith.constant dense<[0.5, 1.0078125]> : tensor<2xbf16>
  %y = xf.scale_columns %w, %s : tensor<2x2xbf16>, tensor<2xbf16>
  %expected = arith.constant dense<[[0.5, 2.015625], [1.5, 1.015625]]> : tensor<2x2xbf16>
  xf_check.expect_eq %y, %expected : tensor<2x2xbf16>, tensor<2x2xbf16>
  return
}

// Frequencies 1 and 10000^(-1/2) = 0.01; cos and sin of 0, 1, 0.01, 2, 0.02.
func.func @rope_table() {
  %t = xf.rope_table theta = 1.0e4 : tensor<3x2x2xf32>
  %expected = arith.constant dense<[[[1.0, 0.0], [1.0, 0.0]],
                                    [[0.5403023058681398, 0.8414709848078965], [0.9999500004166653, 0.0099998333341666]],
                                    [[-0.4161468365471424, 0.9092974268256817], [0.9998000066665778, 0.0199986666933331]]]> : tensor<3x2x2xf32>
  xf_check.expect_close %t, %expected relative = 1.0e-7 absolute = 0.0 : tensor<3x2x2xf32>, tensor<3x2x2xf32>
  return
}

// Frequencies divided by 4: 0.25 and 0.0025.
func.func @rope_table_linear() {
  %t = xf.rope_table theta = 1.0e4 scaling(#xf.linear_scaling<factor = 4.0>) : tensor<2x2x2xf32>
  %expected = arith.constant dense<[[[1.0, 0.0], [1.0, 0.0]],
                                    [[0.9689124217106447, 0.2474039592545229], [0.9999968750016276, 0.0024999973958341]]]> : tensor<2x2x2xf32>
  xf_check.expect_close %t, %expected relative = 1.0e-7 absolute = 0.0 : tensor<2x2x2xf32>, tensor<2x2x2xf32>
  return
}

// Wavelengths 6.28, 62.8, 628 and 6283 against 100 / 4 = 25 and 100 / 1 = 100:
// the first is kept, the second lies between (smooth = (100 / 62.83 - 1) / 3 =
// 0.197183, frequency 0.1 * (0.802817 / 8 + 0.197183) = 0.0297535), the others
// are divided by 8.
func.func @rope_table_llama3() {
  %t = xf.rope_table theta = 1.0e4
      scaling(#xf.llama3_scaling<factor = 8.0, low_freq_factor = 1.0, high_freq_factor = 4.0, original_max_positions = 100>) : tensor<2x4x2xf32>
  %sines = xf.reshape %t : tensor<2x4x2xf32> to tensor<1x16xf32>
  %low, %high = xf.split %sines dim 1 : tensor<1x16xf32> -> tensor<1x8xf32>, tensor<1x8xf32>
  %expected = arith.constant dense<[[0.5403023, 0.841471, 0.9995574, 0.0297491, 0.9999992, 0.00125, 1.0, 0.000125]]> : tensor<1x8xf32>
  xf_check.expect_close %high, %expected relative = 1.0e-5 absolute = 0.0 : tensor<1x8xf32>, tensor<1x8xf32>
  return
}
