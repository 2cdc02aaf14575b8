//===- ExpandRings.cpp - Rings to buffers, barriers and positions ---------===//
// Positions are variables of a role, not values carried by its loops: they are
// read and moved on wherever the role happens to use the ring, and LLVM turns
// them into registers.
//===----------------------------------------------------------------------===//

#include "passes/tile/RingUses.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/bit.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_EXPANDRINGS
#include "passes/Passes.h.inc"

namespace {
/// What a ring becomes.
struct ExpandedRing {
  RingUses uses;
  SmallVector<Value> buffers;
  Value full;
  Value empty;
  /// Mask of the CTAs whose producers write to this CTA's stages; null for
  /// itself alone.
  Value ranks;
  int64_t peers = 1;
};

/// Where a role is in a ring.
struct Position {
  Value first;    ///< of the replica's own stages; null without replicas
  Value stage;    ///< next to wait for or to fill
  Value phase;    ///< its parity
  Value released; ///< next to give back; consumers only
  Value held;     ///< stages waited for and not given back; delayed only
};

/// A loop that ends with stages still held.
struct Drain {
  int64_t kept = 0;
  ExpandedRing *ring = nullptr;
  Position position;
};

class RingExpander {
public:
  explicit RingExpander(tile::KernelOp kernel) : kernel(kernel) {}
  LogicalResult run();

private:
  void createBarriers(ImplicitLocOpBuilder &b, ExpandedRing &ring);
  void createRanks(ImplicitLocOpBuilder &b, ExpandedRing &ring);
  void expandProducer(ExpandedRing &ring);
  void expandFilling(ExpandedRing &ring, Filling &filling,
                     const Position &position);
  void expandConsumer(ExpandedRing &ring, tile::RoleOp role);
  void expandWait(ExpandedRing &ring, tile::WaitOp wait,
                  const Position &position);
  void expandRelease(ExpandedRing &ring, tile::ReleaseOp release,
                     const Position &position);
  void drain(Operation *loop, ArrayRef<Drain> drains);

  tile::KernelOp kernel;
  /// Per loop, so that the products behind it are waited for once.
  llvm::MapVector<Operation *, SmallVector<Drain>> drains;
};
} // namespace

//===----------------------------------------------------------------------===//
// Small pieces
//===----------------------------------------------------------------------===//

static Value constant(ImplicitLocOpBuilder &b, int64_t value) {
  return createI32(b, b.getLoc(), value);
}

static Value get(ImplicitLocOpBuilder &b, Value variable) {
  return tile::GetOp::create(b, b.getI32Type(), variable);
}

/// The number among all buffers and barriers of the stage in a variable.
static Value getSlot(ImplicitLocOpBuilder &b, const Position &position,
                     Value variable) {
  Value stage = get(b, variable);
  return position.first
             ? arith::AddIOp::create(b, position.first, stage).getResult()
             : stage;
}

/// At the beginning of a role.
static Position createPosition(ImplicitLocOpBuilder &b, RingUses &uses,
                               tile::RoleOp role) {
  Position position;
  Value zero = constant(b, 0);
  auto type = tile::VariableType::get(b.getContext());
  if (uses.getReplicas() > 1)
    position.first = arith::MulIOp::create(
        b,
        arith::IndexCastUIOp::create(b, b.getI32Type(),
                                     role.getBody().getArgument(0)),
        constant(b, uses.getStages()));
  position.stage = tile::VariableOp::create(b, type, zero);
  position.phase = tile::VariableOp::create(b, type, zero);
  return position;
}

/// Moves a stage on, and its phase when the ring comes round. `condition`: only
/// where it holds; always if null.
static void advance(ImplicitLocOpBuilder &b, int64_t stages,
                    Value stageVariable, Value phaseVariable, Value condition) {
  Value stage = get(b, stageVariable);
  Value one =
      condition
          ? arith::ExtUIOp::create(b, b.getI32Type(), condition).getResult()
          : constant(b, 1);
  Value next = arith::AddIOp::create(b, stage, one);
  Value wraps = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, next,
                                      constant(b, stages));
  Value wrapped = arith::SelectOp::create(b, wraps, constant(b, 0), next);
  tile::SetOp::create(b, stageVariable, wrapped);
  if (!phaseVariable)
    return;
  Value flips = arith::ExtUIOp::create(b, b.getI32Type(), wraps);
  Value phase = arith::XOrIOp::create(b, get(b, phaseVariable), flips);
  tile::SetOp::create(b, phaseVariable, phase);
}

static SmallVector<Value> createStages(ImplicitLocOpBuilder &b,
                                       ExpandedRing &ring, Value stage) {
  SmallVector<Value> stages;
  for (Value buffer : ring.buffers)
    stages.push_back(tile::StageBufferOp::create(b, buffer, stage));
  return stages;
}

//===----------------------------------------------------------------------===//
// Prologue
//===----------------------------------------------------------------------===//

/// Masks of the CTAs that differ from this one along some dimensions of the
/// cluster only, joined over all multicasts into the ring.
void RingExpander::createRanks(ImplicitLocOpBuilder &b, ExpandedRing &ring) {
  if (!ring.uses.isMulticast())
    return;
  Value rank = arith::IndexCastUIOp::create(
      b, b.getI32Type(), tile::ClusterRankOp::create(b, b.getIndexType()));
  int64_t reached = 0;
  SmallVector<ArrayRef<int64_t>> seen;
  for (Filling &filling : ring.uses.fillings)
    for (tile::CopyOp copy : filling.copies) {
      ArrayRef<int64_t> dims =
          copy.getMulticast().value_or(ArrayRef<int64_t>());
      // A multicast reaches this CTA too.
      if (dims.empty() || llvm::is_contained(seen, dims))
        continue;
      seen.push_back(dims);
      // Peers of the CTA at the origin, and this CTA with their digits at zero.
      SmallVector<int64_t> peers = {0};
      Value base = constant(b, 0);
      int64_t stride = 1;
      for (auto [dim, extent] : llvm::enumerate(*kernel.getCluster())) {
        Value digit = arith::RemUIOp::create(
            b, arith::DivUIOp::create(b, rank, constant(b, stride)),
            constant(b, extent));
        if (llvm::is_contained(dims, static_cast<int64_t>(dim))) {
          for (int64_t i = 1, size = peers.size(); i < extent; ++i)
            for (int64_t peer :
                 SmallVector<int64_t>(ArrayRef(peers).take_front(size)))
              peers.push_back(peer + i * stride);
        } else {
          base = arith::AddIOp::create(
              b, base, arith::MulIOp::create(b, digit, constant(b, stride)));
        }
        stride *= extent;
      }
      int64_t bits = 0;
      for (int64_t peer : peers)
        bits |= int64_t(1) << peer;
      reached |= bits;
      Value mask = arith::ShLIOp::create(b, constant(b, bits), base);
      ring.ranks = ring.ranks
                       ? arith::OrIOp::create(b, ring.ranks, mask).getResult()
                       : mask;
    }
  // By symmetry, as many CTAs write to this one as it writes to.
  ring.peers = llvm::popcount(static_cast<uint64_t>(reached));
}

void RingExpander::createBarriers(ImplicitLocOpBuilder &b, ExpandedRing &ring) {
  int64_t stages = ring.uses.getStages() * ring.uses.getReplicas();
  auto type = cast<tile::RingType>(ring.uses.ring.getResult().getType());
  for (Type buffer : type.getBuffers())
    ring.buffers.push_back(tile::AllocOp::create(
        b, cast<tile::SharedType>(buffer).addLeading(stages), IntegerAttr(),
        StringAttr()));
  auto barriers = tile::BarriersType::get(b.getContext(), stages);
  ring.full = tile::AllocOp::create(b, barriers, IntegerAttr(), StringAttr());
  ring.empty = tile::AllocOp::create(b, barriers, IntegerAttr(), StringAttr());
  createRanks(b, ring);
  tile::MbarrierInitOp::create(b, ring.full, /*count=*/1);
  tile::MbarrierInitOp::create(b, ring.empty,
                               ring.uses.getConsumerWarps() * ring.peers);
}

//===----------------------------------------------------------------------===//
// Producer
//===----------------------------------------------------------------------===//

void RingExpander::expandFilling(ExpandedRing &ring, Filling &filling,
                                 const Position &position) {
  ImplicitLocOpBuilder b(filling.acquire.getLoc(), filling.acquire);
  Value stage = getSlot(b, position, position.stage);
  // Free is the phase before the one to be filled; the phase before the first
  // counts as complete.
  Value parity =
      arith::XOrIOp::create(b, get(b, position.phase), constant(b, 1));
  // Not at cluster scope, whoever releases the stage: there is nothing to see
  // that another CTA wrote, only reads to come after.
  tile::MbarrierWaitOp::create(b, ring.empty, stage, parity,
                               /*cluster=*/false);
  if (!filling.hasStores)
    tile::MbarrierExpectOp::create(b, ring.full, stage, filling.bytes);
  for (auto [buffer, replacement] :
       llvm::zip(filling.acquire.getBuffers(), createStages(b, ring, stage)))
    buffer.replaceAllUsesWith(replacement);
  for (tile::CopyOp copy : filling.copies) {
    copy.getBarrierMutable().assign(ring.full);
    copy.getSlotMutable().assign(stage);
  }
  b.setInsertionPoint(filling.commit);
  if (filling.hasStores) {
    // All threads' stores, before the one arrival that stands for them.
    tile::FenceAsyncOp::create(b);
    tile::SyncOp::create(b);
    tile::MbarrierExpectOp::create(b, ring.full, stage, filling.bytes);
  }
  advance(b, ring.uses.getStages(), position.stage, position.phase, Value());
}

void RingExpander::expandProducer(ExpandedRing &ring) {
  tile::RoleOp role = ring.uses.producer;
  ImplicitLocOpBuilder b(ring.uses.ring.getLoc(), kernel.getContext());
  b.setInsertionPointToStart(role.getBodyBlock());
  Position position = createPosition(b, ring.uses, role);
  for (Filling &filling : ring.uses.fillings)
    expandFilling(ring, filling, position);
  for (Filling &filling : ring.uses.fillings) {
    filling.acquire->erase();
    filling.commit->erase();
  }
}

//===----------------------------------------------------------------------===//
// Consumers
//===----------------------------------------------------------------------===//

static void addToHeld(ImplicitLocOpBuilder &b, Value held, Value amount) {
  tile::SetOp::create(b, held, arith::AddIOp::create(b, get(b, held), amount));
}

void RingExpander::expandWait(ExpandedRing &ring, tile::WaitOp wait,
                              const Position &position) {
  ImplicitLocOpBuilder b(wait.getLoc(), wait);
  Value stage = getSlot(b, position, position.stage);
  tile::MbarrierWaitOp::create(b, ring.full, stage, get(b, position.phase),
                               /*cluster=*/false);
  for (auto [buffer, replacement] :
       llvm::zip(wait.getBuffers(), createStages(b, ring, stage)))
    buffer.replaceAllUsesWith(replacement);
  advance(b, ring.uses.getStages(), position.stage, position.phase, Value());
  if (position.held)
    addToHeld(b, position.held, constant(b, 1));
}

/// Gives the oldest held stage back where more than `kept` are held.
static void createDelayedRelease(ImplicitLocOpBuilder &b, ExpandedRing &ring,
                                 const Position &position, int64_t kept) {
  Value condition = arith::CmpIOp::create(
      b, arith::CmpIPredicate::sgt, get(b, position.held), constant(b, kept));
  tile::MbarrierArriveOp::create(b, ring.empty,
                                 getSlot(b, position, position.released),
                                 ring.ranks, condition);
  advance(b, ring.uses.getStages(), position.released, Value(), condition);
  Value given = arith::ExtSIOp::create(b, b.getI32Type(), condition);
  addToHeld(b, position.held, given);
}

void RingExpander::expandRelease(ExpandedRing &ring, tile::ReleaseOp release,
                                 const Position &position) {
  ImplicitLocOpBuilder b(release.getLoc(), release);
  int64_t kept = getKeptStages(release);
  if (release.getAfter())
    tile::MmaWaitOp::create(b, ValueRange(), kept ? release.getInFlight() : 0);
  if (!position.held) {
    tile::MbarrierArriveOp::create(b, ring.empty,
                                   getSlot(b, position, position.released),
                                   ring.ranks, /*condition=*/Value());
    advance(b, ring.uses.getStages(), position.released, Value(), Value());
    return;
  }
  createDelayedRelease(b, ring, position, kept);
  if (kept == 0)
    return;
  SmallVector<Drain> &behind = drains[getLoop(release)];
  for (Drain &drain : behind)
    if (drain.ring == &ring) {
      drain.kept = std::max(drain.kept, kept);
      return;
    }
  behind.push_back(Drain{kept, &ring, position});
}

/// The products that a loop leaves running become values, then the stages they
/// read are free.
void RingExpander::drain(Operation *loop, ArrayRef<Drain> drains) {
  ImplicitLocOpBuilder b(loop->getLoc(), loop->getContext());
  b.setInsertionPointAfter(loop);
  SmallVector<Value> running;
  if (auto counted = dyn_cast<scf::ForOp>(loop))
    for (auto [yielded, result] :
         llvm::zip(counted.getYieldedValues(), counted.getResults()))
      if (yielded.getDefiningOp<tile::MmaOp>())
        running.push_back(result);
  auto wait = tile::MmaWaitOp::create(b, running, /*in_flight=*/0);
  for (auto [value, done] : llvm::zip(running, wait.getResults()))
    value.replaceAllUsesExcept(done, wait);
  for (const Drain &drain : drains)
    for (int64_t i = 0; i < drain.kept; ++i)
      createDelayedRelease(b, *drain.ring, drain.position, /*kept=*/0);
}

void RingExpander::expandConsumer(ExpandedRing &ring, tile::RoleOp role) {
  ImplicitLocOpBuilder b(ring.uses.ring.getLoc(), kernel.getContext());
  b.setInsertionPointToStart(role.getBodyBlock());
  auto inRole = [&](Operation *op) { return getRole(op) == role; };
  bool delayed = llvm::any_of(ring.uses.releases, [&](tile::ReleaseOp release) {
    return inRole(release) && getKeptStages(release) > 0;
  });
  Position position = createPosition(b, ring.uses, role);
  Value zero = constant(b, 0);
  auto type = tile::VariableType::get(b.getContext());
  position.released = tile::VariableOp::create(b, type, zero);
  if (delayed)
    position.held = tile::VariableOp::create(b, type, zero);
  for (tile::WaitOp wait : ring.uses.waits)
    if (inRole(wait))
      expandWait(ring, wait, position);
  for (tile::ReleaseOp release : ring.uses.releases)
    if (inRole(release))
      expandRelease(ring, release, position);
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

LogicalResult RingExpander::run() {
  SmallVector<RingUses, 0> allUses;
  for (tile::RingOp ring : kernel.getBodyBlock()->getOps<tile::RingOp>()) {
    FailureOr<RingUses> uses = findRingUses(ring);
    if (failed(uses))
      return failure();
    for (tile::ReleaseOp release : uses->releases)
      if (getKeptStages(release) >= uses->getStages())
        return release.emitOpError("would keep all ")
               << uses->getStages() << " stages of the ring, and wait forever";
    allUses.push_back(*uses);
  }
  if (allUses.empty())
    return success();
  if (failed(checkProgress(allUses)))
    return failure();
  SmallVector<std::unique_ptr<ExpandedRing>> rings;
  for (RingUses &uses : allUses) {
    rings.push_back(std::make_unique<ExpandedRing>());
    rings.back()->uses = uses;
  }

  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getRoles().front());
  for (auto &ring : rings) {
    b.setLoc(ring->uses.ring.getLoc());
    createBarriers(b, *ring);
  }
  b.setLoc(kernel.getLoc());
  tile::MbarrierFenceInitOp::create(b);
  if (kernel.getClusterSize() > 1)
    tile::ClusterSyncOp::create(b);
  else
    tile::SyncOp::create(b);

  for (auto &ring : rings) {
    expandProducer(*ring);
    for (tile::RoleOp role : ring->uses.consumers)
      expandConsumer(*ring, role);
  }
  for (auto &[loop, behind] : drains)
    drain(loop, behind);
  for (auto &ring : rings) {
    for (tile::WaitOp wait : ring->uses.waits)
      wait->erase();
    for (tile::ReleaseOp release : ring->uses.releases)
      release->erase();
    ring->uses.ring->erase();
  }
  return success();
}

namespace {
struct ExpandRings : impl::ExpandRingsBase<ExpandRings> {
  void runOnOperation() override {
    tile::KernelOp kernel = getOperation();
    if (failed(RingExpander(kernel).run()))
      return signalPassFailure();
    if (kernel.getClusterSize() == 1)
      return;
    Block *body = kernel.getBodyBlock();
    if (!body->empty() && isa<tile::ClusterSyncOp>(body->back()))
      return;
    OpBuilder builder = OpBuilder::atBlockEnd(body);
    tile::ClusterSyncOp::create(builder, kernel.getLoc());
  }
};
} // namespace
} // namespace tilewright
