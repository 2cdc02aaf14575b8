//===- LowerSample.cpp - Greedy and drawn tokens --------------------------===//
// One CTA per row of logits. Nothing is sorted: the ranks that stay are those
// above a threshold, found digit by digit of an order-preserving integer key
// from histograms in shared memory, whose bins hold integers, so that the order
// of their additions is of no account. The draw adds up blocks in the order of
// indices.
//===----------------------------------------------------------------------===//

#include "passes/lower/xf/SampleRow.h"

#include "autotune/Sample.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;

namespace tilewright {

static constexpr int32_t kLastIndex = std::numeric_limits<int32_t>::max();
static constexpr int32_t kSignBit = std::numeric_limits<int32_t>::min();
static constexpr int32_t kBins = 1 << autotune::sampleDigitBits;
static constexpr int32_t kKeyBits = 32;

namespace {
/// Which tokens of the row count: those above a key, and of those at it the
/// ones below an index. Scalars.
struct Cut {
  Value key, index;
};

/// What a cut limits.
enum class Limit { Count, Mass };

class SampleKernel {
public:
  SampleKernel(xf::KernelOp source, KernelBuilder &b) : source(source), b(b) {}
  LogicalResult lower(StringRef name);

private:
  Value greedy();
  Value draw();
  void findMaximum();

  Value keyOf(Value z);
  Value kept(const RowBlock &block, const Cut &cut);
  Value weight(Value z);
  Value quantaOf(Value z, Value isMass);

  Cut narrow(Value isMass, Value limit, const Cut &among);
  struct Digit {
    Value prefix, known, shift; // i32
    Value left, at; // f32: what may still be kept, and what has the prefix
  };
  Digit narrowDigit(const Digit &digit, Value number, Value isMass, Value limit,
                    const Cut &among);
  void countDigit(const Digit &digit, Value isMass, const Cut &among);
  Value tieIndex(Value key, Value wanted, const Cut &among);
  Value bisect(int32_t low, int32_t high,
               llvm::function_ref<Value(Value)> holds);
  Value indexWhere(llvm::function_ref<Value(const RowBlock &)> measure,
                   llvm::function_ref<Value(Value)> getTarget,
                   llvm::function_ref<Value()> getDefault);
  Value lastKept(const Cut &cut);

  /// Bits of each half of a quantum's count.
  int64_t halfBits() const;
  Value alloc(int64_t elements, Type element);

  xf::KernelOp source;
  KernelBuilder &b;
  tile::KernelOp kernel;
  std::optional<SampleRow> row;
  xf::SampleOp op;
  const KernelSignature *signature = nullptr;
  Value temperature, maximum;    // scalars, of the draw
  Value lowBins, highBins, sums; // shared
};
} // namespace

Value SampleKernel::alloc(int64_t elements, Type element) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(kernel.getBodyBlock());
  return tile::AllocOp::create(b, b.shared({elements}, element, /*swizzle=*/0),
                               IntegerAttr(), StringAttr());
}

/// The lowest index of the maximum. NaN compares with nothing, so it is never
/// chosen; a row of NaNs leaves no index, and gives 0.
Value SampleKernel::greedy() {
  ArrayRef<int64_t> shape = row->getBlockShape();
  Value lowest = b.splat(-std::numeric_limits<float>::infinity(), shape);
  SmallVector<Value> best = row->forBlocks(
      {lowest, b.splat(kLastIndex, shape)}, /*scaled=*/false,
      [&](const RowBlock &block, ValueRange best) -> SmallVector<Value> {
        Value greater = b.compare(Compare::Greater, block.values, best[0]);
        Value equal = b.compare(Compare::Equal, block.values, best[0]);
        Value lower = b.compare(Compare::Less, block.index, best[1]);
        Value earlier = arith::AndIOp::create(b, equal, lower);
        Value take = arith::AndIOp::create(
            b, row->isInside(block), arith::OrIOp::create(b, greater, earlier));
        return {b.select(take, block.values, best[0]),
                b.select(take, block.index, best[1])};
      });
  Value top = b.reduce(tile::ReduceKind::Max, best[0], 1);
  Value index = b.select(b.compare(Compare::Equal, best[0], top), best[1],
                         b.splat(kLastIndex, shape));
  Value first = tile::ToScalarOp::create(
      b, b.getI32Type(), b.reduce(tile::ReduceKind::Min, index, 1));
  Value none = b.compare(Compare::Equal, first, b.i32(kLastIndex));
  return b.select(none, b.i32(0), first);
}

/// Signed integers in the order of the floats.
Value SampleKernel::keyOf(Value z) {
  ArrayRef<int64_t> shape = KernelBuilder::shapeOf(z);
  Value bits = tile::BitcastOp::create(
      b, KernelBuilder::typeOf(z).withElementType(b.getI32Type()), z);
  Value flipped = arith::XOrIOp::create(b, bits, b.splat(kLastIndex, shape));
  return b.select(b.compare(Compare::Less, bits, b.splat(int32_t(0), shape)),
                  flipped, bits);
}

Value SampleKernel::kept(const RowBlock &block, const Cut &cut) {
  ArrayRef<int64_t> shape = row->getBlockShape();
  Value key = keyOf(block.values);
  Value above = b.compare(Compare::Greater, key, b.splat(cut.key, shape));
  Value at = b.compare(Compare::Equal, key, b.splat(cut.key, shape));
  Value early =
      b.compare(Compare::Less, block.index, b.splat(cut.index, shape));
  Value either =
      arith::OrIOp::create(b, above, arith::AndIOp::create(b, at, early));
  return arith::AndIOp::create(b, either, row->isInside(block));
}

/// p of the op's description.
Value SampleKernel::weight(Value z) {
  return b.exp(b.subf(z, b.splat(maximum, KernelBuilder::shapeOf(z))));
}

/// Two halves must hold the quanta of a token of weight 1 each, and no sum over
/// the vocabulary may leave 31 bits; f32 cannot use more than 15 bits a half.
int64_t SampleKernel::halfBits() const {
  int64_t bits = llvm::Log2_64_Ceil(row->getSize() + 1);
  return std::clamp<int64_t>(31 - bits, 1, 15);
}

/// What a token adds to its bin, as an integer: 1 if ranks are counted, else
/// its weight in quanta of 2^-(2 halfBits). NaN is nothing.
Value SampleKernel::quantaOf(Value z, Value isMass) {
  ArrayRef<int64_t> shape = KernelBuilder::shapeOf(z);
  float scale = std::ldexp(1.0f, 2 * static_cast<int>(halfBits()));
  Value quanta = b.cast(b.addf(b.mulf(weight(z), scale), 0.5f), b.getI32Type());
  Value selected = b.splat(isMass, shape);
  return b.select(selected, quanta, b.splat(int32_t(1), shape));
}

/// The lowest number in [low, high] for which `holds`, which is monotonic and
/// taken to hold at `high`.
Value SampleKernel::bisect(int32_t low, int32_t high,
                           llvm::function_ref<Value(Value)> holds) {
  int64_t steps = llvm::Log2_64_Ceil(static_cast<uint64_t>(high - low) + 1);
  auto loop = scf::ForOp::create(b, b.index(0), b.index(steps), b.index(1),
                                 ValueRange{b.i32(low), b.i32(high)});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value from = loop.getRegionIterArg(0), to = loop.getRegionIterArg(1);
  Value middle = arith::ShRUIOp::create(b, b.addi(from, to), b.i32(1));
  Value yes = holds(middle);
  // Once the interval is empty, further steps leave it so.
  Value above = b.min(b.addi(middle, b.i32(1)), to);
  scf::YieldOp::create(
      b, ValueRange{b.select(yes, from, above), b.select(yes, middle, to)});
  return loop.getResult(1);
}

/// The histogram of a digit over the tokens that have the prefix.
void SampleKernel::countDigit(const Digit &digit, Value isMass,
                              const Cut &among) {
  Value zero = b.splat(int32_t(0), {1, kBins});
  for (Value bins : {lowBins, highBins})
    b.store(zero, bins, {b.index(0)}, {});
  tile::SyncOp::create(b);
  ArrayRef<int64_t> shape = row->getBlockShape();
  row->forBlocks({}, /*scaled=*/true, [&](const RowBlock &block, ValueRange) {
    Value key =
        arith::XOrIOp::create(b, keyOf(block.values), b.splat(kSignBit, shape));
    Value head = arith::AndIOp::create(b, key, b.splat(digit.known, shape));
    Value matches =
        b.compare(Compare::Equal, head, b.splat(digit.prefix, shape));
    Value counts = arith::AndIOp::create(b, matches, kept(block, among));
    Value bin = arith::AndIOp::create(
        b, arith::ShRUIOp::create(b, key, b.splat(digit.shift, shape)),
        b.splat(kBins - 1, shape));
    Value quanta = quantaOf(block.values, isMass);
    int32_t half = halfBits();
    Value low = arith::AndIOp::create(
        b, quanta, b.splat(static_cast<int32_t>((1 << half) - 1), shape));
    Value high = arith::ShRUIOp::create(b, quanta, b.splat(half, shape));
    Value zeros = b.splat(int32_t(0), shape);
    for (auto [bins, part] : {std::pair{lowBins, low}, {highBins, high}}) {
      Value adds = arith::AndIOp::create(
          b, counts, b.compare(Compare::NotEqual, part, zeros));
      tile::AddAtOp::create(b, part, bins, bin, adds);
    }
    return SmallVector<Value>();
  });
  tile::SyncOp::create(b);
}

/// Finds the next digit of the key at which the limit falls: the lowest bin
/// above which there is less than what may still be kept.
SampleKernel::Digit SampleKernel::narrowDigit(const Digit &digit, Value number,
                                              Value isMass, Value limit,
                                              const Cut &among) {
  countDigit(digit, isMass, among);
  SmallVector<int64_t> shape = {1, kBins};
  auto load = [&](Value bins) {
    return b.cast(b.load(bins, {b.index(0)}, shape, {}), b.getF32Type());
  };
  float unit = std::ldexp(1.0f, static_cast<int>(halfBits()));
  Value bins = b.addf(b.mulf(load(highBins), unit), load(lowBins));
  Value places = b.iota(1, shape), none = b.splat(0.0f, shape);
  auto sumAbove = [&](Value bin) -> Value {
    Value above = b.compare(Compare::Greater, places, b.splat(bin, shape));
    Value sum = b.reduce(tile::ReduceKind::Add, b.select(above, bins, none), 1);
    return tile::ToScalarOp::create(b, b.getF32Type(), sum);
  };
  // Of the mass, a part is kept; but never nothing, which the first rank sees
  // to if it starts below any positive bound.
  Value part = b.maxf(b.mulf(sumAbove(b.i32(-1)), limit), b.f32(0.5f));
  Value start = b.select(isMass, part, limit);
  Value isFirst = b.compare(Compare::Equal, number, b.index(0));
  Value left = b.select(isFirst, start, digit.left);
  Value bin = bisect(0, kBins - 1, [&](Value candidate) {
    return b.compare(Compare::Less, sumAbove(candidate), left);
  });
  Value above = sumAbove(bin);
  Value before = arith::SubIOp::create(b, bin, b.i32(1));
  auto shifted = [&](Value value) -> Value {
    return arith::ShLIOp::create(b, value, digit.shift);
  };
  Digit next;
  next.prefix = arith::OrIOp::create(b, digit.prefix, shifted(bin));
  next.known = arith::OrIOp::create(b, digit.known, shifted(b.i32(kBins - 1)));
  // The last digit overlaps the one before, where all tokens agree.
  next.shift = b.max(
      arith::SubIOp::create(b, digit.shift, b.i32(autotune::sampleDigitBits)),
      b.i32(0));
  next.left = b.subf(left, above);
  next.at = b.subf(sumAbove(before), above);
  return next;
}

/// Of the ranks in `among`, those before which less than the limit lies: a
/// count, or a part of the mass.
Cut SampleKernel::narrow(Value isMass, Value limit, const Cut &among) {
  constexpr int64_t digits =
      llvm::divideCeil(kKeyBits, autotune::sampleDigitBits);
  Value zero = b.i32(0), nothing = b.f32(0);
  auto loop = scf::ForOp::create(
      b, b.index(0), b.index(digits), b.index(1),
      ValueRange{zero, zero, b.i32(kKeyBits - autotune::sampleDigitBits),
                 nothing, nothing});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    ValueRange args = loop.getRegionIterArgs();
    Digit next = narrowDigit({args[0], args[1], args[2], args[3], args[4]},
                             loop.getInductionVar(), isMass, limit, among);
    scf::YieldOp::create(
        b, ValueRange{next.prefix, next.known, next.shift, next.left, next.at});
  }
  Value key = arith::XOrIOp::create(b, loop.getResult(0), b.i32(kSignBit));
  Value left = loop.getResult(3), at = loop.getResult(4);

  // All tokens at the key weigh the same: as many are kept as start below the
  // limit, and the first always stays.
  Value keys = b.splat(key, {1, 1});
  Value bits = b.select(
      b.compare(Compare::Less, keys, b.splat(zero, {1, 1})),
      arith::XOrIOp::create(b, keys, b.splat(kLastIndex, {1, 1})), keys);
  Value z =
      tile::BitcastOp::create(b, b.fragment({1, 1}, b.getF32Type()), bits);
  Value one = tile::ToScalarOp::create(
      b, b.getF32Type(), b.cast(quantaOf(z, isMass), b.getF32Type()));
  one = b.maxf(one, b.f32(1));
  Value wanted = b.maxf(math::CeilOp::create(b, b.divf(left, one)), b.f32(1));
  Value all = b.compare(Compare::GreaterEqual, b.mulf(wanted, one), at);
  auto ties = scf::IfOp::create(b, b.getI32Type(), all, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(ties.thenBlock());
  scf::YieldOp::create(b, b.i32(kLastIndex));
  b.setInsertionPointToStart(ties.elseBlock());
  scf::YieldOp::create(b, tieIndex(key, wanted, among));
  return {key, ties.getResult(0)};
}

/// The index below which `wanted` tokens of `among` have exactly `key`.
Value SampleKernel::tieIndex(Value key, Value wanted, const Cut &among) {
  ArrayRef<int64_t> shape = row->getBlockShape();
  Value last = indexWhere(
      [&](const RowBlock &block) {
        Value at =
            b.compare(Compare::Equal, keyOf(block.values), b.splat(key, shape));
        Value counts = arith::AndIOp::create(b, at, kept(block, among));
        return b.select(counts, b.splat(1.0f, shape), b.splat(0.0f, shape));
      },
      [&](Value) { return b.addf(wanted, -0.5f); },
      [&] { return b.i32(kLastIndex - 1); });
  return b.addi(last, b.i32(1));
}

/// The lowest index up to which the sum of `measure` over the row is more than
/// `getTarget(sum of all)`; `getDefault` if there is none. Sums of blocks, and
/// within a block of what a mask leaves, run over a fixed order of threads and
/// registers, so they grow with the index in floating point too.
Value SampleKernel::indexWhere(
    llvm::function_ref<Value(const RowBlock &)> measure,
    llvm::function_ref<Value(Value)> getTarget,
    llvm::function_ref<Value()> getDefault) {
  ArrayRef<int64_t> shape = row->getBlockShape();
  auto sumOf = [&](Value elements) -> Value {
    Value sum = b.reduce(tile::ReduceKind::Add, elements, 1);
    return tile::ToScalarOp::create(b, b.getF32Type(), sum);
  };
  // Of an earlier search.
  tile::SyncOp::create(b);
  SmallVector<Value> total = row->forBlocks(
      {b.f32(0)}, /*scaled=*/true,
      [&](const RowBlock &block, ValueRange total) -> SmallVector<Value> {
        Value sum = sumOf(measure(block));
        tile::StoreScalarOp::create(b, sum, sums, block.number);
        return {b.addf(total[0], sum)};
      });
  tile::SyncOp::create(b);

  // The block in which the target is passed, and the sum before it.
  Value target = getTarget(total[0]);
  auto blocks =
      scf::ForOp::create(b, b.index(0), b.index(row->getNumBlocks()),
                         b.index(1), ValueRange{b.index(-1), b.f32(0)});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(blocks.getBody());
    Value found = blocks.getRegionIterArg(0), sum = blocks.getRegionIterArg(1);
    Value next = b.addf(sum, b.loadScalar(sums, blocks.getInductionVar()));
    Value isFound = b.compare(Compare::GreaterEqual, found, b.index(0));
    Value passes = b.compare(Compare::Greater, next, target);
    Value here = b.select(passes, blocks.getInductionVar(), b.index(-1));
    Value stays = arith::OrIOp::create(b, isFound, passes);
    scf::YieldOp::create(b, ValueRange{b.select(isFound, found, here),
                                       b.select(stays, sum, next)});
  }
  Value found = blocks.getResult(0), before = blocks.getResult(1);
  auto choice = scf::IfOp::create(b, b.getI32Type(),
                                  b.compare(Compare::Less, found, b.index(0)),
                                  /*withElse=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  scf::YieldOp::create(b, getDefault());
  b.setInsertionPointToStart(choice.elseBlock());
  RowBlock block = row->getBlock(found, /*scaled=*/true);
  Value elements = measure(block), none = b.splat(0.0f, shape);
  Value place = bisect(0, shape[1] - 1, [&](Value last) {
    Value early =
        b.compare(Compare::LessEqual, b.iota(1, shape), b.splat(last, shape));
    Value sum = b.addf(before, sumOf(b.select(early, elements, none)));
    return b.compare(Compare::Greater, sum, target);
  });
  Value start = b.toI32(b.mul(found, shape[1]));
  scf::YieldOp::create(b, b.addi(start, place));
  return choice.getResult(0);
}

/// The highest index that is kept.
Value SampleKernel::lastKept(const Cut &cut) {
  ArrayRef<int64_t> shape = row->getBlockShape();
  SmallVector<Value> last = row->forBlocks(
      {b.splat(int32_t(0), shape)}, /*scaled=*/true,
      [&](const RowBlock &block, ValueRange last) -> SmallVector<Value> {
        // Blocks come in the order of indices.
        return {b.select(kept(block, cut), block.index, last[0])};
      });
  return tile::ToScalarOp::create(b, b.getI32Type(),
                                  b.reduce(tile::ReduceKind::Max, last[0], 1));
}

/// Makes z of the op's description, and its maximum.
void SampleKernel::findMaximum() {
  Value lowest =
      b.splat(-std::numeric_limits<float>::infinity(), row->getBlockShape());
  SmallVector<Value> best = row->scale(
      temperature, {lowest},
      [&](const RowBlock &block, ValueRange best) -> SmallVector<Value> {
        return {b.maxf(best[0], block.values)};
      });
  maximum = tile::ToScalarOp::create(
      b, b.getF32Type(), b.reduce(tile::ReduceKind::Max, best[0], 1));
}

Value SampleKernel::draw() {
  auto scalarOf = [&](Value operand) {
    return b.loadScalar(signature->getOperand(operand), {row->getNumber()});
  };
  findMaximum();
  Value topK = scalarOf(op.getTopK()), topP = scalarOf(op.getTopP());
  Value limitsRanks = arith::AndIOp::create(
      b, b.compare(Compare::Greater, topK, b.i32(0)),
      b.compare(Compare::Less, topK,
                b.i32(static_cast<int32_t>(row->getSize()))));
  Value limitsMass = b.compare(Compare::Less, topP, b.f32(1));
  Value count = arith::SIToFPOp::create(b, b.getF32Type(), topK);

  // First the count, then the mass; everything is kept to start with.
  auto limits =
      scf::ForOp::create(b, b.index(0), b.index(2), b.index(1),
                         ValueRange{b.i32(kSignBit), b.i32(kLastIndex)});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(limits.getBody());
    Value isMass =
        b.compare(Compare::Equal, limits.getInductionVar(), b.index(1));
    Cut among{limits.getRegionIterArg(0), limits.getRegionIterArg(1)};
    auto choice = scf::IfOp::create(b, TypeRange(limits.getResultTypes()),
                                    b.select(isMass, limitsMass, limitsRanks),
                                    /*withElse=*/true);
    {
      OpBuilder::InsertionGuard inner(b);
      b.setInsertionPointToStart(choice.thenBlock());
      Cut cut = narrow(isMass, b.select(isMass, topP, count), among);
      scf::YieldOp::create(b, ValueRange{cut.key, cut.index});
      b.setInsertionPointToStart(choice.elseBlock());
      scf::YieldOp::create(b, ValueRange{among.key, among.index});
    }
    scf::YieldOp::create(b, choice.getResults());
  }
  Cut cut{limits.getResult(0), limits.getResult(1)};

  Value seed = scalarOf(op.getSeed()),
        counter = b.splat(scalarOf(op.getSampleIndex()), {1, 1});
  Value bits =
      tile::PhiloxOp::create(b, counter.getType(), seed, b.i32(0), counter);
  // 24 bits, exact in f32.
  Value high = arith::ShRUIOp::create(b, bits, b.splat(int32_t(8), {1, 1}));
  Value fraction = b.mulf(b.cast(high, b.getF32Type()), 0x1p-24f);
  Value uniform = tile::ToScalarOp::create(b, b.getF32Type(), fraction);
  return indexWhere(
      [&](const RowBlock &block) {
        return b.select(kept(block, cut), weight(block.values),
                        b.splat(0.0f, row->getBlockShape()));
      },
      [&](Value total) { return b.mulf(total, uniform); },
      [&] { return lastKept(cut); });
}

LogicalResult SampleKernel::lower(StringRef name) {
  FailureOr<int64_t> warps = getConfigField(source, "warps");
  FailureOr<int64_t> keepRow = getConfigField(source, "keep_row");
  if (failed(warps) || failed(keepRow))
    return failure();
  KernelSignature made(
      source, name,
      [](Value value) {
        return getTensorType(cast<RankedTensorType>(value.getType()));
      },
      b);
  signature = &made;
  kernel = made.getKernel();
  kernel.setWarps(*warps);
  // One CTA has the SM: unasked, ptxas would spill to make room for more.
  const target::ThreadLimits &threads = target::getDefaultTarget().threads;
  int64_t registers =
      std::min(threads.registersPerSm / (*warps * threads.threadsPerWarp),
               threads.registersPerThread);
  kernel.setLaunchRegisters(llvm::alignDown(registers, threads.budgetStep));
  Operation *sampled = &source.getBlock().front();
  op = dyn_cast<xf::SampleOp>(sampled);
  auto type = cast<RankedTensorType>(sampled->getOperand(0).getType());
  kernel.setGridAttr(
      b.getArrayAttr({getSizeExpression(b.getContext(), xf::getDim(type, 0))}));
  row.emplace(made.getOperand(sampled->getOperand(0)), *warps, b);
  if (!op) {
    tile::StoreScalarOp::create(b, greedy(), made.getResult(0),
                                ValueRange{row->getNumber()});
    return success();
  }

  lowBins = alloc(kBins, b.getI32Type());
  highBins = alloc(kBins, b.getI32Type());
  sums = alloc(row->getNumBlocks(), b.getF32Type());
  if (*keepRow)
    row->keepIn(
        alloc(row->getNumBlocks() * row->getBlockShape()[1], b.getF32Type()));
  temperature =
      b.loadScalar(made.getOperand(op.getTemperature()), {row->getNumber()});
  Value draws = b.compare(Compare::Greater, temperature, b.f32(0));
  auto choice = scf::IfOp::create(b, b.getI32Type(), draws, /*withElse=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    scf::YieldOp::create(b, draw());
    b.setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(b, greedy());
  }
  tile::StoreScalarOp::create(b, choice.getResult(0), made.getResult(0),
                              ValueRange{row->getNumber()});
  return success();
}

LogicalResult lowerSample(xf::KernelOp source, StringRef name,
                          KernelBuilder &builder) {
  return SampleKernel(source, builder).lower(name);
}

} // namespace tilewright
