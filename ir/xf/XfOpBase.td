//===- XfOpBase.td - Base of all transformer ops -----------*- tablegen -*-===//

#ifndef TILEWRIGHT_IR_XF_XFOPBASE_TD
#define TILEWRIGHT_IR_XF_XFOPBASE_TD

include "ir/xf/XfTypes.td"
include "ir/xf/XfInterfaces.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// A 64-bit integer that C++ reads as signed.
def Xf_I64Attr : TypedSignlessIntegerAttrBase<I64, "int64_t", "64-bit integer">;

class Xf_Op<string mnemonic, list<Trait> traits = []>
    : Op<Xf_Dialect, mnemonic, traits>;

#endif // TILEWRIGHT_IR_XF_XFOPBASE_TD
