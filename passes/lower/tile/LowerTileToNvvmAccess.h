//===- LowerTileToNvvmAccess.h - Vector loads and stores --------*- C++ -*-===//
// Private to passes/lower/tile: one access of a thread, in global or shared
// memory.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_PASSES_LOWER_TILE_LOWERTILETONVVMACCESS_H
#define TILEWRIGHT_PASSES_LOWER_TILE_LOWERTILETONVVMACCESS_H

#include "ir/target/Target.h"
#include "passes/lower/tile/LowerTileToNvvm.h"

namespace tilewright {

/// Widest access of a thread.
constexpr int64_t kMaxAccessBytes = target::ThreadLimits().accessBytes;

struct AccessOptions {
  /// Null where the access is unconditional.
  mlir::Value predicate;
  /// What a load gives where the predicate does not hold; zero if null.
  mlir::TypedAttr fill;
  /// No allocation in L1.
  bool stream = false;
};

/// Loads `count` elements of `elementType` that lie next to each other, aligned
/// to their size.
llvm::SmallVector<mlir::Value> createVectorLoad(mlir::ImplicitLocOpBuilder &b,
                                                mlir::Value pointer,
                                                mlir::Type elementType,
                                                int64_t count,
                                                const AccessOptions &options);

/// Stores elements next to each other, aligned to their size.
void createVectorStore(mlir::ImplicitLocOpBuilder &b, mlir::Value pointer,
                       mlir::Type elementType,
                       llvm::ArrayRef<mlir::Value> elements,
                       const AccessOptions &options);

/// Holds in one thread of each set that holds the same elements; null if every
/// thread has its own.
mlir::Value createOwnerPredicate(mlir::ImplicitLocOpBuilder &b,
                                 const tile::Layout &layout,
                                 mlir::Value thread);

/// Addresses of a fragment's elements in a shared tile. The swizzle permutes
/// chunks by bits of the row, so that where thread and register contribute
/// different bits an address is `(base ^ low) + high` with constants `low`,
/// `high`; otherwise it is computed in full.
class SharedAddresses {
public:
  /// `pointer` is the first byte of `tile` (whose rows are those of its
  /// panels); `thread` the number in `layout`, whose coordinates are rows and
  /// columns.
  SharedAddresses(mlir::ImplicitLocOpBuilder &b, mlir::Value pointer,
                  const tile::SharedLayout &tile, const tile::Layout &layout,
                  mlir::Value thread);

  /// Address of the element in a register.
  mlir::Value get(int64_t reg);

private:
  bool isSeparable() const;
  /// What a register adds to an address: `low` and `high`.
  std::pair<int64_t, int64_t> getConstant(int64_t reg) const;
  int64_t getPlainOffset(llvm::ArrayRef<int64_t> coordinate) const;
  mlir::Value getPlainOffset(mlir::Value row, mlir::Value column);
  mlir::Value permute(mlir::Value offset);
  int64_t getMask() const;

  mlir::ImplicitLocOpBuilder &b;
  mlir::Value pointer;
  tile::SharedLayout tile;
  tile::Layout layout;
  llvm::SmallVector<mlir::Value> threadCoordinate;
  mlir::Value base; ///< permuted offset of the thread; null if not separable
};

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_LOWER_TILE_LOWERTILETONVVMACCESS_H
