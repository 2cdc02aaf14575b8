// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

!s = !tile.shared<64x64xbf16, swizzle = 128>
tile.kernel @mma_c1(%zero: f32) attributes {warps = 4} {
  %a = tile.alloc : !s
  %acc = tile.splat %zero : f32 to !tile.fragment<64x128xf32>
  // expected-error @+1 {{expects M x K, K x N and M x N}}
  %d = tile.mma %a, %a, %acc transpose_b : !s, !s, !tile.fragment<64x128xf32>
}

// -----

!s = !tile.shared<64x64xbf16, swizzle = 128>
!h = !tile.shared<64x64xf16, swizzle = 128>
tile.kernel @mma_c2(%zero: f32) attributes {warps = 4} {
  %a = tile.alloc : !s
  %b = tile.alloc : !h
  %acc = tile.splat %zero : f32 to !tile.fragment<64x64xf32>
  // expected-error @+1 {{expects operands of one element type, but got 'bf16' and 'f16'}}
  %d = tile.mma %a, %b, %acc transpose_b : !s, !h, !tile.fragment<64x64xf32>
}

// -----

!s = !tile.shared<64x64xbf16, swizzle = 128>
tile.kernel @mma_c2_accumulator(%zero: i32) attributes {warps = 4} {
  %a = tile.alloc : !s
  %acc = tile.splat %zero : i32 to !tile.fragment<64x64xi32>
  // expected-error @+1 {{expects types that the target multiplies, but got 'bf16' into 'i32'}}
  %d = tile.mma %a, %a, %acc transpose_b : !s, !s, !tile.fragment<64x64xi32>
}

// -----

!a = !tile.shared<32x64xbf16, swizzle = 128>
!b = !tile.shared<64x64xbf16, swizzle = 128>
tile.kernel @mma_c3(%zero: f32) attributes {warps = 4} {
  %a = tile.alloc : !a
  %b = tile.alloc : !b
  %acc = tile.splat %zero : f32 to !tile.fragment<32x64xf32>
  // expected-error @+1 {{expects M, N and K to be multiples of 64, 8 and 16, but got 32, 64 and 64}}
  %d = tile.mma %a, %b, %acc transpose_b : !a, !b, !tile.fragment<32x64xf32>
}

// -----

!s = !tile.shared<128x128xf8E4M3FN, swizzle = 128>
tile.kernel @mma_c4(%zero: f32) attributes {warps = 4} {
  %a = tile.alloc : !s
  %acc = tile.splat %zero : f32 to !tile.fragment<128x128xf32>
  // expected-error @+1 {{expects operands of 'f8E4M3FN' with K innermost}}
  %d = tile.mma %a, %a, %acc : !s, !s, !tile.fragment<128x128xf32>
}

// -----

!s = !tile.shared<64x64xbf16>
tile.kernel @mma_c5(%zero: f32) attributes {warps = 4} {
  %a = tile.alloc : !s
  %acc = tile.splat %zero : f32 to !tile.fragment<64x64xf32>
  // expected-error @+1 {{expects swizzled operands, but got '!tile.shared<64x64xbf16>'}}
  %d = tile.mma %a, %a, %acc transpose_b : !s, !s, !tile.fragment<64x64xf32>
}

// -----

!s = !tile.shared<64x64xbf16, swizzle = 128>
tile.kernel @mma_c6(%zero: f32, %x: !tile.global<64x64xbf16>) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  %b = tile.alloc : !s
  %a = tile.load %x[%c0, %c0] : !tile.global<64x64xbf16> to !tile.fragment<64x64xbf16>
  %acc = tile.splat %zero : f32 to !tile.fragment<64x64xf32>
  // expected-error @+1 {{expects a fragment not to be transposed}}
  %d = tile.mma %a, %b, %acc transpose_a transpose_b : !tile.fragment<64x64xbf16>, !s, !tile.fragment<64x64xf32>
}

// -----

tile.kernel @mma_wait_c1() attributes {warps = 4} {
  // expected-error @+1 {{expects 'in_flight' not to be negative}}
  tile.mma_wait {in_flight = -1}
}
