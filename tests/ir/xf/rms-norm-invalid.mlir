// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

func.func @rms_norm_c1(%x: tensor<f16>, %w: tensor<1xf16>) -> tensor<f16> {
  // expected-error @+1 {{expects 'input' to have rank at least 1, but got 'tensor<f16>'}}
  %y = xf.rms_norm %x, %w, epsilon = 1.0e-5 : tensor<f16>, tensor<1xf16>
  return %y : tensor<f16>
}

// -----

func.func @rms_norm_c2(%x: tensor<4x128xf16>, %w: tensor<64xf16>) -> tensor<4x128xf16> {
  // expected-error @+1 {{expects 'weight' to have shape [128], but got 'tensor<64xf16>'}}
  %y = xf.rms_norm %x, %w, epsilon = 1.0e-5 : tensor<4x128xf16>, tensor<64xf16>
  return %y : tensor<4x128xf16>
}

// -----

func.func @rms_norm_c3(%x: tensor<4x128xf16>, %w: tensor<128xbf16>) -> tensor<4x128xf16> {
  // expected-error @+1 {{expects 'weight' to have element type 'f16', but got 'tensor<128xbf16>'}}
  %y = xf.rms_norm %x, %w, epsilon = 1.0e-5 : tensor<4x128xf16>, tensor<128xbf16>
  return %y : tensor<4x128xf16>
}

// -----

func.func @rms_norm_c4(%x: tensor<4x128xf16>, %w: tensor<128xf16>) -> tensor<4x128xf16> {
  // expected-error @+1 {{expects 'epsilon' to be positive}}
  %y = xf.rms_norm %x, %w, epsilon = 0x7FC00000 : tensor<4x128xf16>, tensor<128xf16>
  return %y : tensor<4x128xf16>
}
