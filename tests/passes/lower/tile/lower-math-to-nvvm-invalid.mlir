// RUN: tilewright-opt %s -lower-math-to-nvvm -split-input-file -verify-diagnostics

func.func @no_instruction(%x: f32) -> f32 {
  // expected-error @+1 {{has no lowering for 'f32'}}
  %y = math.cos %x : f32
  return %y : f32
}

// -----

func.func @double(%x: f64) -> f64 {
  // expected-error @+1 {{has no lowering for 'f64'}}
  %y = math.exp %x : f64
  return %y : f64
}
