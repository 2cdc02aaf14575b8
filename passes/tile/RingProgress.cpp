//===- RingProgress.cpp - Whether roles can get on with their rings -------===//
// A kernel whose roles wait for what never comes hangs the GPU. What can be
// known of that without sizes is checked here: how many stages a role holds,
// and which rings have to move before which.
//===----------------------------------------------------------------------===//

#include "passes/tile/RingUses.h"

#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace tilewright {

//===----------------------------------------------------------------------===//
// Stages that a role holds
//===----------------------------------------------------------------------===//

/// The last stages, at the rate of the products of one round.
int64_t getKeptStages(tile::ReleaseOp release) {
  if (release.getInFlight() == 0 || !getLoop(release))
    return 0;
  int64_t products =
      llvm::range_size(release->getBlock()->getOps<tile::MmaOp>());
  return llvm::divideCeil(release.getInFlight(),
                          std::max<int64_t>(1, products));
}

namespace {
/// Steps through a consumer and counts the stages that it holds, as the
/// variables of the expanded kernel do.
class HeldStages {
public:
  HeldStages(RingUses &uses, tile::RoleOp role) : uses(uses), role(role) {
    for (tile::ReleaseOp release : uses.releases)
      delays |= getRole(release) == role && getKeptStages(release) > 0;
  }

  LogicalResult check() {
    FailureOr<bool> known = walk(*role.getBodyBlock());
    return success(succeeded(known));
  }

private:
  FailureOr<bool> walk(Block &block);
  FailureOr<bool> step(Operation *op);
  FailureOr<bool> walkLoop(LoopLikeOpInterface loop);
  FailureOr<bool> walkBranches(Operation *op);
  LogicalResult take(tile::WaitOp wait);
  LogicalResult give(tile::ReleaseOp release);

  RingUses &uses;
  tile::RoleOp role;
  bool delays = false;
  int64_t held = 0;
};
} // namespace

LogicalResult HeldStages::take(tile::WaitOp wait) {
  if (held == uses.getStages())
    return wait.emitOpError("waits for a stage while its role holds all ")
           << held << " of the ring, and would wait forever";
  ++held;
  return success();
}

LogicalResult HeldStages::give(tile::ReleaseOp release) {
  int64_t kept = getKeptStages(release);
  if (held <= kept) {
    if (delays)
      return success();
    return release.emitOpError("gives back a stage that its role did not wait "
                               "for");
  }
  --held;
  return success();
}

/// Failure after an error; otherwise whether it is known what is held behind.
FailureOr<bool> HeldStages::step(Operation *op) {
  if (auto wait = dyn_cast<tile::WaitOp>(op);
      wait && wait.getRing() == uses.ring.getResult())
    return failed(take(wait)) ? FailureOr<bool>(failure()) : true;
  if (auto release = dyn_cast<tile::ReleaseOp>(op);
      release && release.getRing() == uses.ring.getResult())
    return failed(give(release)) ? FailureOr<bool>(failure()) : true;
  if (auto loop = dyn_cast<LoopLikeOpInterface>(op))
    return walkLoop(loop);
  return op->getNumRegions() == 0 ? FailureOr<bool>(true) : walkBranches(op);
}

FailureOr<bool> HeldStages::walk(Block &block) {
  for (Operation &op : block) {
    FailureOr<bool> known = step(&op);
    if (failed(known) || !*known)
      return known;
  }
  return true;
}

/// Round by round, until a round leaves as many as it found. One that leaves
/// more ends at a wait with nothing to get.
FailureOr<bool> HeldStages::walkLoop(LoopLikeOpInterface loop) {
  if (!llvm::hasSingleElement(loop.getLoopRegions()) ||
      !loop.getLoopRegions().front()->hasOneBlock())
    return false;
  std::optional<APInt> trips = loop.getStaticTripCount();
  int64_t left = trips ? trips->getLimitedValue(INT64_MAX) : INT64_MAX;
  for (int64_t before = -1; left > 0 && before != held; --left) {
    before = held;
    FailureOr<bool> known = walk(loop.getLoopRegions().front()->front());
    if (failed(known) || !*known)
      return known;
  }
  // What products still read is given back behind the loop.
  int64_t drained = 0;
  for (tile::ReleaseOp release : uses.releases)
    if (getLoop(release) == loop.getOperation())
      drained = std::max(drained, getKeptStages(release));
  held -= std::min(held, drained);
  return true;
}

/// Known only where all branches agree.
FailureOr<bool> HeldStages::walkBranches(Operation *op) {
  int64_t before = held;
  SmallVector<int64_t> after;
  for (Region &region : op->getRegions()) {
    held = before;
    if (region.getBlocks().size() > 1)
      return false;
    FailureOr<bool> known = region.empty() ? true : walk(region.front());
    if (failed(known) || !*known)
      return known;
    after.push_back(held);
  }
  return llvm::all_equal(after);
}

//===----------------------------------------------------------------------===//
// Rings that wait for each other
//===----------------------------------------------------------------------===//

using Rings = llvm::SmallSetVector<Operation *, 4>;

/// Rings whose first stage the role has waited for before it comes to `op`,
/// whatever its branches and loops do.
static Rings getRingsBefore(Operation *op) {
  Rings rings;
  for (; !isa<tile::RoleOp>(op); op = op->getParentOp())
    for (Operation *other = op->getPrevNode(); other;
         other = other->getPrevNode())
      if (auto wait = dyn_cast<tile::WaitOp>(other))
        rings.insert(wait.getRing().getDefiningOp());
  return rings;
}

/// Rings that move before `uses.ring` gets its first stage.
static Rings getRingsNeeded(RingUses &uses) {
  Rings needed = getRingsBefore(uses.fillings.front().commit);
  for (Filling &filling : llvm::drop_begin(uses.fillings)) {
    Rings before = getRingsBefore(filling.commit);
    needed.remove_if([&](Operation *ring) { return !before.contains(ring); });
  }
  return needed;
}

static LogicalResult checkOrder(MutableArrayRef<RingUses> rings) {
  llvm::DenseMap<Operation *, Rings> needed;
  for (RingUses &uses : rings)
    needed[uses.ring] = getRingsNeeded(uses);
  for (RingUses &uses : rings) {
    // All that has to move before this one.
    Rings all = needed[uses.ring];
    for (size_t i = 0; i < all.size(); ++i)
      all.insert_range(needed[all[i]]);
    if (!all.contains(uses.ring))
      continue;
    InFlightDiagnostic error = uses.producer.emitOpError(
        "fills a ring only after it has waited for one that cannot be filled "
        "before it");
    error.attachNote(uses.ring.getLoc()) << "the ring it fills";
    for (Operation *ring : needed[uses.ring])
      error.attachNote(ring->getLoc()) << "a ring it waits for";
    return error;
  }
  return success();
}

LogicalResult checkProgress(MutableArrayRef<RingUses> rings) {
  for (RingUses &uses : rings)
    for (tile::RoleOp role : uses.consumers)
      if (failed(HeldStages(uses, role).check()))
        return failure();
  return checkOrder(rings);
}

} // namespace tilewright
