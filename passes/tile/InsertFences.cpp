//===- InsertFences.cpp - Order products, copies and ordinary accesses ----===//
// Runs behind tile-expand-rings, which adds waits and syncs of its own.
//===----------------------------------------------------------------------===//

#include "ir/target/Target.h"
#include "passes/tile/SharedHazards.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_INSERTFENCES
#include "passes/Passes.h.inc"

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Values that stand for a product still running if `value` does: what control
/// flow makes of it at this use.
static SmallVector<Value> getCarried(OpOperand &use) {
  Operation *op = use.getOwner();
  unsigned number = use.getOperandNumber();
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    if (BlockArgument argument = loop.getTiedLoopRegionIterArg(&use))
      return {argument, loop.getTiedLoopResult(&use)};
    return {};
  }
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return {loop.getBeforeArguments()[number]};
  if (isa<scf::ConditionOp>(op)) {
    if (number == 0)
      return {};
    auto loop = cast<scf::WhileOp>(op->getParentOp());
    return {loop.getAfterArguments()[number - 1], loop.getResult(number - 1)};
  }
  if (!isa<scf::YieldOp>(op))
    return {};
  if (auto loop = dyn_cast<scf::ForOp>(op->getParentOp()))
    return {loop.getRegionIterArgs()[number], loop.getResult(number)};
  if (auto loop = dyn_cast<scf::WhileOp>(op->getParentOp()))
    return {loop.getBeforeArguments()[number]};
  return {op->getParentOp()->getResult(number)};
}

/// Uses that a running product may have.
static bool mayBeRunning(OpOperand &use) {
  if (auto mma = dyn_cast<tile::MmaOp>(use.getOwner()))
    return use == mma.getAccMutable();
  return isa<tile::MmaWaitOp>(use.getOwner()) || !getCarried(use).empty();
}

static llvm::SetVector<Value> findRunning(tile::KernelOp kernel) {
  llvm::SetVector<Value> running;
  kernel.walk([&](tile::MmaOp mma) { running.insert(mma.getResult()); });
  for (size_t i = 0; i < running.size(); ++i)
    for (OpOperand &use : running[i].getUses())
      for (Value carried : getCarried(use))
        running.insert(carried);
  return running;
}

/// Waits for a product right before the first op of its block that reads it.
/// Returns whether there was one.
static bool insertWait(Value value) {
  Block *block = value.getParentBlock();
  Operation *first = nullptr;
  for (OpOperand &use : value.getUses()) {
    if (mayBeRunning(use))
      continue;
    Operation *user = block->findAncestorOpInBlock(*use.getOwner());
    if (user && (!first || user->isBeforeInBlock(first)))
      first = user;
  }
  if (!first)
    return false;
  OpBuilder builder(first);
  auto wait = tile::MmaWaitOp::create(builder, first->getLoc(), value,
                                      /*in_flight=*/0);
  value.replaceUsesWithIf(wait.getResult(0), [&](OpOperand &use) {
    Operation *user = block->findAncestorOpInBlock(*use.getOwner());
    return user && user != wait && !user->isBeforeInBlock(wait);
  });
  return true;
}

static void insertProductWaits(tile::KernelOp kernel) {
  // A wait can end what control flow carried, so look again after each.
  bool changed = true;
  while (changed) {
    changed = false;
    for (Value value : findRunning(kernel))
      if (insertWait(value)) {
        changed = true;
        break;
      }
  }
}

static void insertProductFences(tile::KernelOp kernel) {
  kernel.walk([](tile::MmaOp mma) {
    OpBuilder builder(mma);
    tile::MmaFenceOp::create(builder, mma.getLoc());
    builder.setInsertionPointAfter(mma);
    tile::MmaCommitOp::create(builder, mma.getLoc());
  });
}

//===----------------------------------------------------------------------===//
// Named barriers
//===----------------------------------------------------------------------===//

namespace {
/// Hands out the numbers of the CTA's barriers; 0 is that of all threads.
class BarrierNumbers {
public:
  explicit BarrierNumbers(tile::KernelOp kernel) : kernel(kernel) {}

  FailureOr<int64_t> take(Operation *op, int64_t count) {
    int64_t limit = target::getDefaultTarget().threads.namedBarriers;
    if (next + count > limit)
      return op->emitOpError("needs ")
             << count << " named barriers, but only " << limit - next << " of "
             << limit << " are left";
    int64_t first = next;
    next += count;
    return first;
  }

private:
  tile::KernelOp kernel;
  int64_t next = 1;
};
} // namespace

/// Whether the lowering of something in a role may synchronize its warps.
static bool needsBarrier(tile::RoleOp role) {
  if (role.getWarps() == 1)
    return false;
  auto result = role.walk([](Operation *op) {
    bool synchronizes =
        isa<tile::SyncOp, tile::ReduceOp, tile::ArgmaxOp, tile::ConvertOp,
            tile::ClusterSumOp, tile::CopyWaitOp>(op);
    return synchronizes ? WalkResult::interrupt() : WalkResult::advance();
  });
  return result.wasInterrupted();
}

/// Replica i of a role waits at barrier `first + i`, where the replica before
/// it arrives.
static LogicalResult expandOrder(tile::OrderOp order, BarrierNumbers &numbers) {
  SmallVector<tile::TurnOp> turns;
  for (Operation *user : order->getUsers())
    turns.push_back(cast<tile::TurnOp>(user));
  std::reverse(turns.begin(), turns.end());
  if (turns.empty()) {
    order->erase();
    return success();
  }
  tile::RoleOp role = getRole(turns.front());
  for (tile::TurnOp turn : turns)
    if (getRole(turn) != role)
      return turn.emitOpError("takes turns with another role");
  int64_t replicas = role.getReplicas();
  FailureOr<int64_t> first = numbers.take(order, replicas);
  if (failed(first))
    return failure();
  int64_t threads =
      2 * role.getWarps() * target::getDefaultTarget().threads.threadsPerWarp;

  ImplicitLocOpBuilder b(order.getLoc(), order->getContext());
  b.setInsertionPointToStart(role.getBodyBlock());
  Value base = createI32(b, b.getLoc(), *first);
  Value count = createI32(b, b.getLoc(), replicas);
  Value replica = arith::IndexCastUIOp::create(b, b.getI32Type(),
                                               role.getBody().getArgument(0));
  Value after = arith::AddIOp::create(b, replica, createI32(b, b.getLoc(), 1));
  Value isLast =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, after, count);
  Value next =
      arith::SelectOp::create(b, isLast, createI32(b, b.getLoc(), 0), after);
  Value own = arith::AddIOp::create(b, base, replica);
  Value others = arith::AddIOp::create(b, base, next);
  // Replica 0 is first, as if the last one had just passed.
  tile::NamedBarrierOp::create(b, others, isLast, threads, /*arrive=*/true);
  for (tile::TurnOp turn : turns) {
    b.setLoc(turn.getLoc());
    b.setInsertionPoint(turn);
    bool passes = turn.getKind() == tile::TurnKind::Pass;
    tile::NamedBarrierOp::create(b, passes ? others : own, Value(), threads,
                                 passes);
    turn->erase();
  }
  order->erase();
  return success();
}

static LogicalResult numberBarriers(tile::KernelOp kernel) {
  BarrierNumbers numbers(kernel);
  for (tile::RoleOp role : kernel.getRoles()) {
    if (!needsBarrier(role))
      continue;
    FailureOr<int64_t> first = numbers.take(role, role.getReplicas());
    if (failed(first))
      return failure();
    role.setBarrier(*first);
  }
  for (auto order : llvm::make_early_inc_range(
           kernel.getBodyBlock()->getOps<tile::OrderOp>()))
    if (failed(expandOrder(order, numbers)))
      return failure();
  return success();
}

namespace {
struct InsertFences : impl::InsertFencesBase<InsertFences> {
  void runOnOperation() override {
    tile::KernelOp kernel = getOperation();
    insertProductWaits(kernel);
    for (tile::RoleOp role : kernel.getRoles())
      insertSharedFences(role.getBodyBlock());
    insertSharedFences(kernel.getBodyBlock());
    // Next to the products, whatever else stands before them.
    insertProductFences(kernel);
    if (failed(numberBarriers(kernel)))
      signalPassFailure();
  }
};
} // namespace
} // namespace tilewright
