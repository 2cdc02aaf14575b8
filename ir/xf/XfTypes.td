//===- XfTypes.td - Tensor types of the transformer dialect -*- tablegen -*-===//
// The dialect has no type of its own: it uses ranked tensors whose dynamic
// dimensions are named by `#xf.sizes`.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_XF_XFTYPES_TD
#define TILEWRIGHT_IR_XF_XFTYPES_TD

include "ir/xf/XfAttrs.td"
include "mlir/IR/CommonTypeConstraints.td"

def Xf_HasNamedSizes : CPred<"::tilewright::xf::hasNamedSizes($_self)">;

class Xf_TensorOf<list<Type> elementTypes, string summary>
    : RankedTensorOf<elementTypes, [Xf_HasNamedSizes],
                     summary # " whose dynamic sizes are named">;

def Xf_Tensor : Xf_TensorOf<[BF16, F16, F32, I32, I64], "tensor">;
def Xf_FloatTensor : Xf_TensorOf<[BF16, F16, F32], "floating-point tensor">;
def Xf_F32Tensor : Xf_TensorOf<[F32], "tensor">;
def Xf_I32Tensor : Xf_TensorOf<[I32], "tensor">;
def Xf_I64Tensor : Xf_TensorOf<[I64], "tensor">;

#endif // TILEWRIGHT_IR_XF_XFTYPES_TD
