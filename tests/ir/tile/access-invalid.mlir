// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

!g = !tile.global<?x64xf32, [tokens]>
tile.kernel @load_c1(%x: !g) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expects 2 indices, one per dimension, but got 3}}
  %f = tile.load %x[%c0, %c0, %c0] : !g to !tile.fragment<8x64xf32>
}

// -----

// Only a dimension of size 1 may span none of the tensor's.
!g = !tile.global<64xf32>
tile.kernel @load_c2(%x: !g) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expects the tile to span distinct dimensions of the memory, but got dimension -1 for size 8}}
  %f = tile.load %x[%c0] : !g to !tile.fragment<8x64xf32>
}

// -----

!g = !tile.global<?x64xf32, [tokens]>
tile.kernel @load_c3(%x: !g) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expects equal element types, but got 'f32' and 'bf16'}}
  %f = tile.load %x[%c0, %c0] : !g to !tile.fragment<8x64xbf16>
}

// -----

!g = !tile.global<?x64xf32, [tokens]>
tile.kernel @load_c4(%x: !g) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  %rows = tile.iota 0 : !tile.fragment<4x1xi32>
  // expected-error @+1 {{expects 'rows' to be a line of i32 along one dimension, for a global tensor, but got '!tile.fragment<4x1xi32>'}}
  %f = tile.load %x[%c0, %c0] rows(%rows : !tile.fragment<4x1xi32>) : !g to !tile.fragment<8x64xf32>
}

// -----

!g = !tile.global<?x64xf32, [tokens]>
tile.kernel @store_c1(%x: !g, %v: f32) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  %f = tile.splat %v : f32 to !tile.fragment<8x64xf32>
  // expected-error @+1 {{expects 2 indices, one per dimension, but got 1}}
  tile.store %f to %x[%c0] : !tile.fragment<8x64xf32>, !g
}

// -----

!g = !tile.global<?x64xf32, [tokens]>
tile.kernel @store_c2(%x: !g, %v: f32) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  %f = tile.splat %v : f32 to !tile.fragment<8x64xf32>
  // expected-error @+1 {{expects 'dims' to have one entry per dimension of the tile}}
  tile.store %f to %x[%c0, %c0] {dims = array<i64: 0>} : !tile.fragment<8x64xf32>, !g
}

// -----

!g = !tile.global<?x64xbf16, [tokens]>
tile.kernel @store_c3(%x: !g, %v: f32) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  %f = tile.splat %v : f32 to !tile.fragment<8x64xf32>
  // expected-error @+1 {{expects equal element types, but got 'bf16' and 'f32'}}
  tile.store %f to %x[%c0, %c0] : !tile.fragment<8x64xf32>, !g
}

// -----

!g = !tile.global<?x64xf32, [tokens]>
tile.kernel @store_c4(%x: !g, %v: f32) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  %f = tile.splat %v : f32 to !tile.fragment<8x64xf32>
  %rows = tile.iota 0 : !tile.fragment<8x64xi32>
  // expected-error @+1 {{expects 'rows' to be a line of i32 along one dimension}}
  tile.store %f to %x[%c0, %c0] rows(%rows : !tile.fragment<8x64xi32>) : !tile.fragment<8x64xf32>, !g
}

// -----

!g = !tile.global<?x64xf32, [tokens]>
tile.kernel @store_c5(%x: !g, %v: f32) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  %f = tile.splat %v : f32 to !tile.fragment<8x64xf32>
  %mask = arith.cmpf ogt, %f, %f : !tile.fragment<8x64xf32>
  %part = tile.extract %mask [0, 0] : !tile.fragment<8x64xi1> to !tile.fragment<4x64xi1>
  // expected-error @+1 {{expects 'mask' to be of i1, with each dimension that of the value or 1}}
  tile.store %f to %x[%c0, %c0] mask(%part : !tile.fragment<4x64xi1>) : !tile.fragment<8x64xf32>, !g
}

// -----

tile.kernel @add_at_c1(%v: i32) attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<1x64xi32>
  %f = tile.splat %v : i32 to !tile.fragment<1x64xi32>
  // expected-error @+1 {{expects values and indices of i32 and a vector of i32, but got}}
  tile.add_at %f to %s[%f : !tile.fragment<1x64xi32>] : !tile.fragment<1x64xi32>, !tile.shared<1x64xi32>
}

// -----

tile.kernel @add_at_c1_float(%v: f32, %i: i32) attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64xf32>
  %f = tile.splat %v : f32 to !tile.fragment<1x64xf32>
  %at = tile.splat %i : i32 to !tile.fragment<1x64xi32>
  // expected-error @+1 {{expects values and indices of i32 and a vector of i32, but got}}
  tile.add_at %f to %s[%at : !tile.fragment<1x64xi32>] : !tile.fragment<1x64xf32>, !tile.shared<64xf32>
}

// -----

tile.kernel @add_at_c2(%v: i32) attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64xi32>
  %f = tile.splat %v : i32 to !tile.fragment<1x64xi32>
  %at = tile.splat %v : i32 to !tile.fragment<1x32xi32>
  // expected-error @+1 {{expects indices in the shape of the values, but got}}
  tile.add_at %f to %s[%at : !tile.fragment<1x32xi32>] : !tile.fragment<1x64xi32>, !tile.shared<64xi32>
}

// -----

tile.kernel @add_at_c2_mask(%v: i32) attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64xi32>
  %f = tile.splat %v : i32 to !tile.fragment<1x64xi32>
  // expected-error @+1 {{expects 'mask' to be of i1, in the shape of the values, but got}}
  tile.add_at %f to %s[%f : !tile.fragment<1x64xi32>] mask(%f : !tile.fragment<1x64xi32>) : !tile.fragment<1x64xi32>, !tile.shared<64xi32>
}

// -----

!g = !tile.global<?xi32, [seqs]>
tile.kernel @load_scalar_c1(%x: !g) attributes {warps = 4} {
  // expected-error @+1 {{expects 1 indices, one per dimension, but got 0}}
  %v = tile.load_scalar %x[] : !g to i32
}

// -----

!g = !tile.global<?xi32, [seqs]>
tile.kernel @load_scalar_c2(%x: !g) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expects equal element types, but got 'i32' and 'f32'}}
  %v = tile.load_scalar %x[%c0] : !g to f32
}

// -----

!g = !tile.global<?xi32, [seqs]>
tile.kernel @store_scalar_c1(%x: !g, %v: i32) attributes {warps = 4} {
  // expected-error @+1 {{expects 1 indices, one per dimension, but got 0}}
  tile.store_scalar %v to %x[] : i32, !g
}

// -----

!g = !tile.global<?xi32, [seqs]>
tile.kernel @store_scalar_c2(%x: !g, %v: f32) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expects equal element types, but got 'i32' and 'f32'}}
  tile.store_scalar %v to %x[%c0] : f32, !g
}

// -----

tile.kernel @store_matrix_c1(%v: f32) attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  %f = tile.splat %v : f32 to !tile.fragment<64x64xf32>
  // expected-error @+1 {{expects equal element types, but got 'f32' and 'bf16'}}
  tile.store_matrix %f to %s : !tile.fragment<64x64xf32>, !tile.shared<64x64xbf16, swizzle = 128>
}

// -----

tile.kernel @store_matrix_c2(%v: f32) attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64x32xf32, swizzle = 128>
  %f = tile.splat %v : f32 to !tile.fragment<64x32xf32>
  // expected-error @+1 {{expects equal shapes}}
  tile.store_matrix %f to %s transpose : !tile.fragment<64x32xf32>, !tile.shared<64x32xf32, swizzle = 128>
}
