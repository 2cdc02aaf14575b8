// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

func.func @argmax_c1(%x: tensor<4x0xf32>) {
  // expected-error @+1 {{expects 'logits' to have a last dimension above 0, but got 'tensor<4x0xf32>'}}
  %t = xf.argmax %x : tensor<4x0xf32> -> tensor<4xi32>
  return
}

// -----

func.func @argmax_c2(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expects 'result' to have shape [4], but got 'tensor<8xi32>'}}
  %t = xf.argmax %x : tensor<4x8xf32> -> tensor<8xi32>
  return
}

// -----

func.func @sample_c1(%x: tensor<8xf32>, %t: tensor<4xf32>, %k: tensor<4xi32>, %p: tensor<4xf32>, %s: tensor<4xi64>, %i: tensor<4xi32>) {
  // expected-error @+1 {{expects 'logits' to have rank 2, but got 'tensor<8xf32>'}}
  %r = xf.sample %x, %t, %k, %p, %s, %i
      : (tensor<8xf32>, tensor<4xf32>, tensor<4xi32>, tensor<4xf32>, tensor<4xi64>, tensor<4xi32>) -> tensor<4xi32>
  return
}

// -----

func.func @sample_c2(%x: tensor<4x8xf32>, %t: tensor<8xf32>, %k: tensor<4xi32>, %p: tensor<4xf32>, %s: tensor<4xi64>, %i: tensor<4xi32>) {
  // expected-error @+1 {{expects 'temperature' to have shape [4], but got 'tensor<8xf32>'}}
  %r = xf.sample %x, %t, %k, %p, %s, %i
      : (tensor<4x8xf32>, tensor<8xf32>, tensor<4xi32>, tensor<4xf32>, tensor<4xi64>, tensor<4xi32>) -> tensor<4xi32>
  return
}

// -----

func.func @sample_c3(%x: tensor<4x8xf32>, %t: tensor<4xf32>, %k: tensor<8xi32>, %p: tensor<4xf32>, %s: tensor<4xi64>, %i: tensor<4xi32>) {
  // expected-error @+1 {{expects 'top_k' to have shape [4], but got 'tensor<8xi32>'}}
  %r = xf.sample %x, %t, %k, %p, %s, %i
      : (tensor<4x8xf32>, tensor<4xf32>, tensor<8xi32>, tensor<4xf32>, tensor<4xi64>, tensor<4xi32>) -> tensor<4xi32>
  return
}

// -----

func.func @sample_c4(%x: tensor<4x8xf32>, %t: tensor<4xf32>, %k: tensor<4xi32>, %p: tensor<8xf32>, %s: tensor<4xi64>, %i: tensor<4xi32>) {
  // expected-error @+1 {{expects 'top_p' to have shape [4], but got 'tensor<8xf32>'}}
  %r = xf.sample %x, %t, %k, %p, %s, %i
      : (tensor<4x8xf32>, tensor<4xf32>, tensor<4xi32>, tensor<8xf32>, tensor<4xi64>, tensor<4xi32>) -> tensor<4xi32>
  return
}

// -----

func.func @sample_c5(%x: tensor<4x8xf32>, %t: tensor<4xf32>, %k: tensor<4xi32>, %p: tensor<4xf32>, %s: tensor<4x1xi64>, %i: tensor<4xi32>) {
  // expected-error @+1 {{expects 'seed' to have shape [4], but got 'tensor<4x1xi64>'}}
  %r = xf.sample %x, %t, %k, %p, %s, %i
      : (tensor<4x8xf32>, tensor<4xf32>, tensor<4xi32>, tensor<4xf32>, tensor<4x1xi64>, tensor<4xi32>) -> tensor<4xi32>
  return
}

// -----

func.func @sample_c6(%x: tensor<4x8xf32>, %t: tensor<4xf32>, %k: tensor<4xi32>, %p: tensor<4xf32>, %s: tensor<4xi64>, %i: tensor<5xi32>) {
  // expected-error @+1 {{expects 'sample_index' to have shape [4], but got 'tensor<5xi32>'}}
  %r = xf.sample %x, %t, %k, %p, %s, %i
      : (tensor<4x8xf32>, tensor<4xf32>, tensor<4xi32>, tensor<4xf32>, tensor<4xi64>, tensor<5xi32>) -> tensor<4xi32>
  return
}

// -----

func.func @sample_c7(%x: tensor<4x8xf32>, %t: tensor<4xf32>, %k: tensor<4xi32>, %p: tensor<4xf32>, %s: tensor<4xi64>, %i: tensor<4xi32>) {
  // expected-error @+1 {{expects 'result' to have shape [4], but got 'tensor<3xi32>'}}
  %r = xf.sample %x, %t, %k, %p, %s, %i
      : (tensor<4x8xf32>, tensor<4xf32>, tensor<4xi32>, tensor<4xf32>, tensor<4xi64>, tensor<4xi32>) -> tensor<3xi32>
  return
}
