// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

func.func @cast_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects 'result' to have shape [4], but got 'tensor<5xbf16>'}}
  %y = xf.cast %x : tensor<4xf32> to tensor<5xbf16>
  return
}

// -----

func.func @reshape_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects 'result' to have element type 'f32', but got 'tensor<2x2xbf16>'}}
  %y = xf.reshape %x : tensor<4xf32> to tensor<2x2xbf16>
  return
}

// -----

func.func @reshape_c2(%x: tensor<?x4xf32, #xf.sizes<tokens>>) {
  // expected-error @+1 {{expects 'input' and 'result' to have the same symbolic size, in dimension 0 only, but got}}
  %y = xf.reshape %x : tensor<?x4xf32, #xf.sizes<tokens>> to tensor<?x4xf32, #xf.sizes<rows>>
  return
}

// -----

func.func @reshape_c2_not_leading(%x: tensor<?x4xf32, #xf.sizes<tokens>>) {
  // expected-error @+1 {{expects 'input' and 'result' to have the same symbolic size, in dimension 0 only, but got}}
  %y = xf.reshape %x : tensor<?x4xf32, #xf.sizes<tokens>> to tensor<4x?xf32, #xf.sizes<tokens>>
  return
}

// -----

func.func @reshape_c3(%x: tensor<?x4xf32, #xf.sizes<tokens>>) {
  // expected-error @+1 {{expects 'result' to have as many elements as 'tensor<?x4xf32, #xf.sizes<tokens>>', but got 'tensor<?x2x3xf32, #xf.sizes<tokens>>'}}
  %y = xf.reshape %x : tensor<?x4xf32, #xf.sizes<tokens>> to tensor<?x2x3xf32, #xf.sizes<tokens>>
  return
}

// -----

func.func @regroup_columns_c1(%x: tensor<bf16>) {
  // expected-error @+1 {{expects 'input' to have rank at least 1, but got 'tensor<bf16>'}}
  %r = xf.regroup_columns %x period = 4 extent = 4 from = 2 to = 1 : tensor<bf16>
  return
}

// -----

func.func @regroup_columns_c2(%x: tensor<2x6xbf16>) {
  // expected-error @+1 {{expects 'period' to divide the 6 columns, but got 4}}
  %r = xf.regroup_columns %x period = 4 extent = 4 from = 2 to = 1 : tensor<2x6xbf16>
  return
}

// -----

func.func @regroup_columns_c3(%x: tensor<2x8xbf16>) {
  // expected-error @+1 {{expects 'extent' to be in [1, 4], but got 0}}
  %r = xf.regroup_columns %x period = 4 extent = 0 from = 2 to = 1 : tensor<2x8xbf16>
  return
}

// -----

func.func @regroup_columns_c4(%x: tensor<2x8xbf16>) {
  // expected-error @+1 {{expects 2 * 'from' to divide 'extent' (4), but got 3}}
  %r = xf.regroup_columns %x period = 4 extent = 4 from = 3 to = 1 : tensor<2x8xbf16>
  return
}

// -----

func.func @regroup_columns_c5(%x: tensor<2x8xbf16>) {
  // expected-error @+1 {{expects 2 * 'to' to divide 'extent' (4), but got -1}}
  %r = xf.regroup_columns %x period = 4 extent = 4 from = 2 to = -1 : tensor<2x8xbf16>
  return
}

// -----

func.func @split_c1(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expects 'dim' to be a dimension of 'tensor<4x8xf32>', but got 2}}
  %y = xf.split %x dim 2 : tensor<4x8xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @split_c2(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expects at least one result}}
  "xf.split"(%x) {dim = 1 : i64} : (tensor<4x8xf32>) -> ()
  return
}

// -----

func.func @split_c3(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expects pieces like 'tensor<4x8xf32>' except along dimension 1, but got 'tensor<3x4xf32>'}}
  %y, %z = xf.split %x dim 1 : tensor<4x8xf32> -> tensor<4x4xf32>, tensor<3x4xf32>
  return
}

// -----

func.func @split_c4(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expects the pieces' sizes to add up to 8, but got 7}}
  %y, %z = xf.split %x dim 1 : tensor<4x8xf32> -> tensor<4x4xf32>, tensor<4x3xf32>
  return
}

// -----

func.func @split_c4_symbolic(%x: tensor<4x?xf32, #xf.sizes<tokens>>) {
  // expected-error @+1 {{expects dimension 1 to be static, but got 'tensor<4x?xf32, #xf.sizes<tokens>>'}}
  %y = xf.split %x dim 1 : tensor<4x?xf32, #xf.sizes<tokens>> -> tensor<4x4xf32>
  return
}

// -----

func.func @split_c5(%x: tensor<?x4x8xf32, #xf.sizes<tokens>>) {
  // expected-error @+1 {{expects 'dim' to be the last dimension of 'tensor<?x4x8xf32, #xf.sizes<tokens>>', but got 1}}
  %y, %z = xf.split %x dim 1 : tensor<?x4x8xf32, #xf.sizes<tokens>> -> tensor<?x2x8xf32, #xf.sizes<tokens>>, tensor<?x2x8xf32, #xf.sizes<tokens>>
  return
}

// -----

func.func @concat_c1() {
  // expected-error @+1 {{expects at least one input}}
  %y = "xf.concat"() {dim = 0 : i64} : () -> tensor<4xf32>
  return
}

// -----

func.func @concat_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects 'dim' to be a dimension of 'tensor<4xf32>', but got -1}}
  %y = xf.concat %x dim -1 : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @concat_c3(%x: tensor<4x2xf32>, %z: tensor<4x2xbf16>) {
  // expected-error @+1 {{expects pieces like 'tensor<8x2xf32>' except along dimension 0, but got 'tensor<4x2xbf16>'}}
  %y = xf.concat %x, %z dim 0 : tensor<4x2xf32>, tensor<4x2xbf16> -> tensor<8x2xf32>
  return
}

// -----

func.func @concat_c4(%x: tensor<4x2xf32>) {
  // expected-error @+1 {{expects the pieces' sizes to add up to 9, but got 8}}
  %y = xf.concat %x, %x dim 0 : tensor<4x2xf32>, tensor<4x2xf32> -> tensor<9x2xf32>
  return
}

// -----

func.func @concat_c5(%x: tensor<?x4x8xf32, #xf.sizes<tokens>>) {
  // expected-error @+1 {{expects 'dim' to be the last dimension of 'tensor<?x8x8xf32, #xf.sizes<tokens>>', but got 1}}
  %y = xf.concat %x, %x dim 1 : tensor<?x4x8xf32, #xf.sizes<tokens>>, tensor<?x4x8xf32, #xf.sizes<tokens>> -> tensor<?x8x8xf32, #xf.sizes<tokens>>
  return
}
