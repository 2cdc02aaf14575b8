// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

!f = !tile.fragment<8x64xf32>
tile.kernel @splat_c1(%x: i32) attributes {warps = 1} {
  // expected-error @+1 {{expects a value of the element type, but got 'i32'}}
  %f = tile.splat %x : i32 to !f
}

// -----

tile.kernel @iota_c1() attributes {warps = 1} {
  // expected-error @+1 {{expects integer elements}}
  %f = tile.iota 0 : !tile.fragment<8x64xf32>
}

// -----

tile.kernel @iota_c1_dimension() attributes {warps = 1} {
  // expected-error @+1 {{expects a dimension below 2, but got 2}}
  %f = tile.iota 2 : !tile.fragment<8x64xi32>
}

// -----

tile.kernel @cast_c1(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x64xf32>
  // expected-error @+1 {{expects equal shapes and layouts}}
  %g = tile.cast %f : !tile.fragment<8x64xf32> to !tile.fragment<8x32xbf16>
}

// -----

tile.kernel @bitcast_c1(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x64xf32>
  // expected-error @+1 {{expects element types of one width}}
  %g = tile.bitcast %f : !tile.fragment<8x64xf32> to !tile.fragment<8x64xi16>
}

// -----

tile.kernel @select_c1(%x: f32, %c: i32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x64xf32>
  %i = tile.splat %c : i32 to !tile.fragment<8x64xi32>
  // expected-error @+1 {{expects a condition of i1, but got '!tile.fragment<8x64xi32>'}}
  %g = tile.select %i, %f, %f : !tile.fragment<8x64xi32>, !tile.fragment<8x64xf32>
}

// -----

tile.kernel @philox_c1(%key: i64, %stream: i32, %x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x64xf32>
  // expected-error @+1 {{expects a counter of i32}}
  %g = tile.philox %key, %stream, %f : i64, i32, !tile.fragment<8x64xf32>
}

// -----

tile.kernel @reduce_c1(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x64xf32>
  // expected-error @+1 {{expects a dimension below 2, but got 3}}
  %g = tile.reduce add %f 3 : !tile.fragment<8x64xf32> to !tile.fragment<8x1xf32>
}

// -----

tile.kernel @reduce_c2(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x64xf32>
  // expected-error @+1 {{expects size 1 in dimension 1 of the result}}
  %g = tile.reduce add %f 1 : !tile.fragment<8x64xf32> to !tile.fragment<1x64xf32>
}

// -----

tile.kernel @argmax_c1(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x64xf32>
  // expected-error @+1 {{expects a dimension below 2, but got -1}}
  %g, %i = tile.argmax %f -1 : !tile.fragment<8x64xf32> to !tile.fragment<8x1xf32>, !tile.fragment<8x1xi32>
}

// -----

tile.kernel @argmax_c2(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x64xf32>
  // expected-error @+1 {{expects size 1 in dimension 1 of the result}}
  %g, %i = tile.argmax %f 1 : !tile.fragment<8x64xf32> to !tile.fragment<8x1xf32>, !tile.fragment<8x64xi32>
}

// -----

tile.kernel @argmax_c3(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x64xf32>
  // expected-error @+1 {{expects an index of i32}}
  %g, %i = tile.argmax %f 1 : !tile.fragment<8x64xf32> to !tile.fragment<8x1xf32>, !tile.fragment<8x1xi64>
}

// -----

tile.kernel @broadcast_c1(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x2xf32>
  // expected-error @+1 {{expects each dimension to be the result's or 1}}
  %g = tile.broadcast %f : !tile.fragment<8x2xf32> to !tile.fragment<8x64xf32>
}

// -----

#across = #tile.layout<thread = [32:(1, 0)], register = []>
#wide = #tile.layout<thread = [32:(0, 1)], register = [32:(1, 0)]>
tile.kernel @broadcast_c2(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<32x1xf32, #across>
  // expected-error @+1 {{expects every thread to hold what it repeats}}
  %g = tile.broadcast %f : !tile.fragment<32x1xf32, #across> to !tile.fragment<32x32xf32, #wide>
}
