//===- LowerSample.cpp - Greedy and drawn tokens --------------------------===//
// One CTA per row of logits. Nothing is sorted: ranks are kept by a threshold,
// found by bisection over order-preserving integer keys, and the draw is a
// bisection over prefix sums. Sums run over a fixed order of threads and
// registers, in which a masked-out term adds zero, so they grow with the mask
// in floating point too, and bisection is exact.
//===----------------------------------------------------------------------===//

#include "passes/lower/xf/Families.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;

namespace tilewright {

namespace {
/// Which tokens of the row count: those above a key, and of those at it the
/// ones below an index. Scalars.
struct Cut {
  Value key, index;
};

class SampleKernel {
public:
  SampleKernel(xf::KernelOp source, KernelBuilder &b) : source(source), b(b) {}
  LogicalResult lower(StringRef name);

private:
  /// A block of the row: its logits, and the index of each.
  struct Elements {
    Value logits, index;
  };
  using Combine = llvm::function_ref<Value(const Elements &, Value)>;

  Value pass(tile::ReduceKind kind, Value init, Combine combine);
  Value greedy();
  Value draw(xf::SampleOp op, const KernelSignature &signature);
  Value scaled(const Elements &elements);
  Value keyOf(Value scaled);
  Value kept(const Elements &elements, const Cut &cut);
  Value weight(const Elements &elements);
  Value sumOfKept(const Cut &cut);
  Value bisect(int64_t low, int64_t high,
               llvm::function_ref<Value(Value)> holds);
  Value tieIndex(Value key, Value wanted, const Cut &among);
  Cut cutTopK(Value topK);
  Cut cutTopP(Value topP, const Cut &among);
  Value drawIndex(Value uniform, const Cut &cut);

  xf::KernelOp source;
  KernelBuilder &b;
  Value logits, row;
  Value temperature, maximum; // scalars, of the draw
  int64_t vocabulary = 0, block = 0;
};
} // namespace

static constexpr int32_t kLastIndex = std::numeric_limits<int32_t>::max();

/// Combines all elements of the row into one number. `combine` maps a block and
/// the accumulator so far, a fragment of `init`, to the next accumulator.
Value SampleKernel::pass(tile::ReduceKind kind, Value init, Combine combine) {
  Value start = b.splat(init, {1, block});
  auto loop = scf::ForOp::create(b, b.index(0), b.index(vocabulary),
                                 b.index(block), start);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    KernelBuilder::LoadOptions options;
    options.vector = 4;
    options.fill = b.getF32FloatAttr(-std::numeric_limits<float>::infinity());
    Elements elements;
    elements.logits =
        b.load(logits, {row, loop.getInductionVar()}, {1, block}, options);
    elements.index =
        b.addi(b.iota(1, {1, block}),
               b.splat(b.toI32(loop.getInductionVar()), {1, block}));
    scf::YieldOp::create(b, combine(elements, loop.getRegionIterArg(0)));
  }
  Value reduced = b.reduce(kind, loop.getResult(0), 1);
  return tile::ToScalarOp::create(b, init.getType(), reduced);
}

/// The lowest index of the maximum: the maximum first, then the lowest index
/// that has it. NaN compares with nothing, so it is never chosen; a row of NaNs
/// leaves no index, and gives 0.
Value SampleKernel::greedy() {
  Value lowest = b.f32(-std::numeric_limits<float>::infinity());
  Value best =
      pass(tile::ReduceKind::Max, lowest, [&](const Elements &e, Value acc) {
        return b.select(b.compare(Compare::Greater, e.logits, acc), e.logits,
                        acc);
      });
  Value index =
      pass(tile::ReduceKind::Min, b.i32(kLastIndex),
           [&](const Elements &e, Value acc) {
             Value inside = b.compare(Compare::Less, e.index,
                                      b.splat(int32_t(vocabulary), {1, block}));
             Value equal =
                 b.compare(Compare::Equal, e.logits, b.splat(best, {1, block}));
             Value lower = b.compare(Compare::Less, e.index, acc);
             Value take = arith::AndIOp::create(
                 b, arith::AndIOp::create(b, inside, equal), lower);
             return b.select(take, e.index, acc);
           });
  Value none = b.compare(Compare::Equal, index, b.i32(kLastIndex));
  return b.select(none, b.i32(0), index);
}

/// z of the op's description.
Value SampleKernel::scaled(const Elements &elements) {
  Value z = b.divf(elements.logits, b.splat(temperature, {1, block}));
  Value isNumber = b.compare(Compare::Equal, z, z);
  return b.select(isNumber, z,
                  b.splat(-std::numeric_limits<float>::infinity(), {1, block}));
}

/// Signed integers in the order of the floats.
Value SampleKernel::keyOf(Value z) {
  Value bits = tile::BitcastOp::create(
      b, KernelBuilder::typeOf(z).withElementType(b.getI32Type()), z);
  Value flipped =
      arith::XOrIOp::create(b, bits, b.splat(kLastIndex, {1, block}));
  return b.select(
      b.compare(Compare::Less, bits, b.splat(int32_t(0), {1, block})), flipped,
      bits);
}

Value SampleKernel::kept(const Elements &elements, const Cut &cut) {
  Value key = keyOf(scaled(elements));
  Value above = b.compare(Compare::Greater, key, b.splat(cut.key, {1, block}));
  Value at = b.compare(Compare::Equal, key, b.splat(cut.key, {1, block}));
  Value early =
      b.compare(Compare::Less, elements.index, b.splat(cut.index, {1, block}));
  Value inside = b.compare(Compare::Less, elements.index,
                           b.splat(int32_t(vocabulary), {1, block}));
  Value either =
      arith::OrIOp::create(b, above, arith::AndIOp::create(b, at, early));
  return arith::AndIOp::create(b, either, inside);
}

/// p of the op's description.
Value SampleKernel::weight(const Elements &elements) {
  return b.exp(b.subf(scaled(elements), b.splat(maximum, {1, block})));
}

Value SampleKernel::sumOfKept(const Cut &cut) {
  return pass(tile::ReduceKind::Add, b.f32(0),
              [&](const Elements &e, Value acc) {
                return b.addf(acc, b.select(kept(e, cut), weight(e),
                                            b.splat(0.0f, {1, block})));
              });
}

/// The lowest number in [low, high] for which `holds`, which is monotonic and
/// taken to hold at `high`.
Value SampleKernel::bisect(int64_t low, int64_t high,
                           llvm::function_ref<Value(Value)> holds) {
  auto i64 = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
  };
  int64_t steps = llvm::Log2_64_Ceil(static_cast<uint64_t>(high - low) + 1);
  auto loop = scf::ForOp::create(b, b.index(0), b.index(steps), b.index(1),
                                 ValueRange{i64(low), i64(high)});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value from = loop.getRegionIterArg(0), to = loop.getRegionIterArg(1);
    Value sum = arith::AddIOp::create(b, from, to);
    Value middle = arith::ShRSIOp::create(b, sum, i64(1));
    Value yes = holds(arith::TruncIOp::create(b, b.getI32Type(), middle));
    // Once the interval is empty, further steps leave it so.
    Value above =
        arith::MinSIOp::create(b, arith::AddIOp::create(b, middle, i64(1)), to);
    scf::YieldOp::create(
        b, ValueRange{b.select(yes, from, above), b.select(yes, middle, to)});
  }
  return arith::TruncIOp::create(b, b.getI32Type(), loop.getResult(1));
}

/// The index below which `wanted` tokens among those kept have exactly `key`.
Value SampleKernel::tieIndex(Value key, Value wanted, const Cut &among) {
  return bisect(0, vocabulary, [&](Value limit) {
    Value count = pass(
        tile::ReduceKind::Add, b.i32(0), [&](const Elements &e, Value acc) {
          Value at = b.compare(Compare::Equal, keyOf(scaled(e)),
                               b.splat(key, {1, block}));
          Value early =
              b.compare(Compare::Less, e.index, b.splat(limit, {1, block}));
          Value counts = arith::AndIOp::create(
              b, arith::AndIOp::create(b, at, early), kept(e, among));
          return b.addi(acc, b.select(counts, b.splat(int32_t(1), {1, block}),
                                      b.splat(int32_t(0), {1, block})));
        });
    return b.compare(Compare::GreaterEqual, count, wanted);
  });
}

/// Everything is kept.
static Cut keepAll(KernelBuilder &b) {
  return {b.i32(std::numeric_limits<int32_t>::min()), b.i32(kLastIndex)};
}

/// The first `topK` ranks: all keys above the smallest one that fewer than
/// `topK` keys exceed, and of those at it as many as are still wanted.
Cut SampleKernel::cutTopK(Value topK) {
  auto countAbove = [&](Value key) {
    return pass(
        tile::ReduceKind::Add, b.i32(0), [&](const Elements &e, Value acc) {
          Value counts = kept(e, {key, b.i32(0)});
          return b.addi(acc, b.select(counts, b.splat(int32_t(1), {1, block}),
                                      b.splat(int32_t(0), {1, block})));
        });
  };
  Value key = bisect(
      std::numeric_limits<int32_t>::min(), kLastIndex, [&](Value candidate) {
        return b.compare(Compare::Less, countAbove(candidate), topK);
      });
  Value wanted = arith::SubIOp::create(b, topK, countAbove(key));
  return {key, tieIndex(key, wanted, keepAll(b))};
}

/// The ranks before which less than `topP` of the weight lies.
Cut SampleKernel::cutTopP(Value topP, const Cut &among) {
  // The first rank always stays: nothing lies before it, which is less than any
  // positive bound.
  Value bound = b.maxf(b.mulf(sumOfKept(among), topP),
                       b.f32(std::numeric_limits<float>::min()));
  auto sumAbove = [&](Value key) {
    return pass(
        tile::ReduceKind::Add, b.f32(0), [&](const Elements &e, Value acc) {
          Value counts = arith::AndIOp::create(b, kept(e, {key, b.i32(0)}),
                                               kept(e, among));
          return b.addf(acc,
                        b.select(counts, weight(e), b.splat(0.0f, {1, block})));
        });
  };
  Value key = bisect(
      std::numeric_limits<int32_t>::min(), kLastIndex, [&](Value candidate) {
        return b.compare(Compare::Less, sumAbove(candidate), bound);
      });
  // All tokens at the key weigh the same: as many are kept as start below the
  // bound, and the first always stays.
  Value left = b.subf(bound, sumAbove(key));
  Value one =
      pass(tile::ReduceKind::Max, b.f32(0), [&](const Elements &e, Value acc) {
        Value at = b.compare(Compare::Equal, keyOf(scaled(e)),
                             b.splat(key, {1, block}));
        Value counts = arith::AndIOp::create(b, at, kept(e, among));
        return b.maxf(acc,
                      b.select(counts, weight(e), b.splat(0.0f, {1, block})));
      });
  Value ratio = arith::MinNumFOp::create(b, b.divf(left, one),
                                         b.f32(static_cast<float>(vocabulary)));
  Value whole = arith::FPToSIOp::create(b, b.getI32Type(), ratio);
  Value exact = b.compare(
      Compare::GreaterEqual,
      arith::SIToFPOp::create(b, b.getF32Type(), whole).getResult(), ratio);
  Value rounded =
      b.select(exact, whole, arith::AddIOp::create(b, whole, b.i32(1)));
  Value wanted = arith::MaxSIOp::create(b, rounded, b.i32(1));
  return {key, tieIndex(key, wanted, among)};
}

Value SampleKernel::drawIndex(Value uniform, const Cut &cut) {
  Value target = b.mulf(sumOfKept(cut), uniform);
  auto sumUpTo = [&](Value last) {
    return pass(
        tile::ReduceKind::Add, b.f32(0), [&](const Elements &e, Value acc) {
          Value early =
              b.compare(Compare::LessEqual, e.index, b.splat(last, {1, block}));
          Value counts = arith::AndIOp::create(b, kept(e, cut), early);
          return b.addf(acc,
                        b.select(counts, weight(e), b.splat(0.0f, {1, block})));
        });
  };
  Value index = bisect(0, vocabulary, [&](Value last) {
    return b.compare(Compare::Greater, sumUpTo(last), target);
  });
  Value lastKept =
      pass(tile::ReduceKind::Max, b.i32(0), [&](const Elements &e, Value acc) {
        Value later = arith::AndIOp::create(
            b, kept(e, cut), b.compare(Compare::Greater, e.index, acc));
        return b.select(later, e.index, acc);
      });
  return arith::MinSIOp::create(b, index, lastKept);
}

/// Builds `scf.if condition` that yields what `then` makes, else `otherwise`.
static SmallVector<Value>
choose(KernelBuilder &b, Value condition, ValueRange otherwise,
       llvm::function_ref<SmallVector<Value>()> then) {
  auto op =
      scf::IfOp::create(b, otherwise.getTypes(), condition, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  scf::YieldOp::create(b, then());
  b.setInsertionPointToStart(op.elseBlock());
  scf::YieldOp::create(b, otherwise);
  return llvm::to_vector_of<Value>(op.getResults());
}

Value SampleKernel::draw(xf::SampleOp op, const KernelSignature &signature) {
  auto scalarOf = [&](Value operand) {
    return b.loadScalar(signature.getOperand(operand), {row});
  };
  Value lowest = b.f32(-std::numeric_limits<float>::infinity());
  maximum =
      pass(tile::ReduceKind::Max, lowest, [&](const Elements &e, Value acc) {
        return b.maxf(acc, scaled(e));
      });

  Value topK = scalarOf(op.getTopK()), topP = scalarOf(op.getTopP());
  Cut all = keepAll(b);
  Value limitsRanks = arith::AndIOp::create(
      b, b.compare(Compare::Greater, topK, b.i32(0)),
      b.compare(Compare::Less, topK, b.i32(int32_t(vocabulary))));
  SmallVector<Value> first =
      choose(b, limitsRanks, {all.key, all.index}, [&]() -> SmallVector<Value> {
        Cut cut = cutTopK(topK);
        return {cut.key, cut.index};
      });
  Cut ranks{first[0], first[1]};
  SmallVector<Value> second =
      choose(b, b.compare(Compare::Less, topP, b.f32(1)),
             {ranks.key, ranks.index}, [&]() -> SmallVector<Value> {
               Cut cut = cutTopP(topP, ranks);
               return {cut.key, cut.index};
             });

  Value seed = scalarOf(op.getSeed()),
        counter = b.splat(scalarOf(op.getSampleIndex()), {1, 1});
  Value bits =
      tile::PhiloxOp::create(b, counter.getType(), seed, b.i32(0), counter);
  // 24 bits, exact in f32.
  Value high = arith::ShRUIOp::create(b, bits, b.splat(int32_t(8), {1, 1}));
  Value fraction = b.mulf(b.cast(high, b.getF32Type()), 0x1p-24f);
  Value uniform = tile::ToScalarOp::create(b, b.getF32Type(), fraction);
  return drawIndex(uniform, {second[0], second[1]});
}

LogicalResult SampleKernel::lower(StringRef name) {
  FailureOr<int64_t> warps = getConfigField(source, "warps");
  if (failed(warps))
    return failure();
  // Four f32 logits make a thread's widest access.
  static constexpr int64_t kVector = 4;
  KernelSignature signature(
      source, name,
      [](Value value) {
        return getTensorType(cast<RankedTensorType>(value.getType()));
      },
      b);
  tile::KernelOp kernel = signature.getKernel();
  kernel.setWarps(*warps);
  Operation *op = &source.getBlock().front();
  Value rowsOfLogits = op->getOperand(0);
  auto type = cast<RankedTensorType>(rowsOfLogits.getType());
  vocabulary = type.getDimSize(1);
  block = *warps * target::getDefaultTarget().threads.threadsPerWarp * kVector;
  kernel.setGridAttr(
      b.getArrayAttr({getSizeExpression(b.getContext(), xf::getDim(type, 0))}));

  logits = signature.getOperand(rowsOfLogits);
  row = tile::ProgramIdOp::create(b, b.getIndexType(), 0);
  Value token;
  if (auto sample = dyn_cast<xf::SampleOp>(op)) {
    temperature =
        b.loadScalar(signature.getOperand(sample.getTemperature()), {row});
    Value draws = b.compare(Compare::Greater, temperature, b.f32(0));
    auto choice =
        scf::IfOp::create(b, b.getI32Type(), draws, /*withElse=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    scf::YieldOp::create(b, draw(sample, signature));
    b.setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(b, greedy());
    token = choice.getResult(0);
    b.setInsertionPointAfter(choice);
    tile::StoreScalarOp::create(b, token, signature.getResult(0),
                                ValueRange{row});
    return success();
  }
  tile::StoreScalarOp::create(b, greedy(), signature.getResult(0),
                              ValueRange{row});
  return success();
}

LogicalResult lowerSample(xf::KernelOp source, StringRef name,
                          KernelBuilder &builder) {
  return SampleKernel(source, builder).lower(name);
}

} // namespace tilewright
