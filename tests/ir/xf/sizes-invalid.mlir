// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{expects one size per dynamic dimension, but got 1 sizes for 2 dimensions}}
func.func private @too_few(tensor<?x?xi32, #xf.sizes<seqs>>)

// -----

// expected-error @+1 {{expects one size per dynamic dimension, but got 1 sizes for 0 dimensions}}
func.func private @static(tensor<4xi32, #xf.sizes<seqs>>)

// -----

// expected-error @+1 {{expects no negative number in the size 'seqs'}}
func.func private @negative(tensor<?xi32, #xf.sizes<seqs + -1>>)

// -----

// expected-error @+1 {{expects at least one size}}
func.func private @none(tensor<4xi32, #xf.sizes<>>)

// -----

func.func @unnamed(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{operand #0 must be floating-point tensor whose dynamic sizes are named}}
  %y = xf.scale %x by 2.0 : tensor<?x4xf32>
  return
}

// -----

func.func @linear_scaling() {
  // expected-error @+1 {{expects 'factor' to be positive}}
  %t = xf.rope_table theta = 1.0e4 scaling(#xf.linear_scaling<factor = 0.0>) : tensor<8x32x2xf32>
  return
}

// -----

func.func @llama3_scaling_order() {
  // expected-error @+1 {{expects 'low_freq_factor' to be below 'high_freq_factor'}}
  %t = xf.rope_table theta = 1.0e4 scaling(#xf.llama3_scaling<factor = 8.0, low_freq_factor = 4.0, high_freq_factor = 4.0, original_max_positions = 8192>) : tensor<8x32x2xf32>
  return
}

// -----

func.func @llama3_scaling_positions() {
  // expected-error @+1 {{expects 'original_max_positions' to be positive}}
  %t = xf.rope_table theta = 1.0e4 scaling(#xf.llama3_scaling<factor = 8.0, low_freq_factor = 1.0, high_freq_factor = 4.0, original_max_positions = 0>) : tensor<8x32x2xf32>
  return
}
