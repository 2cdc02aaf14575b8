//===- TileDialect.td - The tile dialect ------------------*- tablegen -*-===//

#ifndef TILEWRIGHT_IR_TILE_TILEDIALECT_TD
#define TILEWRIGHT_IR_TILE_TILEDIALECT_TD

include "mlir/IR/OpBase.td"

def TileDialect : Dialect {
  let name = "tile";
  let cppNamespace = "::tilewright::tile";
  let summary = "One kernel, as one CTA or cluster sees it";
  let description = [{
    Tiles in shared memory and in registers, rings of shared-memory stages,
    warp-specialized roles, asynchronous copies and matrix products. Authors
    write rings and fragments; passes derive barriers, layouts, fences and
    offsets as further ops and attributes of this dialect, until every op has a
    direct counterpart in NVVM. `docs/rationale-tile.md` has the decisions.
  }];
  let extraClassDeclaration = [{
    void registerAttributes();
    void registerTypes();
  }];
  let hasConstantMaterializer = 1;
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

#endif // TILEWRIGHT_IR_TILE_TILEDIALECT_TD
