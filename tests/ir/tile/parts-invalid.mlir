// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

tile.kernel @extract_c1(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x64xf32>
  // expected-error @+1 {{expects the part to fit inside}}
  %g = tile.extract %f [0, 48] : !tile.fragment<8x64xf32> to !tile.fragment<8x32xf32>
}

// -----

#l = #tile.layout<thread = [32:(0, 1)], register = [8:(1, 0)]>
tile.kernel @extract_c2(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x32xf32, #l>
  // expected-error @+1 {{is not thread-local: register 0 is inside the part in some threads and outside in others}}
  %g = tile.extract %f [0, 0] : !tile.fragment<8x32xf32, #l> to !tile.fragment<8x16xf32>
}

// -----

tile.kernel @deinterleave_c1(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x24xf32>
  // expected-error @+1 {{expects dimension 1 to be a multiple of twice the group}}
  %g, %h = tile.deinterleave %f 1 group 8 : !tile.fragment<8x24xf32> to !tile.fragment<8x12xf32>
}

// -----

tile.kernel @deinterleave_c2(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x32xf32>
  // expected-error @+1 {{expects halves of '!tile.fragment<8x32xf32>', but got '!tile.fragment<8x8xf32>'}}
  %g, %h = tile.deinterleave %f 1 group 8 : !tile.fragment<8x32xf32> to !tile.fragment<8x8xf32>
}

// -----

#whole = #tile.layout<thread = [32:(0, 1)], register = [8:(1, 0)]>
#half = #tile.layout<thread = [16:(0, 1), 2:(0, 0)], register = [8:(1, 0)]>
tile.kernel @deinterleave_c3(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x32xf32, #whole>
  // expected-error @+1 {{is not thread-local: the partners of a group are in different threads}}
  %g, %h = tile.deinterleave %f 1 group 8 : !tile.fragment<8x32xf32, #whole> to !tile.fragment<8x16xf32, #half>
}

// -----

tile.kernel @convert_c1(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x32xf32>
  // expected-error @+1 {{expects equal shapes and element types}}
  %g = tile.convert %f : !tile.fragment<8x32xf32> to !tile.fragment<8x32xbf16>
}

// -----

tile.kernel @reshape_c1(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x32xf32>
  // expected-error @+1 {{expects shapes that are equal without sizes of 1}}
  %g = tile.reshape %f : !tile.fragment<8x32xf32> to !tile.fragment<32x8xf32>
}

// -----

tile.kernel @to_scalar_c1(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<8x1xf32>
  // expected-error @+1 {{expects one element of the result's type}}
  %g = tile.to_scalar %f : !tile.fragment<8x1xf32> to f32
}

// -----

tile.kernel @cluster_sum_c1(%x: f32) attributes {warps = 1} {
  %f = tile.splat %x : f32 to !tile.fragment<1x1xf32>
  // expected-error @+1 {{expects a kernel with a cluster}}
  %g = tile.cluster_sum %f : !tile.fragment<1x1xf32> to !tile.fragment<1x1xf32>
}

// -----

tile.kernel @cluster_sum_c2(%x: f32) attributes {warps = 1, cluster = array<i64: 2>} {
  %f = tile.splat %x : f32 to !tile.fragment<8x1xf32>
  // expected-error @+1 {{expects a result of the operand's type}}
  %g = tile.cluster_sum %f : !tile.fragment<8x1xf32> to !tile.fragment<8x2xf32>
}

// -----

tile.kernel @cluster_sum_c3(%x: f32) attributes {cluster = array<i64: 2>} {
  tile.role @math warpgroups = 1 replicas = 2 (%replica) {
    %f = tile.splat %x : f32 to !tile.fragment<8x1xf32>
    // expected-error @+1 {{expects a role without replicas, but it has 2}}
    %g = tile.cluster_sum %f : !tile.fragment<8x1xf32> to !tile.fragment<8x1xf32>
  }
}
