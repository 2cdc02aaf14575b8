// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

tile.kernel @cluster_sync_c1() attributes {cluster = array<i64: 2>} {
  // expected-note @+1 {{the role}}
  tile.role @r warps = 1 {
    // expected-error @+1 {{is not allowed in a role}}
    tile.cluster_sync
  }
}

// -----

tile.kernel @turn_c1() {
  %order = tile.order : !tile.order
  tile.role @r warps = 4 {
    // expected-error @+1 {{expects to be in a role with replicas}}
    tile.turn wait %order : !tile.order
  }
}

// -----

tile.kernel @mbarrier_init_c1() attributes {warps = 4} {
  %b = tile.alloc : !tile.barriers<2>
  // expected-error @+1 {{expects a positive count, but got 0}}
  tile.mbarrier_init %b count 0 : !tile.barriers<2>
}

// -----

tile.kernel @mbarrier_expect_c1(%i: i32) attributes {warps = 4} {
  %b = tile.alloc : !tile.barriers<2>
  // expected-error @+1 {{expects 0 to 1048575 bytes, but got 1048576}}
  tile.mbarrier_expect %b[%i] bytes 1048576 : !tile.barriers<2>
}

// -----

tile.kernel @named_barrier_c1(%i: i32) attributes {warps = 4} {
  // expected-error @+1 {{expects whole warps of threads, but got 48}}
  tile.named_barrier %i threads 48
}

// -----

tile.kernel @outside_of_kernel_body() {
  tile.role @r warps = 4 {
    // expected-error @+1 {{expects parent op 'tile.kernel'}}
    %order = tile.order : !tile.order
  }
}
