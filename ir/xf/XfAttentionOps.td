//===- XfAttentionOps.td - Rows by index, rope, cache, attention -*- tablegen -*-===//

#ifndef TILEWRIGHT_IR_XF_XFATTENTIONOPS_TD
#define TILEWRIGHT_IR_XF_XFATTENTIONOPS_TD

include "ir/xf/XfOpBase.td"

class Xf_GatherOp<string mnemonic, string source> : Xf_Op<mnemonic,
    [Pure, Xf_Fusion]> {
  let assemblyFormat = "$" # source # [{ `,` $indices attr-dict
    `:` type($}] # source # [{) `,` type($indices) `->` type($result)}];
  let builders = [OpBuilder<(ins "::mlir::Value":$source,
                                 "::mlir::Value":$indices)>];
  let results = (outs Xf_FloatTensor:$result);
  let hasVerifier = 1;
}

def Xf_EmbeddingOp : Xf_GatherOp<"embedding", "table"> {
  let summary = "Rows of an embedding table";
  let description = [{
    `result[t, j] = table[indices[t], j]`. No rounding. An index outside the
    table is an error of the caller.

    Constraints:
    - (C1) `rank(table) = 2`, and `shape(table)` is static.
    - (C2) `rank(indices) = 1`.
    - (C3) `shape(result) = [dim(indices, 0), dim(table, 1)]`.
    - (C4) `element_type(result) = element_type(table)`.

    Example:

    ```mlir
    %x = xf.embedding %table, %ids : tensor<49152x576xbf16>, tensor<4xi32>
        -> tensor<4x576xbf16>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$table, Xf_I32Tensor:$indices);
}

def Xf_GatherRowsOp : Xf_GatherOp<"gather_rows", "input"> {
  let summary = "Chosen rows of a tensor";
  let description = [{
    `result[r, j] = input[indices[r], j]`. No rounding. An index outside the
    input is an error of the caller.

    Constraints:
    - (C1) `rank(input) = 2`.
    - (C2) `rank(indices) = 1`.
    - (C3) `shape(result) = [dim(indices, 0), dim(input, 1)]`.
    - (C4) `element_type(result) = element_type(input)`.

    Example:

    ```mlir
    %y = xf.gather_rows %x, %rows : tensor<?x576xbf16, #xf.sizes<tokens>>,
        tensor<?xi32, #xf.sizes<rows>> -> tensor<?x576xbf16, #xf.sizes<rows>>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$input, Xf_I32Tensor:$indices);
}

def Xf_RopeOp : Xf_Op<"rope",
    [Pure, Xf_Fusion, AllTypesMatch<["input", "result"]>]> {
  let summary = "Rotary position embedding";
  let description = [{
    With `n = 2 * dim(table, 1)` rotated elements and `d = pair_distance`, the
    pair `f` is made of the elements `a = (f / d) * 2 d + f % d` and
    `b = a + d` of a head, and turns by the angle of frequency `f`:

    ```
    (c, s) = table[positions[t], f, :]
    result[t, h, a] = input[t, h, a] * c - input[t, h, b] * s
    result[t, h, b] = input[t, h, b] * c + input[t, h, a] * s
    ```

    In f32, rounded once. Elements from `n` on are passed through. `d = n / 2`
    pairs the halves of a head (Llama), `d = 1` neighbours (GPT-J).

    Constraints:
    - (C1) `rank(input) = 3`, and its dimensions 1 and 2 are static.
    - (C2) `shape(table)` is static and is `[p, n / 2, 2]`.
    - (C3) `n <= dim(input, 2)`.
    - (C4) `shape(positions) = [dim(input, 0)]`.
    - (C5) `pair_distance > 0`, and `2 * pair_distance` divides `n`.

    Example:

    ```mlir
    %y = xf.rope %x, %table, %positions pair_distance = 32
        : tensor<4x9x64xbf16>, tensor<2048x32x2xf32>, tensor<4xi32>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$input, Xf_F32Tensor:$table,
                       Xf_I32Tensor:$positions, Xf_I64Attr:$pair_distance);
  let results = (outs Xf_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $table `,` $positions `pair_distance` `=` $pair_distance
    attr-dict `:` type($input) `,` type($table) `,` type($positions)
  }];
  let hasVerifier = 1;
}

def Xf_CacheAppendOp : Xf_Op<"cache_append",
    [Pure, Xf_Fusion, AllTypesMatch<["cache", "result"]>]> {
  let summary = "Write rows into a paged cache";
  let description = [{
    With `page_size = dim(cache, 2)` and `s = slot_mapping[t]`:

    ```
    result[s / page_size, h, s % page_size, j] = input[t, h, j]
    ```

    and the cache's own elements everywhere else. No rounding. A token whose
    slot is negative is not stored (padding). Two tokens with one slot, or a
    slot beyond the cache, are errors of the caller.

    Constraints:
    - (C1) `rank(cache) = 4`, and its dimensions 1, 2 and 3 are static.
    - (C2) `rank(input) = 3`, `dim(input, 1) = dim(cache, 1)` and
      `dim(input, 2) = dim(cache, 3)`.
    - (C3) `element_type(input) = element_type(cache)`.
    - (C4) `shape(slot_mapping) = [dim(input, 0)]`.

    Example:

    ```mlir
    %k1 = xf.cache_append %k0, %k, %slots
        : tensor<?x3x64x64xbf16, #xf.sizes<pages>>, tensor<4x3x64xbf16>, tensor<4xi32>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$cache, Xf_FloatTensor:$input,
                       Xf_I32Tensor:$slot_mapping);
  let results = (outs Xf_FloatTensor:$result);
  let assemblyFormat = [{
    $cache `,` $input `,` $slot_mapping attr-dict
    `:` type($cache) `,` type($input) `,` type($slot_mapping)
  }];
  let hasVerifier = 1;
}

def Xf_AttentionOp : Xf_Op<"attention",
    [Pure, Xf_Fusion, AllTypesMatch<["query", "result"]>,
     AllTypesMatch<["k_cache", "v_cache"]>]> {
  let summary = "Causal attention over a paged cache, sequences of any length";
  let description = [{
    Sequence `s` has the queries from `cu_seqlens_q[s]` up to, but not
    including, `cu_seqlens_q[s + 1]`, and `L = cache_seqlens[s]` keys. Its last
    query stands at its last key: query `t` has the position
    `p = L - (cu_seqlens_q[s + 1] - t)`. Key `i` of sequence `s` lies in page
    `block_table[s, i / page_size]` at `i % page_size`, with
    `page_size = dim(k_cache, 2)`. Query head `h` reads the key and value head
    `g = h / (query heads / kv heads)`.

    ```
    keys(t)         = i with 0 <= i <= p, and i > p - window if window > 0
    score[i]        = scale * sum_j query[t, h, j] * key[i, g, j]
    weight[i]       = exp(score[i] - max(score))
    result[t, h, j] = sum_i T(weight[i]) * value[i, g, j] / sum_i weight[i]
    ```

    In f32; `T` rounds the weights to the element type of `query` for the second
    product, but not for the divisor; the result is rounded once. An
    implementation may subtract a running maximum in place of `max(score)`,
    which moves the rounding of the weights by at most one unit in the last
    place of each. Entries of `block_table` past a sequence's last page are not
    read. A sequence may be empty.

    Constraints:
    - (C1) `rank(query) = 3`, and its dimensions 1 and 2 are static.
    - (C2) `rank(k_cache) = 4`, its dimensions 1, 2 and 3 are static, and
      `dim(k_cache, 3) = dim(query, 2)`.
    - (C3) `element_type(k_cache) = element_type(query)`.
    - (C4) `dim(k_cache, 1)` divides `dim(query, 1)`.
    - (C5) `rank(block_table) = 2`.
    - (C6) `shape(cu_seqlens_q) = [dim(block_table, 0) + 1]`.
    - (C7) `shape(cache_seqlens) = [dim(block_table, 0)]`.
    - (C8) `window >= 0`.
    - (C9) `scale` is finite.

    Example:

    ```mlir
    %o = xf.attention %q, %k, %v, %blocks, %cu, %lens scale = 1.250000e-01
        : tensor<4x9x64xbf16>, tensor<8x3x64x64xbf16>, tensor<2x4xi32>,
          tensor<3xi32>, tensor<2xi32>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$query, Xf_FloatTensor:$k_cache,
                       Xf_FloatTensor:$v_cache, Xf_I32Tensor:$block_table,
                       Xf_I32Tensor:$cu_seqlens_q, Xf_I32Tensor:$cache_seqlens,
                       F32Attr:$scale,
                       DefaultValuedAttr<Xf_I64Attr, "0">:$window);
  let results = (outs Xf_FloatTensor:$result);
  let assemblyFormat = [{
    $query `,` $k_cache `,` $v_cache `,` $block_table `,` $cu_seqlens_q `,`
    $cache_seqlens `scale` `=` $scale (`window` `=` $window^)? attr-dict
    `:` type($query) `,` type($k_cache) `,` type($block_table) `,`
    type($cu_seqlens_q) `,` type($cache_seqlens)
  }];
  let hasVerifier = 1;
}

def Xf_AttentionPartialOp : Xf_Op<"attention_partial",
    [Pure, Xf_Fusion, AllTypesMatch<["k_cache", "v_cache"]>]> {
  let summary = "Attention over parts of the keys, to be combined";
  let description = [{
    `xf.attention`, with the keys of each query divided among `splits` parts,
    which can be computed side by side. With `keys(t)`, `score` and `T` as
    there, `p` the position of query `t`, and keys in blocks of `block`:

    ```
    first           = max(0, p - window + 1) / block, or 0 without a window
    count           = ceil((p + 1) / block) - first
    blocks          = ceil(count / splits)
    begin           = (first + part * blocks) * block
    keys(t, part)   = i in keys(t) with begin <= i < begin + blocks * block
    weight[i]       = exp(score[i] - max(score))
    partial[t, part, h, j] = sum_i T(weight[i]) * value[i, g, j] / sum_i weight[i]
    lse[t, part, h]        = max(score) + log(sum_i weight[i])
    ```

    with maximum and sums over `keys(t, part)`. Where a part has no keys,
    `partial` is 0 and `lse` minus infinity. All in f32 but for `T`;
    `xf.attention_combine` makes of both what `xf.attention` gives.

    Constraints:
    - (C1) `rank(query) = 3`, and its dimensions 1 and 2 are static.
    - (C2) `rank(k_cache) = 4`, its dimensions 1, 2 and 3 are static, and
      `dim(k_cache, 3) = dim(query, 2)`.
    - (C3) `element_type(k_cache) = element_type(query)`.
    - (C4) `dim(k_cache, 1)` divides `dim(query, 1)`.
    - (C5) `rank(block_table) = 2`.
    - (C6) `shape(cu_seqlens_q) = [dim(block_table, 0) + 1]`.
    - (C7) `shape(cache_seqlens) = [dim(block_table, 0)]`.
    - (C8) `window >= 0`.
    - (C9) `scale` is finite.
    - (C10) `splits > 0`.
    - (C11) `block > 0`.
    - (C12) `shape(partial) = [dim(query, 0), splits, dim(query, 1), dim(query, 2)]`.
    - (C13) `shape(lse) = [dim(query, 0), splits, dim(query, 1)]`.

    Example:

    ```mlir
    %p, %lse = xf.attention_partial %q, %k, %v, %blocks, %cu, %lens
        scale = 1.250000e-01 splits = 4 block = 64
        : tensor<2x9x64xbf16>, tensor<8x3x64x64xbf16>, tensor<2x4xi32>,
          tensor<3xi32>, tensor<2xi32>
        -> tensor<2x4x9x64xf32>, tensor<2x4x9xf32>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$query, Xf_FloatTensor:$k_cache,
                       Xf_FloatTensor:$v_cache, Xf_I32Tensor:$block_table,
                       Xf_I32Tensor:$cu_seqlens_q, Xf_I32Tensor:$cache_seqlens,
                       F32Attr:$scale,
                       DefaultValuedAttr<Xf_I64Attr, "0">:$window,
                       Xf_I64Attr:$splits, Xf_I64Attr:$block);
  let results = (outs Xf_F32Tensor:$partial, Xf_F32Tensor:$lse);
  let assemblyFormat = [{
    $query `,` $k_cache `,` $v_cache `,` $block_table `,` $cu_seqlens_q `,`
    $cache_seqlens `scale` `=` $scale (`window` `=` $window^)?
    `splits` `=` $splits `block` `=` $block attr-dict
    `:` type($query) `,` type($k_cache) `,` type($block_table) `,`
    type($cu_seqlens_q) `,` type($cache_seqlens)
    `->` type($partial) `,` type($lse)
  }];
  let builders = [OpBuilder<(ins "::tilewright::xf::AttentionOp":$whole,
                                 "int64_t":$splits, "int64_t":$block)>];
  let hasVerifier = 1;
}

def Xf_AttentionCombineOp : Xf_Op<"attention_combine", [Pure, Xf_Fusion]> {
  let summary = "Attention of its parts";
  let description = [{
    Weighs the parts of `xf.attention_partial` by their shares of the divisor:

    ```
    weight[s]       = exp(lse[t, s, h] - max_s lse[t, s, h])
    result[t, h, j] = sum_s weight[s] * partial[t, s, h, j] / sum_s weight[s]
    ```

    In f32, rounded once. Where every `lse` is minus infinity, the result is 0.

    Constraints:
    - (C1) `rank(partial) = 4`, and its dimensions 1, 2 and 3 are static.
    - (C2) `shape(lse)` is that of `partial` without its last dimension.
    - (C3) `shape(result)` is that of `partial` without its dimension 1.

    Example:

    ```mlir
    %o = xf.attention_combine %p, %lse : tensor<2x4x9x64xf32>, tensor<2x4x9xf32>
        -> tensor<2x9x64xbf16>
    ```
  }];
  let arguments = (ins Xf_F32Tensor:$partial, Xf_F32Tensor:$lse);
  let results = (outs Xf_FloatTensor:$result);
  let assemblyFormat = [{
    $partial `,` $lse attr-dict `:` type($partial) `,` type($lse) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // TILEWRIGHT_IR_XF_XFATTENTIONOPS_TD
