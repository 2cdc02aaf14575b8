// RUN: tilewright-opt %s -tile-insert-fences -split-input-file -verify-diagnostics

tile.kernel @too_many_barriers() {
  %a = tile.order : !tile.order
  %b = tile.order : !tile.order
  %c = tile.order : !tile.order
  // expected-error @+1 {{needs 4 named barriers, but only 3 of 16 are left}}
  %d = tile.order : !tile.order
  tile.role @math warps = 2 replicas = 4 (%i) {
    tile.turn wait %a : !tile.order
    tile.turn wait %b : !tile.order
    tile.turn wait %c : !tile.order
    tile.turn wait %d : !tile.order
  }
}

// -----

tile.kernel @turns_of_two_roles() {
  %order = tile.order : !tile.order
  tile.role @one warpgroups = 1 replicas = 2 (%i) {
    tile.turn wait %order : !tile.order
  }
  tile.role @two warpgroups = 1 replicas = 2 (%i) {
    // expected-error @+1 {{takes turns with another role}}
    tile.turn wait %order : !tile.order
  }
}
