//===- SampleRow.cpp - A row of logits, block by block --------------------===//

#include "passes/lower/xf/SampleRow.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <limits>

using namespace mlir;

namespace tilewright {

static constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Elements of a thread's widest access.
static int64_t accessElements() {
  constexpr int64_t logitBytes = 4;
  return target::getDefaultTarget().threads.accessBytes / logitBytes;
}

SampleRow::SampleRow(Value logits, int64_t warps, KernelBuilder &b)
    : b(b), logits(logits) {
  number = tile::ProgramIdOp::create(b, b.getIndexType(), 0);
  size = cast<tile::GlobalType>(logits.getType()).getShape().back();
  int64_t threads = warps * target::getDefaultTarget().threads.threadsPerWarp;
  shape = {1, threads * accessElements()};
}

Value SampleRow::loadLogits(Value start) {
  KernelBuilder::LoadOptions options;
  options.vector = accessElements();
  options.fill = b.getF32FloatAttr(-kInfinity);
  return b.load(logits, {number, start}, shape, options);
}

Value SampleRow::divide(Value values) {
  // The sum is for keys, which tell -0 from 0.
  Value z = b.addf(b.divf(values, b.splat(temperature, shape)), 0.0f);
  return b.select(b.compare(Compare::Equal, z, z), z,
                  b.splat(-kInfinity, shape));
}

RowBlock SampleRow::getBlock(Value block, bool scaled) {
  Value start = b.mul(block, shape[1]);
  Value values;
  if (scaled && kept)
    values = b.load(kept, {start}, shape, {});
  else
    values = loadLogits(start);
  if (scaled && !kept)
    values = divide(values);
  Value index = b.addi(b.iota(1, shape), b.splat(b.toI32(start), shape));
  return {values, index, block};
}

Value SampleRow::isInside(const RowBlock &block) {
  return b.compare(Compare::Less, block.index,
                   b.splat(static_cast<int32_t>(size), shape));
}

SmallVector<Value> SampleRow::loop(
    ValueRange init,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, b.index(0), b.index(getNumBlocks()),
                                 b.index(1), init);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!init.empty())
    scf::YieldOp::create(b, next);
  return llvm::to_vector_of<Value>(loop.getResults());
}

SmallVector<Value> SampleRow::forBlocks(ValueRange init, bool scaled,
                                        Body body) {
  return loop(init, [&](Value block, ValueRange values) {
    return body(getBlock(block, scaled), values);
  });
}

SmallVector<Value> SampleRow::scale(Value divisor, ValueRange init, Body body) {
  temperature = divisor;
  SmallVector<Value> results = loop(init, [&](Value number, ValueRange values) {
    RowBlock block = getBlock(number, /*scaled=*/false);
    block.values = divide(block.values);
    if (kept)
      b.store(block.values, kept, {b.mul(number, shape[1])}, {});
    return body(block, values);
  });
  if (kept)
    tile::SyncOp::create(b);
  return results;
}

} // namespace tilewright
