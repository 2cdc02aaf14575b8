//===- LayoutAssignment.cpp - Layouts of the fragments of a kernel --------===//

#include "passes/tile/LayoutAssignment.h"

#include "ir/target/Target.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using tilewright::tile::FragmentType;
using tilewright::tile::Layout;
using tilewright::tile::LayoutAttr;

namespace tilewright {

static FragmentType getFragment(Value value) {
  return dyn_cast<FragmentType>(value.getType());
}

static int64_t getThreads(Operation *op) {
  return getWarps(op) * target::getDefaultTarget().threads.threadsPerWarp;
}

static int64_t getWarpgroups(Operation *op) {
  int64_t perGroup = target::getDefaultTarget().threads.warpsPerGroup;
  return getWarps(op) % perGroup ? 0 : getWarps(op) / perGroup;
}

bool isElementwise(Operation *op) {
  if (isa<tile::CastOp, tile::BitcastOp, tile::SelectOp, tile::PhiloxOp,
          tile::ClusterSumOp>(op))
    return true;
  return isa_and_nonnull<arith::ArithDialect>(op->getDialect()) ||
         (op->getDialect() && op->getDialect()->getNamespace() == "math");
}

Layout project(const Layout &layout, ArrayRef<int64_t> shape) {
  Layout result = layout;
  for (auto [dim, size] : llvm::enumerate(shape))
    if (size == 1)
      result = result.reduced(dim);
  return result;
}

Layout reshape(const Layout &layout, ArrayRef<int64_t> from,
               ArrayRef<int64_t> to) {
  Layout result = layout;
  for (int64_t dim = from.size() - 1; dim >= 0; --dim)
    if (from[dim] == 1)
      result = result.withoutDim(dim);
  for (auto [dim, size] : llvm::enumerate(to))
    if (size == 1)
      result = result.withDim(dim);
  return result;
}

//===----------------------------------------------------------------------===//
// The table of layouts
//===----------------------------------------------------------------------===//

LayoutAttr LayoutAssignment::get(Value value) const {
  return layouts.lookup(value);
}

std::optional<Layout> LayoutAssignment::find(Value value) const {
  LayoutAttr attr = layouts.lookup(value);
  return attr ? std::optional<Layout>(attr.getLayout()) : std::nullopt;
}

void LayoutAssignment::assign(Value value, LayoutAttr layout) {
  FragmentType type = getFragment(value);
  if (!type || layouts.contains(value) ||
      !layout.getLayout().covers(type.getShape()))
    return;
  layouts[value] = layout;
  worklist.push_back(value);
  for (Value other : forced.lookup(value))
    assign(other, layout);
}

void LayoutAssignment::assign(Value value, const Layout &layout) {
  assign(value, LayoutAttr::get(kernel.getContext(), layout));
}

void LayoutAssignment::tie(ValueRange values) {
  for (Value value : values)
    if (LayoutAttr layout = layouts.lookup(value)) {
      for (Value other : values)
        assign(other, layout);
      return;
    }
}

/// Arguments and results that IR structure forces to have one type: only
/// operands can be converted.
void LayoutAssignment::uniteForced() {
  auto unite = [&](Value a, Value b) {
    if (!getFragment(a))
      return;
    forced[a].push_back(b);
    forced[b].push_back(a);
  };
  kernel.walk([&](Operation *op) {
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      for (auto [argument, result] :
           llvm::zip(loop.getRegionIterArgs(), loop.getResults()))
        unite(argument, result);
    } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      for (auto [argument, result] :
           llvm::zip(loop.getAfterArguments(), loop.getResults()))
        unite(argument, result);
    } else if (auto wait = dyn_cast<tile::MmaWaitOp>(op)) {
      for (auto [value, result] :
           llvm::zip(wait.getValues(), wait.getResults()))
        unite(value, result);
    } else if (auto split = dyn_cast<tile::DeinterleaveOp>(op)) {
      unite(split.getEven(), split.getOdd());
    }
  });
}

//===----------------------------------------------------------------------===//
// What is fixed
//===----------------------------------------------------------------------===//

/// Whether warpgroups lie next to one another along the columns.
static bool sharesColumns(const Layout &acc, int64_t warpgroups) {
  int64_t groupThreads = acc.getNumThreads() / warpgroups;
  for (int64_t group = 1; group < warpgroups; ++group)
    if (acc.getThreadCoordinate(group * groupThreads)[1] != 0)
      return true;
  return false;
}

LogicalResult LayoutAssignment::assignAnchors() {
  auto isFailed = kernel.walk([&](tile::MmaOp mma) {
    int64_t warpgroups = getWarpgroups(mma);
    std::optional<Layout> acc =
        Layout::accumulator(mma.getM(), mma.getN(), warpgroups);
    if (!acc) {
      mma.emitOpError("of ")
          << mma.getM() << " x " << mma.getN() << " cannot be shared by "
          << getWarps(mma) << " warps";
      return WalkResult::interrupt();
    }
    assign(mma.getResult(), *acc);
    if (!getFragment(mma.getA()))
      return WalkResult::advance();
    std::optional<Layout> a =
        Layout::accumulator(mma.getM(), mma.getK(), warpgroups);
    // Every warpgroup needs all of K for its rows.
    if (!a || sharesColumns(*acc, warpgroups)) {
      mma.emitOpError("cannot take its operand from registers: ")
          << getWarps(mma) << " warps share the columns of " << mma.getM()
          << " rows";
      return WalkResult::interrupt();
    }
    assign(mma.getA(), *a);
    return WalkResult::advance();
  });
  // Layouts that the author wrote.
  kernel.walk([&](Operation *op) {
    for (Value result : op->getResults())
      if (FragmentType type = getFragment(result); type && type.getLayout())
        assign(result, type.getLayout());
  });
  return failure(isFailed.wasInterrupted());
}

/// A blocked layout that leaves as few threads as possible with copies, and
/// then has the widest accesses.
static std::optional<Layout> chooseBlocked(FragmentType type, int64_t threads,
                                           std::optional<int64_t> vector) {
  int64_t accessBytes = target::getDefaultTarget().threads.accessBytes;
  int64_t widest = vector.value_or(
      std::max<int64_t>(1, accessBytes * 8 / type.getElementTypeBitWidth()));
  std::optional<Layout> best;
  for (int64_t width = widest; width >= 1; width /= 2) {
    std::optional<Layout> layout =
        Layout::blocked(type.getShape(), threads, width);
    if (layout &&
        (!best || layout->getNumRegisters() < best->getNumRegisters()))
      best = layout;
    // What the author asked for, or nothing.
    if (vector)
      break;
  }
  return best;
}

void LayoutAssignment::assignDefaults() {
  // Large fragments first: small ones are rows and columns of them. Among
  // equals, what comes from memory, since its accesses want to be wide.
  SmallVector<Value> values;
  llvm::DenseMap<Value, size_t> order;
  auto collect = [&](Value value) {
    if (!getFragment(value) || layouts.contains(value))
      return;
    order[value] = values.size();
    values.push_back(value);
  };
  kernel.walk<WalkOrder::PreOrder>([&](Operation *op) {
    for (Value result : op->getResults())
      collect(result);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (BlockArgument argument : block.getArguments())
          collect(argument);
  });
  auto isLoad = [](Value value) {
    return isa_and_nonnull<tile::LoadOp, tile::LoadMatrixOp>(
        value.getDefiningOp());
  };
  auto rank = [&](Value value) {
    return std::tuple(-getFragment(value).getNumElements(), !isLoad(value),
                      order.lookup(value));
  };
  llvm::sort(values, [&](Value a, Value b) { return rank(a) < rank(b); });
  for (Value value : values) {
    if (layouts.contains(value))
      continue;
    Operation *op = value.getDefiningOp()
                        ? value.getDefiningOp()
                        : value.getParentBlock()->getParentOp();
    std::optional<int64_t> vector;
    if (auto load = dyn_cast<tile::LoadOp>(op))
      vector = load.getVector();
    if (auto layout = chooseBlocked(getFragment(value), getThreads(op), vector))
      assign(value, *layout);
    propagate();
  }
}

//===----------------------------------------------------------------------===//
// How it spreads
//===----------------------------------------------------------------------===//

void LayoutAssignment::visitControlFlow(Operation *op) {
  if (isa<scf::YieldOp, scf::ConditionOp>(op))
    op = op->getParentOp();
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    for (auto [init, argument, yielded] :
         llvm::zip(loop.getInitArgs(), loop.getRegionIterArgs(),
                   loop.getYieldedValues()))
      tie({argument, init, yielded});
  } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
    for (OpResult result : branch.getResults()) {
      unsigned number = result.getResultNumber();
      tie({result, branch.thenYield().getOperand(number),
           branch.elseYield().getOperand(number)});
    }
  } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    for (auto [init, argument, yielded] :
         llvm::zip(loop.getInits(), loop.getBeforeArguments(),
                   loop.getYieldOp().getOperands()))
      tie({argument, init, yielded});
    for (auto [passed, argument] :
         llvm::zip(loop.getConditionOp().getArgs(), loop.getAfterArguments()))
      tie({argument, passed});
  }
}

void LayoutAssignment::visitShapes(Operation *op) {
  std::string reason;
  if (auto reduce = dyn_cast<tile::ReduceOp>(op)) {
    if (auto layout = find(reduce.getValue()))
      assign(reduce.getResult(), layout->reduced(reduce.getDim()));
  } else if (auto argmax = dyn_cast<tile::ArgmaxOp>(op)) {
    if (auto layout = find(argmax.getValue()))
      for (Value result : argmax.getResults())
        assign(result, layout->reduced(argmax.getDim()));
  } else if (auto broadcast = dyn_cast<tile::BroadcastOp>(op)) {
    if (auto layout = find(broadcast.getResult()))
      assign(broadcast.getValue(),
             project(*layout, broadcast.getValue().getType().getShape()));
  } else if (auto reshaped = dyn_cast<tile::ReshapeOp>(op)) {
    ArrayRef<int64_t> from = reshaped.getValue().getType().getShape();
    ArrayRef<int64_t> to = reshaped.getResult().getType().getShape();
    if (auto layout = find(reshaped.getValue()))
      assign(reshaped.getResult(), reshape(*layout, from, to));
    else if (auto layout = find(reshaped.getResult()))
      assign(reshaped.getValue(), reshape(*layout, to, from));
  } else if (auto extract = dyn_cast<tile::ExtractOp>(op)) {
    auto layout = find(extract.getValue());
    if (auto part =
            layout ? layout->extract(extract.getOffsets(),
                                     extract.getResult().getType().getShape(),
                                     reason)
                   : std::nullopt)
      assign(extract.getResult(), part->layout);
  } else if (auto split = dyn_cast<tile::DeinterleaveOp>(op)) {
    if (auto layout = find(split.getValue())) {
      if (auto part =
              layout->deinterleave(split.getDim(), split.getGroup(), 0, reason))
        assign(split.getEven(), part->layout);
    } else if (auto layout = find(split.getEven())) {
      if (auto whole =
              layout->interleaved(split.getDim(), split.getGroup(), reason))
        assign(split.getValue(), *whole);
    }
  } else if (auto join = dyn_cast<tile::InterleaveOp>(op)) {
    tie({join.getEven(), join.getOdd()});
    if (auto layout = find(join.getEven())) {
      if (auto whole =
              layout->interleaved(join.getDim(), join.getGroup(), reason))
        assign(join.getResult(), *whole);
    } else if (auto layout = find(join.getResult())) {
      if (auto part =
              layout->deinterleave(join.getDim(), join.getGroup(), 0, reason))
        assign(join.getEven(), part->layout);
    }
  }
}

void LayoutAssignment::visit(Operation *op) {
  if (isElementwise(op)) {
    SmallVector<Value> values(op->getResults());
    llvm::append_range(values, op->getOperands());
    llvm::erase_if(values, [](Value value) { return !getFragment(value); });
    tie(values);
  } else if (auto add = dyn_cast<tile::AddAtOp>(op)) {
    SmallVector<Value> values = {add.getValue(), add.getIndices()};
    if (add.getMask())
      values.push_back(add.getMask());
    tie(values);
  } else if (auto mma = dyn_cast<tile::MmaOp>(op)) {
    tie({mma.getResult(), mma.getAcc()});
  } else if (auto load = dyn_cast<tile::LoadOp>(op)) {
    if (auto like = load.getLike() ? find(load.getLike()) : std::nullopt)
      assign(load.getResult(),
             project(*like, load.getResult().getType().getShape()));
    if (auto layout = find(load.getResult()); layout && load.getRows())
      assign(load.getRows(),
             project(*layout, load.getRows().getType().getShape()));
  } else if (auto store = dyn_cast<tile::StoreOp>(op)) {
    auto layout = find(store.getValue());
    for (Value extra : {Value(store.getRows()), Value(store.getMask())})
      if (layout && extra)
        assign(extra, project(*layout, getFragment(extra).getShape()));
  } else {
    visitControlFlow(op);
    visitShapes(op);
  }
}

void LayoutAssignment::propagate() {
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (Operation *op = value.getDefiningOp())
      visit(op);
    else
      visit(value.getParentBlock()->getParentOp());
    for (Operation *user : value.getUsers())
      visit(user);
  }
}

/// Every fragment has a layout now, unless an access width that the author
/// asked for divides nothing.
LogicalResult LayoutAssignment::checkComplete() {
  auto result = kernel.walk([&](Operation *op) {
    for (Value value : op->getResults())
      if (FragmentType type = getFragment(value);
          type && !layouts.contains(value)) {
        op->emitOpError("has no layout of ")
            << type << " over " << getThreads(op) << " threads";
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult LayoutAssignment::run() {
  uniteForced();
  if (failed(assignAnchors()))
    return failure();
  propagate();
  assignDefaults();
  return checkComplete();
}

//===----------------------------------------------------------------------===//
// What an op asks of its operands and gives to its results
//===----------------------------------------------------------------------===//

static LayoutAttr getLayout(Value value) {
  FragmentType type = getFragment(value);
  return type ? type.getLayout() : LayoutAttr();
}

static LayoutAttr projectOnto(LayoutAttr layout, Value value) {
  if (!layout)
    return {};
  return LayoutAttr::get(
      layout.getContext(),
      project(layout.getLayout(), getFragment(value).getShape()));
}

/// The value inside or behind control flow that an operand becomes.
static Value getSuccessor(OpOperand &operand) {
  Operation *op = operand.getOwner();
  unsigned number = operand.getOperandNumber();
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return loop.getTiedLoopRegionIterArg(&operand);
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return loop.getBeforeArguments()[number];
  if (isa<scf::ConditionOp>(op))
    return number == 0 ? Value()
                       : cast<scf::WhileOp>(op->getParentOp())
                             .getAfterArguments()[number - 1];
  if (!isa<scf::YieldOp>(op))
    return {};
  if (auto loop = dyn_cast<scf::ForOp>(op->getParentOp()))
    return loop.getRegionIterArgs()[number];
  if (auto loop = dyn_cast<scf::WhileOp>(op->getParentOp()))
    return loop.getBeforeArguments()[number];
  return op->getParentOp()->getResult(number);
}

LayoutAttr getRequiredLayout(OpOperand &operand) {
  Operation *op = operand.getOwner();
  Value value = operand.get();
  if (!getFragment(value))
    return {};
  if (Value successor = getSuccessor(operand))
    return getLayout(successor);
  if (isElementwise(op)) {
    for (Value result : op->getResults())
      if (getFragment(result))
        return getLayout(result);
    return {};
  }
  if (auto mma = dyn_cast<tile::MmaOp>(op)) {
    if (operand == mma.getAccMutable())
      return getLayout(mma.getResult());
    std::optional<Layout> a =
        Layout::accumulator(mma.getM(), mma.getK(), getWarpgroups(mma));
    return a ? LayoutAttr::get(op->getContext(), *a) : LayoutAttr();
  }
  if (auto load = dyn_cast<tile::LoadOp>(op))
    return value == load.getRows()
               ? projectOnto(getLayout(load.getResult()), value)
               : LayoutAttr();
  if (auto store = dyn_cast<tile::StoreOp>(op))
    return value == store.getValue()
               ? LayoutAttr()
               : projectOnto(getLayout(store.getValue()), value);
  if (auto add = dyn_cast<tile::AddAtOp>(op))
    return value == add.getValue() ? LayoutAttr() : getLayout(add.getValue());
  if (auto broadcast = dyn_cast<tile::BroadcastOp>(op))
    return projectOnto(getLayout(broadcast.getResult()), value);
  if (auto join = dyn_cast<tile::InterleaveOp>(op))
    return getLayout(join.getEven());
  return {};
}

FailureOr<LayoutAttr> getNaturalLayout(OpResult result) {
  Operation *op = result.getOwner();
  std::optional<Layout> layout;
  std::string reason;
  auto of = [](Value value) { return getLayout(value).getLayout(); };
  auto take = [&](std::optional<Layout::Part> part) {
    if (part)
      layout = part->layout;
  };
  llvm::TypeSwitch<Operation *>(op)
      .Case<tile::ReduceOp, tile::ArgmaxOp>([&](auto reduce) {
        layout = of(reduce.getValue()).reduced(reduce.getDim());
      })
      .Case([&](tile::ReshapeOp reshaped) {
        layout = reshape(of(reshaped.getValue()),
                         reshaped.getValue().getType().getShape(),
                         reshaped.getResult().getType().getShape());
      })
      .Case([&](tile::ExtractOp extract) {
        take(of(extract.getValue())
                 .extract(extract.getOffsets(),
                          extract.getResult().getType().getShape(), reason));
      })
      .Case([&](tile::DeinterleaveOp split) {
        take(of(split.getValue())
                 .deinterleave(split.getDim(), split.getGroup(), 0, reason));
      })
      .Case([&](tile::InterleaveOp join) {
        layout = of(join.getEven())
                     .interleaved(join.getDim(), join.getGroup(), reason);
      });
  if (!reason.empty())
    return op->emitOpError("is not thread-local: ") << reason;
  return layout ? LayoutAttr::get(op->getContext(), *layout) : LayoutAttr();
}

} // namespace tilewright
