// RUN: tilewright-opt %s -tile-collect-parameters -split-input-file -verify-diagnostics

tile.kernel @odd_stride(%x: !tile.global<?x68xbf16, [tokens]>) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  // expected-error @+1 {{expects strides of a multiple of 16 bytes, but got 136}}
  tile.copy %x[%c0, %c0] to %s : !tile.global<?x68xbf16, [tokens]>, !tile.shared<64x64xbf16, swizzle = 128>
}

// -----

tile.kernel @dynamic_stride(%x: !tile.global<64x?xbf16, [tokens]>) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  // expected-error @+1 {{expects only the first dimension of the tensor to be dynamic}}
  tile.copy %x[%c0, %c0] to %s : !tile.global<64x?xbf16, [tokens]>, !tile.shared<64x64xbf16, swizzle = 128>
}

// -----

// expected-error @+1 {{starts with 168 registers a thread, 2016 for a thread of each warp, but the roles want 2048}}
tile.kernel @too_many_registers() {
  tile.role @load warps = 1 registers = 48 {
  }
  tile.role @math warpgroups = 2 registers = 232 {
  }
}
