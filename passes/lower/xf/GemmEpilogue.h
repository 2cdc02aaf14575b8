//===- GemmEpilogue.h - What a GEMM does to its tile before storing it ----===//
// Lowers whatever the fusion pass put behind the matmul onto the accumulator.
// It works on a slice of the tile's columns at a time, in either orientation:
// tokens along dimension 0 of the fragment, or along dimension 1 when the
// operands are swapped.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_PASSES_LOWER_XF_GEMMEPILOGUE_H
#define TILEWRIGHT_PASSES_LOWER_XF_GEMMEPILOGUE_H

#include "passes/lower/xf/KernelSignature.h"

#include "llvm/ADT/MapVector.h"

namespace tilewright {

/// Where a tile lies, and how its fragment is turned.
struct GemmTile {
  mlir::Value token, column; // offsets of the tile, of type index
  int64_t blockM = 0;        // tokens of a tile
  int64_t blockN = 0;        // columns of a tile
  int64_t slice = 0;         // columns that the epilogue handles at a time
  bool swapped = false;

  unsigned tokenDim() const { return swapped ? 1 : 0; }
  unsigned columnDim() const { return swapped ? 0 : 1; }
  llvm::SmallVector<int64_t> shape(int64_t tokens, int64_t columns) const {
    return swapped ? llvm::SmallVector<int64_t>{columns, tokens}
                   : llvm::SmallVector<int64_t>{tokens, columns};
  }
};

/// Builds the epilogue of one kernel region.
class GemmEpilogue {
public:
  GemmEpilogue(xf::KernelOp source, const KernelSignature &signature,
               KernelBuilder &builder)
      : source(source), signature(signature), b(builder) {}

  /// Emits everything from the finished accumulator to the stores. Fails with a
  /// diagnostic at the op that has no lowering.
  mlir::LogicalResult emit(const GemmTile &tile, mlir::Value accumulator);

private:
  /// Some columns of an xf value: those from `column` on, in its own numbering
  /// with trailing dimensions flattened.
  struct Piece {
    mlir::Value fragment, column;
  };
  mlir::FailureOr<Piece> evaluate(mlir::Value value);
  mlir::FailureOr<Piece> evaluateOp(mlir::Operation *op, mlir::Value value);
  mlir::FailureOr<Piece> evaluateElementwise(mlir::Operation *op);
  mlir::FailureOr<mlir::Value> evaluateOperand(mlir::OpOperand &operand,
                                               const Piece &piece);
  mlir::FailureOr<Piece> evaluateRope(xf::RopeOp op);
  mlir::FailureOr<Piece> evaluateNorm(xf::RmsNormOp op);
  mlir::FailureOr<Piece> evaluateGate(xf::GatedActivationOp op);
  mlir::FailureOr<mlir::Value> evaluateRowScalar(mlir::Value value);
  mlir::Value loadLike(mlir::Value argument, const Piece &piece);
  mlir::Value loadTurned(mlir::Value memory, const Piece &piece,
                         int64_t columns);

  mlir::LogicalResult emitGroup(int64_t offset);
  mlir::LogicalResult emitSlices(int64_t offset, mlir::Value segment);
  void selectSlice(int64_t offset);
  int64_t getGroup();
  mlir::FailureOr<mlir::Value> getHeadFactor(xf::RmsNormOp op);
  mlir::LogicalResult emitOutput(unsigned index);
  mlir::LogicalResult storeRows(mlir::Value value, mlir::Value destination);
  mlir::LogicalResult storeSumSquares(xf::SumSquaresOp op,
                                      mlir::Value destination);
  mlir::LogicalResult appendToCache(xf::CacheAppendOp op,
                                    mlir::Value destination);
  /// Where a piece goes: row `rows[t]`, or else `base`, for its first token.
  struct Place {
    mlir::Value destination, rows, base, column;
  };
  void storePiece(mlir::Value fragment, const Place &place, bool swapped);
  void storeByCopy(const Piece &piece, mlir::Value destination,
                   mlir::Value staged);
  mlir::Value getStaging(mlir::Type element, int64_t columns, unsigned number);
  mlir::Value getStaging(const Piece &piece, unsigned number);
  mlir::Value allocate(tile::SharedType type);
  mlir::Value turn(const Piece &piece, mlir::Value staged);
  mlir::FailureOr<llvm::SmallVector<Piece>>
  evaluateRegrouped(mlir::Value value);
  mlir::Value loadTokens(mlir::Value argument, bool swapped,
                         mlir::Attribute fill = {});

  xf::KernelOp source;
  const KernelSignature &signature;
  KernelBuilder &b;

  // The tile, and the group of slices at hand: a head, where something is
  // reduced over heads.
  GemmTile tile;
  mlir::Value accumulator;
  int64_t groupOffset = 0;
  llvm::DenseMap<mlir::Operation *, mlir::Value> headFactors;
  // State of the slice at hand.
  Piece product;
  llvm::DenseMap<mlir::Value, Piece> memo;
  // Shared tiles that results pass through on their way out, by type and
  // number.
  llvm::MapVector<std::pair<mlir::Type, unsigned>, mlir::Value> staging;
  // Numbers per token, made once for all slices of a tile.
  llvm::DenseMap<mlir::Value, mlir::Value> rowScalars;
};

/// The split that decides which outputs a column belongs to, or null.
xf::SplitOp findOutputSplit(xf::KernelOp kernel);

/// The piece of `split` that `value` is computed from, or null.
mlir::Value findSegment(mlir::Value value, xf::SplitOp split);

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_LOWER_XF_GEMMEPILOGUE_H
