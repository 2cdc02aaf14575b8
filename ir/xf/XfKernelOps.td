//===- XfKernelOps.td - Regions that become kernels --------*- tablegen -*-===//

#ifndef TILEWRIGHT_IR_XF_XFKERNELOPS_TD
#define TILEWRIGHT_IR_XF_XFKERNELOPS_TD

include "ir/xf/XfOpBase.td"

def Xf_KernelOp : Xf_Op<"kernel",
    [Pure, IsolatedFromAbove, Xf_Fusion,
     SingleBlockImplicitTerminator<"::tilewright::xf::YieldOp">]> {
  let summary = "One kernel: a region of ops that run as one launch";
  let description = [{
    Computes what its region computes, rounding where the region's ops round.
    Kernels whose region, types and config are equal are compiled once.

    `in_place` has one entry per result: the index of the operand whose storage
    the result takes, or -1 for storage of its own. In the text only the former
    are written, as `result = operand`.

    `config` is the choice of the tuner, and `reason` says why it was made; both
    are absent until it has been asked.

    Constraints:
    - (C1) The region's arguments have the operands' types.
    - (C2) `xf.yield` has the results' types.
    - (C3) `in_place` has one entry per result, each -1 or an operand's index,
      and no operand appears twice.
    - (C4) A result in place of an operand has its type.
    - (C5) A result is in place of an operand exactly if the value it yields
      comes from that argument through one or more `xf.cache_append`.
    - (C6) The region holds only ops of this dialect, no `xf.kernel`, and ends
      with `xf.yield`.
    - (C7) An operand in place of which there is a result has no user after the
      kernel.

    Example:

    ```mlir
    %q, %k1 = xf.kernel gemm (%bx = %x : tensor<4x64xbf16>,
                              %bw = %w : tensor<128x64xbf16>,
                              %bk = %k0 : tensor<8x1x16x64xbf16>,
                              %bs = %slots : tensor<4xi32>)
        -> (tensor<4x64xbf16>, tensor<8x1x16x64xbf16>) in_place [1 = 2] {
      %y = xf.matmul %bx, %bw : tensor<4x64xbf16>, tensor<128x64xbf16>
          -> tensor<4x128xbf16>
      %q0, %k = xf.split %y dim 1 : tensor<4x128xbf16>
          -> tensor<4x64xbf16>, tensor<4x64xbf16>
      %h = xf.reshape %k : tensor<4x64xbf16> to tensor<4x1x64xbf16>
      %c = xf.cache_append %bk, %h, %bs
          : tensor<8x1x16x64xbf16>, tensor<4x1x64xbf16>, tensor<4xi32>
      xf.yield %q0, %c : tensor<4x64xbf16>, tensor<8x1x16x64xbf16>
    }
    ```
  }];
  let arguments = (ins Xf_KernelFamilyAttr:$family,
                       Variadic<Xf_Tensor>:$inputs,
                       DenseI64ArrayAttr:$in_place,
                       OptionalAttr<DictionaryAttr>:$config,
                       OptionalAttr<StrAttr>:$reason);
  let results = (outs Variadic<Xf_Tensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let skipDefaultBuilders = 1;
  let builders = [
    // Makes the block with its arguments; the caller fills it and yields.
    // An empty `inPlace` stands for no result in place.
    OpBuilder<(ins "::mlir::TypeRange":$resultTypes,
                   "::tilewright::xf::KernelFamily":$family,
                   "::mlir::ValueRange":$inputs,
                   CArg<"::llvm::ArrayRef<int64_t>", "{}">:$inPlace)>
  ];
  let extraClassDeclaration = [{
    ::mlir::Block &getBlock() { return getBody().front(); }
    ::tilewright::xf::YieldOp getYield();
    /// Operand whose storage result `index` takes, or nothing.
    std::optional<unsigned> getInPlaceOperand(unsigned index);
  }];
  let hasVerifier = 1;
}

def Xf_YieldOp : Xf_Op<"yield",
    [Pure, Terminator, HasParent<"::tilewright::xf::KernelOp">]> {
  let summary = "The results of a kernel's region";
  let description = [{
    Ends the region of an `xf.kernel`, which checks the types (its C2).

    Example: `xf.yield %y : tensor<4x128xbf16>`
  }];
  let arguments = (ins Variadic<Xf_Tensor>:$values);
  // What an empty region ends with.
  let builders = [OpBuilder<(ins), [{
    build($_builder, $_state, ::mlir::ValueRange());
  }]>];
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

#endif // TILEWRIGHT_IR_XF_XFKERNELOPS_TD
