// RUN: tilewright-opt %s -xf-interpret

func.func @reshape() {
  %x = arith.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %y = xf.reshape %x : tensor<2x3xi32> to tensor<3x1x2xi32>
  %expected = arith.constant dense<[[[1, 2]], [[3, 4]], [[5, 6]]]> : tensor<3x1x2xi32>
  xf_check.expect_eq %y, %expected : tensor<3x1x2xi32>, tensor<3x1x2xi32>
  return
}

func.func @reshape_symbolic() {
  %c = arith.constant dense<[[1, 2, 3, 4], [5, 6, 7, 8]]> : tensor<2x4xi32>
  %x = xf_check.rename_sizes %c : tensor<2x4xi32> to tensor<?x4xi32, #xf.sizes<tokens>>
  %y = xf.reshape %x : tensor<?x4xi32, #xf.sizes<tokens>> to tensor<?x2x2xi32, #xf.sizes<tokens>>
  %expected = arith.constant dense<[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]> : tensor<2x2x2xi32>
  xf_check.expect_eq %y, %expected : tensor<?x2x2xi32, #xf.sizes<tokens>>, tensor<2x2x2xi32>
  return
}

func.func @split_last() {
  %x = arith.constant dense<[[1, 2, 3, 4], [5, 6, 7, 8]]> : tensor<2x4xi32>
  %a, %b = xf.split %x dim 1 : tensor<2x4xi32> -> tensor<2x1xi32>, tensor<2x3xi32>
  %expected_a = arith.constant dense<[[1], [5]]> : tensor<2x1xi32>
  %expected_b = arith.constant dense<[[2, 3, 4], [6, 7, 8]]> : tensor<2x3xi32>
  xf_check.expect_eq %a, %expected_a : tensor<2x1xi32>, tensor<2x1xi32>
  xf_check.expect_eq %b, %expected_b : tensor<2x3xi32>, tensor<2x3xi32>
  return
}

func.func @split_middle() {
  %x = arith.constant dense<[[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12]]]> : tensor<2x3x2xi32>
  %a, %b = xf.split %x dim 1 : tensor<2x3x2xi32> -> tensor<2x2x2xi32>, tensor<2x1x2xi32>
  %expected_a = arith.constant dense<[[[1, 2], [3, 4]], [[7, 8], [9, 10]]]> : tensor<2x2x2xi32>
  %expected_b = arith.constant dense<[[[5, 6]], [[11, 12]]]> : tensor<2x1x2xi32>
  xf_check.expect_eq %a, %expected_a : tensor<2x2x2xi32>, tensor<2x2x2xi32>
  xf_check.expect_eq %b, %expected_b : tensor<2x1x2xi32>, tensor<2x1x2xi32>
  return
}

func.func @concat() {
  %x = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  %y = arith.constant dense<[[5, 6]]> : tensor<1x2xi32>
  %rows = xf.concat %x, %y dim 0 : tensor<2x2xi32>, tensor<1x2xi32> -> tensor<3x2xi32>
  %expected_rows = arith.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi32>
  xf_check.expect_eq %rows, %expected_rows : tensor<3x2xi32>, tensor<3x2xi32>
  %z = arith.constant dense<[[7], [8]]> : tensor<2x1xi32>
  %columns = xf.concat %z, %x dim 1 : tensor<2x1xi32>, tensor<2x2xi32> -> tensor<2x3xi32>
  %expected_columns = arith.constant dense<[[7, 1, 2], [8, 3, 4]]> : tensor<2x3xi32>
  xf_check.expect_eq %columns, %expected_columns : tensor<2x3xi32>, tensor<2x3xi32>
  return
}

// Halves of 4 become neighbours of 2; the last two columns are beyond the extent.
func.func @regroup_columns() {
  %x = arith.constant dense<[[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]]> : tensor<2x6xf32>
  %y = xf.regroup_columns %x period = 6 extent = 4 from = 2 to = 1 : tensor<2x6xf32>
  %expected = arith.constant dense<[[0.0, 2.0, 1.0, 3.0, 4.0, 5.0], [6.0, 8.0, 7.0, 9.0, 10.0, 11.0]]> : tensor<2x6xf32>
  xf_check.expect_eq %y, %expected : tensor<2x6xf32>, tensor<2x6xf32>
  return
}
