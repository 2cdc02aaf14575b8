//===- Tile.h - Everything of the tile dialect ------------------*- C++ -*-===//

#ifndef TILEWRIGHT_IR_TILE_TILE_H
#define TILEWRIGHT_IR_TILE_TILE_H

#include "ir/tile/Layout.h"
#include "ir/tile/SharedLayout.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "ir/tile/TileDialect.h.inc"
#include "ir/tile/TileEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "ir/tile/TileAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "ir/tile/TileTypes.h.inc"

namespace tilewright::tile {
/// Bytes of an element in memory; an i1 takes a byte.
int64_t getElementBytes(mlir::Type elementType);

/// The dimension of the memory that each dimension of a tile spans, by its
/// `dims` or by default the last ones; -1 for none.
llvm::SmallVector<int64_t>
getAccessDims(std::optional<llvm::ArrayRef<int64_t>> dims, int64_t tileRank,
              int64_t memoryRank);
} // namespace tilewright::tile

#define GET_OP_CLASSES
#include "ir/tile/TileOps.h.inc"

#endif // TILEWRIGHT_IR_TILE_TILE_H
