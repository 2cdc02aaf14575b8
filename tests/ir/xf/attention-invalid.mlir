// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

func.func @attention_c1(%q: tensor<4x64xbf16>, %kv: tensor<8x2x16x64xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'query' to have rank 3, but got 'tensor<4x64xbf16>'}}
  %o = xf.attention %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125
      : tensor<4x64xbf16>, tensor<8x2x16x64xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>>
  return
}

// -----

func.func @attention_c2(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x80xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'k_cache' to have shape [8, 2, 16, 64], but got 'tensor<8x2x16x80xbf16>'}}
  %o = xf.attention %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125
      : tensor<4x6x64xbf16>, tensor<8x2x16x80xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>>
  return
}

// -----

func.func @attention_c3(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x64xf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'k_cache' to have element type 'bf16', but got 'tensor<8x2x16x64xf16>'}}
  %o = xf.attention %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125
      : tensor<4x6x64xbf16>, tensor<8x2x16x64xf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>>
  return
}

// -----

func.func @attention_c4(%q: tensor<4x6x64xbf16>, %kv: tensor<8x4x16x64xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects the number of KV heads to divide the 6 query heads, but got 4}}
  %o = xf.attention %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125
      : tensor<4x6x64xbf16>, tensor<8x4x16x64xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>>
  return
}

// -----

func.func @attention_c5(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x64xbf16>, %blocks: tensor<?xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'block_table' to have rank 2, but got 'tensor<?xi32, #xf.sizes<seqs>>'}}
  %o = xf.attention %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125
      : tensor<4x6x64xbf16>, tensor<8x2x16x64xbf16>, tensor<?xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>>
  return
}

// -----

func.func @attention_c6(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x64xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'cu_seqlens_q' to have shape [seqs + 1], but got 'tensor<?xi32, #xf.sizes<seqs>>'}}
  %o = xf.attention %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125
      : tensor<4x6x64xbf16>, tensor<8x2x16x64xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs>>
  return
}

// -----

func.func @attention_c7(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x64xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<rows>>) {
  // expected-error @+1 {{expects 'cache_seqlens' to have shape [seqs], but got 'tensor<?xi32, #xf.sizes<rows>>'}}
  %o = xf.attention %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125
      : tensor<4x6x64xbf16>, tensor<8x2x16x64xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<rows>>
  return
}

// -----

func.func @attention_c8(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x64xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'window' not to be negative, but got -1}}
  %o = xf.attention %q, %kv, %kv, %blocks, %cu, %lens scale = 0.125 window = -1
      : tensor<4x6x64xbf16>, tensor<8x2x16x64xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>>
  return
}

// -----

func.func @attention_c9(%q: tensor<4x6x64xbf16>, %kv: tensor<8x2x16x64xbf16>, %blocks: tensor<?x3xi32, #xf.sizes<seqs>>,
                        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) {
  // expected-error @+1 {{expects 'scale' to be finite}}
  %o = xf.attention %q, %kv, %kv, %blocks, %cu, %lens scale = 0x7F800000
      : tensor<4x6x64xbf16>, tensor<8x2x16x64xbf16>, tensor<?x3xi32, #xf.sizes<seqs>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>>
  return
}
