//===- XfMathOps.td - Matmul, elementwise and row-wise ops -*- tablegen -*-===//

#ifndef TILEWRIGHT_IR_XF_XFMATHOPS_TD
#define TILEWRIGHT_IR_XF_XFMATHOPS_TD

include "ir/xf/XfOpBase.td"

def Xf_MatmulOp : Xf_Op<"matmul", [Pure, Xf_Fusion]> {
  let summary = "Product with a transposed matrix";
  let description = [{
    `result[.., n] = sum_k input[.., k] * weight[n, k]`, with products and sums
    in f32; rounded once, to the element type of the result.

    Constraints:
    - (C1) `rank(input) >= 1`, and its last dimension is static.
    - (C2) `rank(weight) = 2`, `shape(weight)` is static, and
      `dim(weight, 1) = dim(input, -1)`.
    - (C3) `element_type(weight) = element_type(input)`.
    - (C4) `shape(result) = shape(input)[:-1] + [dim(weight, 0)]`.
    - (C5) `element_type(result)` is that of `input`, or f32.

    Example:

    ```mlir
    %y = xf.matmul %x, %w : tensor<4x576xbf16>, tensor<960x576xbf16>
        -> tensor<4x960xbf16>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$input, Xf_FloatTensor:$weight);
  let results = (outs Xf_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $weight attr-dict `:` type($input) `,` type($weight) `->`
    type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$input, "::mlir::Value":$weight,
                                 "::mlir::Type":$elementType)>];
  let hasVerifier = 1;
}

class Xf_BinaryOp<string mnemonic> : Xf_Op<mnemonic,
    [Pure, Xf_Fusion, AllTypesMatch<["lhs", "result"]>]> {
  let arguments = (ins Xf_FloatTensor:$lhs, Xf_FloatTensor:$rhs);
  let results = (outs Xf_FloatTensor:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs)
  }];
  let extraClassDeclaration = [{
    /// True if `rhs` is one row that every row of `lhs` meets.
    bool isRowBroadcast();
  }];
  let hasVerifier = 1;
}

def Xf_AddOp : Xf_BinaryOp<"add"> {
  let summary = "Sum, element by element";
  let description = [{
    `result[.., j] = lhs[.., j] + rhs[.., j]`, or `+ rhs[j]` where `rhs` is a
    vector (a bias). In f32, rounded once.

    Constraints:
    - (C1) `shape(rhs)` is `shape(lhs)` or `[dim(lhs, -1)]`.
    - (C2) `element_type(rhs)` is that of `lhs`, or that of `lhs` is f32.

    Example:

    ```mlir
    %s = xf.add %x, %bias : tensor<4x128xbf16>, tensor<128xbf16>
    ```
  }];
}

def Xf_MulOp : Xf_BinaryOp<"mul"> {
  let summary = "Product, element by element";
  let description = [{
    `result[.., j] = lhs[.., j] * rhs[.., j]`, or `* rhs[j]` where `rhs` is a
    vector. In f32, rounded once.

    Constraints:
    - (C1) `shape(rhs)` is `shape(lhs)` or `[dim(lhs, -1)]`.
    - (C2) `element_type(rhs)` is that of `lhs`, or that of `lhs` is f32.

    Example:

    ```mlir
    %s = xf.mul %x, %y : tensor<4x128xbf16>, tensor<4x128xbf16>
    ```
  }];
}

def Xf_ScaleOp : Xf_Op<"scale",
    [Pure, Xf_Fusion, AllTypesMatch<["input", "result"]>]> {
  let summary = "Product with a constant";
  let description = [{
    `result = input * factor` in f32, rounded once.

    Constraints:
    - (C1) `factor` is finite.

    Example:

    ```mlir
    %y = xf.scale %x by 1.250000e-01 : tensor<4x128xbf16>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$input, F32Attr:$factor);
  let results = (outs Xf_FloatTensor:$result);
  let assemblyFormat = "$input `by` $factor attr-dict `:` type($input)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Xf_ScaleRowsOp : Xf_Op<"scale_rows",
    [Pure, Xf_Fusion, AllTypesMatch<["input", "result"]>]> {
  let summary = "Product of each row with its own number";
  let description = [{
    `result[.., j] = input[.., j] * scale[..]` in f32, rounded once.

    Constraints:
    - (C1) `rank(input) >= 1`.
    - (C2) `shape(scale) = shape(input)[:-1]`.

    Example:

    ```mlir
    %y = xf.scale_rows %x, %rstd : tensor<4x960xf32>, tensor<4xf32>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$input, Xf_F32Tensor:$scale);
  let results = (outs Xf_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $scale attr-dict `:` type($input) `,` type($scale)
  }];
  let hasVerifier = 1;
}

def Xf_ActivationOp : Xf_Op<"activation",
    [Pure, Xf_Fusion, AllTypesMatch<["input", "result"]>]> {
  let summary = "An activation function, element by element";
  let description = [{
    In f32, rounded once:

    ```
    silu(x)      = x / (1 + exp(-x))
    gelu(x)      = x / 2 * (1 + erf(x / sqrt(2)))
    gelu_tanh(x) = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
    relu(x)      = max(x, 0)
    ```

    Example:

    ```mlir
    %y = xf.activation silu %x : tensor<4x128xbf16>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$input, Xf_ActivationKindAttr:$kind);
  let results = (outs Xf_FloatTensor:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($input)";
}

def Xf_GatedActivationOp : Xf_Op<"gated_activation",
    [Pure, Xf_Fusion]> {
  let summary = "Activation of a gate, times its partner";
  let description = [{
    With `d = pair_distance` and `first(j) = (j / d) * 2 d + j % d`:

    ```
    result[.., j] = kind(input[.., first(j)]) * input[.., first(j) + d]
    ```

    In f32, rounded once. With `d` half the row, the gates come first and their
    partners after them. `kind` is as in `xf.activation`.

    Constraints:
    - (C1) `rank(input) >= 1`, and its last dimension is static.
    - (C2) `pair_distance > 0`, and `2 * pair_distance` divides
      `dim(input, -1)`.
    - (C3) `shape(result) = shape(input)[:-1] + [dim(input, -1) / 2]`.
    - (C4) `element_type(result) = element_type(input)`.

    Example:

    ```mlir
    %y = xf.gated_activation silu %x pair_distance = 1536
        : tensor<4x3072xbf16> -> tensor<4x1536xbf16>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$input, Xf_ActivationKindAttr:$kind,
                       Xf_I64Attr:$pair_distance);
  let results = (outs Xf_FloatTensor:$result);
  let assemblyFormat = [{
    $kind $input `pair_distance` `=` $pair_distance attr-dict `:` type($input)
    `->` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
                                 "::tilewright::xf::ActivationKind":$kind,
                                 "int64_t":$pairDistance)>];
  let hasVerifier = 1;
}

def Xf_RmsNormOp : Xf_Op<"rms_norm",
    [Pure, Xf_Fusion, AllTypesMatch<["input", "result"]>]> {
  let summary = "Root-mean-square normalization over the last dimension";
  let description = [{
    Divides each row of `input` by its root mean square, then scales it:

    ```
    result[.., j] = input[.., j] * rsqrt(mean_j(input[.., j]^2) + epsilon) * weight[j]
    ```

    All arithmetic is in f32; the result is rounded once, on the final store.

    Constraints:
    - (C1) `rank(input) >= 1`, and its last dimension is static.
    - (C2) `shape(weight) = [dim(input, -1)]`.
    - (C3) `element_type(weight)` is that of `input`, or that of `input` is f32.
    - (C4) `epsilon > 0`.

    Example:

    ```mlir
    %y = xf.rms_norm %x, %w, epsilon = 1.0e-5
        : tensor<4x128xf16>, tensor<128xf16>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$input, Xf_FloatTensor:$weight,
                       F32Attr:$epsilon);
  let results = (outs Xf_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $weight `,` `epsilon` `=` $epsilon attr-dict
    `:` type($input) `,` type($weight)
  }];
  let hasVerifier = 1;
}

def Xf_SumSquaresOp : Xf_Op<"sum_squares", [Pure, Xf_Fusion]> {
  let summary = "Sums of squares over pieces of a row";
  let description = [{
    `result[.., c] = sum_j input[.., j]^2` over `j` from `c * chunk` up to, but
    not including, `min((c + 1) * chunk, dim(input, -1))`. In f32.

    A matmul's epilogue makes one such partial sum per tile of its columns, so
    that a norm costs no pass over the row; `xf.rstd` finishes it.

    Constraints:
    - (C1) `rank(input) >= 1`, and its last dimension is static.
    - (C2) `chunk > 0`.
    - (C3) `shape(result) = shape(input)[:-1] + [ceil(dim(input, -1) / chunk)]`.

    Example:

    ```mlir
    %p = xf.sum_squares %x chunk = 64 : tensor<4x576xbf16> -> tensor<4x9xf32>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$input, Xf_I64Attr:$chunk);
  let results = (outs Xf_F32Tensor:$result);
  let assemblyFormat = [{
    $input `chunk` `=` $chunk attr-dict `:` type($input) `->` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$input, "int64_t":$chunk)>];
  let hasVerifier = 1;
}

def Xf_RstdOp : Xf_Op<"rstd", [Pure, Xf_Fusion]> {
  let summary = "Reciprocal root mean square from partial sums of squares";
  let description = [{
    `result[..] = rsqrt(sum_c partial[.., c] / count + epsilon)`, in f32.

    Constraints:
    - (C1) `rank(partial) >= 1`.
    - (C2) `count > 0`.
    - (C3) `epsilon > 0`.
    - (C4) `shape(result) = shape(partial)[:-1]`.

    Example:

    ```mlir
    %r = xf.rstd %p count = 576 epsilon = 1.0e-5 : tensor<4x9xf32> -> tensor<4xf32>
    ```
  }];
  let arguments = (ins Xf_F32Tensor:$partial, Xf_I64Attr:$count, F32Attr:$epsilon);
  let results = (outs Xf_F32Tensor:$result);
  let assemblyFormat = [{
    $partial `count` `=` $count `epsilon` `=` $epsilon attr-dict
    `:` type($partial) `->` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$partial, "int64_t":$count,
                                 "::llvm::APFloat":$epsilon)>];
  let hasVerifier = 1;
}

#endif // TILEWRIGHT_IR_XF_XFMATHOPS_TD
