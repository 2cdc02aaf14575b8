// RUN: tilewright-opt %s -tile-assign-layouts -split-input-file -verify-diagnostics

tile.kernel @too_few_rows() attributes {warps = 16} {
  %a = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  %b = tile.alloc : !tile.shared<16x64xbf16, swizzle = 128>
  %f0 = arith.constant 0.0 : f32
  %zero = tile.splat %f0 : f32 to !tile.fragment<64x16xf32>
  // expected-error @+1 {{of 64 x 16 cannot be shared by 16 warps}}
  %d = tile.mma %a, %b, %zero transpose_b : !tile.shared<64x64xbf16, swizzle = 128>, !tile.shared<16x64xbf16, swizzle = 128>, !tile.fragment<64x16xf32>
}

// -----

// Two warpgroups share the columns of 64 rows, so neither has all of K.
tile.kernel @operand_over_columns(%x: !tile.global<64x64xbf16>) attributes {warps = 8} {
  %c0 = arith.constant 0 : index
  %b = tile.alloc : !tile.shared<128x64xbf16, swizzle = 128>
  %f0 = arith.constant 0.0 : f32
  %zero = tile.splat %f0 : f32 to !tile.fragment<64x128xf32>
  %a = tile.load %x[%c0, %c0] : !tile.global<64x64xbf16> to !tile.fragment<64x64xbf16>
  // expected-error @+1 {{cannot take its operand from registers: 8 warps share the columns of 64 rows}}
  %d = tile.mma %a, %b, %zero transpose_b : !tile.fragment<64x64xbf16>, !tile.shared<128x64xbf16, swizzle = 128>, !tile.fragment<64x128xf32>
}

// -----

tile.kernel @partners_in_other_threads(%x: !tile.global<64x64xf32>) attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  %f0 = arith.constant 0.0 : f32
  %zero = tile.splat %f0 : f32 to !tile.fragment<64x64xf32>
  %d = tile.mma %s, %s, %zero transpose_b : !tile.shared<64x64xbf16, swizzle = 128>, !tile.shared<64x64xbf16, swizzle = 128>, !tile.fragment<64x64xf32>
  // expected-error @+1 {{is not thread-local: the partners of a group are in different threads}}
  %a, %b = tile.deinterleave %d 1 group 2 : !tile.fragment<64x64xf32> to !tile.fragment<64x32xf32>
}

// -----

tile.kernel @rows_of_other_warps(%x: !tile.global<64x64xf32>) attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  %f0 = arith.constant 0.0 : f32
  %zero = tile.splat %f0 : f32 to !tile.fragment<64x64xf32>
  %d = tile.mma %s, %s, %zero transpose_b : !tile.shared<64x64xbf16, swizzle = 128>, !tile.shared<64x64xbf16, swizzle = 128>, !tile.fragment<64x64xf32>
  // expected-error @+1 {{is not thread-local: register 0 is inside the part in some threads and outside in others}}
  %a = tile.extract %d[0, 0] : !tile.fragment<64x64xf32> to !tile.fragment<32x64xf32>
}

// -----

tile.kernel @odd_vector(%x: !tile.global<?x36xf32, [tokens]>) attributes {warps = 1} {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{has no layout of '!tile.fragment<8x36xf32>' over 32 threads}}
  %f = tile.load %x[%c0, %c0] {vector = 8} : !tile.global<?x36xf32, [tokens]> to !tile.fragment<8x36xf32>
}
