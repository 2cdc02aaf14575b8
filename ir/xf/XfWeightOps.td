//===- XfWeightOps.td - Checkpoint tensors and their layout -*- tablegen -*-===//
// Sources of constant data, and the ops that only weights may go through. They
// run once, when the model is loaded.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_XF_XFWEIGHTOPS_TD
#define TILEWRIGHT_IR_XF_XFWEIGHTOPS_TD

include "ir/xf/XfOpBase.td"

def Xf_WeightOp : Xf_Op<"weight", [Pure, Xf_WeightExpression, Xf_Fusion]> {
  let summary = "A tensor of the checkpoint";
  let description = [{
    The tensor called `name`, stored as `source_dtype`, rounded to nearest even
    to the element type of the result.

    Constraints:
    - (C1) `name` is not empty.
    - (C2) `source_dtype` is one of bf16, f16, f32.
    - (C3) `shape(result)` is static.

    Example:

    ```mlir
    %w = xf.weight "model.norm.weight" from f32 : tensor<576xbf16>
    ```
  }];
  let arguments = (ins StrAttr:$name, TypeAttr:$source_dtype);
  let results = (outs Xf_FloatTensor:$result);
  let assemblyFormat = "$name `from` $source_dtype attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Xf_RopeTableOp
    : Xf_Op<"rope_table", [Pure, Xf_WeightExpression, Xf_Fusion]> {
  let summary = "Cosines and sines of the rotary embedding";
  let description = [{
    With `n = 2 * dim(result, 1)` rotated elements per head:

    ```
    frequency[f]    = f32(scaled(theta ^ (-2 f / n)))
    angle[p, f]     = f32(p * frequency[f])
    result[p, f, 0] = f32(cos(angle[p, f]))
    result[p, f, 1] = f32(sin(angle[p, f]))
    ```

    Everything is in f64 except where `f32` rounds: to the frequency, to the
    angle, and to the result. These are the places where the models' own
    training code rounds. Without `scaling`, `scaled(f) = f`.

    Constraints:
    - (C1) `shape(result)` is static and is `[p, n / 2, 2]`, none of them 0.
    - (C2) `theta > 0`, and finite.

    Example:

    ```mlir
    %t = xf.rope_table theta = 1.0e+05 : tensor<2048x32x2xf32>
    %u = xf.rope_table theta = 5.0e+05
        scaling(#xf.linear_scaling<factor = 4.0>) : tensor<2048x32x2xf32>
    ```
  }];
  let arguments = (ins F64Attr:$theta, OptionalAttr<Xf_RopeScaling>:$scaling);
  let results = (outs Xf_F32Tensor:$result);
  let assemblyFormat = [{
    `theta` `=` $theta (`scaling` `(` $scaling^ `)`)? attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

def Xf_RegroupRowsOp : Xf_Op<"regroup_rows",
    [Pure, Xf_WeightExpression, Xf_Fusion,
     AllTypesMatch<["input", "result"]>]> {
  let summary = "Move the two rows of each pair to another distance";
  let description = [{
    Among `extent` rows, a pair at distance `d` is made of the rows
    `first(q, d) = (q / d) * 2 d + q % d` and `first(q, d) + d`. In every
    `period` rows, counted from 0, the first `extent` are rearranged and the
    rest stay where they are:

    ```
    result[first(q, to)]      = input[first(q, from)]
    result[first(q, to) + to] = input[first(q, from) + from]
    ```

    So a matmul, bias or norm whose rotated (or gated) halves are `from` apart
    gives them `to` apart. No rounding.

    Constraints:
    - (C1) `rank(input) >= 1`, and `shape(input)` is static.
    - (C2) `period > 0`, and it divides `dim(input, 0)`.
    - (C3) `0 < extent <= period`.
    - (C4) `from > 0`, and `2 * from` divides `extent`.
    - (C5) `to > 0`, and `2 * to` divides `extent`.

    Example:

    ```mlir
    %r = xf.regroup_rows %w period = 64 extent = 64 from = 32 to = 8
        : tensor<576x576xbf16>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$input, Xf_I64Attr:$period, Xf_I64Attr:$extent,
                       Xf_I64Attr:$from, Xf_I64Attr:$to);
  let results = (outs Xf_FloatTensor:$result);
  let assemblyFormat = [{
    $input `period` `=` $period `extent` `=` $extent `from` `=` $from
    `to` `=` $to attr-dict `:` type($input)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Xf_ScaleColumnsOp : Xf_Op<"scale_columns",
    [Pure, Xf_WeightExpression, Xf_Fusion,
     AllTypesMatch<["input", "result"]>]> {
  let summary = "Multiply each column of a weight by a number";
  let description = [{
    `result[n, k] = input[n, k] * scale[k]` in f32, rounded once. It folds the
    weight of a norm into the matmul that follows.

    Constraints:
    - (C1) `rank(input) = 2`, and `shape(input)` is static.
    - (C2) `shape(scale) = [dim(input, 1)]`.

    Example:

    ```mlir
    %s = xf.scale_columns %w, %norm : tensor<960x576xbf16>, tensor<576xbf16>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$input, Xf_FloatTensor:$scale);
  let results = (outs Xf_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $scale attr-dict `:` type($input) `,` type($scale)
  }];
  let hasVerifier = 1;
}

#endif // TILEWRIGHT_IR_XF_XFWEIGHTOPS_TD
