//===- CheckOps.td - Self-checking tests -------------------*- tablegen -*-===//

#ifndef TILEWRIGHT_IR_REFERENCE_CHECK_CHECKOPS_TD
#define TILEWRIGHT_IR_REFERENCE_CHECK_CHECKOPS_TD

include "ir/reference/check/CheckDialect.td"
include "ir/xf/XfTypes.td"
include "mlir/IR/OpBase.td"

class Check_Op<string mnemonic, list<Trait> traits = []>
    : Op<Check_Dialect, mnemonic, traits>;

def Check_ExpectEqOp : Check_Op<"expect_eq"> {
  let summary = "Expects two tensors to be equal, bit by bit";
  let description = [{
    Only shapes and elements are compared, so a static `expected` may meet an
    `actual` of symbolic sizes. Fails with the first coordinate that differs and
    both values.

    Constraints:
    - (C1) `element_type(expected) = element_type(actual)`.

    Example:

    ```mlir
    xf_check.expect_eq %y, %e : tensor<4xf32>, tensor<4xf32>
    ```
  }];
  let arguments = (ins Xf_Tensor:$actual, Xf_Tensor:$expected);
  let assemblyFormat = [{
    $actual `,` $expected attr-dict `:` type($actual) `,` type($expected)
  }];
  let hasVerifier = 1;
}

def Check_ExpectCloseOp : Check_Op<"expect_close"> {
  let summary = "Expects two tensors to be close";
  let description = [{
    `|actual - expected| <= absolute + relative * |expected|` for every element,
    or both NaN, or both the same infinity. Fails with the first coordinate that
    is too far off, both values, their distance and the number of such elements.

    Constraints:
    - (C1) `element_type(expected) = element_type(actual)`.
    - (C2) `relative >= 0`, and `absolute >= 0`.

    Example:

    ```mlir
    xf_check.expect_close %y, %e relative = 1.0e-6 absolute = 0.0
        : tensor<4xf32>, tensor<4xf32>
    ```
  }];
  let arguments = (ins Xf_FloatTensor:$actual, Xf_FloatTensor:$expected,
                       F64Attr:$relative, F64Attr:$absolute);
  let assemblyFormat = [{
    $actual `,` $expected `relative` `=` $relative `absolute` `=` $absolute
    attr-dict `:` type($actual) `,` type($expected)
  }];
  let hasVerifier = 1;
}

def Check_RenameSizesOp : Check_Op<"rename_sizes"> {
  let summary = "A static tensor, seen as one of symbolic sizes";
  let description = [{
    Constants are static; this gives them the types of a model's inputs. The
    sizes are checked when the op runs.

    Constraints:
    - (C1) `element_type(result) = element_type(input)`.
    - (C2) `rank(result) = rank(input)`.

    Example:

    ```mlir
    %t = xf_check.rename_sizes %c
        : tensor<4xi32> to tensor<?xi32, #xf.sizes<tokens>>
    ```
  }];
  let arguments = (ins Xf_Tensor:$input);
  let results = (outs Xf_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `to` type($result)";
  let hasVerifier = 1;
}

#endif // TILEWRIGHT_IR_REFERENCE_CHECK_CHECKOPS_TD
