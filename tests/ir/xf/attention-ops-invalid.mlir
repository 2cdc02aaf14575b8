// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

func.func @embedding_c1(%t: tensor<?x8xbf16, #xf.sizes<rows>>, %i: tensor<4xi32>) {
  // expected-error @+1 {{expects 'table' to have a static shape, but got 'tensor<?x8xbf16, #xf.sizes<rows>>'}}
  %x = xf.embedding %t, %i : tensor<?x8xbf16, #xf.sizes<rows>>, tensor<4xi32> -> tensor<4x8xbf16>
  return
}

// -----

func.func @embedding_c2(%t: tensor<16x8xbf16>, %i: tensor<4x1xi32>) {
  // expected-error @+1 {{expects 'indices' to have rank 1, but got 'tensor<4x1xi32>'}}
  %x = xf.embedding %t, %i : tensor<16x8xbf16>, tensor<4x1xi32> -> tensor<4x8xbf16>
  return
}

// -----

func.func @embedding_c3(%t: tensor<16x8xbf16>, %i: tensor<4xi32>) {
  // expected-error @+1 {{expects 'result' to have shape [4, 8], but got 'tensor<4x16xbf16>'}}
  %x = xf.embedding %t, %i : tensor<16x8xbf16>, tensor<4xi32> -> tensor<4x16xbf16>
  return
}

// -----

func.func @embedding_c4(%t: tensor<16x8xbf16>, %i: tensor<4xi32>) {
  // expected-error @+1 {{expects 'result' to have element type 'bf16', but got 'tensor<4x8xf32>'}}
  %x = xf.embedding %t, %i : tensor<16x8xbf16>, tensor<4xi32> -> tensor<4x8xf32>
  return
}

// -----

func.func @gather_rows_c1(%x: tensor<16xbf16>, %i: tensor<4xi32>) {
  // expected-error @+1 {{expects 'input' to have rank 2, but got 'tensor<16xbf16>'}}
  %y = xf.gather_rows %x, %i : tensor<16xbf16>, tensor<4xi32> -> tensor<4xbf16>
  return
}

// -----

func.func @gather_rows_c2(%x: tensor<16x8xbf16>, %i: tensor<i32>) {
  // expected-error @+1 {{expects 'indices' to have rank 1, but got 'tensor<i32>'}}
  %y = xf.gather_rows %x, %i : tensor<16x8xbf16>, tensor<i32> -> tensor<1x8xbf16>
  return
}

// -----

func.func @gather_rows_c3(%x: tensor<?x8xbf16, #xf.sizes<tokens>>, %i: tensor<?xi32, #xf.sizes<rows>>) {
  // expected-error @+1 {{expects 'result' to have shape [rows, 8], but got 'tensor<?x8xbf16, #xf.sizes<tokens>>'}}
  %y = xf.gather_rows %x, %i : tensor<?x8xbf16, #xf.sizes<tokens>>, tensor<?xi32, #xf.sizes<rows>> -> tensor<?x8xbf16, #xf.sizes<tokens>>
  return
}

// -----

func.func @gather_rows_c4(%x: tensor<16x8xbf16>, %i: tensor<4xi32>) {
  // expected-error @+1 {{expects 'result' to have element type 'bf16', but got 'tensor<4x8xf16>'}}
  %y = xf.gather_rows %x, %i : tensor<16x8xbf16>, tensor<4xi32> -> tensor<4x8xf16>
  return
}

// -----

func.func @rope_c1(%x: tensor<4x64xbf16>, %t: tensor<16x32x2xf32>, %p: tensor<4xi32>) {
  // expected-error @+1 {{expects 'input' to have rank 3, but got 'tensor<4x64xbf16>'}}
  %y = xf.rope %x, %t, %p pair_distance = 32 : tensor<4x64xbf16>, tensor<16x32x2xf32>, tensor<4xi32>
  return
}

// -----

func.func @rope_c2(%x: tensor<4x2x64xbf16>, %t: tensor<16x64xf32>, %p: tensor<4xi32>) {
  // expected-error @+1 {{expects 'table' to have a static shape [positions, frequencies, 2], but got 'tensor<16x64xf32>'}}
  %y = xf.rope %x, %t, %p pair_distance = 32 : tensor<4x2x64xbf16>, tensor<16x64xf32>, tensor<4xi32>
  return
}

// -----

func.func @rope_c3(%x: tensor<4x2x32xbf16>, %t: tensor<16x32x2xf32>, %p: tensor<4xi32>) {
  // expected-error @+1 {{expects 'table' to rotate at most 32 elements, but got 64}}
  %y = xf.rope %x, %t, %p pair_distance = 32 : tensor<4x2x32xbf16>, tensor<16x32x2xf32>, tensor<4xi32>
  return
}

// -----

func.func @rope_c4(%x: tensor<4x2x64xbf16>, %t: tensor<16x32x2xf32>, %p: tensor<5xi32>) {
  // expected-error @+1 {{expects 'positions' to have shape [4], but got 'tensor<5xi32>'}}
  %y = xf.rope %x, %t, %p pair_distance = 32 : tensor<4x2x64xbf16>, tensor<16x32x2xf32>, tensor<5xi32>
  return
}

// -----

func.func @rope_c5(%x: tensor<4x2x64xbf16>, %t: tensor<16x32x2xf32>, %p: tensor<4xi32>) {
  // expected-error @+1 {{expects 2 * 'pair_distance' to divide the 64 rotated elements, but got 24}}
  %y = xf.rope %x, %t, %p pair_distance = 24 : tensor<4x2x64xbf16>, tensor<16x32x2xf32>, tensor<4xi32>
  return
}

// -----

func.func @cache_append_c1(%c: tensor<8x1x?x64xbf16, #xf.sizes<pages>>, %x: tensor<4x1x64xbf16>, %s: tensor<4xi32>) {
  // expected-error @+1 {{expects 'cache' to have static dimensions after the first, but got}}
  %y = xf.cache_append %c, %x, %s : tensor<8x1x?x64xbf16, #xf.sizes<pages>>, tensor<4x1x64xbf16>, tensor<4xi32>
  return
}

// -----

func.func @cache_append_c2(%c: tensor<8x1x16x64xbf16>, %x: tensor<4x2x64xbf16>, %s: tensor<4xi32>) {
  // expected-error @+1 {{expects 'input' to have shape [4, 1, 64], but got 'tensor<4x2x64xbf16>'}}
  %y = xf.cache_append %c, %x, %s : tensor<8x1x16x64xbf16>, tensor<4x2x64xbf16>, tensor<4xi32>
  return
}

// -----

func.func @cache_append_c3(%c: tensor<8x1x16x64xbf16>, %x: tensor<4x1x64xf32>, %s: tensor<4xi32>) {
  // expected-error @+1 {{expects 'input' to have element type 'bf16', but got 'tensor<4x1x64xf32>'}}
  %y = xf.cache_append %c, %x, %s : tensor<8x1x16x64xbf16>, tensor<4x1x64xf32>, tensor<4xi32>
  return
}

// -----

func.func @cache_append_c4(%c: tensor<8x1x16x64xbf16>, %x: tensor<4x1x64xbf16>, %s: tensor<8xi32>) {
  // expected-error @+1 {{expects 'slot_mapping' to have shape [4], but got 'tensor<8xi32>'}}
  %y = xf.cache_append %c, %x, %s : tensor<8x1x16x64xbf16>, tensor<4x1x64xbf16>, tensor<8xi32>
  return
}
