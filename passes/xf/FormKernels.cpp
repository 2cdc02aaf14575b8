//===- FormKernels.cpp - One xf.kernel for each region --------------------===//

#include "passes/Passes.h"
#include "passes/xf/KernelRegions.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_FORMKERNELS
#include "passes/Passes.h.inc"

/// Copies `op` and, first, the recomputed ops that it reads into `ops`.
static void collect(Operation *op, llvm::SetVector<Operation *> &ops) {
  for (Value operand : op->getOperands())
    if (Operation *def = operand.getDefiningOp(); def && isRecomputed(def))
      collect(def, ops);
  ops.insert(op);
}

/// The operand from which `value` comes through appends to a cache, or null.
static Value appendedCache(Value value) {
  auto append = value.getDefiningOp<xf::CacheAppendOp>();
  if (!append)
    return nullptr;
  while (auto earlier = append.getCache().getDefiningOp<xf::CacheAppendOp>())
    append = earlier;
  return append.getCache();
}

/// What a region needs from outside, and what the outside needs of it.
namespace {
struct Boundary {
  llvm::SetVector<Operation *> ops;
  llvm::SetVector<Value> inputs;
  SmallVector<Value> outputs;
  SmallVector<int64_t> inPlace;
};
} // namespace

static Boundary findBoundary(const KernelRegion &region) {
  Boundary boundary;
  for (Operation *op : region.ops)
    collect(op, boundary.ops);
  for (Operation *op : boundary.ops)
    for (Value operand : op->getOperands())
      if (!operand.getDefiningOp() ||
          !boundary.ops.contains(operand.getDefiningOp()))
        boundary.inputs.insert(operand);
  for (Operation *op : region.ops)
    for (Value result : op->getResults()) {
      bool leaves = llvm::any_of(result.getUsers(), [&](Operation *user) {
        return !boundary.ops.contains(user);
      });
      if (!leaves)
        continue;
      Value cache = appendedCache(result);
      auto it = llvm::find(boundary.inputs, cache);
      boundary.outputs.push_back(result);
      boundary.inPlace.push_back(cache && it != boundary.inputs.end()
                                     ? it - boundary.inputs.begin()
                                     : -1);
    }
  return boundary;
}

/// Makes the kernel before the terminator and returns its results, in the order
/// of the boundary's outputs.
static xf::KernelOp makeKernel(const KernelRegion &region,
                               const Boundary &boundary, IRMapping &outside,
                               OpBuilder &builder) {
  SmallVector<Value> inputs;
  for (Value input : boundary.inputs)
    inputs.push_back(outside.lookupOrDefault(input));
  SmallVector<Type> types;
  for (Value output : boundary.outputs)
    types.push_back(output.getType());
  auto kernel =
      xf::KernelOp::create(builder, region.ops.front()->getLoc(), types,
                           region.family, inputs, boundary.inPlace);
  OpBuilder::InsertionGuard guard(builder);
  Block &body = kernel.getBlock();
  builder.setInsertionPointToEnd(&body);
  IRMapping inside;
  for (auto [input, argument] : llvm::zip(boundary.inputs, body.getArguments()))
    inside.map(input, argument);
  for (Operation *op : boundary.ops)
    builder.clone(*op, inside);
  SmallVector<Value> yielded;
  for (Value output : boundary.outputs)
    yielded.push_back(inside.lookup(output));
  xf::YieldOp::create(builder, kernel.getLoc(), yielded);
  return kernel;
}

namespace {
struct FormKernels : impl::FormKernelsBase<FormKernels> {
  using FormKernelsBase::FormKernelsBase;

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    if (!llvm::hasSingleElement(getOperation().getBody())) {
      getOperation().emitError("expects a body of one block");
      return signalPassFailure();
    }
    Block &block = getOperation().front();
    KernelRegions analysis(block);
    if (remarks)
      for (const FusionDecline &decline : analysis.getDeclines())
        decline.op->emitRemark("not fused: ") << decline.reason;

    Operation *terminator = block.getTerminator();
    OpBuilder builder(terminator);
    IRMapping outside;
    SmallVector<Operation *> dead;
    for (const KernelRegion &region : analysis.getRegions()) {
      Boundary boundary = findBoundary(region);
      dead.append(boundary.ops.begin(), boundary.ops.end());
      if (boundary.outputs.empty())
        continue;
      xf::KernelOp kernel = makeKernel(region, boundary, outside, builder);
      for (auto [output, result] :
           llvm::zip(boundary.outputs, kernel.getOutputs()))
        outside.map(output, result);
    }
    for (OpOperand &operand : terminator->getOpOperands())
      operand.set(outside.lookupOrDefault(operand.get()));
    eraseAll(dead);
  }

  /// The originals only use each other now.
  static void eraseAll(ArrayRef<Operation *> ops) {
    llvm::SetVector<Operation *> unique(ops.begin(), ops.end());
    for (Operation *op : unique)
      op->dropAllUses();
    for (Operation *op : unique)
      op->erase();
  }
};
} // namespace
} // namespace tilewright
