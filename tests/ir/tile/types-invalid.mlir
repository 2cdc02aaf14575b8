// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{expects the same number of steps in every mode}}
tile.kernel @layout_c1(%x: !tile.fragment<4x4xf32, #tile.layout<thread = [4:(0, 1)], register = [4:(1)]>>) attributes {warps = 4} {}

// -----

// expected-error @+1 {{expects positive sizes and no negative steps, but got 0}}
tile.kernel @layout_c2(%x: !tile.fragment<4x4xf32, #tile.layout<thread = [0:(0, 1)], register = []>>) attributes {warps = 4} {}

// -----

// expected-error @+1 {{expects 1 sizes, one per dynamic dimension, but got 0}}
tile.kernel @global_c1(%x: !tile.global<?x64xf32>) attributes {warps = 4} {}

// -----

// expected-error @+1 {{expects positive dimensions, but got 0}}
tile.kernel @global_c2(%x: !tile.global<0x64xf32>) attributes {warps = 4} {}

// -----

tile.kernel @shared_c1() attributes {warps = 4} {
  // expected-error @+1 {{expects a swizzle of 0, 32, 64 or 128 bytes, but got 16}}
  %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 16>
}

// -----

tile.kernel @shared_c2() attributes {warps = 4} {
  // expected-error @+1 {{expects positive static dimensions}}
  %s = tile.alloc : !tile.shared<0x64xbf16>
}

// -----

tile.kernel @shared_c3() attributes {warps = 4} {
  // expected-error @+1 {{expects a multiple of 8 rows with a swizzle}}
  %s = tile.alloc : !tile.shared<12x64xbf16, swizzle = 128>
}

// -----

tile.kernel @shared_c3_row() attributes {warps = 4} {
  // expected-error @+1 {{expects rows of a multiple of 128 bytes, but got 96}}
  %s = tile.alloc : !tile.shared<16x48xbf16, swizzle = 128>
}

// -----

tile.kernel @ring_c1() {
  // expected-error @+1 {{expects at least one stage and one buffer}}
  %s = tile.ring : !tile.ring<0, !tile.shared<64x64xbf16>>
  tile.role @r warps = 1 {}
}

// -----

tile.kernel @ring_c2() {
  // expected-error @+1 {{expects shared tiles of rank 1 or 2, but got 'f32'}}
  %s = tile.ring : !tile.ring<2, f32>
  tile.role @r warps = 1 {}
}

// -----

tile.kernel @ring_c3() {
  // expected-error @+1 {{expects buffers of rank 1 to be a multiple of 128 bytes}}
  %s = tile.ring : !tile.ring<2, !tile.shared<16xf32>>
  tile.role @r warps = 1 {}
}

// -----

tile.kernel @fragment_c1(%x: f32) attributes {warps = 4} {
  // expected-error @+1 {{expects positive static dimensions}}
  %f = tile.splat %x : f32 to !tile.fragment<0x4xf32>
}

// -----

// The threads cover two rows of four, not four.
tile.kernel @fragment_c2(%x: f32) attributes {warps = 1} {
  // expected-error @+1 {{expects a layout that covers the shape}}
  %f = tile.splat %x : f32 to !tile.fragment<4x4xf32, #tile.layout<thread = [2:(1, 0), 4:(0, 1)], register = []>>
}
