// RUN: tilewright-opt %s -tile-expand-rings -split-input-file -verify-diagnostics -o /dev/null

// Roles that would wait forever, whatever the sizes.

!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<1, !s>
tile.kernel @holds_all_stages(%g: !tile.global<64x64xbf16>, %n: i32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %end = arith.index_cast %n : i32 to index
  %ring = tile.ring : !ring
  tile.role @load warps = 1 {
    scf.for %i = %c0 to %end step %c1 {
      %s = tile.acquire %ring : !ring
      tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
      tile.commit %ring : !ring
    }
  }
  tile.role @use warps = 1 {
    scf.for %i = %c0 to %end step %c1 {
      %a = tile.wait %ring : !ring
      // expected-error @+1 {{waits for a stage while its role holds all 1 of the ring, and would wait forever}}
      %b = tile.wait %ring : !ring
      tile.release %ring : !ring
      tile.release %ring : !ring
    }
  }
}

// -----

// Each round keeps one stage more.
!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<3, !s>
tile.kernel @holds_more_each_round(%g: !tile.global<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  %ring = tile.ring : !ring
  tile.role @load warps = 1 {
    scf.for %i = %c0 to %c9 step %c1 {
      %s = tile.acquire %ring : !ring
      tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
      tile.commit %ring : !ring
    }
  }
  tile.role @use warps = 1 {
    scf.for %i = %c0 to %c9 step %c1 {
      %a = tile.wait %ring : !ring
      // expected-error @+1 {{waits for a stage while its role holds all 3 of the ring, and would wait forever}}
      %b = tile.wait %ring : !ring
      tile.release %ring : !ring
    }
  }
}

// -----

!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<2, !s>
tile.kernel @gives_back_twice(%g: !tile.global<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  %ring = tile.ring : !ring
  tile.role @load warps = 1 {
    %s = tile.acquire %ring : !ring
    tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
    tile.commit %ring : !ring
  }
  tile.role @use warps = 1 {
    %a = tile.wait %ring : !ring
    tile.release %ring : !ring
    // expected-error @+1 {{gives back a stage that its role did not wait for}}
    tile.release %ring : !ring
  }
}

// -----

!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<2, !s>
tile.kernel @each_waits_for_the_other(%g: !tile.global<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  // expected-note @+1 {{the ring it fills}}
  %there = tile.ring : !ring
  // expected-note @+1 {{a ring it waits for}}
  %back = tile.ring : !ring
  // expected-error @+1 {{fills a ring only after it has waited for one that cannot be filled before it}}
  tile.role @one warps = 1 {
    %w = tile.wait %back : !ring
    tile.release %back : !ring
    scf.for %i = %c0 to %c9 step %c1 {
      %s = tile.acquire %there : !ring
      tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
      tile.commit %there : !ring
    }
  }
  tile.role @two warps = 1 {
    scf.for %i = %c0 to %c9 step %c1 {
      %w = tile.wait %there : !ring
      tile.release %there : !ring
      %s = tile.acquire %back : !ring
      tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
      tile.commit %back : !ring
    }
  }
}

// -----

// One stage ahead, and one role behind the other: both get on.
!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<2, !s>
tile.kernel @holds_one_from_round_to_round(%g: !tile.global<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  %there = tile.ring : !ring
  %back = tile.ring : !ring
  tile.role @one warps = 1 {
    scf.for %i = %c0 to %c9 step %c1 {
      %s = tile.acquire %there : !ring
      tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
      tile.commit %there : !ring
      %w = tile.wait %back : !ring
      tile.release %back : !ring
    }
  }
  tile.role @two warps = 1 {
    %first = tile.wait %there : !ring
    scf.for %i = %c1 to %c9 step %c1 {
      %w = tile.wait %there : !ring
      tile.release %there : !ring
      %s = tile.acquire %back : !ring
      tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
      tile.commit %back : !ring
    }
    tile.release %there : !ring
    %s = tile.acquire %back : !ring
    tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
    tile.commit %back : !ring
  }
}

// -----

// Which of the two it is, only the run can tell.
!s = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<1, !s>
tile.kernel @depends_on_a_branch(%g: !tile.global<64x64xbf16>, %n: i32) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  %some = arith.cmpi ne, %n, %zero : i32
  %ring = tile.ring : !ring
  tile.role @load warps = 1 {
    scf.if %some {
      %s = tile.acquire %ring : !ring
      tile.copy %g[%c0, %c0] to %s : !tile.global<64x64xbf16>, !s
      tile.commit %ring : !ring
    }
  }
  tile.role @use warps = 1 {
    scf.if %some {
      %a = tile.wait %ring : !ring
    }
    scf.if %some {
      tile.release %ring : !ring
    }
  }
}
