// RUN: tilewright-opt %s -tile-expand-rings -split-input-file -verify-diagnostics

!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<2, !s>
tile.kernel @outside_of_roles(%g: !tile.global<64x64xbf16>) {
  %ring = tile.ring : !ring
  // expected-error @+1 {{uses a ring outside of roles}}
  %s = tile.acquire %ring : !ring
  tile.role @load warps = 1 {
  }
}

// -----

!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<2, !s>
tile.kernel @two_producers(%g: !tile.global<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  %ring = tile.ring : !ring
  // expected-note @+1 {{the other role}}
  tile.role @one warps = 1 {
    %s = tile.acquire %ring : !ring
    tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
    tile.commit %ring : !ring
  }
  tile.role @two warps = 1 {
    // expected-error @+1 {{fills a ring that another role fills}}
    %s = tile.acquire %ring : !ring
    tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
    tile.commit %ring : !ring
  }
}

// -----

!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<2, !s>
tile.kernel @no_consumer(%g: !tile.global<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expects a role that fills it and one that consumes it}}
  %ring = tile.ring : !ring
  tile.role @load warps = 1 {
    %s = tile.acquire %ring : !ring
    tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
    tile.commit %ring : !ring
  }
}

// -----

!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<2, !s>
tile.kernel @waits_for_itself(%g: !tile.global<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  %ring = tile.ring : !ring
  // expected-error @+1 {{consumes a ring that it fills, and would wait for itself}}
  tile.role @both warps = 4 {
    %s = tile.acquire %ring : !ring
    tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
    tile.commit %ring : !ring
    %r = tile.wait %ring : !ring
    tile.release %ring : !ring
  }
}

// -----

!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<2, !s>
tile.kernel @acquire_without_commit(%g: !tile.global<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  %ring = tile.ring : !ring
  tile.role @load warps = 1 {
    // expected-error @+1 {{is not followed by a 'tile.commit' in its block}}
    %s = tile.acquire %ring : !ring
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
tile.kernel @commit_without_acquire(%g: !tile.global<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  %ring = tile.ring : !ring
  tile.role @load warps = 1 {
    %s = tile.acquire %ring : !ring
    tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
    tile.commit %ring : !ring
    // expected-error @+1 {{has no 'tile.acquire' before it in its block}}
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
tile.kernel @wait_without_release(%g: !tile.global<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  %ring = tile.ring : !ring
  tile.role @load warps = 1 {
    %s = tile.acquire %ring : !ring
    tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
    tile.commit %ring : !ring
  }
  tile.role @use warps = 1 {
    scf.for %i = %c0 to %c9 step %c1 {
      // expected-error @+1 {{has no 'tile.release' in the same loop}}
      %s = tile.wait %ring : !ring
    }
    tile.release %ring : !ring
  }
}

// -----

!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<2, !s>
tile.kernel @release_without_wait(%g: !tile.global<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  %ring = tile.ring : !ring
  tile.role @load warps = 1 {
    %s = tile.acquire %ring : !ring
    tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
    tile.commit %ring : !ring
  }
  tile.role @use warps = 1 {
    %s = tile.wait %ring : !ring
    tile.release %ring : !ring
    scf.for %i = %c0 to %c9 step %c1 {
      // expected-error @+1 {{has no 'tile.wait' in the same loop}}
      tile.release %ring : !ring
    }
  }
}

// -----

!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<2, !s>
tile.kernel @replicas_of_one_side(%g: !tile.global<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{with 2 replicas expects one role with as many on either side}}
  %ring = tile.ring {replicas = 2 : i64} : !ring
  tile.role @load warps = 1 {
    %s = tile.acquire %ring : !ring
    tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
    tile.commit %ring : !ring
  }
  tile.role @math warpgroups = 1 replicas = 2 (%replica) {
    %s = tile.wait %ring : !ring
    tile.release %ring : !ring
  }
}
