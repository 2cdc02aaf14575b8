//===- SharedHazards.cpp - Ordinary stores against async readers ----------===//

#include "passes/tile/SharedHazards.h"

#include "mlir/Interfaces/LoopLikeInterface.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace tilewright {

namespace {
struct HazardState {
  /// Buffers with stores that no fence has covered, and those whose fence
  /// awaits a sync.
  llvm::SetVector<Value> dirty;
  llvm::SetVector<Value> fenced;
  /// Buffers that copies read, one entry per copy, oldest first.
  SmallVector<Value> reading;
  /// Whether control flow has mixed the order of `reading`.
  bool isMixed = false;

  bool operator==(const HazardState &other) const {
    return dirty == other.dirty && fenced == other.fenced &&
           reading == other.reading && isMixed == other.isMixed;
  }
};

class HazardWalk {
public:
  /// Walks a block and returns the state behind it; inserts fences if asked.
  HazardState walk(Block *block, HazardState state, bool insert);

private:
  HazardState walkRegions(Operation *op, const HazardState &before,
                          bool insert);
  void visitStore(Operation *op, Value target, HazardState &state, bool insert);
  void visitAsyncRead(Operation *op, Value source, HazardState &state,
                      bool insert);
};
} // namespace

/// Copies that bound the length of the state; older ones are waited for
/// together with younger ones.
static constexpr size_t maxTracked = 16;

static bool isSuffix(ArrayRef<Value> part, ArrayRef<Value> whole) {
  return part.size() <= whole.size() && whole.take_back(part.size()) == part;
}

/// The state where two paths meet.
static HazardState join(const HazardState &a, const HazardState &b) {
  HazardState result = a;
  result.dirty.insert_range(b.dirty);
  // A fence holds only if it was on both paths.
  result.fenced.remove_if(
      [&](Value value) { return !b.fenced.contains(value); });
  result.isMixed |= b.isMixed;
  if (isSuffix(a.reading, b.reading)) {
    result.reading = b.reading;
  } else if (!isSuffix(b.reading, a.reading)) {
    for (Value value : b.reading)
      if (!llvm::is_contained(result.reading, value))
        result.reading.push_back(value);
    result.isMixed = true;
  }
  return result;
}

static void applySync(HazardState &state) {
  state.dirty.remove_if(
      [&](Value value) { return state.fenced.contains(value); });
  state.fenced.clear();
}

/// A wait is a sync too: one thread waits for the copies, and the others for
/// it.
static void applyWait(HazardState &state, size_t inFlight) {
  size_t running = std::min(inFlight, state.reading.size());
  state.reading.erase(state.reading.begin(), state.reading.end() - running);
  state.isMixed &= !state.reading.empty();
  applySync(state);
}

/// A store to what a copy may still be reading.
void HazardWalk::visitStore(Operation *op, Value target, HazardState &state,
                            bool insert) {
  Value root = getSharedRoot(target);
  auto last = llvm::find(llvm::reverse(state.reading), root);
  if (last != state.reading.rend()) {
    // Copies issued after the last one that reads the buffer may run on.
    size_t younger = state.isMixed ? 0 : last - state.reading.rbegin();
    if (insert) {
      OpBuilder builder(op);
      tile::CopyWaitOp::create(builder, op->getLoc(), younger,
                               /*written=*/false);
    }
    applyWait(state, younger);
  }
  state.dirty.insert(root);
  state.fenced.remove(root);
}

/// A copy or product that reads what ordinary stores wrote.
void HazardWalk::visitAsyncRead(Operation *op, Value source, HazardState &state,
                                bool insert) {
  if (!state.dirty.contains(getSharedRoot(source)))
    return;
  if (insert) {
    OpBuilder builder(op);
    tile::FenceAsyncOp::create(builder, op->getLoc());
    tile::SyncOp::create(builder, op->getLoc());
  }
  state.fenced = state.dirty;
  applySync(state);
}

HazardState HazardWalk::walkRegions(Operation *op, const HazardState &before,
                                    bool insert) {
  if (isa<LoopLikeOpInterface>(op)) {
    // What an iteration leaves, the next one finds.
    HazardState entry = before;
    while (true) {
      HazardState state = entry;
      for (Region &region : op->getRegions())
        for (Block &block : region)
          state = walk(&block, state, /*insert=*/false);
      HazardState joined = join(entry, state);
      if (joined == entry)
        break;
      entry = joined;
    }
    HazardState state = entry;
    for (Region &region : op->getRegions())
      for (Block &block : region)
        state = walk(&block, state, insert);
    return join(entry, state);
  }
  std::optional<HazardState> after;
  bool hasEmpty = false;
  for (Region &region : op->getRegions()) {
    hasEmpty |= region.empty();
    for (Block &block : region) {
      HazardState state = walk(&block, before, insert);
      after = after ? join(*after, state) : state;
    }
  }
  if (!after)
    return before;
  return hasEmpty ? join(*after, before) : *after;
}

HazardState HazardWalk::walk(Block *block, HazardState state, bool insert) {
  for (Operation &op : llvm::make_early_inc_range(*block)) {
    if (op.getNumRegions() != 0) {
      if (!isa<tile::RoleOp>(op))
        state = walkRegions(&op, state, insert);
      continue;
    }
    if (Value target = getSharedStoreTarget(&op))
      visitStore(&op, target, state, insert);
    if (auto mma = dyn_cast<tile::MmaOp>(op)) {
      for (Value operand : {Value(mma.getA()), Value(mma.getB())})
        if (isa<tile::SharedType>(operand.getType()))
          visitAsyncRead(&op, operand, state, insert);
    } else if (auto copy = dyn_cast<tile::CopyOutOp>(op)) {
      visitAsyncRead(&op, copy.getSource(), state, insert);
      if (state.reading.size() == maxTracked)
        state.isMixed = true;
      if (state.isMixed)
        llvm::erase(state.reading, getSharedRoot(copy.getSource()));
      state.reading.push_back(getSharedRoot(copy.getSource()));
    } else if (isa<tile::FenceAsyncOp>(op)) {
      state.fenced = state.dirty;
    } else if (auto wait = dyn_cast<tile::CopyWaitOp>(op)) {
      applyWait(state, wait.getInFlight());
    } else if (isa<tile::SyncOp, tile::ClusterSyncOp>(op)) {
      applySync(state);
    }
  }
  return state;
}

void insertSharedFences(Block *block) {
  HazardState state = HazardWalk().walk(block, HazardState(), /*insert=*/true);
  if (state.reading.empty())
    return;
  // The shared memory of a CTA is gone when it ends.
  OpBuilder builder = OpBuilder::atBlockEnd(block);
  tile::CopyWaitOp::create(builder, block->getParentOp()->getLoc(),
                           /*in_flight=*/0, /*written=*/false);
}

} // namespace tilewright
