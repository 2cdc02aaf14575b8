//===- LowerTileToNvvmReduce.cpp - Reductions -----------------------------===//
// A reduction follows the layout: registers of a thread, then lanes by
// butterfly, then warps through scratch. Each step is over the digits of the
// layout that move along the dimension, in a fixed order, so that the result is
// a function of the layout alone.
//===----------------------------------------------------------------------===//

#include "passes/lower/tile/InlinePtx.h"
#include "passes/lower/tile/LowerTileToNvvmAccess.h"

#include "ir/target/Target.h"

#include <map>

using namespace mlir;

namespace tilewright {

namespace {
/// What is combined: one value, or a value and its index.
using Item = SmallVector<Value, 2>;
using Combine =
    function_ref<Item(ImplicitLocOpBuilder &, const Item &, const Item &)>;

/// A digit of the thread number that moves along the reduced dimension.
struct ThreadDigit {
  int64_t weight; ///< threads below it
  int64_t size;
  int64_t step; ///< along the dimension
};

/// A reduction of one fragment.
struct Reduction {
  Operation *op;
  const ThreadGroup &threads;
  tile::Layout layout; ///< of the operand
  tile::Layout result;
  unsigned dim;
  Value scratch; ///< null where there is none
  int64_t scratchBytes = 0;

  SmallVector<ThreadDigit> getDigits(bool acrossWarps) const;
  FailureOr<SmallVector<Item>> run(ImplicitLocOpBuilder &b,
                                   ArrayRef<Item> items, Combine combine) const;

private:
  SmallVector<Item> reduceRegisters(ImplicitLocOpBuilder &b,
                                    ArrayRef<Item> items,
                                    Combine combine) const;
  LogicalResult reduceLanes(ImplicitLocOpBuilder &b,
                            MutableArrayRef<Item> items, Combine combine) const;
  LogicalResult reduceWarps(ImplicitLocOpBuilder &b,
                            MutableArrayRef<Item> items, Combine combine) const;
};
} // namespace

/// The digits along the dimension, split where a mode crosses from lanes to
/// warps.
SmallVector<ThreadDigit> Reduction::getDigits(bool acrossWarps) const {
  SmallVector<ThreadDigit> digits;
  int64_t weight = 1, warp = getWarpThreads();
  for (const tile::Mode &mode : layout.getThreadModes()) {
    int64_t below = weight;
    weight *= mode.size;
    int64_t step = mode.steps[dim];
    if (step == 0)
      continue;
    int64_t lanes =
        below >= warp ? 1
                      : std::min(mode.size, std::max<int64_t>(warp / below, 1));
    if (!acrossWarps && lanes > 1)
      digits.push_back({below, lanes, step});
    if (acrossWarps && mode.size / lanes > 1)
      digits.push_back({below * lanes, mode.size / lanes, step * lanes});
  }
  return digits;
}

SmallVector<Item> Reduction::reduceRegisters(ImplicitLocOpBuilder &b,
                                             ArrayRef<Item> items,
                                             Combine combine) const {
  std::map<tile::Coordinate, Item> sums;
  for (auto [reg, item] : llvm::enumerate(items)) {
    tile::Coordinate at = layout.getRegisterCoordinate(reg);
    at[dim] = 0;
    auto [it, isNew] = sums.try_emplace(at, item);
    if (!isNew)
      it->second = combine(b, it->second, item);
  }
  SmallVector<Item> results;
  for (int64_t reg = 0; reg < result.getNumRegisters(); ++reg)
    results.push_back(sums.at(result.getRegisterCoordinate(reg)));
  return results;
}

static Value createShuffle(ImplicitLocOpBuilder &b, Value value, int64_t mask) {
  Type type = value.getType();
  unsigned bits = type.getIntOrFloatBitWidth();
  if (bits == 64) {
    Value word = type.isInteger(64)
                     ? value
                     : Value(LLVM::BitcastOp::create(b, b.getI64Type(), value));
    Value low = arith::TruncIOp::create(b, b.getI32Type(), word);
    Value high = arith::TruncIOp::create(
        b, b.getI32Type(), arith::ShRUIOp::create(b, word, createI64(b, 32)));
    low =
        arith::ExtUIOp::create(b, b.getI64Type(), createShuffle(b, low, mask));
    high =
        arith::ExtUIOp::create(b, b.getI64Type(), createShuffle(b, high, mask));
    word = arith::OrIOp::create(
        b, low, arith::ShLIOp::create(b, high, createI64(b, 32)));
    return type.isInteger(64) ? word
                              : Value(LLVM::BitcastOp::create(b, type, word));
  }
  Value word = value;
  if (bits < 32) {
    Type narrow = b.getIntegerType(bits);
    if (narrow != type)
      word = LLVM::BitcastOp::create(b, narrow, word);
    word = arith::ExtUIOp::create(b, b.getI32Type(), word);
  }
  word = NVVM::ShflOp::create(
      b, word.getType(), createI32(b, -1), word, createI32(b, mask),
      createI32(b, getWarpThreads() - 1), NVVM::ShflKind::bfly, UnitAttr());
  if (bits < 32) {
    Type narrow = b.getIntegerType(bits);
    word = arith::TruncIOp::create(b, narrow, word);
    if (narrow != type)
      word = LLVM::BitcastOp::create(b, type, word);
  }
  return word;
}

LogicalResult Reduction::reduceLanes(ImplicitLocOpBuilder &b,
                                     MutableArrayRef<Item> items,
                                     Combine combine) const {
  for (const ThreadDigit &digit : getDigits(/*acrossWarps=*/false)) {
    if (!llvm::isPowerOf2_64(digit.size) || !llvm::isPowerOf2_64(digit.weight))
      return op->emitOpError("expects a power of two of lanes along the "
                             "dimension");
    for (int64_t span = 1; span < digit.size; span *= 2)
      for (Item &item : items) {
        Item other;
        for (Value value : item)
          other.push_back(createShuffle(b, value, span * digit.weight));
        item = combine(b, item, other);
      }
  }
  return success();
}

/// The sum of digits of `thread` times `factor` each.
static Value createDigitSum(ImplicitLocOpBuilder &b, Value thread,
                            ArrayRef<std::pair<ThreadDigit, int64_t>> digits) {
  Value sum = createI32(b, 0);
  for (const auto &[digit, factor] : digits) {
    Value part = arith::DivUIOp::create(b, thread, createI32(b, digit.weight));
    part = arith::RemUIOp::create(b, part, createI32(b, digit.size));
    sum = arith::AddIOp::create(
        b, sum, arith::MulIOp::create(b, part, createI32(b, factor)));
  }
  return sum;
}

/// Scratch holds, for each place along the dimension that is another warp's,
/// all elements of the result; every value is written by one thread and read by
/// all that keep the result.
LogicalResult Reduction::reduceWarps(ImplicitLocOpBuilder &b,
                                     MutableArrayRef<Item> items,
                                     Combine combine) const {
  SmallVector<ThreadDigit> digits = getDigits(/*acrossWarps=*/true);
  if (digits.empty())
    return success();
  int64_t parts = 1;
  SmallVector<std::pair<ThreadDigit, int64_t>> partDigits;
  for (const ThreadDigit &digit : digits) {
    partDigits.push_back({digit, parts});
    parts *= digit.size;
  }
  // Elements of the result, row-major.
  tile::Coordinate shape = result.getShape();
  int64_t elements = 1;
  SmallVector<int64_t> strides(shape.size());
  for (int64_t d = shape.size() - 1; d >= 0; --d) {
    strides[d] = elements;
    elements *= shape[d];
  }
  int64_t itemBytes = 0;
  for (Value value : items[0])
    itemBytes += tile::getElementBytes(value.getType());
  if (!scratch || scratchBytes < parts * elements * itemBytes)
    return op->emitOpError("needs ")
           << parts * elements * itemBytes
           << " bytes of scratch; run tile-plan-shared-memory first";

  auto coordinate = createThreadCoordinate(b, result, threads.thread);
  Value element = createI32(b, 0);
  for (auto [at, stride] : llvm::zip(coordinate, strides))
    element = arith::AddIOp::create(
        b, element, arith::MulIOp::create(b, at, createI32(b, stride)));
  Value part = createDigitSum(b, threads.thread, partDigits);

  // One of the lanes that hold the same partial result writes it.
  AccessOptions write;
  write.predicate = createOwnerPredicate(b, layout, threads.thread);
  for (const ThreadDigit &digit : getDigits(/*acrossWarps=*/false)) {
    Value zero = createI32(b, 0);
    Value lane = createDigitSum(b, threads.thread, {{digit, 1}});
    write.predicate = createAnd(
        b, write.predicate,
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, zero));
  }
  auto getAddress = [&](Value slot, int64_t offset, Type type, int64_t base) {
    int64_t bytes = tile::getElementBytes(type);
    Value at = arith::MulIOp::create(b, slot, createI32(b, bytes));
    return createOffset(b, createOffset(b, scratch, at), base + offset * bytes);
  };
  auto getRegisterOffset = [&](int64_t reg) {
    int64_t offset = 0;
    for (auto [at, stride] :
         llvm::zip(result.getRegisterCoordinate(reg), strides))
      offset += at * stride;
    return offset;
  };

  createSync(b, threads);
  Value slot = arith::AddIOp::create(
      b, element, arith::MulIOp::create(b, part, createI32(b, elements)));
  for (auto [reg, item] : llvm::enumerate(items)) {
    int64_t base = 0;
    for (Value value : item) {
      Type type = value.getType();
      createVectorStore(b, getAddress(slot, getRegisterOffset(reg), type, base),
                        type, {value}, write);
      base += parts * elements * tile::getElementBytes(type);
    }
  }
  createSync(b, threads);
  for (auto [reg, item] : llvm::enumerate(items)) {
    Item sum;
    for (int64_t i = 0; i < parts; ++i) {
      Item read;
      int64_t base = 0;
      for (Value value : item) {
        Type type = value.getType();
        int64_t offset = getRegisterOffset(reg) + i * elements;
        llvm::append_range(
            read, createVectorLoad(b, getAddress(element, offset, type, base),
                                   type, 1, {}));
        base += parts * elements * tile::getElementBytes(type);
      }
      sum = i == 0 ? read : combine(b, sum, read);
    }
    item = sum;
  }
  return success();
}

FailureOr<SmallVector<Item>> Reduction::run(ImplicitLocOpBuilder &b,
                                            ArrayRef<Item> items,
                                            Combine combine) const {
  SmallVector<Item> results = reduceRegisters(b, items, combine);
  if (failed(reduceLanes(b, results, combine)) ||
      failed(reduceWarps(b, results, combine)))
    return failure();
  return results;
}

//===----------------------------------------------------------------------===//
// The ops
//===----------------------------------------------------------------------===//

Value combineValues(ImplicitLocOpBuilder &b, tile::ReduceKind kind, Value x,
                    Value y) {
  bool isFloat = isa<FloatType>(x.getType());
  bool isLogic = x.getType().isInteger(1);
  switch (kind) {
  case tile::ReduceKind::Add:
    return isFloat ? Value(arith::AddFOp::create(b, x, y))
                   : Value(arith::AddIOp::create(b, x, y));
  case tile::ReduceKind::Mul:
    return isFloat ? Value(arith::MulFOp::create(b, x, y))
                   : Value(arith::MulIOp::create(b, x, y));
  case tile::ReduceKind::Max:
    if (isLogic)
      return arith::OrIOp::create(b, x, y);
    return isFloat ? Value(arith::MaxNumFOp::create(b, x, y))
                   : Value(arith::MaxSIOp::create(b, x, y));
  case tile::ReduceKind::Min:
    if (isLogic)
      return arith::AndIOp::create(b, x, y);
    return isFloat ? Value(arith::MinNumFOp::create(b, x, y))
                   : Value(arith::MinSIOp::create(b, x, y));
  }
  llvm_unreachable("covered switch");
}

/// The larger of two elements; of equals the one of lower index. A NaN gives
/// way to anything.
static Item combineArgmax(ImplicitLocOpBuilder &b, const Item &x,
                          const Item &y) {
  bool isFloat = isa<FloatType>(x[0].getType());
  Value greater, equal;
  if (isFloat) {
    using P = arith::CmpFPredicate;
    greater = arith::CmpFOp::create(b, P::OGT, y[0], x[0]);
    equal = arith::CmpFOp::create(b, P::OEQ, y[0], x[0]);
    Value isNan = arith::CmpFOp::create(b, P::UNO, x[0], x[0]);
    greater = arith::OrIOp::create(b, greater, isNan);
  } else {
    using P = arith::CmpIPredicate;
    greater = arith::CmpIOp::create(b, P::sgt, y[0], x[0]);
    equal = arith::CmpIOp::create(b, P::eq, y[0], x[0]);
  }
  Value lower = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, y[1], x[1]);
  Value take =
      arith::OrIOp::create(b, greater, arith::AndIOp::create(b, equal, lower));
  return {arith::SelectOp::create(b, take, y[0], x[0]),
          arith::SelectOp::create(b, take, y[1], x[1])};
}

/// The registers that a result of `type` wants, from a reduction's.
static FailureOr<SmallVector<Value>>
arrange(Operation *op, const tile::Layout &reduced, tile::FragmentType type,
        ArrayRef<Item> items, unsigned part) {
  auto map = reduced.getThreadLocalMap(getLayout(type));
  if (!map)
    return op->emitOpError("expects a result of layout ")
           << reduced.toString() << ", but got " << type.getLayout();
  SmallVector<Value> elements;
  for (int64_t reg : *map)
    elements.push_back(items[reg][part]);
  return elements;
}

namespace {
struct ReduceLowering : TilePattern<tile::ReduceOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::ReduceOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto from = op.getValue().getType(), to = op.getResult().getType();
    unsigned dim = op.getDim();
    tile::Layout layout = getLayout(from);
    Reduction reduction{
        op, kernel.getThreads(op), layout, layout.reduced(dim), dim, Value()};
    if (op.getScratch()) {
      reduction.scratch = adaptor.getScratch().front();
      reduction.scratchBytes = op.getScratch().getType().getBytes();
    }
    SmallVector<Item> items;
    for (Value value : unpackWords(b, from, adaptor.getValue()))
      items.push_back({value});
    auto combine = [&](ImplicitLocOpBuilder &b, const Item &x,
                       const Item &y) -> Item {
      return {combineValues(b, op.getKind(), x[0], y[0])};
    };
    auto results = reduction.run(b, items, combine);
    if (failed(results))
      return failure();
    auto elements = arrange(op, reduction.result, to, *results, 0);
    if (failed(elements))
      return failure();
    rewriter.replaceOpWithMultiple(op, {packWords(b, to, *elements)});
    return success();
  }
};

struct ArgmaxLowering : TilePattern<tile::ArgmaxOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::ArgmaxOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto from = op.getValue().getType();
    unsigned dim = op.getDim();
    tile::Layout layout = getLayout(from);
    const ThreadGroup &threads = kernel.getThreads(op);
    Reduction reduction{op, threads, layout, layout.reduced(dim), dim, Value()};
    if (op.getScratch()) {
      reduction.scratch = adaptor.getScratch().front();
      reduction.scratchBytes = op.getScratch().getType().getBytes();
    }
    Value first = createThreadCoordinate(b, layout, threads.thread)[dim];
    SmallVector<Item> items;
    for (auto [reg, value] :
         llvm::enumerate(unpackWords(b, from, adaptor.getValue())))
      items.push_back(
          {value,
           addConstant(b, first, layout.getRegisterCoordinate(reg)[dim])});
    auto results = reduction.run(b, items, combineArgmax);
    if (failed(results))
      return failure();
    SmallVector<SmallVector<Value>> fragments;
    for (auto [part, value] : llvm::enumerate(op->getResults())) {
      auto type = cast<tile::FragmentType>(value.getType());
      auto elements = arrange(op, reduction.result, type, *results, part);
      if (failed(elements))
        return failure();
      fragments.push_back(packWords(b, type, *elements));
    }
    rewriter.replaceOpWithMultiple(op, fragments);
    return success();
  }
};
} // namespace

void populateTileReducePatterns(const TypeConverter &converter,
                                RewritePatternSet &patterns,
                                const KernelContext &kernel) {
  patterns.add<ReduceLowering, ArgmaxLowering>(converter, patterns.getContext(),
                                               kernel);
}

} // namespace tilewright
