//===- AttentionOps.cpp - Reference values of gathers, rope, attention ----===//

#include "ir/reference/Dot.h"
#include "ir/reference/Ops.h"

#include "llvm/Support/Parallel.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace tilewright::reference {

static InFlightDiagnostic emitOutside(Operation *op, StringRef what, int64_t i,
                                      int64_t value, int64_t limit) {
  return op->emitError() << what << "[" << i << "] is " << value
                         << ", which is not in [0, " << limit << ")";
}

//===----------------------------------------------------------------------===//
// Rows by index
//===----------------------------------------------------------------------===//

static FailureOr<Tensor> gather(Operation *op, const Tensor &source,
                                const Tensor &indices) {
  int64_t count = indices.getDim(0), rowSize = source.getDim(1);
  Tensor result(source.getType(), {count, rowSize});
  for (int64_t i = 0; i < count; ++i) {
    int64_t row = indices.getInt(i);
    if (row < 0 || row >= source.getDim(0))
      return emitOutside(op, "indices", i, row, source.getDim(0));
    result.copyElements(i * rowSize, source, row * rowSize, rowSize);
  }
  return result;
}

FailureOr<Tensor> eval(xf::EmbeddingOp op, const Tensor &table,
                       const Tensor &indices) {
  return gather(op, table, indices);
}

FailureOr<Tensor> eval(xf::GatherRowsOp op, const Tensor &input,
                       const Tensor &indices) {
  return gather(op, input, indices);
}

//===----------------------------------------------------------------------===//
// Rope
//===----------------------------------------------------------------------===//

/// Turns the pairs of one head. `angles` holds (cos, sin) per frequency.
static void turnHead(float *head, ArrayRef<float> angles, int64_t distance) {
  for (int64_t f = 0; f < static_cast<int64_t>(angles.size()) / 2; ++f) {
    float c = angles[2 * f], s = angles[2 * f + 1];
    float *pair = head + (f / distance) * 2 * distance + f % distance;
    float a = pair[0], b = pair[distance];
    pair[0] = a * c - b * s;
    pair[distance] = b * c + a * s;
  }
}

FailureOr<Tensor> eval(xf::RopeOp op, const Tensor &input, const Tensor &table,
                       const Tensor &positions) {
  int64_t heads = input.getDim(1), headDim = input.getDim(2);
  std::vector<float> values = input.getFloats();
  std::vector<float> angles(2 * table.getDim(1));
  for (int64_t t = 0; t < input.getDim(0); ++t) {
    int64_t position = positions.getInt(t);
    if (position < 0 || position >= table.getDim(0))
      return emitOutside(op, "positions", t, position, table.getDim(0));
    table.readFloats(position * angles.size(), angles.size(), angles.data());
    for (int64_t h = 0; h < heads; ++h)
      turnHead(&values[(t * heads + h) * headDim], angles,
               op.getPairDistance());
  }
  Tensor result(input.getType(), input.getShape());
  result.writeFloats(0, values);
  return result;
}

//===----------------------------------------------------------------------===//
// Paged cache
//===----------------------------------------------------------------------===//

/// Index of the first element that a head keeps for a slot.
static int64_t getSlotIndex(const Tensor &cache, int64_t slot, int64_t head) {
  int64_t pageSize = cache.getDim(2);
  int64_t page = slot / pageSize, offset = slot % pageSize;
  return ((page * cache.getDim(1) + head) * pageSize + offset) *
         cache.getDim(3);
}

FailureOr<Tensor> eval(xf::CacheAppendOp op, const Tensor &cache,
                       const Tensor &input, const Tensor &slotMapping) {
  int64_t heads = input.getDim(1), headDim = input.getDim(2);
  int64_t slots = cache.getDim(0) * cache.getDim(2);
  Tensor result = cache;
  llvm::DenseSet<int64_t> written;
  for (int64_t t = 0; t < input.getDim(0); ++t) {
    int64_t slot = slotMapping.getInt(t);
    if (slot < 0)
      continue;
    if (slot >= slots)
      return emitOutside(op, "slot_mapping", t, slot, slots);
    if (!written.insert(slot).second)
      return op.emitError("slot_mapping names slot ") << slot << " twice";
    for (int64_t h = 0; h < heads; ++h)
      result.copyElements(getSlotIndex(result, slot, h), input,
                          (t * heads + h) * headDim, headDim);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

namespace {
/// The operands of attention, by name.
struct AttentionInputs {
  explicit AttentionInputs(ArrayRef<Tensor> operands)
      : query(operands[0]), keys(operands[1]), values(operands[2]),
        blockTable(operands[3]), cuSeqlensQ(operands[4]),
        cacheSeqlens(operands[5]) {}
  const Tensor &query, &keys, &values, &blockTable, &cuSeqlensQ, &cacheSeqlens;
};

/// What one task works on: a query head of a sequence.
struct SequenceHead {
  int64_t head;
  /// Of the keys and of the values that the head reads, one row per position.
  std::vector<float> keys, values;
};

/// The keys of a query, `first` to `last` without the latter.
struct KeyRange {
  int64_t first, last;
};

struct SoftmaxTotals {
  float maximum, sum;
};
} // namespace

/// Rows of one KV head of a sequence, in the order of positions.
static std::vector<float> readPages(const Tensor &cache, const Tensor &table,
                                    int64_t sequence, int64_t length,
                                    int64_t head) {
  int64_t pageSize = cache.getDim(2), headDim = cache.getDim(3);
  std::vector<float> rows(length * headDim);
  for (int64_t i = 0; i < length; ++i) {
    int64_t page = table.getInt(sequence * table.getDim(1) + i / pageSize);
    int64_t slot = page * pageSize + i % pageSize;
    cache.readFloats(getSlotIndex(cache, slot, head), headDim,
                     &rows[i * headDim]);
  }
  return rows;
}

/// Softmax over `scores` in place; the result is divided by `sum` later, so
/// that only the weights round.
static SoftmaxTotals exponentiate(MutableArrayRef<float> scores,
                                  ElementType type) {
  float maximum = *llvm::max_element(scores);
  float sum = 0.0f;
  for (float &score : scores) {
    float weight = std::exp(score - maximum);
    sum += weight;
    score = roundTo(type, weight);
  }
  return {maximum, sum};
}

template <typename AttentionLike>
static KeyRange getKeys(AttentionLike op, int64_t position) {
  int64_t window = op.getWindow();
  return {window ? std::max<int64_t>(0, position - window + 1) : 0,
          position + 1};
}

/// The output row of one query over some of its keys, of which there is at
/// least one.
template <typename AttentionLike>
static SoftmaxTotals attend(AttentionLike op, const SequenceHead &task,
                            ArrayRef<float> query, KeyRange keys,
                            ElementType type, MutableArrayRef<float> out) {
  int64_t headDim = query.size();
  float scale = op.getScale().convertToFloat();
  std::vector<float> weights(keys.last - keys.first);
  for (auto [i, score] : llvm::enumerate(weights))
    score = scale *
            dot(query.data(), &task.keys[(keys.first + i) * headDim], headDim);
  SoftmaxTotals totals = exponentiate(weights, type);
  llvm::fill(out, 0.0f);
  for (auto [i, weight] : llvm::enumerate(weights)) {
    const float *value = &task.values[(keys.first + i) * headDim];
    for (int64_t j = 0; j < headDim; ++j)
      out[j] += weight * value[j];
  }
  for (float &element : out)
    element /= totals.sum;
  return totals;
}

/// Checks what a kernel takes for granted: lengths in order, pages that exist.
static LogicalResult checkSequences(Operation *op, const AttentionInputs &in) {
  int64_t sequences = in.blockTable.getDim(0), width = in.blockTable.getDim(1);
  int64_t pageSize = in.keys.getDim(2);
  if (in.cuSeqlensQ.getInt(0) != 0 ||
      in.cuSeqlensQ.getInt(sequences) != in.query.getDim(0))
    return op->emitError("cu_seqlens_q does not run from 0 to ")
           << in.query.getDim(0);
  for (int64_t s = 0; s < sequences; ++s) {
    int64_t tokens = in.cuSeqlensQ.getInt(s + 1) - in.cuSeqlensQ.getInt(s);
    int64_t length = in.cacheSeqlens.getInt(s);
    if (tokens < 0 || tokens > length)
      return op->emitError("sequence ")
             << s << " has " << tokens << " queries for " << length << " keys";
    int64_t pages = llvm::divideCeil(length, pageSize);
    if (pages > width)
      return op->emitError("sequence ")
             << s << " needs " << pages << " pages, but block_table has room "
             << "for " << width;
    for (int64_t i = s * width; i < s * width + pages; ++i)
      if (int64_t page = in.blockTable.getInt(i);
          page < 0 || page >= in.keys.getDim(0))
        return emitOutside(op, "block_table", i, page, in.keys.getDim(0));
  }
  return success();
}

/// Calls `body(task, query, token, position)` for each query of each head, of
/// different sequences and heads side by side.
template <typename Body>
static LogicalResult forEachQuery(Operation *op, const AttentionInputs &in,
                                  Body body) {
  if (failed(checkSequences(op, in)))
    return failure();
  int64_t heads = in.query.getDim(1), headDim = in.query.getDim(2);
  int64_t group = heads / in.keys.getDim(1);
  llvm::parallelFor(0, in.blockTable.getDim(0) * heads, [&](size_t index) {
    int64_t sequence = index / heads, head = index % heads;
    int64_t first = in.cuSeqlensQ.getInt(sequence);
    int64_t tokens = in.cuSeqlensQ.getInt(sequence + 1) - first;
    int64_t length = in.cacheSeqlens.getInt(sequence);
    if (tokens == 0)
      return;
    SequenceHead task{
        head, readPages(in.keys, in.blockTable, sequence, length, head / group),
        readPages(in.values, in.blockTable, sequence, length, head / group)};
    std::vector<float> query(headDim);
    for (int64_t t = first; t < first + tokens; ++t) {
      in.query.readFloats((t * heads + head) * headDim, headDim, query.data());
      body(task, query, t, length - (first + tokens - t));
    }
  });
  return success();
}

FailureOr<Tensor> eval(xf::AttentionOp op, ArrayRef<Tensor> operands) {
  AttentionInputs in(operands);
  int64_t heads = in.query.getDim(1), headDim = in.query.getDim(2);
  std::vector<float> results(in.query.getNumElements());
  auto attendOne = [&](const SequenceHead &task, ArrayRef<float> query,
                       int64_t token, int64_t position) {
    float *out = &results[(token * heads + task.head) * headDim];
    attend(op, task, query, getKeys(op, position), in.query.getType(),
           MutableArrayRef<float>(out, headDim));
  };
  if (failed(forEachQuery(op, in, attendOne)))
    return failure();
  Tensor result(in.query.getType(), in.query.getShape());
  result.writeFloats(0, results);
  return result;
}

/// Those of a query's keys that are in part `part`; none if `first == last`.
static KeyRange getKeys(xf::AttentionPartialOp op, int64_t position,
                        int64_t part) {
  int64_t block = op.getBlock();
  KeyRange keys = getKeys(op, position);
  int64_t first = keys.first / block;
  int64_t count = llvm::divideCeil(keys.last, block) - first;
  int64_t blocks = llvm::divideCeil(count, op.getSplits());
  int64_t begin = (first + part * blocks) * block;
  return {std::clamp(begin, keys.first, keys.last),
          std::clamp(begin + blocks * block, keys.first, keys.last)};
}

FailureOr<SmallVector<Tensor>> eval(xf::AttentionPartialOp op,
                                    ArrayRef<Tensor> operands) {
  AttentionInputs in(operands);
  int64_t tokens = in.query.getDim(0), heads = in.query.getDim(1);
  int64_t headDim = in.query.getDim(2), splits = op.getSplits();
  Tensor partial(ElementType::F32, {tokens, splits, heads, headDim});
  Tensor lse(ElementType::F32, {tokens, splits, heads});
  std::vector<float> outputs(partial.getNumElements());
  std::vector<float> logs(lse.getNumElements(),
                          -std::numeric_limits<float>::infinity());
  auto attendParts = [&](const SequenceHead &task, ArrayRef<float> query,
                         int64_t token, int64_t position) {
    for (int64_t part = 0; part < splits; ++part) {
      KeyRange keys = getKeys(op, position, part);
      if (keys.first == keys.last)
        continue;
      int64_t row = (token * splits + part) * heads + task.head;
      SoftmaxTotals totals =
          attend(op, task, query, keys, in.query.getType(),
                 MutableArrayRef<float>(&outputs[row * headDim], headDim));
      logs[row] = totals.maximum + std::log(totals.sum);
    }
  };
  if (failed(forEachQuery(op, in, attendParts)))
    return failure();
  partial.writeFloats(0, outputs);
  lse.writeFloats(0, logs);
  return SmallVector<Tensor>{std::move(partial), std::move(lse)};
}

Tensor eval(xf::AttentionCombineOp op, const Tensor &partial,
            const Tensor &lse) {
  int64_t tokens = partial.getDim(0), splits = partial.getDim(1);
  int64_t heads = partial.getDim(2), headDim = partial.getDim(3);
  std::vector<float> parts = partial.getFloats(), logs = lse.getFloats();
  std::vector<float> results(tokens * heads * headDim);
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t h = 0; h < heads; ++h) {
      auto row = [&](int64_t part) { return (t * splits + part) * heads + h; };
      float maximum = -std::numeric_limits<float>::infinity(), sum = 0.0f;
      for (int64_t part = 0; part < splits; ++part)
        maximum = std::max(maximum, logs[row(part)]);
      if (maximum == -std::numeric_limits<float>::infinity())
        continue;
      float *out = &results[(t * heads + h) * headDim];
      for (int64_t part = 0; part < splits; ++part) {
        float weight = std::exp(logs[row(part)] - maximum);
        sum += weight;
        for (int64_t j = 0; j < headDim; ++j)
          out[j] += weight * parts[row(part) * headDim + j];
      }
      for (int64_t j = 0; j < headDim; ++j)
        out[j] /= sum;
    }
  Tensor result(*getElementType(op.getType().getElementType()),
                {tokens, heads, headDim});
  result.writeFloats(0, results);
  return result;
}

} // namespace tilewright::reference
