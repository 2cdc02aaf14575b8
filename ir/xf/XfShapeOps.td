//===- XfShapeOps.td - Ops that move or convert elements ---*- tablegen -*-===//

#ifndef TILEWRIGHT_IR_XF_XFSHAPEOPS_TD
#define TILEWRIGHT_IR_XF_XFSHAPEOPS_TD

include "ir/xf/XfOpBase.td"

def Xf_CastOp : Xf_Op<"cast", [Pure, Xf_WeightExpression, Xf_Fusion]> {
  let summary = "Conversion to another floating-point type";
  let description = [{
    Rounds every element to nearest even; what is too large becomes infinite.

    Constraints:
    - (C1) `shape(result) = shape(input)`.

    Example:

    ```mlir
    %y = xf.cast %x : tensor<4x128xf32> to tensor<4x128xbf16>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$input);
  let results = (outs Xf_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `to` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
                                 "::mlir::Type":$elementType)>];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Xf_ReshapeOp : Xf_Op<"reshape", [Pure, Xf_WeightExpression, Xf_Fusion]> {
  let summary = "The same elements in another shape";
  let description = [{
    Elements keep their row-major order. No rounding.

    Constraints:
    - (C1) `element_type(result) = element_type(input)`.
    - (C2) If `input` or `result` has a symbolic size, each has exactly one, it
      is dimension 0, and it is the same in both.
    - (C3) The products of the static sizes are equal.

    Example:

    ```mlir
    %q = xf.reshape %x : tensor<?x576xbf16, #xf.sizes<tokens>>
        to tensor<?x9x64xbf16, #xf.sizes<tokens>>
    ```
  }];
  let arguments = (ins Xf_Tensor:$input);
  let results = (outs Xf_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `to` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
                             "::llvm::ArrayRef<::tilewright::xf::Dim>":$dims)>];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Xf_SplitOp : Xf_Op<"split", [Pure, Xf_WeightExpression, Xf_Fusion]> {
  let summary = "Cut a tensor into pieces along one dimension";
  let description = [{
    Result `r` holds the elements of `input` whose index along `dim` follows
    those of the results before it. No rounding.

    Constraints:
    - (C1) `0 <= dim < rank(input)`.
    - (C2) There is at least one result.
    - (C3) Each result has the element type and shape of `input`, except along
      `dim`.
    - (C4) `dim` is static in all, and the results' sizes add up to the input's.
    - (C5) `dim` is the last dimension, unless `shape(input)` is static.

    Example:

    ```mlir
    %q, %k = xf.split %x dim 1 : tensor<4x96xbf16>
        -> tensor<4x64xbf16>, tensor<4x32xbf16>
    ```
  }];
  let arguments = (ins Xf_Tensor:$input, Xf_I64Attr:$dim);
  let results = (outs Variadic<Xf_Tensor>:$pieces);
  let assemblyFormat = [{
    $input `dim` $dim attr-dict `:` type($input) `->` type($pieces)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$input, "int64_t":$dim,
                                 "::llvm::ArrayRef<int64_t>":$sizes)>];
  let extraClassDeclaration = [{
    /// Sizes of the results along `dim`.
    ::llvm::SmallVector<int64_t> getSizes();
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Xf_RegroupColumnsOp : Xf_Op<"regroup_columns",
    [Pure, Xf_Fusion, AllTypesMatch<["input", "result"]>]> {
  let summary = "Move the two columns of each pair to another distance";
  let description = [{
    `xf.regroup_rows` along the last dimension, on activations. With
    `first(q, d) = (q / d) * 2 d + q % d`, in every `period` columns the first
    `extent` are rearranged and the rest stay where they are:

    ```
    result[.., first(q, to)]      = input[.., first(q, from)]
    result[.., first(q, to) + to] = input[.., first(q, from) + from]
    ```

    It undoes, behind a rope, what `xf.regroup_rows` did to the weight before
    it. No rounding.

    Constraints:
    - (C1) `rank(input) >= 1`, and its last dimension is static.
    - (C2) `period > 0`, and it divides `dim(input, -1)`.
    - (C3) `0 < extent <= period`.
    - (C4) `from > 0`, and `2 * from` divides `extent`.
    - (C5) `to > 0`, and `2 * to` divides `extent`.

    Example:

    ```mlir
    %q = xf.regroup_columns %r period = 64 extent = 64 from = 8 to = 32
        : tensor<4x9x64xbf16>
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

def Xf_ConcatOp : Xf_Op<"concat", [Pure, Xf_WeightExpression, Xf_Fusion]> {
  let summary = "Join tensors along one dimension";
  let description = [{
    The inverse of `xf.split`. No rounding.

    Constraints:
    - (C1) There is at least one input.
    - (C2) `0 <= dim < rank(result)`.
    - (C3) Each input has the element type and shape of `result`, except along
      `dim`.
    - (C4) `dim` is static in all, and the inputs' sizes add up to the result's.
    - (C5) `dim` is the last dimension, unless `shape(result)` is static.

    Example:

    ```mlir
    %w = xf.concat %gate, %up dim 0
        : tensor<1536x576xbf16>, tensor<1536x576xbf16> -> tensor<3072x576xbf16>
    ```
  }];
  let arguments = (ins Variadic<Xf_Tensor>:$inputs, Xf_I64Attr:$dim);
  let results = (outs Xf_Tensor:$result);
  let assemblyFormat = [{
    $inputs `dim` $dim attr-dict `:` type($inputs) `->` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$inputs,
                                 "int64_t":$dim)>];
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif // TILEWRIGHT_IR_XF_XFSHAPEOPS_TD
