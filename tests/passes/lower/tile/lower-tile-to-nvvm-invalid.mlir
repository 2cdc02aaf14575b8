// RUN: tilewright-opt %s -lower-tile-to-nvvm -split-input-file -verify-diagnostics

// expected-error @+1 {{has no parameters; run tile-collect-parameters first}}
tile.kernel @no_parameters(%x: !tile.global<64x64xf32>) attributes {warps = 4 : i64} {
}

// -----

tile.kernel @no_layout() attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, params = []} {
  %zero = arith.constant 0.0 : f32
  // expected-error @+1 {{has a fragment without a layout; run tile-assign-layouts first}}
  %f = tile.splat %zero : f32 to !tile.fragment<64x64xf32>
}

// -----

tile.kernel @wrong_threads() attributes {warps = 8 : i64, block = array<i64: 256, 1, 1>, params = []} {
  %zero = arith.constant 0.0 : f32
  // expected-error @+1 {{has a fragment over 128 threads in code that 8 warps run}}
  %f = tile.splat %zero : f32 to !tile.fragment<1x128xf32, #tile.layout<thread = [128:(0, 1)], register = []>>
}

// -----

// expected-error @+1 {{has a parameter of unknown kind}}
tile.kernel @unknown_parameter() attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, params = [{kind = "color"}]} {
}

// -----

tile.kernel @no_offset() attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, shared_bytes = 64 : i64, params = []} {
  // expected-error @+2 {{has no offset; run tile-plan-shared-memory first}}
  // expected-error @+1 {{failed to legalize operation 'tile.alloc'}}
  %s = tile.alloc : !tile.shared<64xi8>
}

// -----

tile.kernel @no_pointer(%x: !tile.global<1x128xf32>) attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, params = []} {
  %c0 = arith.constant 0 : index
  // expected-error @+2 {{has no pointer among the kernel's parameters}}
  // expected-error @+1 {{failed to legalize operation 'tile.load'}}
  %f = tile.load %x[%c0, %c0] : !tile.global<1x128xf32> to !tile.fragment<1x128xf32, #tile.layout<thread = [128:(0, 1)], register = []>>
}

// -----

tile.kernel @no_scratch() attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, params = []} {
  %i = tile.iota 1 : !tile.fragment<1x128xi32, #tile.layout<thread = [128:(0, 1)], register = []>>
  // expected-error @+2 {{needs 16 bytes of scratch; run tile-plan-shared-memory first}}
  // expected-error @+1 {{failed to legalize operation 'tile.reduce'}}
  %sum = tile.reduce add %i 1 : !tile.fragment<1x128xi32, #tile.layout<thread = [128:(0, 1)], register = []>> to !tile.fragment<1x1xi32, #tile.layout<thread = [128:(0, 0)], register = []>>
}

// -----

#acc = #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(8, 0), 8:(0, 8)]>
tile.kernel @wrong_accumulator() attributes {warps = 4 : i64, block = array<i64: 128, 1, 1>, shared_bytes = 16384 : i64, params = []} {
  %zero = arith.constant 0.0 : f32
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<64x64xbf16, swizzle = 128>
  %init = tile.splat %zero : f32 to !tile.fragment<64x64xf32, #tile.layout<thread = [8:(0, 8), 16:(1, 0)], register = [8:(0, 1), 4:(16, 0)]>>
  // expected-error @+2 {{expects the accumulator of 4 warps, but its layout is}}
  // expected-error @+1 {{failed to legalize operation 'tile.mma'}}
  %d = tile.mma %a, %a, %init transpose_b : !tile.shared<64x64xbf16, swizzle = 128>, !tile.shared<64x64xbf16, swizzle = 128>, !tile.fragment<64x64xf32, #tile.layout<thread = [8:(0, 8), 16:(1, 0)], register = [8:(0, 1), 4:(16, 0)]>>
}
