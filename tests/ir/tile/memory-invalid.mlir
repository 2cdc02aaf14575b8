// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

!ring = !tile.ring<2, !tile.shared<64x64xbf16, swizzle = 128>>
tile.kernel @release_c1() {
  %ring = tile.ring : !ring
  tile.role @r warps = 1 {
    // expected-error @+1 {{expects 'in_flight' to come with 'after', and not to be negative}}
    tile.release %ring {in_flight = 1} : !ring
  }
}

// -----

tile.kernel @slice_c1() attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  // expected-error @+1 {{expects an offset per dimension, and equal ranks, element types and swizzles}}
  %t = tile.slice %s [0, 0] : !tile.shared<64x64xbf16, swizzle = 128> to !tile.shared<64x64xbf16>
}

// -----

tile.kernel @slice_c2() attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  // expected-error @+1 {{expects the part to fit inside the source}}
  %t = tile.slice %s [32, 0] : !tile.shared<64x64xbf16, swizzle = 128> to !tile.shared<64x64xbf16, swizzle = 128>
}

// -----

tile.kernel @slice_c3() attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  // expected-error @+1 {{expects whole groups of 8 rows, and whole panels or a static part of one, in a swizzled tile}}
  %t = tile.slice %s [4, 0] : !tile.shared<64x64xbf16, swizzle = 128> to !tile.shared<8x64xbf16, swizzle = 128>
}

// -----

tile.kernel @stage_c1() attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64xbf16>
  %c0 = arith.constant 0 : i32
  // expected-error @+1 {{expects a shared tile of rank 2 or more}}
  %t = tile.stage %s[%c0] : !tile.shared<64xbf16>
}

// -----

tile.kernel @copy_c1(%x: !tile.global<?x64xbf16, [tokens]>) attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expects 2 indices, one per dimension, but got 1}}
  tile.copy %x[%c0] to %s : !tile.global<?x64xbf16, [tokens]>, !tile.shared<64x64xbf16, swizzle = 128>
}

// -----

tile.kernel @copy_c2(%x: !tile.global<?x64x64xbf16, [pages]>) attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expects the tile to span increasing dimensions of the memory, but got dimension 1}}
  tile.copy %x[%c0, %c0, %c0] to %s {dims = array<i64: 2, 1>} : !tile.global<?x64x64xbf16, [pages]>, !tile.shared<64x64xbf16, swizzle = 128>
}

// -----

tile.kernel @copy_c3(%x: !tile.global<?x64xf16, [tokens]>) attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expects equal element types, but got 'f16' and 'bf16'}}
  tile.copy %x[%c0, %c0] to %s : !tile.global<?x64xf16, [tokens]>, !tile.shared<64x64xbf16, swizzle = 128>
}

// -----

tile.kernel @copy_c4(%x: !tile.global<?x64xbf16, [tokens]>) attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64x4xbf16>
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expects rows of a multiple of 16 bytes, but got 8}}
  tile.copy %x[%c0, %c0] to %s : !tile.global<?x64xbf16, [tokens]>, !tile.shared<64x4xbf16>
}

// -----

tile.kernel @copy_c5(%x: !tile.global<2x2x2x2x64x64xbf16>) attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expects a tensor of rank at most 5}}
  tile.copy_out %s to %x[%c0, %c0, %c0, %c0, %c0, %c0] : !tile.shared<64x64xbf16, swizzle = 128>, !tile.global<2x2x2x2x64x64xbf16>
}

// -----

tile.kernel @copy_c6(%x: !tile.global<?x64xbf16, [tokens]>) attributes {warps = 4, cluster = array<i64: 2, 1>} {
  %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expects 'multicast' to name dimensions of the cluster with an extent above 1, but got 1}}
  tile.copy %x[%c0, %c0] to %s {multicast = array<i64: 1>} : !tile.global<?x64xbf16, [tokens]>, !tile.shared<64x64xbf16, swizzle = 128>
}

// -----

tile.kernel @copy_c6_rows(%x: !tile.global<?x64xbf16, [tokens]>) attributes {warps = 4, cluster = array<i64: 2, 1>} {
  %s = tile.alloc : !tile.shared<8x64xbf16, swizzle = 128>
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expects whole groups of 8 rows for each of 2 CTAs}}
  tile.copy %x[%c0, %c0] to %s {multicast = array<i64: 0>} : !tile.global<?x64xbf16, [tokens]>, !tile.shared<8x64xbf16, swizzle = 128>
}
