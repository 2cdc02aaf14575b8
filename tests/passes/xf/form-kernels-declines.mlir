// RUN: tilewright-opt %s -xf-form-kernels="remarks=true" -split-input-file -verify-diagnostics -o /dev/null

!x = tensor<?x64xbf16, #xf.sizes<tokens>>

func.func @kernel_of_its_own(%x: !x, %w: tensor<64x64xbf16>) -> !x {
  %y = xf.matmul %x, %w : !x, tensor<64x64xbf16> -> !x
  // expected-remark @+1 {{not fused: it needs a kernel of its own}}
  %z = xf.matmul %y, %w : !x, tensor<64x64xbf16> -> !x
  return %z : !x
}

// -----

!x = tensor<?x64xbf16, #xf.sizes<tokens>>

func.func @whole_row(%x: !x, %w: tensor<64x64xbf16>, %g: tensor<64xbf16>) -> !x {
  %y = xf.matmul %x, %w : !x, tensor<64x64xbf16> -> !x
  // expected-remark @+1 {{not fused: it needs a whole row, and a tile holds a part of one}}
  %n = xf.rms_norm %y, %g, epsilon = 1.0e-5 : !x, tensor<64xbf16>
  return %n : !x
}

// -----

!x = tensor<?x64xbf16, #xf.sizes<tokens>>
!h = tensor<?x32xbf16, #xf.sizes<tokens>>

func.func @partners_apart(%x: !x, %w: tensor<64x64xbf16>) -> !h {
  %y = xf.matmul %x, %w : !x, tensor<64x64xbf16> -> !x
  // expected-remark @+1 {{not fused: the partners of a pair lie in different threads}}
  %z = xf.gated_activation silu %y pair_distance = 32 : !x -> !h
  return %z : !h
}

// -----

!x = tensor<?x64xbf16, #xf.sizes<tokens>>

func.func @joined(%x: !x, %z: !x, %w: tensor<64x64xbf16>) -> tensor<?x128xbf16, #xf.sizes<tokens>> {
  %y = xf.matmul %x, %w : !x, tensor<64x64xbf16> -> !x
  // expected-remark @+1 {{not fused: the parts come from different tiles}}
  %c = xf.concat %y, %z dim 1 : !x, !x -> tensor<?x128xbf16, #xf.sizes<tokens>>
  return %c : tensor<?x128xbf16, #xf.sizes<tokens>>
}

// -----

!x = tensor<?x64xbf16, #xf.sizes<tokens>>

func.func @back_in(%x: !x, %w0: tensor<64x64xbf16>, %w1: tensor<64x64xbf16>) -> !x {
  %y = xf.matmul %x, %w0 : !x, tensor<64x64xbf16> -> !x
  // expected-remark @+1 {{not fused: it needs a kernel of its own}}
  %z = xf.matmul %y, %w1 : !x, tensor<64x64xbf16> -> !x
  // expected-remark @+1 {{not fused: another operand is computed from this region's results}}
  %sum = xf.add %y, %z : !x, !x
  return %sum : !x
}

// -----

!h = tensor<?x2x64xbf16, #xf.sizes<tokens>>

func.func @behind_attention(%q: !h, %k: tensor<8x1x16x64xbf16>, %blocks: tensor<?x4xi32, #xf.sizes<seqs>>,
                            %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) -> !h {
  %o = xf.attention %q, %k, %k, %blocks, %cu, %lens scale = 0.125
      : !h, tensor<8x1x16x64xbf16>, tensor<?x4xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>>
  // expected-remark @+1 {{not fused: attention has no epilogue}}
  %z = xf.scale %o by 2.0 : !h
  return %z : !h
}

// -----

!x = tensor<?x64xbf16, #xf.sizes<tokens>>
!h = tensor<?x32xbf16, #xf.sizes<tokens>>

func.func @columns_change_threads(%x: !x, %rows: tensor<?xi32, #xf.sizes<tokens>>) -> (!h, !h) {
  %y = xf.gather_rows %x, %rows : !x, tensor<?xi32, #xf.sizes<tokens>> -> !x
  // expected-remark @+1 {{not fused: columns would change threads}}
  %a, %b = xf.split %y dim 1 : !x -> !h, !h
  return %a, %b : !h, !h
}

// -----

!x = tensor<?x64xbf16, #xf.sizes<tokens>>
!h = tensor<?x32xbf16, #xf.sizes<tokens>>

// A tile has the left half or the right.
func.func @halves_meet(%x: !x, %w: tensor<64x64xbf16>) -> !h {
  %y = xf.matmul %x, %w : !x, tensor<64x64xbf16> -> !x
  %a, %b = xf.split %y dim 1 : !x -> !h, !h
  %s = xf.scale %a by 2.0 : !h
  // expected-remark @+1 {{not fused: its operands lie in different columns of the tile}}
  %m = xf.mul %s, %b : !h, !h
  return %m : !h
}

// -----

!x = tensor<?x64xbf16, #xf.sizes<tokens>>

func.func @behind_regrouped_columns(%x: !x, %w: tensor<64x64xbf16>) -> !x {
  %y = xf.matmul %x, %w : !x, tensor<64x64xbf16> -> !x
  %r = xf.regroup_columns %y period = 64 extent = 64 from = 8 to = 32 : !x
  // expected-remark @+1 {{not fused: columns are put in order on their way out}}
  %s = xf.scale %r by 2.0 : !x
  return %s : !x
}

// -----

!x = tensor<?x64xbf16, #xf.sizes<tokens>>
!h = tensor<?x32xbf16, #xf.sizes<tokens>>
!q = tensor<?x16xbf16, #xf.sizes<tokens>>

func.func @divided_twice(%x: !x, %w: tensor<64x64xbf16>) -> (!h, !q, !q) {
  %y = xf.matmul %x, %w : !x, tensor<64x64xbf16> -> !x
  %a, %b = xf.split %y dim 1 : !x -> !h, !h
  // expected-remark @+1 {{not fused: the product is divided already}}
  %c, %d = xf.split %b dim 1 : !h -> !q, !q
  return %a, %c, %d : !h, !q, !q
}
