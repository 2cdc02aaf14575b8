// RUN: tilewright-opt %s -tile-expand-rings -split-input-file -verify-diagnostics

!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<2, !s>
tile.kernel @nothing(%g: !tile.global<64x64xbf16>) {
  %ring = tile.ring : !ring
  tile.role @load warps = 1 {
    %s = tile.acquire %ring : !ring
    // expected-error @+1 {{hands over a stage that nothing fills}}
    tile.commit %ring : !ring
  }
  tile.role @use warps = 1 {
    %s = tile.wait %ring : !ring
    tile.release %ring : !ring
  }
}

// -----

!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<2, !s>
tile.kernel @too_many(%g: !tile.global<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  %ring = tile.ring : !ring
  tile.role @load warps = 1 {
    %s = tile.acquire %ring : !ring
    tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
    tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
    // expected-error @+1 {{expects at most 8192 bytes, the size of a stage, but the copies bring 16384}}
    tile.commit %ring : !ring
  }
  tile.role @use warps = 1 {
    %s = tile.wait %ring : !ring
    tile.release %ring : !ring
  }
}

// -----

!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<2, !s>
tile.kernel @unknown(%g: !tile.global<64x64xbf16>, %n: i32) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  %ring = tile.ring : !ring
  tile.role @load warps = 1 {
    %s = tile.acquire %ring : !ring
    %some = arith.cmpi sgt, %n, %zero : i32
    // expected-error @+1 {{copies a number of bytes to a stage that is not known here}}
    scf.if %some {
      tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
    }
    tile.commit %ring : !ring
  }
  tile.role @use warps = 1 {
    %s = tile.wait %ring : !ring
    tile.release %ring : !ring
  }
}

// -----

!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<2, !s>
tile.kernel @behind_commit(%g: !tile.global<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  %ring = tile.ring : !ring
  tile.role @load warps = 1 {
    %s = tile.acquire %ring : !ring
    tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
    tile.commit %ring : !ring
    // expected-error @+1 {{fills a stage outside of its acquire and commit}}
    tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
  }
  tile.role @use warps = 1 {
    %s = tile.wait %ring : !ring
    tile.release %ring : !ring
  }
}

// -----

!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<2, !s>
tile.kernel @released_too_early(%g: !tile.global<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  %f0 = arith.constant 0.0 : f32
  %ring = tile.ring : !ring
  tile.role @load warps = 1 {
    %s = tile.acquire %ring : !ring
    tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
    tile.commit %ring : !ring
  }
  tile.role @math warpgroups = 1 {
    %zero = tile.splat %f0 : f32 to !tile.fragment<64x64xf32>
    %s = tile.wait %ring : !ring
    // expected-note @+1 {{the product}}
    %d = tile.mma %s, %s, %zero transpose_b : !s, !s, !tile.fragment<64x64xf32>
    // expected-error @+1 {{gives back a stage that a product may still read}}
    tile.release %ring : !ring
  }
}

// -----

!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<2, !s>
tile.kernel @keeps_all(%g: !tile.global<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  %f0 = arith.constant 0.0 : f32
  %ring = tile.ring : !ring
  tile.role @load warps = 1 {
    %s = tile.acquire %ring : !ring
    tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
    tile.commit %ring : !ring
  }
  tile.role @math warpgroups = 1 {
    %zero = tile.splat %f0 : f32 to !tile.fragment<64x64xf32>
    scf.for %i = %c0 to %c9 step %c1 {
      %s = tile.wait %ring : !ring
      %d = tile.mma %s, %s, %zero transpose_b : !s, !s, !tile.fragment<64x64xf32>
      // expected-error @+1 {{would keep all 2 stages of the ring, and wait forever}}
      tile.release %ring after(%d : !tile.fragment<64x64xf32>) {in_flight = 2} : !ring
    }
  }
}
