//===- XfSamplingOps.td - From logits to tokens ------------*- tablegen -*-===//

#ifndef TILEWRIGHT_IR_XF_XFSAMPLINGOPS_TD
#define TILEWRIGHT_IR_XF_XFSAMPLINGOPS_TD

include "ir/xf/XfOpBase.td"

def Xf_ArgmaxOp : Xf_Op<"argmax", [Pure, Xf_Fusion]> {
  let summary = "Index of the largest element of each row";
  let description = [{
    The lowest index among equals. A NaN is below every number; a row of NaNs
    gives 0.

    Constraints:
    - (C1) `rank(logits) = 2`, and its last dimension is static and not 0.
    - (C2) `shape(result) = [dim(logits, 0)]`.

    Example:

    ```mlir
    %t = xf.argmax %logits : tensor<4x49152xf32> -> tensor<4xi32>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$logits);
  let results = (outs Xf_I32Tensor:$result);
  let assemblyFormat = "$logits attr-dict `:` type($logits) `->` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Value":$logits)>];
  let hasVerifier = 1;
}

def Xf_SampleOp : Xf_Op<"sample", [Pure, Xf_Fusion]> {
  let summary = "One token per row, greedy or drawn";
  let description = [{
    Each row `r` is on its own, with `V = dim(logits, 1)`:

    1. If `temperature[r] <= 0`, or is not a number, the result is that of
       `xf.argmax`.
    2. `z[i] = logits[r, i] / temperature[r]`; NaN counts as minus infinity.
       Tokens are ranked by `z` from high to low, the lower index first among
       equals.
    3. If `0 < top_k[r] < V`, only the first `top_k[r]` ranks are kept.
    4. `p[i] = exp(z[i] - max(z))` for kept tokens, and `P` is their sum.
    5. If `top_p[r] < 1`, a token is dropped when the sum of `p` over the kept
       tokens of higher rank is at least `top_p[r] * P`; the first rank always
       stays. Now `P` is the sum over what is left.
    6. With `u` in `[0, 1)` from the generator below, the result is the lowest
       *index* `i` among the tokens left for which the sum of `p` over those of
       index up to `i` is more than `u * P`; the last one, if rounding leaves
       none.

    Ranks decide what is kept, but the draw walks tokens by index: this needs a
    threshold and a prefix sum, never a sort. Arithmetic is in f32 and sums are
    in any order, so two implementations may differ where a sum is within
    rounding of its bound.

    The generator is Philox 4x32-10 with the key
    `(seed[r] mod 2^32, seed[r] / 2^32)`, as unsigned numbers, and the counter
    `(sample_index[r], 0, 0, 0)`. `u = (x / 2^8) * 2^-24` with `x` its first
    output and integer division, so `u` is exact in f32.

    Constraints:
    - (C1) `rank(logits) = 2`, and its last dimension is static and not 0.
    - (C2) `shape(temperature) = [dim(logits, 0)]`.
    - (C3) `shape(top_k) = [dim(logits, 0)]`.
    - (C4) `shape(top_p) = [dim(logits, 0)]`.
    - (C5) `shape(seed) = [dim(logits, 0)]`.
    - (C6) `shape(sample_index) = [dim(logits, 0)]`.
    - (C7) `shape(result) = [dim(logits, 0)]`.

    Example:

    ```mlir
    %t = xf.sample %logits, %temperature, %top_k, %top_p, %seed, %index
        : (tensor<4x49152xf32>, tensor<4xf32>, tensor<4xi32>, tensor<4xf32>,
           tensor<4xi64>, tensor<4xi32>) -> tensor<4xi32>
    ```
  }];
  let arguments = (ins Xf_F32Tensor:$logits, Xf_F32Tensor:$temperature,
                       Xf_I32Tensor:$top_k, Xf_F32Tensor:$top_p,
                       Xf_I64Tensor:$seed, Xf_I32Tensor:$sample_index);
  let results = (outs Xf_I32Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let builders = [OpBuilder<(ins "::mlir::Value":$logits,
      "::mlir::Value":$temperature, "::mlir::Value":$top_k,
      "::mlir::Value":$top_p, "::mlir::Value":$seed,
      "::mlir::Value":$sample_index)>];
  let hasVerifier = 1;
}

#endif // TILEWRIGHT_IR_XF_XFSAMPLINGOPS_TD
