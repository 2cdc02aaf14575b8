// RUN: tilewright-opt %s --verify-each-pass -canonicalize -cse | FileCheck %s

// PassVerifierTest.cpp has the passes that break something; this is the flag.

// CHECK-LABEL: func @cache_and_attention
// CHECK-NOT:     xf.cast
func.func @cache_and_attention(
    %token_ids: tensor<?xi32, #xf.sizes<tokens>> {xf.input = "token_ids"},
    %slots: tensor<?xi32, #xf.sizes<tokens>> {xf.input = "slot_mapping"},
    %cu: tensor<?xi32, #xf.sizes<seqs + 1>> {xf.input = "cu_seqlens_q"},
    %lens: tensor<?xi32, #xf.sizes<seqs>> {xf.input = "cache_seqlens"},
    %blocks: tensor<?x?xi32, #xf.sizes<seqs, pages_per_seq>> {xf.input = "block_table"},
    %k0: tensor<?x2x4x8xbf16, #xf.sizes<pages>> {xf.cache = "k.0"})
    -> (tensor<?x2x8xbf16, #xf.sizes<tokens>>, tensor<?x2x4x8xbf16, #xf.sizes<pages>>) {
  %table = xf.weight "embedding" from bf16 : tensor<50x16xbf16>
  %x = xf.embedding %table, %token_ids : tensor<50x16xbf16>, tensor<?xi32, #xf.sizes<tokens>> -> tensor<?x16xbf16, #xf.sizes<tokens>>
  %wide = xf.cast %x : tensor<?x16xbf16, #xf.sizes<tokens>> to tensor<?x16xf32, #xf.sizes<tokens>>
  %same = xf.cast %wide : tensor<?x16xf32, #xf.sizes<tokens>> to tensor<?x16xbf16, #xf.sizes<tokens>>
  %q = xf.reshape %same : tensor<?x16xbf16, #xf.sizes<tokens>> to tensor<?x2x8xbf16, #xf.sizes<tokens>>
  %k1 = xf.cache_append %k0, %q, %slots : tensor<?x2x4x8xbf16, #xf.sizes<pages>>, tensor<?x2x8xbf16, #xf.sizes<tokens>>, tensor<?xi32, #xf.sizes<tokens>>
  %o = xf.attention %q, %k1, %k1, %blocks, %cu, %lens scale = 0.35
      : tensor<?x2x8xbf16, #xf.sizes<tokens>>, tensor<?x2x4x8xbf16, #xf.sizes<pages>>,
        tensor<?x?xi32, #xf.sizes<seqs, pages_per_seq>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>>
  return %o, %k1 : tensor<?x2x8xbf16, #xf.sizes<tokens>>, tensor<?x2x4x8xbf16, #xf.sizes<pages>>
}
