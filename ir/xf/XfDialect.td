//===- XfDialect.td - The transformer dialect --------------*- tablegen -*-===//

#ifndef TILEWRIGHT_IR_XF_XFDIALECT_TD
#define TILEWRIGHT_IR_XF_XFDIALECT_TD

include "mlir/IR/DialectBase.td"

def Xf_Dialect : Dialect {
  let name = "xf";
  let cppNamespace = "::tilewright::xf";
  let summary = "Transformer models as named ops on tensors of symbolic size";
  let description = [{
    A model is one function in SSA form on ranked tensors. Ops have the names
    that the field uses and say where they round; nothing in the dialect knows
    about threads, memory spaces or an architecture.

    A dynamic dimension carries its name in the tensor's encoding, such as
    `tensor<?x576xbf16, #xf.sizes<tokens>>`. Two dimensions are equal if and
    only if they are the same number or the same name with the same offset.

    Unless an op says otherwise, floating-point arithmetic is in f32 and each
    result is rounded once, to nearest even, to the element type of the result.
    The order of the terms of a sum is not specified.
  }];
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
}

#endif // TILEWRIGHT_IR_XF_XFDIALECT_TD
