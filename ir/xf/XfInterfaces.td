//===- XfInterfaces.td - What passes may ask of an op ------*- tablegen -*-===//

#ifndef TILEWRIGHT_IR_XF_XFINTERFACES_TD
#define TILEWRIGHT_IR_XF_XFINTERFACES_TD

include "mlir/IR/OpBase.td"

/// The result is a pure function of checkpoint tensors if all operands are:
/// such an op can run once, when the model is loaded.
def Xf_WeightExpression : NativeOpTrait<"WeightExpression"> {
  let cppNamespace = "::tilewright::xf";
}

def Xf_FusionInterface : OpInterface<"FusionInterface"> {
  let cppNamespace = "::tilewright::xf";
  let description = [{
    What region forming must know of an op: which elements of its operands one
    element of a result depends on. A row is an index into all dimensions but
    the last.
  }];
  let methods = [
    InterfaceMethod<"How far one result element reaches into a row.",
      "::tilewright::xf::FusionKind", "getFusionKind">,
    InterfaceMethod<"How rows of the results use rows of this operand.",
      "::tilewright::xf::OperandUse", "getOperandUse", (ins "unsigned":$index)>,
    InterfaceMethod<[{
        Distance between the two elements of a pair along the last dimension;
        0 unless the fusion kind is `Pairwise`. An op's attribute
        `pair_distance` implements it.
      }],
      "int64_t", "getPairDistance", (ins), [{}], [{ return 0; }]>,
  ];
}

def Xf_Fusion : DeclareOpInterfaceMethods<Xf_FusionInterface>;

#endif // TILEWRIGHT_IR_XF_XFINTERFACES_TD
