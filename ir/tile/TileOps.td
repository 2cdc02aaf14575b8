//===- TileOps.td - Ops of the tile dialect ---------------*- tablegen -*-===//
// The base class, and one file per group of ops.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_TILE_TILEOPS_TD
#define TILEWRIGHT_IR_TILE_TILEOPS_TD

include "ir/tile/TileTypes.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Tile_Op<string opMnemonic, list<Trait> traits = []>
    : Op<TileDialect, opMnemonic, traits>;

include "ir/tile/TileStructureOps.td"
include "ir/tile/TileMemoryOps.td"
include "ir/tile/TileComputeOps.td"
include "ir/tile/TileSyncOps.td"

#endif // TILEWRIGHT_IR_TILE_TILEOPS_TD
