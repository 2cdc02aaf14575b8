// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{expects arguments to be global tensors, i32, i64 or f32, but got 'f64'}}
tile.kernel @kernel_c1(%x: f64) attributes {warps = 4} {}

// -----

// expected-error @+1 {{expects either 'warps' or roles}}
tile.kernel @kernel_c2() {}

// -----

// expected-error @+1 {{expects either 'warps' or roles}}
tile.kernel @kernel_c2_both() attributes {warps = 4} {
  tile.role @r warps = 1 {}
}

// -----

tile.kernel @kernel_c3() {
  tile.role @one warps = 1 {}
  // expected-error @+1 {{is not allowed between two roles}}
  tile.sync
  tile.role @two warps = 1 {}
}

// -----

// expected-error @+1 {{expects 1 to 3 grid sizes, but got 0}}
tile.kernel @kernel_c4() attributes {warps = 4, grid = []} {}

// -----

// expected-error @+1 {{expects a size expression in 'grid', but got ["pow", "tokens", 2]}}
tile.kernel @kernel_c4_operator() attributes {warps = 4, grid = [["pow", "tokens", 2]]} {}

// -----

// expected-error @+1 {{expects a cluster of 1 to 8 CTAs, but got 16}}
tile.kernel @kernel_c5() attributes {warps = 4, cluster = array<i64: 4, 4>} {}

// -----

// expected-error @+1 {{expects 1 to 1024 threads, but got 1152}}
tile.kernel @kernel_c6() {
  tile.role @one warpgroups = 8 {}
  tile.role @two warps = 1 {}
}

// -----

// expected-error @+1 {{expects the budgets of all roles to fit 65536 registers, but they are 92160}}
tile.kernel @kernel_c7() {
  tile.role @one warpgroups = 2 registers = 240 {}
  tile.role @two warps = 1 registers = 240 {}
}

// -----

tile.kernel @kernel_c7_missing() {
  tile.role @one warpgroups = 2 registers = 240 {}
  // expected-error @+1 {{expects a register budget, since another role has one}}
  tile.role @two warps = 1 {}
}

// -----

tile.kernel @role_c1() {
  // expected-error @+1 {{expects 1 to 4 warps or whole warpgroups, but got 6}}
  tile.role @r warps = 6 {}
}

// -----

tile.kernel @role_c2() {
  // expected-error @+1 {{expects 'registers' to be a multiple of 8 from 24 to 256, but got 100}}
  tile.role @r warps = 1 registers = 100 {}
}

// -----

tile.kernel @role_c3() {
  // expected-error @+1 {{expects one index argument with replicas}}
  "tile.role"() <{sym_name = "r", warps = 4 : i64, replicas = 2 : i64}> ({
  ^bb0:
  }) : () -> ()
}

// -----

tile.kernel @for_tiles_c1(%x: !tile.global<?x64xf32, [tokens]>) attributes {warps = 4} {
  %c64 = arith.constant 64 : index
  // expected-error @+1 {{expects 1 to 3 dimensions, with as many steps, extents and arguments}}
  tile.for_tiles (%m, %n) in (%c64) step (64) {}
}

// -----

tile.kernel @for_tiles_c2(%x: !tile.global<?x64xf32, [tokens]>) attributes {warps = 4} {
  %c64 = arith.constant 64 : index
  // expected-error @+1 {{expects positive steps and 'group_m'}}
  tile.for_tiles (%m) in (%c64) step (0) {}
}

// -----

tile.kernel @for_tiles_c3(%x: !tile.global<?x64xf32, [tokens]>) attributes {warps = 4, cluster = array<i64: 1, 2>} {
  %c64 = arith.constant 64 : index
  // expected-error @+1 {{expects the cluster to have at most 1 dimensions}}
  tile.for_tiles (%m) in (%c64) step (64) {}
}

// -----

tile.kernel @for_tiles_c4(%x: !tile.global<?x64xf32, [tokens]>) attributes {warps = 4} {
  %c64 = arith.constant 64 : index
  // expected-error @+1 {{deals its tiles out, but is not 'persistent' in a role with replicas}}
  tile.for_tiles (%m) in (%c64) step (64) raster(persistent, dealt) {}
}

// -----

tile.kernel @size_c1(%x: !tile.global<?x64xf32, [tokens]>) attributes {warps = 4} {
  // expected-error @+1 {{expects a dimension below 2, but got 2}}
  %n = tile.size %x, 2 : !tile.global<?x64xf32, [tokens]>
}
