//===- RingUses.cpp - Who uses a ring, and how ----------------------------===//

#include "passes/tile/RingUses.h"

#include "mlir/Interfaces/LoopLikeInterface.h"

#include <limits>

using namespace mlir;

namespace tilewright {

bool RingUses::isMulticast() {
  for (Filling &filling : fillings)
    for (tile::CopyOp copy : filling.copies)
      if (copy.getMulticast() && !copy.getMulticast()->empty())
        return true;
  return false;
}

int64_t RingUses::getConsumerWarps() {
  int64_t warps = 0;
  for (tile::RoleOp role : consumers)
    warps += role.getWarps() * role.getReplicas();
  return warps / getReplicas();
}

Operation *getLoop(Operation *op) {
  for (op = op->getParentOp(); op && !isa<tile::RoleOp, tile::KernelOp>(op);
       op = op->getParentOp())
    if (isa<LoopLikeOpInterface>(op))
      return op;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Producer
//===----------------------------------------------------------------------===//

/// Whether a shared tile is part of what an op handed out.
static bool isFrom(Value shared, Operation *op) {
  return getSharedRoot(shared).getDefiningOp() == op;
}

static std::optional<int64_t> getTripCount(scf::ForOp loop) {
  std::optional<APInt> count = loop.getStaticTripCount();
  return count ? std::optional<int64_t>(count->getSExtValue()) : std::nullopt;
}

/// Adds to a filling what `op` brings; fails if that depends on control flow.
static LogicalResult addFilling(Operation *op, Filling &filling) {
  if (auto copy = dyn_cast<tile::CopyOp>(op)) {
    if (isFrom(copy.getDestination(), filling.acquire)) {
      filling.copies.push_back(copy);
      filling.bytes += copy.getDestination().getType().getLayout().getBytes();
    }
    return success();
  }
  if (Value target = getSharedStoreTarget(op))
    filling.hasStores |= isFrom(target, filling.acquire);
  if (op->getNumRegions() == 0)
    return success();
  SmallVector<int64_t> bytes;
  for (Region &region : op->getRegions()) {
    Filling inner{filling.acquire, filling.commit, {}, 0, false};
    for (Operation &nested : region.getOps())
      if (failed(addFilling(&nested, inner)))
        return failure();
    bytes.push_back(inner.bytes);
    filling.copies.append(inner.copies);
    filling.hasStores |= inner.hasStores;
  }
  if (llvm::all_of(bytes, [](int64_t count) { return count == 0; }))
    return success();
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    if (std::optional<int64_t> trips = getTripCount(loop)) {
      filling.bytes += *trips * bytes.front();
      return success();
    }
  } else if (isa<scf::IfOp>(op) && llvm::all_equal(bytes)) {
    filling.bytes += bytes.front();
    return success();
  }
  return op->emitOpError(
      "copies a number of bytes to a stage that is not known here");
}

static int64_t getStageBytes(tile::RingOp ring) {
  int64_t bytes = 0;
  for (Type type :
       cast<tile::RingType>(ring.getResult().getType()).getBuffers())
    bytes += cast<tile::SharedType>(type).getBytes();
  return bytes;
}

/// Checks 3 and 4.
static FailureOr<Filling> findFilling(tile::AcquireOp acquire,
                                      tile::RingOp ring) {
  Filling filling{acquire, {}, {}, 0, false};
  for (Operation *op = acquire->getNextNode(); op; op = op->getNextNode()) {
    if (auto commit = dyn_cast<tile::CommitOp>(op);
        commit && commit.getRing() == ring.getResult()) {
      filling.commit = commit;
      break;
    }
    if (auto next = dyn_cast<tile::AcquireOp>(op);
        next && next.getRing() == ring.getResult())
      break;
    if (failed(addFilling(op, filling)))
      return failure();
  }
  if (!filling.commit)
    return acquire.emitOpError(
        "is not followed by a 'tile.commit' in its block");
  if (filling.bytes == 0 && !filling.hasStores)
    return filling.commit.emitOpError("hands over a stage that nothing fills");
  if (filling.bytes > getStageBytes(ring))
    return filling.commit.emitOpError("expects at most ")
           << getStageBytes(ring)
           << " bytes, the size of a stage, but the copies "
           << "bring " << filling.bytes;
  for (Value buffer : acquire.getBuffers())
    for (Operation *user : buffer.getUsers())
      if (auto copy = dyn_cast<tile::CopyOp>(user);
          copy && !llvm::is_contained(filling.copies, copy))
        return copy.emitOpError(
            "fills a stage outside of its acquire and commit");
  return filling;
}

//===----------------------------------------------------------------------===//
// Consumers
//===----------------------------------------------------------------------===//

/// Check 5: what is held at the end of an iteration is held forever.
static LogicalResult checkBalance(RingUses &uses) {
  for (tile::WaitOp wait : uses.waits) {
    auto matches = [&](tile::ReleaseOp release) {
      return getRole(release) == getRole(wait) &&
             getLoop(release) == getLoop(wait);
    };
    if (llvm::none_of(uses.releases, matches))
      return wait.emitOpError("has no 'tile.release' in the same loop");
  }
  for (tile::ReleaseOp release : uses.releases) {
    auto matches = [&](tile::WaitOp wait) {
      return getRole(release) == getRole(wait) &&
             getLoop(release) == getLoop(wait);
    };
    if (llvm::none_of(uses.waits, matches))
      return release.emitOpError("has no 'tile.wait' in the same loop");
  }
  return success();
}

/// Check 6, for a release without `after`: the products since the wait are
/// done. Products finish in order, so after a wait for n in flight all are but
/// the last n before it.
static LogicalResult checkProducts(tile::ReleaseOp release) {
  if (release.getAfter())
    return success();
  // Products before `op` that may be running still.
  int64_t running = std::numeric_limits<int64_t>::max();
  for (Operation *op = release->getPrevNode(); op && running > 0;
       op = op->getPrevNode()) {
    if (auto wait = dyn_cast<tile::MmaWaitOp>(op))
      running = std::min(running, static_cast<int64_t>(wait.getInFlight()));
    auto mma = dyn_cast<tile::MmaOp>(op);
    if (!mma || running == 0)
      continue;
    --running;
    for (Value operand : {Value(mma.getA()), Value(mma.getB())}) {
      auto wait = getSharedRoot(operand).getDefiningOp<tile::WaitOp>();
      if (wait && wait.getRing() == release.getRing()) {
        InFlightDiagnostic error = release.emitOpError(
            "gives back a stage that a product may still read");
        error.attachNote(mma.getLoc()) << "the product";
        return error;
      }
    }
  }
  return success();
}

//===----------------------------------------------------------------------===//
// All uses
//===----------------------------------------------------------------------===//

/// Checks 1 and 2.
static LogicalResult addUse(RingUses &uses, Operation *user) {
  tile::RoleOp role = getRole(user);
  if (!role)
    return user->emitOpError("uses a ring outside of roles");
  if (isa<tile::AcquireOp, tile::CommitOp>(user)) {
    if (uses.producer && uses.producer != role) {
      InFlightDiagnostic error =
          user->emitOpError("fills a ring that another role fills");
      error.attachNote(uses.producer.getLoc()) << "the other role";
      return error;
    }
    uses.producer = role;
    return success();
  }
  if (!llvm::is_contained(uses.consumers, role))
    uses.consumers.push_back(role);
  if (auto wait = dyn_cast<tile::WaitOp>(user))
    uses.waits.push_back(wait);
  else
    uses.releases.push_back(cast<tile::ReleaseOp>(user));
  return success();
}

/// Check 7.
static LogicalResult checkReplicas(RingUses &uses) {
  int64_t replicas = uses.getReplicas();
  if (replicas == 1)
    return success();
  bool paired =
      uses.consumers.size() == 1 &&
      static_cast<int64_t>(uses.producer.getReplicas()) == replicas &&
      static_cast<int64_t>(uses.consumers.front().getReplicas()) == replicas;
  if (paired)
    return success();
  return uses.ring.emitOpError("with ")
         << replicas
         << " replicas expects one role with as many on either side";
}

FailureOr<RingUses> findRingUses(tile::RingOp ring) {
  RingUses uses;
  uses.ring = ring;
  SmallVector<Operation *> users(ring->getUsers());
  // In program order, for diagnostics and output that do not depend on the
  // order of use lists.
  std::reverse(users.begin(), users.end());
  for (Operation *user : users)
    if (failed(addUse(uses, user)))
      return failure();
  if (!uses.producer || uses.consumers.empty())
    return ring.emitOpError(
        "expects a role that fills it and one that consumes "
        "it");
  if (llvm::is_contained(uses.consumers, uses.producer))
    return uses.producer.emitOpError(
        "consumes a ring that it fills, and would wait for itself");
  if (failed(checkReplicas(uses)))
    return failure();
  for (Operation *user : users) {
    auto acquire = dyn_cast<tile::AcquireOp>(user);
    if (!acquire)
      continue;
    FailureOr<Filling> filling = findFilling(acquire, ring);
    if (failed(filling))
      return failure();
    uses.fillings.push_back(*filling);
  }
  for (Operation *user : users)
    if (auto commit = dyn_cast<tile::CommitOp>(user);
        commit && llvm::none_of(uses.fillings, [&](const Filling &filling) {
          return filling.commit == commit;
        }))
      return commit.emitOpError("has no 'tile.acquire' before it in its block");
  if (failed(checkBalance(uses)))
    return failure();
  for (tile::ReleaseOp release : uses.releases)
    if (failed(checkProducts(release)))
      return failure();
  return uses;
}

} // namespace tilewright
