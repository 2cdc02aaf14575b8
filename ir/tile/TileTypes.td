//===- TileTypes.td - Types of the tile dialect -----------*- tablegen -*-===//

#ifndef TILEWRIGHT_IR_TILE_TILETYPES_TD
#define TILEWRIGHT_IR_TILE_TILETYPES_TD

include "ir/tile/TileAttrs.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"

class Tile_Type<string name, string typeMnemonic, list<Trait> traits = []>
    : TypeDef<TileDialect, name, traits> {
  let mnemonic = typeMnemonic;
}

// Lets arith and math ops take fragments elementwise.
def Tile_ValueSemantics : NativeTypeTrait<"ValueSemantics"> {
  let cppNamespace = "::mlir";
}

def Tile_GlobalType : Tile_Type<"Global", "global"> {
  let summary = "Dense row-major tensor in global memory";
  let description = [{
    One size expression for each dynamic dimension: a symbol, or `[op, a, b]` as
    in the manifest. Sizes are equal only if their expressions are.

    Constraints:
    - (C1) As many size expressions as dynamic dimensions.
    - (C2) Static dimensions are positive.

    Example: `!tile.global<?x4096xbf16, [tokens]>`.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
                        "::mlir::Type":$elementType,
                        ArrayRefParameter<"::mlir::Attribute">:$sizes);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getRank() const { return getShape().size(); }
    /// The size of a dimension: an `i64` attribute where it is static.
    ::mlir::Attribute getSize(unsigned dim) const;
  }];
}

def Tile_SharedType : Tile_Type<"Shared", "shared"> {
  let summary = "Tile in shared memory";
  let description = [{
    The last two dimensions are a matrix, dimensions before them number equal
    matrices one after the other (the stages of a ring). With a swizzle of s
    bytes, rows of a matrix wider than s are cut into panels of s bytes, stored
    panel after panel, and the 16-byte chunks of a panel are permuted as TMA and
    wgmma do. Without, a matrix is plain row-major.

    Constraints:
    - (C1) The swizzle is 0, 32, 64 or 128.
    - (C2) Dimensions are static and positive; rank at least 1.
    - (C3) A swizzled tile has rank 2 or more, a multiple of 8 rows, and rows
      whose bytes are a multiple of the swizzle.

    Example: `!tile.shared<128x64xbf16, swizzle = 128>`.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
                        "::mlir::Type":$elementType, "int64_t":$swizzle);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getRank() const { return getShape().size(); }
    /// Bytes of the whole buffer.
    int64_t getBytes() const;
    /// Alignment its first byte needs.
    int64_t getAlignment() const;
    /// The same with the leading dimension removed or added.
    SharedType dropLeading() const;
    SharedType addLeading(int64_t count) const;
    /// Addresses within one matrix; rank 1 counts as one row.
    SharedLayout getLayout() const;
  }];
}

def Tile_RingType : Tile_Type<"Ring", "ring"> {
  let summary = "Ring of shared-memory stages between two roles";
  let description = [{
    Each stage holds one buffer of each type.

    Constraints:
    - (C1) At least one stage and at least one buffer.
    - (C2) Every buffer is a shared tile of rank 1 or 2.
    - (C3) A buffer of rank 1 is a multiple of 128 bytes, so that all stages are
      aligned.

    Example: `!tile.ring<4, !tile.shared<128x64xbf16, swizzle = 128>>`.
  }];
  let parameters = (ins "int64_t":$stages, ArrayRefParameter<"::mlir::Type">:$buffers);
  let assemblyFormat = "`<` $stages `,` $buffers `>`";
  let genVerifyDecl = 1;
}

def Tile_FragmentType : Tile_Type<"Fragment", "fragment",
    [Tile_ValueSemantics, DeclareTypeInterfaceMethods<ShapedTypeInterface, ["cloneWith", "hasRank", "getShape", "getElementType"]>]> {
  let summary = "Tile in the registers of the warps of a role";
  let description = [{
    `arith` and `math` ops apply elementwise. The layout is absent until
    `tile-assign-layouts`.

    Constraints:
    - (C1) Dimensions are static and positive; rank at least 1.
    - (C2) The layout has the fragment's rank and covers its shape.

    Example: `!tile.fragment<128x256xf32>`.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
                        "::mlir::Type":$elementType,
                        OptionalParameter<"::tilewright::tile::LayoutAttr">:$layout);
  let builders = [
    TypeBuilderWithInferredContext<(ins "::llvm::ArrayRef<int64_t>":$shape,
        "::mlir::Type":$elementType,
        CArg<"::tilewright::tile::LayoutAttr", "{}">:$layout), [{
      return $_get(elementType.getContext(), shape, elementType, layout);
    }]>];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    FragmentType withLayout(::tilewright::tile::LayoutAttr layout) const;
    FragmentType withElementType(::mlir::Type elementType) const;
    FragmentType withShape(::llvm::ArrayRef<int64_t> shape) const;
  }];
}

def Tile_BarriersType : Tile_Type<"Barriers", "barriers"> {
  let summary = "Array of mbarriers in shared memory";
  let description = "Made by `tile-expand-rings`; one barrier per stage of a ring.";
  let parameters = (ins "int64_t":$count);
  let assemblyFormat = "`<` $count `>`";
}

def Tile_VariableType : Tile_Type<"Variable", "variable"> {
  let summary = "An i32 that every warp of a role keeps for itself";
  let description = [{
    Position in a ring, in registers. Made by `tile-expand-rings`, so that
    control flow need not carry it.
  }];
  let assemblyFormat = "";
}

def Tile_OrderType : Tile_Type<"Order", "order"> {
  let summary = "The order in which the replicas of a role take turns";
  let assemblyFormat = "";
}

def Tile_AnyMemory : AnyTypeOf<[Tile_GlobalType, Tile_SharedType]>;
def Tile_AnyBuffer : AnyTypeOf<[Tile_SharedType, Tile_BarriersType]>;
def Tile_Scalar : AnyTypeOf<[AnySignlessInteger, AnyFloat]>;

#endif // TILEWRIGHT_IR_TILE_TILETYPES_TD
