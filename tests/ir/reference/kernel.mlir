// RUN: tilewright-opt %s -xf-interpret

// A kernel means what its region means: [1, 2] times [[1, 1], [3, -1]] is
// [3, 1]; half of it goes to slot 1 of the cache.
func.func @kernel() {
  %x = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xbf16>
  %w = arith.constant dense<[[1.0, 1.0], [3.0, -1.0]]> : tensor<2x2xbf16>
  %k0 = arith.constant dense<7.0> : tensor<1x1x2x1xbf16>
  %slots = arith.constant dense<1> : tensor<1xi32>
  %y, %k1 = xf.kernel gemm (%bx = %x : tensor<1x2xbf16>, %bw = %w : tensor<2x2xbf16>,
                            %bk = %k0 : tensor<1x1x2x1xbf16>, %bs = %slots : tensor<1xi32>)
      -> (tensor<1x1xbf16>, tensor<1x1x2x1xbf16>) in_place [1 = 2] {
    %acc = xf.matmul %bx, %bw : tensor<1x2xbf16>, tensor<2x2xbf16> -> tensor<1x2xf32>
    %r = xf.cast %acc : tensor<1x2xf32> to tensor<1x2xbf16>
    %a, %b = xf.split %r dim 1 : tensor<1x2xbf16> -> tensor<1x1xbf16>, tensor<1x1xbf16>
    %h = xf.reshape %b : tensor<1x1xbf16> to tensor<1x1x1xbf16>
    %c = xf.cache_append %bk, %h, %bs : tensor<1x1x2x1xbf16>, tensor<1x1x1xbf16>, tensor<1xi32>
    xf.yield %a, %c : tensor<1x1xbf16>, tensor<1x1x2x1xbf16>
  }
  %expected_y = arith.constant dense<3.0> : tensor<1x1xbf16>
  %expected_k = arith.constant dense<[[[[7.0], [1.0]]]]> : tensor<1x1x2x1xbf16>
  xf_check.expect_eq %y, %expected_y : tensor<1x1xbf16>, tensor<1x1xbf16>
  xf_check.expect_eq %k1, %expected_k : tensor<1x1x2x1xbf16>, tensor<1x1x2x1xbf16>
  return
}
