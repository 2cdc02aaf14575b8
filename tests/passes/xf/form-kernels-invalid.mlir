// RUN: tilewright-opt %s -xf-form-kernels -verify-diagnostics

// expected-error @+1 {{expects a body of one block}}
func.func @two_blocks(%x: tensor<4x8xbf16>) -> tensor<4x8xbf16> {
  cf.br ^bb1
^bb1:
  return %x : tensor<4x8xbf16>
}
