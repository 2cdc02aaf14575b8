//===- KernelRegions.cpp - Which ops run as one kernel --------------------===//

#include "passes/xf/KernelRegions.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace tilewright {

// Partners of a pair that are this far apart lie in one thread of the matmul's
// fragment, in either orientation (docs/rationale-tile.md).
static constexpr int64_t kFragmentPairDistance = 8;

bool isRecomputed(Operation *op) { return isa<xf::RstdOp>(op); }

static xf::FusionKind kindOf(Operation *op) {
  return cast<xf::FusionInterface>(op).getFusionKind();
}

/// The family of a region that starts with `op`, for the ops that must start
/// one.
static std::optional<xf::KernelFamily> familyOf(Operation *op) {
  switch (kindOf(op)) {
  case xf::FusionKind::Matmul:
    return xf::KernelFamily::Gemm;
  case xf::FusionKind::Attention:
    return xf::KernelFamily::Attention;
  case xf::FusionKind::Sampling:
    return xf::KernelFamily::Sample;
  case xf::FusionKind::Gather:
    return isa<xf::EmbeddingOp>(op) ? xf::KernelFamily::Embedding
                                    : xf::KernelFamily::RowWise;
  default:
    return std::nullopt;
  }
}

static int64_t rankOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getRank();
}

/// What a GEMM's epilogue cannot do on the tile that it holds: some columns of
/// some rows.
static std::string whyNotInGemm(Operation *op) {
  switch (kindOf(op)) {
  case xf::FusionKind::Elementwise:
  case xf::FusionKind::CacheWrite:
    return "";
  case xf::FusionKind::Pairwise:
    return cast<xf::FusionInterface>(op).getPairDistance() ==
                   kFragmentPairDistance
               ? ""
               : "the partners of a pair lie in different threads";
  case xf::FusionKind::Movement:
    return isa<xf::ConcatOp>(op) ? "the parts come from different tiles" : "";
  case xf::FusionKind::RowWise:
    if (isa<xf::SumSquaresOp>(op))
      return "";
    return rankOf(op->getOperand(0)) == 3
               ? ""
               : "it needs a whole row, and a tile holds a part of one";
  default:
    return "it needs a kernel of its own";
  }
}

/// What a kernel that holds whole rows in registers cannot do.
static std::string whyNotInRows(Operation *op) {
  switch (kindOf(op)) {
  case xf::FusionKind::Elementwise:
  case xf::FusionKind::RowWise:
    return "";
  case xf::FusionKind::Movement:
    return isa<xf::ReshapeOp>(op) ? "" : "columns would change threads";
  default:
    return "it needs a kernel of its own";
  }
}

static std::string whyNotInFamily(xf::KernelFamily family, Operation *op) {
  switch (family) {
  case xf::KernelFamily::Gemm:
    return whyNotInGemm(op);
  case xf::KernelFamily::Embedding:
  case xf::KernelFamily::RowWise:
  case xf::KernelFamily::Elementwise:
    return whyNotInRows(op);
  case xf::KernelFamily::Attention:
    return isa<xf::ReshapeOp>(op) ? "" : "attention has no epilogue";
  case xf::KernelFamily::Sample:
    return "sampling has no epilogue";
  }
  llvm_unreachable("all families are listed");
}

KernelRegions::KernelRegions(Block &block) {
  for (Operation &op : block.without_terminator())
    if (!xf::isWeightExpression(op.getResult(0)))
      ops.push_back(&op);

  // Ops that must start a region first, so that what can ride on them does not
  // start one of its own.
  for (Operation *op : ops)
    if (std::optional<xf::KernelFamily> family = familyOf(op))
      grow(op, *family);
  for (Operation *op : ops)
    if (!regionOf.count(op) && !isRecomputed(op) &&
        kindOf(op) == xf::FusionKind::RowWise)
      grow(op, xf::KernelFamily::RowWise);
  for (Operation *op : ops)
    if (!regionOf.count(op) && !isRecomputed(op))
      grow(op, xf::KernelFamily::Elementwise);
  sortRegions();
}

void KernelRegions::grow(Operation *anchor, xf::KernelFamily family) {
  unsigned region = regions.size();
  regions.push_back({family, {anchor}});
  regionOf[anchor] = region;
  auto inRegion = [&](Value value) { return isIn(value, region); };
  for (Operation *op = anchor->getNextNode(); op; op = op->getNextNode()) {
    if (op->hasTrait<OpTrait::IsTerminator>() ||
        !llvm::any_of(op->getOperands(), inRegion))
      continue;
    if (regionOf.count(op) || isRecomputed(op))
      continue;
    std::string reason = whyNot(op, region);
    if (!reason.empty()) {
      declines.push_back({op, anchor, reason});
      continue;
    }
    regionOf[op] = region;
    regions[region].ops.push_back(op);
  }
}

bool KernelRegions::isIn(Value value, unsigned region) const {
  Operation *def = value.getDefiningOp();
  auto it = def ? regionOf.find(def) : regionOf.end();
  return it != regionOf.end() && it->second == region;
}

/// The value from which on `value` lies in the same columns of the tile: the
/// product, or whatever moved columns last.
Value KernelRegions::findColumns(Value value, unsigned region) const {
  while (true) {
    Operation *op = value.getDefiningOp();
    if (isa<xf::MatmulOp, xf::SplitOp, xf::RegroupColumnsOp,
            xf::GatedActivationOp>(op))
      return value;
    auto inside = llvm::find_if(op->getOperands(), [&](Value operand) {
      return rankOf(operand) > 1 && isIn(operand, region);
    });
    if (inside == op->operand_end())
      return value;
    value = *inside;
  }
}

/// What a GEMM's epilogue, which has some columns at a time, cannot join:
/// 1. values that lie in different columns;
/// 2. columns that are put in order, which only their store can do, with
///    anything behind them;
/// 3. a second division of the product.
std::string KernelRegions::whyNotOnTile(Operation *op, unsigned region) const {
  if (isa<xf::SplitOp>(op) &&
      llvm::any_of(regions[region].ops,
                   [](Operation *other) { return isa<xf::SplitOp>(other); }))
    return "the product is divided already";
  llvm::SmallSetVector<Value, 2> columns;
  for (Value operand : op->getOperands())
    if (rankOf(operand) > 1 && isIn(operand, region))
      columns.insert(findColumns(operand, region));
  if (columns.size() > 1)
    return "its operands lie in different columns of the tile";
  bool isOrdered =
      !columns.empty() && isa<xf::RegroupColumnsOp>(columns[0].getDefiningOp());
  if (isOrdered && !isa<xf::ReshapeOp, xf::CacheAppendOp>(op))
    return "columns are put in order on their way out";
  return "";
}

/// Preconditions for `op` to join, in the order of the reasons given:
/// 1. it does not have to start a region;
/// 2. the family can do it on what it holds, and where it holds it;
/// 3. its other operands do not depend on the region.
std::string KernelRegions::whyNot(Operation *op, unsigned region) const {
  if (familyOf(op))
    return "it needs a kernel of its own";
  std::string reason = whyNotInFamily(regions[region].family, op);
  if (reason.empty() && regions[region].family == xf::KernelFamily::Gemm)
    reason = whyNotOnTile(op, region);
  if (!reason.empty())
    return reason;
  for (Value operand : op->getOperands()) {
    Operation *def = operand.getDefiningOp();
    if (!def)
      continue;
    auto it = regionOf.find(def);
    if (it != regionOf.end() && it->second == region)
      continue;
    if (dependsOn(def, region))
      return "another operand is computed from this region's results";
  }
  return "";
}

/// True if `op`, or anything in the kernel that it is part of, is computed from
/// values of `region`.
bool KernelRegions::dependsOn(Operation *op, unsigned region) const {
  llvm::SetVector<Operation *> todo;
  todo.insert(op);
  for (unsigned i = 0; i < todo.size(); ++i) {
    auto it = regionOf.find(todo[i]);
    if (it != regionOf.end()) {
      if (it->second == region)
        return true;
      todo.insert(regions[it->second].ops.begin(),
                  regions[it->second].ops.end());
    }
    for (Value operand : todo[i]->getOperands())
      if (Operation *def = operand.getDefiningOp())
        todo.insert(def);
  }
  return false;
}

/// A kernel's operands may be made by a kernel whose anchor comes later in the
/// block, so block order is not enough.
void KernelRegions::sortRegions() {
  SmallVector<unsigned> order;
  SmallVector<char> state(regions.size(), 0);
  std::function<void(unsigned)> visit = [&](unsigned region) {
    if (state[region])
      return;
    state[region] = 1;
    SmallVector<Operation *> todo(regions[region].ops);
    while (!todo.empty()) {
      Operation *op = todo.pop_back_val();
      for (Value operand : op->getOperands()) {
        Operation *def = operand.getDefiningOp();
        if (!def)
          continue;
        auto it = regionOf.find(def);
        if (it != regionOf.end())
          visit(it->second);
        else if (isRecomputed(def))
          todo.push_back(def);
      }
    }
    order.push_back(region);
  };
  SmallVector<unsigned> byAnchor(
      llvm::to_vector(llvm::seq<unsigned>(0, regions.size())));
  llvm::sort(byAnchor, [&](unsigned a, unsigned b) {
    return regions[a].ops.front()->isBeforeInBlock(regions[b].ops.front());
  });
  for (unsigned region : byAnchor)
    visit(region);

  SmallVector<KernelRegion> sorted;
  for (unsigned region : order)
    sorted.push_back(std::move(regions[region]));
  regions = std::move(sorted);
}

} // namespace tilewright
