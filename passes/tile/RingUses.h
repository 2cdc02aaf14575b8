//===- RingUses.h - Who uses a ring, and how --------------------*- C++ -*-===//
// The checks of tile-expand-rings, apart from its rewriting.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_PASSES_TILE_RINGUSES_H
#define TILEWRIGHT_PASSES_TILE_RINGUSES_H

#include "passes/tile/TilePasses.h"

namespace tilewright {

/// A stage being filled: from acquire to commit.
struct Filling {
  tile::AcquireOp acquire;
  tile::CommitOp commit;
  llvm::SmallVector<tile::CopyOp> copies;
  /// Bytes that the copies bring.
  int64_t bytes = 0;
  /// Whether the role also writes to the stage by itself.
  bool hasStores = false;
};

struct RingUses {
  tile::RingOp ring;
  tile::RoleOp producer;
  llvm::SmallVector<Filling> fillings;
  llvm::SmallVector<tile::RoleOp> consumers;
  llvm::SmallVector<tile::WaitOp> waits;
  llvm::SmallVector<tile::ReleaseOp> releases;

  int64_t getStages() {
    return llvm::cast<tile::RingType>(ring.getResult().getType()).getStages();
  }
  /// Rings side by side, one for each pair of replicas.
  int64_t getReplicas() { return ring.getReplicas(); }
  /// Whether copies go to several CTAs.
  bool isMulticast();
  /// Warps of a CTA that release a stage.
  int64_t getConsumerWarps();
};

/// Finds all uses of a ring. Fails with a diagnostic at the op if:
///  1. a use is outside of roles;
///  2. no role fills the ring, or more than one does, or none consumes it, or
///     the role that fills it does;
///  3. an acquire has no commit behind it in its block, or a commit no acquire;
///  4. the bytes of a stage are not known, exceed it, or nothing fills it;
///  5. a role waits in a loop that does not release, or the other way round;
///  6. a stage is released while a product may still read it;
///  7. a ring with replicas is not between two roles with as many.
mlir::FailureOr<RingUses> findRingUses(tile::RingOp ring);

/// Fails with a diagnostic at the op if the roles of a kernel, whatever its
/// sizes, cannot get on:
///  1. a role waits for a stage while it holds all stages of the ring, or gives
///     back one that it did not wait for;
///  2. rings cannot be filled for the first time but after each other.
/// What depends on branches is taken to be right.
mlir::LogicalResult checkProgress(llvm::MutableArrayRef<RingUses> rings);

/// Stages that a release keeps back, since the products that it leaves in
/// flight may read them.
int64_t getKeptStages(tile::ReleaseOp release);

/// The innermost loop around an op inside its role; null if there is none.
mlir::Operation *getLoop(mlir::Operation *op);

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_TILE_RINGUSES_H
