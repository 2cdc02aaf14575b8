//===- TileAttrs.td - Attributes of the tile dialect ------*- tablegen -*-===//

#ifndef TILEWRIGHT_IR_TILE_TILEATTRS_TD
#define TILEWRIGHT_IR_TILE_TILEATTRS_TD

include "ir/tile/TileDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class Tile_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<TileDialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def Tile_LayoutAttr : Tile_Attr<"Layout", "layout"> {
  let summary = "Which thread holds which elements of a fragment, in which registers";
  let description = [{
    Two lists of modes, innermost first, each mode `size:(step per dimension)`.
    The number of a thread within its role is decomposed by the sizes of the
    thread modes, the number of a register by those of the register modes; the
    coordinate of the element is the sum of all digits times their steps. A mode
    whose steps are all zero replicates. The algebra is in `ir/tile/Layout.h`.

    Constraints:
    - (C1) Every mode has the same number of steps, at least one.
    - (C2) Sizes are positive and steps are not negative.

    Example, the accumulator of one m64n256 product:

    ```mlir
    #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)],
                 register = [2:(0, 1), 2:(8, 0), 32:(0, 8)]>
    ```
  }];
  // Each mode as its size followed by its steps, all modes in one flat list.
  let parameters = (ins "unsigned":$rank,
                        ArrayRefParameter<"int64_t">:$threadModes,
                        ArrayRefParameter<"int64_t">:$registerModes);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The attribute of a layout, in canonical form.
    static LayoutAttr get(::mlir::MLIRContext *context, const Layout &layout);
    Layout getLayout() const;
  }];
}

def Tile_ReduceKind : I32EnumAttr<"ReduceKind", "combining function of a reduction", [
    I32EnumAttrCase<"Add", 0, "add">,
    I32EnumAttrCase<"Mul", 1, "mul">,
    I32EnumAttrCase<"Max", 2, "max">,
    I32EnumAttrCase<"Min", 3, "min">]> {
  let cppNamespace = "::tilewright::tile";
}

def Tile_TurnKind : I32EnumAttr<"TurnKind", "side of a handover between replicas", [
    I32EnumAttrCase<"Wait", 0, "wait">,
    I32EnumAttrCase<"Pass", 1, "pass">]> {
  let cppNamespace = "::tilewright::tile";
}

#endif // TILEWRIGHT_IR_TILE_TILEATTRS_TD
