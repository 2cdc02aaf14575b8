//===- XfAttrs.td - Attributes of the transformer dialect --*- tablegen -*-===//

#ifndef TILEWRIGHT_IR_XF_XFATTRS_TD
#define TILEWRIGHT_IR_XF_XFATTRS_TD

include "ir/xf/XfDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/TensorEncoding.td"

class Xf_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Xf_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

class Xf_I32Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::tilewright::xf";
  let genSpecializedAttr = 0;
}

//===----------------------------------------------------------------------===//
// Symbolic sizes
//===----------------------------------------------------------------------===//

def Xf_SizesAttr : Xf_Attr<"Sizes", "sizes",
    [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let summary = "Names of the dynamic dimensions of a tensor, in order";
  let description = [{
    One entry per dynamic dimension: a name, or a name plus a positive number.

    ```
    sizes ::= `#xf.sizes<` size (`,` size)* `>`
    size  ::= identifier (`+` integer)?
    ```

    Example: `tensor<?x?xi32, #xf.sizes<seqs, pages_per_seq>>`,
    `tensor<?xi32, #xf.sizes<seqs + 1>>`.
  }];
  let parameters = (ins ArrayRefParameter<"::tilewright::xf::Dim">:$dims);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Rope scaling
//===----------------------------------------------------------------------===//

def Xf_LinearScalingAttr : Xf_Attr<"LinearScaling", "linear_scaling"> {
  let summary = "Rope frequencies divided by a constant";
  let description = [{ `scaled(f) = f / factor`. }];
  let parameters = (ins "::mlir::FloatAttr":$factor);
  let assemblyFormat = "`<` `factor` `=` custom<F64>($factor) `>`";
  let genVerifyDecl = 1;
}

def Xf_Llama3ScalingAttr : Xf_Attr<"Llama3Scaling", "llama3_scaling"> {
  let summary = "Rope frequencies scaled by wavelength, as Llama 3 does";
  let description = [{
    With `n = original_max_positions` and wavelength `w = 2 pi / f`:

    ```
    scaled(f) = f                                 if w < n / high_freq_factor
              = f / factor                        if w > n / low_freq_factor
              = (1 - s) * f / factor + s * f      otherwise, where
              s = (n / w - low_freq_factor) / (high_freq_factor - low_freq_factor)
    ```
  }];
  let parameters = (ins "::mlir::FloatAttr":$factor,
                        "::mlir::FloatAttr":$lowFreqFactor,
                        "::mlir::FloatAttr":$highFreqFactor,
                        "int64_t":$originalMaxPositions);
  let assemblyFormat = [{
    `<` `factor` `=` custom<F64>($factor)
    `,` `low_freq_factor` `=` custom<F64>($lowFreqFactor)
    `,` `high_freq_factor` `=` custom<F64>($highFreqFactor)
    `,` `original_max_positions` `=` $originalMaxPositions `>`
  }];
  let genVerifyDecl = 1;
}

def Xf_RopeScaling : AnyAttrOf<[Xf_LinearScalingAttr, Xf_Llama3ScalingAttr],
    "rope scaling">;

//===----------------------------------------------------------------------===//
// Enumerations
//===----------------------------------------------------------------------===//

def Xf_ActivationKind : Xf_I32Enum<"ActivationKind", "activation function", [
  I32EnumAttrCase<"Silu", 0, "silu">,
  I32EnumAttrCase<"Gelu", 1, "gelu">,
  I32EnumAttrCase<"GeluTanh", 2, "gelu_tanh">,
  I32EnumAttrCase<"Relu", 3, "relu">
]>;
def Xf_ActivationKindAttr
    : EnumAttr<Xf_Dialect, Xf_ActivationKind, "activation_kind"> {
  let assemblyFormat = "$value";
}

def Xf_KernelFamily : Xf_I32Enum<"KernelFamily", "kernel family", [
  I32EnumAttrCase<"Gemm", 0, "gemm">,
  I32EnumAttrCase<"Attention", 1, "attention">,
  I32EnumAttrCase<"RowWise", 2, "row_wise">,
  I32EnumAttrCase<"Embedding", 3, "embedding">,
  I32EnumAttrCase<"Elementwise", 4, "elementwise">,
  I32EnumAttrCase<"Sample", 5, "sample">
]>;
def Xf_KernelFamilyAttr
    : EnumAttr<Xf_Dialect, Xf_KernelFamily, "kernel_family"> {
  let assemblyFormat = "$value";
}

#endif // TILEWRIGHT_IR_XF_XFATTRS_TD
