// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

func.func @weight_c1() {
  // expected-error @+1 {{expects 'name' not to be empty}}
  %w = xf.weight "" from bf16 : tensor<2xbf16>
  return
}

// -----

func.func @weight_c2() {
  // expected-error @+1 {{expects 'source_dtype' to be bf16, f16 or f32, but got 'i8'}}
  %w = xf.weight "w" from i8 : tensor<2xbf16>
  return
}

// -----

func.func @weight_c3() {
  // expected-error @+1 {{expects 'result' to have a static shape, but got 'tensor<?xbf16, #xf.sizes<tokens>>'}}
  %w = xf.weight "w" from bf16 : tensor<?xbf16, #xf.sizes<tokens>>
  return
}

// -----

func.func @rope_table_c1() {
  // expected-error @+1 {{expects 'result' to have a static shape [positions, frequencies, 2], but got 'tensor<8x32xf32>'}}
  %t = xf.rope_table theta = 1.0e4 : tensor<8x32xf32>
  return
}

// -----

func.func @rope_table_c2() {
  // expected-error @+1 {{expects 'theta' to be positive}}
  %t = xf.rope_table theta = 0.0 : tensor<8x32x2xf32>
  return
}

// -----

func.func @regroup_rows_c1(%w: tensor<bf16>) {
  // expected-error @+1 {{expects 'input' to have rank at least 1, but got 'tensor<bf16>'}}
  %r = xf.regroup_rows %w period = 4 extent = 4 from = 2 to = 1 : tensor<bf16>
  return
}

// -----

func.func @regroup_rows_c2(%w: tensor<6x1xbf16>) {
  // expected-error @+1 {{expects 'period' to divide the 6 rows, but got 4}}
  %r = xf.regroup_rows %w period = 4 extent = 4 from = 2 to = 1 : tensor<6x1xbf16>
  return
}

// -----

func.func @regroup_rows_c3(%w: tensor<8x1xbf16>) {
  // expected-error @+1 {{expects 'extent' to be in [1, 4], but got 8}}
  %r = xf.regroup_rows %w period = 4 extent = 8 from = 2 to = 1 : tensor<8x1xbf16>
  return
}

// -----

func.func @regroup_rows_c4(%w: tensor<8x1xbf16>) {
  // expected-error @+1 {{expects 2 * 'from' to divide 'extent' (4), but got 4}}
  %r = xf.regroup_rows %w period = 4 extent = 4 from = 4 to = 1 : tensor<8x1xbf16>
  return
}

// -----

func.func @regroup_rows_c5(%w: tensor<8x1xbf16>) {
  // expected-error @+1 {{expects 2 * 'to' to divide 'extent' (4), but got 0}}
  %r = xf.regroup_rows %w period = 4 extent = 4 from = 2 to = 0 : tensor<8x1xbf16>
  return
}

// -----

func.func @scale_columns_c1(%w: tensor<8xbf16>, %s: tensor<8xbf16>) {
  // expected-error @+1 {{expects 'input' to have rank 2, but got 'tensor<8xbf16>'}}
  %r = xf.scale_columns %w, %s : tensor<8xbf16>, tensor<8xbf16>
  return
}

// -----

func.func @scale_columns_c2(%w: tensor<8x4xbf16>, %s: tensor<8xbf16>) {
  // expected-error @+1 {{expects 'scale' to have shape [4], but got 'tensor<8xbf16>'}}
  %r = xf.scale_columns %w, %s : tensor<8x4xbf16>, tensor<8xbf16>
  return
}
