// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

func.func @matmul_c1(%x: tensor<4x?xbf16, #xf.sizes<tokens>>, %w: tensor<8x4xbf16>) {
  // expected-error @+1 {{expects 'input' to have a static last dimension, but got 'tensor<4x?xbf16, #xf.sizes<tokens>>'}}
  %y = xf.matmul %x, %w : tensor<4x?xbf16, #xf.sizes<tokens>>, tensor<8x4xbf16> -> tensor<4x8xbf16>
  return
}

// -----

func.func @matmul_c2(%x: tensor<4x6xbf16>, %w: tensor<8x4xbf16>) {
  // expected-error @+1 {{expects 'weight' to have shape [8, 6], but got 'tensor<8x4xbf16>'}}
  %y = xf.matmul %x, %w : tensor<4x6xbf16>, tensor<8x4xbf16> -> tensor<4x8xbf16>
  return
}

// -----

func.func @matmul_c3(%x: tensor<4x6xbf16>, %w: tensor<8x6xf16>) {
  // expected-error @+1 {{expects 'weight' to have element type 'bf16', but got 'tensor<8x6xf16>'}}
  %y = xf.matmul %x, %w : tensor<4x6xbf16>, tensor<8x6xf16> -> tensor<4x8xbf16>
  return
}

// -----

func.func @matmul_c4(%x: tensor<?x6xbf16, #xf.sizes<tokens>>, %w: tensor<8x6xbf16>) {
  // expected-error @+1 {{expects 'result' to have shape [tokens, 8], but got 'tensor<?x8xbf16, #xf.sizes<rows>>'}}
  %y = xf.matmul %x, %w : tensor<?x6xbf16, #xf.sizes<tokens>>, tensor<8x6xbf16> -> tensor<?x8xbf16, #xf.sizes<rows>>
  return
}

// -----

func.func @matmul_c5(%x: tensor<4x6xbf16>, %w: tensor<8x6xbf16>) {
  // expected-error @+1 {{expects 'result' to have element type 'bf16', but got 'tensor<4x8xf16>'}}
  %y = xf.matmul %x, %w : tensor<4x6xbf16>, tensor<8x6xbf16> -> tensor<4x8xf16>
  return
}

// -----

func.func @add_c1(%x: tensor<4x6xbf16>, %y: tensor<4xbf16>) {
  // expected-error @+1 {{expects 'rhs' to have the shape of 'lhs' or of one of its rows, but got 'tensor<4xbf16>' for 'tensor<4x6xbf16>'}}
  %z = xf.add %x, %y : tensor<4x6xbf16>, tensor<4xbf16>
  return
}

// -----

func.func @add_c2(%x: tensor<4x6xbf16>, %y: tensor<4x6xf32>) {
  // expected-error @+1 {{expects 'rhs' to have element type 'bf16', but got 'tensor<4x6xf32>'}}
  %z = xf.add %x, %y : tensor<4x6xbf16>, tensor<4x6xf32>
  return
}

// -----

func.func @mul_c1(%x: tensor<?x6xbf16, #xf.sizes<seqs>>, %y: tensor<?x6xbf16, #xf.sizes<seqs + 1>>) {
  // expected-error @+1 {{expects 'rhs' to have the shape of 'lhs' or of one of its rows}}
  %z = xf.mul %x, %y : tensor<?x6xbf16, #xf.sizes<seqs>>, tensor<?x6xbf16, #xf.sizes<seqs + 1>>
  return
}

// -----

func.func @mul_c2(%x: tensor<4x6xf16>, %y: tensor<6xbf16>) {
  // expected-error @+1 {{expects 'rhs' to have element type 'f16', but got 'tensor<6xbf16>'}}
  %z = xf.mul %x, %y : tensor<4x6xf16>, tensor<6xbf16>
  return
}

// -----

func.func @scale_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects 'factor' to be finite}}
  %y = xf.scale %x by 0x7F800000 : tensor<4xf32>
  return
}

// -----

func.func @scale_rows_c1(%x: tensor<f32>, %s: tensor<f32>) {
  // expected-error @+1 {{expects 'input' to have rank at least 1, but got 'tensor<f32>'}}
  %y = xf.scale_rows %x, %s : tensor<f32>, tensor<f32>
  return
}

// -----

func.func @scale_rows_c2(%x: tensor<4x6xf32>, %s: tensor<6xf32>) {
  // expected-error @+1 {{expects 'scale' to have shape [4], but got 'tensor<6xf32>'}}
  %y = xf.scale_rows %x, %s : tensor<4x6xf32>, tensor<6xf32>
  return
}

// -----

func.func @gated_activation_c1(%x: tensor<f32>) {
  // expected-error @+1 {{expects 'input' to have rank at least 1, but got 'tensor<f32>'}}
  %y = xf.gated_activation silu %x pair_distance = 8 : tensor<f32> -> tensor<f32>
  return
}

// -----

func.func @gated_activation_c2(%x: tensor<4x24xf32>) {
  // expected-error @+1 {{expects 2 * 'pair_distance' to divide the row size 24, but got 8}}
  %y = xf.gated_activation silu %x pair_distance = 8 : tensor<4x24xf32> -> tensor<4x12xf32>
  return
}

// -----

func.func @gated_activation_c3(%x: tensor<4x16xf32>) {
  // expected-error @+1 {{expects 'result' to have shape [4, 8], but got 'tensor<4x16xf32>'}}
  %y = xf.gated_activation silu %x pair_distance = 8 : tensor<4x16xf32> -> tensor<4x16xf32>
  return
}

// -----

func.func @gated_activation_c4(%x: tensor<4x16xf32>) {
  // expected-error @+1 {{expects 'result' to have element type 'f32', but got 'tensor<4x8xbf16>'}}
  %y = xf.gated_activation silu %x pair_distance = 8 : tensor<4x16xf32> -> tensor<4x8xbf16>
  return
}

// -----

func.func @sum_squares_c1(%x: tensor<f32>) {
  // expected-error @+1 {{expects 'input' to have rank at least 1, but got 'tensor<f32>'}}
  %y = xf.sum_squares %x chunk = 8 : tensor<f32> -> tensor<f32>
  return
}

// -----

func.func @sum_squares_c2(%x: tensor<4x16xf32>) {
  // expected-error @+1 {{expects 'chunk' to be positive, but got 0}}
  %y = xf.sum_squares %x chunk = 0 : tensor<4x16xf32> -> tensor<4x1xf32>
  return
}

// -----

func.func @sum_squares_c3(%x: tensor<4x16xf32>) {
  // expected-error @+1 {{expects 'result' to have shape [4, 3], but got 'tensor<4x2xf32>'}}
  %y = xf.sum_squares %x chunk = 7 : tensor<4x16xf32> -> tensor<4x2xf32>
  return
}

// -----

func.func @rstd_c1(%x: tensor<f32>) {
  // expected-error @+1 {{expects 'partial' to have rank at least 1, but got 'tensor<f32>'}}
  %y = xf.rstd %x count = 8 epsilon = 1.0e-5 : tensor<f32> -> tensor<f32>
  return
}

// -----

func.func @rstd_c2(%x: tensor<4x3xf32>) {
  // expected-error @+1 {{expects 'count' to be positive, but got -8}}
  %y = xf.rstd %x count = -8 epsilon = 1.0e-5 : tensor<4x3xf32> -> tensor<4xf32>
  return
}

// -----

func.func @rstd_c3(%x: tensor<4x3xf32>) {
  // expected-error @+1 {{expects 'epsilon' to be positive}}
  %y = xf.rstd %x count = 8 epsilon = 0.0 : tensor<4x3xf32> -> tensor<4xf32>
  return
}

// -----

func.func @rstd_c4(%x: tensor<4x3xf32>) {
  // expected-error @+1 {{expects 'result' to have shape [4], but got 'tensor<3xf32>'}}
  %y = xf.rstd %x count = 8 epsilon = 1.0e-5 : tensor<4x3xf32> -> tensor<3xf32>
  return
}
