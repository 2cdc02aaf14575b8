//===- LowerTileToNvvm.h - What the parts of the lowering share -*- C++ -*-===//
// Private to passes/lower/tile. A fragment becomes its registers: one SSA value
// per 32-bit word (8- and 16-bit elements are packed, as every instruction
// wants them), or per element where there is nothing to pack. The values of a
// fragment are never gathered in an aggregate: LLVM sees plain scalars.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_PASSES_LOWER_TILE_LOWERTILETONVVM_H
#define TILEWRIGHT_PASSES_LOWER_TILE_LOWERTILETONVVM_H

#include "ir/tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/DialectConversion.h"

#include "llvm/ADT/DenseMap.h"

namespace tilewright {

//===----------------------------------------------------------------------===//
// The kernel at hand
//===----------------------------------------------------------------------===//

/// A global tensor as the kernel receives it.
struct GlobalTensor {
  /// Null if the kernel reaches the tensor through tensor maps alone.
  mlir::Value pointer;
  /// Every dimension, as i32; null where the kernel has no parameter for it.
  llvm::SmallVector<mlir::Value> sizes;
};

/// Threads of a warp.
int64_t getWarpThreads();

/// The threads that run a piece of code: one replica of a role, or the CTA.
struct ThreadGroup {
  /// Null for the CTA.
  tile::RoleOp role;
  int64_t warps = 0;
  mlir::Value thread;  ///< i32, counted within the group
  mlir::Value lane;    ///< i32
  mlir::Value warp;    ///< i32, counted within the group, uniform
  mlir::Value leader;  ///< i1, holds in one thread of the group
  mlir::Value speaker; ///< i1, holds in one thread of each warp
  mlir::Value barrier; ///< i32, the group's named barrier
};

/// What the patterns ask about the kernel around an op.
struct KernelContext {
  mlir::LLVM::LLVMFuncOp function;
  int64_t clusterSize = 1;
  llvm::SmallVector<int64_t> cluster;
  llvm::DenseMap<mlir::Value, GlobalTensor> globals;
  llvm::DenseMap<int64_t, mlir::Value> tensorMaps; ///< by index in `params`
  mlir::Value shared; ///< first byte of dynamic shared memory, !llvm.ptr<3>
  ThreadGroup cta;
  llvm::DenseMap<mlir::Operation *, ThreadGroup> roles;
  /// Facts that the conversion would hide by replacing the defining ops: for
  /// each access, what is known to divide each of its indices; for each slice
  /// of a shared tile, the rows that its panels have.
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<int64_t>> indexDivisors;
  llvm::DenseMap<mlir::Value, int64_t> panelRows;

  /// The threads that run `op`.
  const ThreadGroup &getThreads(mlir::Operation *op) const;
  /// Rows of the panels that a shared tile lies in.
  int64_t getPanelRows(mlir::Value shared) const;
};

/// Barrier of the threads of a group.
void createSync(mlir::ImplicitLocOpBuilder &b, const ThreadGroup &threads);

/// Waits until the phase of `parity` of an mbarrier is complete; with
/// `cluster`, sees what other CTAs released.
void createBarrierWait(mlir::ImplicitLocOpBuilder &b, mlir::Value barrier,
                       mlir::Value parity, bool cluster);

//===----------------------------------------------------------------------===//
// Fragments and their registers
//===----------------------------------------------------------------------===//

/// Layout of a fragment; every pattern may rely on it, the pass has checked.
tile::Layout getLayout(tile::FragmentType type);
int64_t getNumRegisters(tile::FragmentType type);

/// Elements in one SSA value: 4 or 2 for 8- and 16-bit elements that come in
/// whole words, else 1.
int64_t getPacking(tile::FragmentType type);

/// The type of one element in LLVM: 8-bit floats are i8.
mlir::Type getElementStorage(mlir::Type elementType);

/// The values that a fragment becomes.
llvm::SmallVector<mlir::Type> getWordTypes(tile::FragmentType type);

/// One value per register from the words, and back.
llvm::SmallVector<mlir::Value> unpackWords(mlir::ImplicitLocOpBuilder &b,
                                           tile::FragmentType type,
                                           mlir::ValueRange words);
llvm::SmallVector<mlir::Value> packWords(mlir::ImplicitLocOpBuilder &b,
                                         tile::FragmentType type,
                                         llvm::ArrayRef<mlir::Value> elements);

/// The coordinate that a thread contributes in each dimension, as i32.
llvm::SmallVector<mlir::Value>
createThreadCoordinate(mlir::ImplicitLocOpBuilder &b,
                       const tile::Layout &layout, mlir::Value thread);

/// For each register of `to`, the register of `from` that holds the element it
/// is a copy of, where `from` has size 1 in the dimensions that are repeated.
/// Nothing if a thread lacks one.
std::optional<llvm::SmallVector<int64_t>>
getBroadcastMap(tile::FragmentType from, tile::FragmentType to);

//===----------------------------------------------------------------------===//
// Small values
//===----------------------------------------------------------------------===//

mlir::Value createI32(mlir::ImplicitLocOpBuilder &b, int64_t value);
mlir::Value createI64(mlir::ImplicitLocOpBuilder &b, int64_t value);
mlir::Value createI1(mlir::ImplicitLocOpBuilder &b, bool value);
/// An index or integer as i32.
mlir::Value toI32(mlir::ImplicitLocOpBuilder &b, mlir::Value value);
mlir::Value toI64(mlir::ImplicitLocOpBuilder &b, mlir::Value value);
/// `value + offset`, folded for zero.
mlir::Value addConstant(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                        int64_t offset);
/// `pointer + bytes`, in bytes.
mlir::Value createOffset(mlir::ImplicitLocOpBuilder &b, mlir::Value pointer,
                         mlir::Value bytes);
mlir::Value createOffset(mlir::ImplicitLocOpBuilder &b, mlir::Value pointer,
                         int64_t bytes);
/// Conjunction where either side may be null, which holds.
mlir::Value createAnd(mlir::ImplicitLocOpBuilder &b, mlir::Value a,
                      mlir::Value c);
/// Two elements of a reduction as one.
mlir::Value combineValues(mlir::ImplicitLocOpBuilder &b, tile::ReduceKind kind,
                          mlir::Value x, mlir::Value y);
/// The largest power of two known to divide an index or integer.
int64_t getKnownDivisor(mlir::Value value);
/// The integer `from` reads as a constant, if it is one.
std::optional<int64_t> getConstant(mlir::Value value);

//===----------------------------------------------------------------------===//
// The patterns, by family of ops
//===----------------------------------------------------------------------===//

/// A pattern that may ask about the kernel.
template <typename OpT>
class TilePattern : public mlir::OpConversionPattern<OpT> {
public:
  TilePattern(const mlir::TypeConverter &converter, mlir::MLIRContext *context,
              const KernelContext &kernel)
      : mlir::OpConversionPattern<OpT>(converter, context), kernel(kernel) {}

protected:
  const KernelContext &kernel;
};

void populateTileControlPatterns(const mlir::TypeConverter &converter,
                                 mlir::RewritePatternSet &patterns,
                                 const KernelContext &kernel);
void populateTileSyncPatterns(const mlir::TypeConverter &converter,
                              mlir::RewritePatternSet &patterns,
                              const KernelContext &kernel);
void populateTileCopyPatterns(const mlir::TypeConverter &converter,
                              mlir::RewritePatternSet &patterns,
                              const KernelContext &kernel);
void populateTileGlobalAccessPatterns(const mlir::TypeConverter &converter,
                                      mlir::RewritePatternSet &patterns,
                                      const KernelContext &kernel);
void populateTileSharedAccessPatterns(const mlir::TypeConverter &converter,
                                      mlir::RewritePatternSet &patterns,
                                      const KernelContext &kernel);
void populateTileMmaPatterns(const mlir::TypeConverter &converter,
                             mlir::RewritePatternSet &patterns,
                             const KernelContext &kernel);
void populateTileFragmentPatterns(const mlir::TypeConverter &converter,
                                  mlir::RewritePatternSet &patterns,
                                  const KernelContext &kernel);
void populateTileElementwisePatterns(const mlir::TypeConverter &converter,
                                     mlir::RewritePatternSet &patterns,
                                     const KernelContext &kernel);
void populateTileReducePatterns(const mlir::TypeConverter &converter,
                                mlir::RewritePatternSet &patterns,
                                const KernelContext &kernel);
void populateTileClusterSumPatterns(const mlir::TypeConverter &converter,
                                    mlir::RewritePatternSet &patterns,
                                    const KernelContext &kernel);

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_LOWER_TILE_LOWERTILETONVVM_H
