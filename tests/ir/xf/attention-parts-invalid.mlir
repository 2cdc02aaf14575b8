// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

func.func @attention_partial_c1(%q: tensor<4x64xbf16>, %kv: tensor<8x2x16x64xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'query' to have rank 3, but got 'tensor<4x64xbf16>'}}
  %p, %lse = xf.attention_partial %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125 splits = 4 block = 16
      : tensor<4x64xbf16>, tensor<8x2x16x64xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>> -> tensor<4x4x6x64xf32>, tensor<4x4x6xf32>
  return
}

// -----

func.func @attention_partial_c2(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x80xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'k_cache' to have shape [8, 2, 16, 64], but got 'tensor<8x2x16x80xbf16>'}}
  %p, %lse = xf.attention_partial %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125 splits = 4 block = 16
      : tensor<4x6x64xbf16>, tensor<8x2x16x80xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>> -> tensor<4x4x6x64xf32>, tensor<4x4x6xf32>
  return
}

// -----

func.func @attention_partial_c3(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x64xf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'k_cache' to have element type 'bf16', but got 'tensor<8x2x16x64xf16>'}}
  %p, %lse = xf.attention_partial %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125 splits = 4 block = 16
      : tensor<4x6x64xbf16>, tensor<8x2x16x64xf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>> -> tensor<4x4x6x64xf32>, tensor<4x4x6xf32>
  return
}

// -----

func.func @attention_partial_c4(%q: tensor<4x6x64xbf16>, %kv: tensor<8x4x16x64xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects the number of KV heads to divide the 6 query heads, but got 4}}
  %p, %lse = xf.attention_partial %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125 splits = 4 block = 16
      : tensor<4x6x64xbf16>, tensor<8x4x16x64xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>> -> tensor<4x4x6x64xf32>, tensor<4x4x6xf32>
  return
}

// -----

func.func @attention_partial_c5(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x64xbf16>, %blocks: tensor<?xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'block_table' to have rank 2, but got 'tensor<?xi32, #xf.sizes<seqs>>'}}
  %p, %lse = xf.attention_partial %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125 splits = 4 block = 16
      : tensor<4x6x64xbf16>, tensor<8x2x16x64xbf16>, tensor<?xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>> -> tensor<4x4x6x64xf32>, tensor<4x4x6xf32>
  return
}

// -----

func.func @attention_partial_c6(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x64xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'cu_seqlens_q' to have shape [seqs + 1], but got 'tensor<?xi32, #xf.sizes<seqs>>'}}
  %p, %lse = xf.attention_partial %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125 splits = 4 block = 16
      : tensor<4x6x64xbf16>, tensor<8x2x16x64xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs>> -> tensor<4x4x6x64xf32>, tensor<4x4x6xf32>
  return
}

// -----

func.func @attention_partial_c7(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x64xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<rows>>) {
  // expected-error @+1 {{expects 'cache_seqlens' to have shape [seqs], but got 'tensor<?xi32, #xf.sizes<rows>>'}}
  %p, %lse = xf.attention_partial %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125 splits = 4 block = 16
      : tensor<4x6x64xbf16>, tensor<8x2x16x64xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<rows>> -> tensor<4x4x6x64xf32>, tensor<4x4x6xf32>
  return
}

// -----

func.func @attention_partial_c8(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x64xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'window' not to be negative, but got -1}}
  %p, %lse = xf.attention_partial %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125 window = -1 splits = 4 block = 16
      : tensor<4x6x64xbf16>, tensor<8x2x16x64xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>> -> tensor<4x4x6x64xf32>, tensor<4x4x6xf32>
  return
}

// -----

func.func @attention_partial_c9(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x64xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'scale' to be finite}}
  %p, %lse = xf.attention_partial %q, %kv, %kv, %blocks, %cu, %lens scale = 0x7F800000 splits = 4 block = 16
      : tensor<4x6x64xbf16>, tensor<8x2x16x64xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>> -> tensor<4x4x6x64xf32>, tensor<4x4x6xf32>
  return
}

// -----

func.func @attention_partial_c10(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x64xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'splits' to be positive, but got 0}}
  %p, %lse = xf.attention_partial %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125 splits = 0 block = 16
      : tensor<4x6x64xbf16>, tensor<8x2x16x64xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>> -> tensor<4x4x6x64xf32>, tensor<4x4x6xf32>
  return
}

// -----

func.func @attention_partial_c11(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x64xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'block' to be positive, but got -16}}
  %p, %lse = xf.attention_partial %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125 splits = 4 block = -16
      : tensor<4x6x64xbf16>, tensor<8x2x16x64xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>> -> tensor<4x4x6x64xf32>, tensor<4x4x6xf32>
  return
}

// -----

func.func @attention_partial_c12(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x64xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'partial' to have shape [4, 4, 6, 64], but got 'tensor<4x6x4x64xf32>'}}
  %p, %lse = xf.attention_partial %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125 splits = 4 block = 16
      : tensor<4x6x64xbf16>, tensor<8x2x16x64xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>> -> tensor<4x6x4x64xf32>, tensor<4x4x6xf32>
  return
}

// -----

func.func @attention_partial_c13(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x64xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'lse' to have shape [4, 4, 6], but got 'tensor<4x4x6x1xf32>'}}
  %p, %lse = xf.attention_partial %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125 splits = 4 block = 16
      : tensor<4x6x64xbf16>, tensor<8x2x16x64xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>> -> tensor<4x4x6x64xf32>, tensor<4x4x6x1xf32>
  return
}

// -----

func.func @attention_combine_c1(%p: tensor<4x6x64xf32>, %lse: tensor<4x4x6xf32>) {
  // expected-error @+1 {{expects 'partial' to have rank 4, but got 'tensor<4x6x64xf32>'}}
  %o = xf.attention_combine %p, %lse : tensor<4x6x64xf32>, tensor<4x4x6xf32> -> tensor<4x6x64xbf16>
  return
}

// -----

func.func @attention_combine_c2(%p: tensor<4x2x6x64xf32>, %lse: tensor<4x6x2xf32>) {
  // expected-error @+1 {{expects 'lse' to have shape [4, 2, 6], but got 'tensor<4x6x2xf32>'}}
  %o = xf.attention_combine %p, %lse : tensor<4x2x6x64xf32>, tensor<4x6x2xf32> -> tensor<4x6x64xbf16>
  return
}

// -----

func.func @attention_combine_c3(%p: tensor<4x2x6x64xf32>, %lse: tensor<4x2x6xf32>) {
  // expected-error @+1 {{expects 'result' to have shape [4, 6, 64], but got 'tensor<4x2x64xbf16>'}}
  %o = xf.attention_combine %p, %lse : tensor<4x2x6x64xf32>, tensor<4x2x6xf32> -> tensor<4x2x64xbf16>
  return
}
