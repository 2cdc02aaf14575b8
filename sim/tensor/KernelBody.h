//===- KernelBody.h - Body of the step kernels, for one vector type -------===//
//
// Included by one file per instruction set, which defines the vector type `V`
// before and instantiates `makeKernels<V>()` after. Everything here is local to
// that file, because each is compiled for another instruction set.
//
// V offers: lanes and allLanes (a bit for each), columnsAtOnce (what its
// registers hold), I (32-bit integers) and F (f32), each `lanes` wide; loads,
// stores and broadcasts of both; bit operations, add, sub, shiftLeft<N>,
// shiftRight<N>, absolute; addLanes<W>, maxLanes<W> (unsigned) and
// selectEqual<W> on lanes of W bits; selectLess (signed); mul, truncate,
// toFloatTowardZero; outside (unsigned) and zeroBits, which give a bit a lane;
// clear; and the four fragment moves of StepKernels.
//
//===----------------------------------------------------------------------===//

#include "sim/tensor/KernelDecode.h"

#if defined(__clang__)
#define TILEWRIGHT_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define TILEWRIGHT_ROLLED _Pragma("GCC unroll 1")
#endif

namespace tilewright::sim {
namespace {

/// An exponent of a product as the kernels keep it: with twice f32's bias,
/// where f32 has its exponent.
constexpr uint32_t productField(int exponent) {
  return (static_cast<uint32_t>(exponent) + 2 * f32Bias) << f32MantissaBits;
}

/// Limits of maxExponent within which the f32 evaluation is exact: products and
/// scale factors stay normal where it matters, and no sum overflows.
constexpr uint32_t minSafeField = productField(-101);
constexpr uint32_t maxSafeField = productField(125);

/// Largest magnitude of a wrapped sum that cannot come from an overflow.
/// Sixteen products below 2^27 and an accumulator below 2^26 stay under 2^31 +
/// 2^26.
constexpr uint32_t maxSafeSum = (1u << 31) - (1u << 26);

/// Everything about one block of f32 accumulators.
struct BlockOperands {
  const DotSpec &spec;
  const RowBlock &rows;
  const ColumnBlock &columns;
  const AccumulatorBlock &before;
  AccumulatorBlock &after;
};

/// One vector of rows against the columns of a block, by slot: the product
/// fields of the largest exponents, which decide the quanta. Every column is
/// planned before the products are summed, so that one column's latency hides
/// behind the others. Nothing else is kept: a machine holds few stores in
/// flight, and looks ahead no further than they reach.
template <class V>
struct alignas(64) Plan {
  uint32_t fields[blockColumns][V::lanes];
};

/// The largest fields and overflows of all slots: mostly one look at them shows
/// that there is nothing to repair.
template <class V>
struct Watch {
  typename V::I fields = V::set1(0);
  typename V::I overflows = V::set1(0);

  void addField(typename V::I field) {
    fields =
        V::template maxLanes<32>(fields, V::sub(field, V::set1(minSafeField)));
  }
  void addOverflow(typename V::I overflow) {
    overflows = V::template maxLanes<32>(overflows, overflow);
  }
  uint32_t overflowLanes() const { return V::above(overflows, maxSafeSum); }
  bool suspects() const {
    return (V::above(fields, maxSafeField - minSafeField) | overflowLanes()) !=
           0;
  }
};

/// Plans one slot with accumulators `c`, whose products have the largest field
/// `field`, with anything below it. With `ZeroProducts` all of them are zero.
template <class V, bool ZeroProducts>
void planSlot(typename V::I c, typename V::I field, Plan<V> &plan, int slot,
              Watch<V> &watch) {
  using I = typename V::I;
  // A subnormal comes out one too low here, which is out of the limits anyway.
  I magnitude = V::bitAnd(c, V::set1(f32Magnitude));
  field = V::template maxLanes<32>(
      field, V::add(magnitude, V::set1(f32Bias << f32MantissaBits)));
  field = V::bitAnd(field, V::set1(~0u << f32MantissaBits));
  // Zero plus zero is zero with any quantum; take one that f32 can scale by.
  if constexpr (ZeroProducts)
    field = V::template selectEqual<32>(
        magnitude, V::set1(0),
        V::template maxLanes<32>(field, V::set1(minSafeField)), field);
  watch.addField(field);
  V::store(plan.fields[slot], field);
}

/// The largest fields of the products of a vector of rows, given by its packed
/// exponents, with `Count` columns, with anything below them.
template <class V, int W, int Words, int Count>
void productFields(const uint32_t *rows, const uint32_t *columns,
                   typename V::I *out) {
  using I = typename V::I;
  I maximum[Count];
  for (int n = 0; n < Count; ++n)
    maximum[n] = V::set1(0);
  TILEWRIGHT_ROLLED
  for (int w = 0; w < Words; ++w) {
    I a = V::load(rows + w * blockRows);
    for (int n = 0; n < Count; ++n)
      maximum[n] = V::template maxLanes<W>(
          maximum[n],
          V::template addLanes<W>(a, V::set1(columns[n * maxStepWords + w])));
  }
  for (int n = 0; n < Count; ++n)
    out[n] = unpackMax<V, W, 2>(maximum[n]);
}

template <class V, int W, int Words, bool ZeroRows>
void planSlots(const BlockOperands &block, int lane, Plan<V> &plan,
               Watch<V> &watch) {
  using I = typename V::I;
  constexpr int group = V::columnsAtOnce;
  const ColumnBlock &columns = block.columns;
  auto accumulators = [&](int slot) {
    return V::load(&block.before.values[columns.order[slot]][lane]);
  };
  int slot = 0;
  for (; slot + group <= columns.busy; slot += group) {
    I fields[group];
    productFields<V, W, Words, group>(&block.rows.exponents[0][lane],
                                      &columns.exponents[slot * maxStepWords],
                                      fields);
    for (int n = 0; n < group; ++n)
      planSlot<V, ZeroRows>(accumulators(slot + n), fields[n], plan, slot + n,
                            watch);
  }
  for (; slot < columns.busy; ++slot) {
    I field;
    productFields<V, W, Words, 1>(&block.rows.exponents[0][lane],
                                  &columns.exponents[slot * maxStepWords],
                                  &field);
    planSlot<V, ZeroRows>(accumulators(slot), field, plan, slot, watch);
  }
  constexpr uint32_t zeroField = (f32Bias + zeroExponent) << f32MantissaBits;
  I field = V::add(V::load(&block.rows.maxExponent[lane]), V::set1(zeroField));
  for (; slot < blockColumns; ++slot)
    planSlot<V, true>(accumulators(slot), field, plan, slot, watch);
}

/// Adds to each of `sums` the products of `Words` words with `Count` columns,
/// truncated.
template <class V, int Words, int Count>
void addProducts(const float *a, const float *b, const typename V::F *scales,
                 typename V::I *sums) {
  using F = typename V::F;
  TILEWRIGHT_ROLLED
  for (int w = 0; w < Words; ++w) {
    F row = V::loadFloat(a + w * blockRows);
    for (int n = 0; n < Count; ++n) {
      F product = V::mul(row, V::set1Float(b[n * maxStepWords + w]));
      sums[n] = V::add(sums[n], V::truncate(V::mul(product, scales[n])));
    }
  }
}

/// Adds all products of `Count` slots to `sums`, and gives for each slot what
/// is above maxSafeSum where the sum may have left 32 bits.
template <class V, int W, int Words, int Count>
void addAllProducts(const float *a, const float *b, const typename V::F *scales,
                    typename V::I *sums, typename V::I *overflows) {
  using I = typename V::I;
  constexpr int perWord = 32 / W;
  constexpr int elementValues = maxStepWords * blockRows;
  constexpr int columnValues = maxStepWords * blockColumns;
  constexpr int atOnce = perWord < 2 ? perWord : 2;
  for (int i = 0; i < atOnce; ++i)
    addProducts<V, Words, Count>(a + i * elementValues, b + i * columnValues,
                                 scales, sums);
  if constexpr (perWord == atOnce) {
    for (int n = 0; n < Count; ++n)
      overflows[n] = V::absolute(sums[n]);
    return;
  }
  // 32 products may go round further: two halves, which cannot.
  I second[Count];
  for (int n = 0; n < Count; ++n)
    second[n] = V::set1(0);
  for (int i = atOnce; i < perWord; ++i)
    addProducts<V, Words, Count>(a + i * elementValues, b + i * columnValues,
                                 scales, second);
  for (int n = 0; n < Count; ++n) {
    I total = V::add(sums[n], second[n]);
    I flipped =
        V::andNot(V::bitXor(sums[n], second[n]), V::bitXor(sums[n], total));
    overflows[n] = V::template maxLanes<32>(
        V::absolute(total), V::bitAnd(flipped, V::set1(~f32Magnitude)));
    sums[n] = total;
  }
}

/// Rounds the sum of a slot into its accumulators.
template <class V, int W>
void finishSlot(const BlockOperands &block, const Plan<V> &plan, int slot,
                int lane, typename V::I sum) {
  using I = typename V::I;
  uint32_t fraction = static_cast<uint32_t>(block.spec.fractionBits);
  I drop = V::set1((f32Bias + fraction) << f32MantissaBits);
  I unscale = V::sub(V::load(plan.fields[slot]), drop);
  I result = V::asInt(V::mul(V::toFloatTowardZero(sum), V::asFloat(unscale)));
  if constexpr (W == 8)
    if (block.spec.result == DotResult::F32Short)
      result = V::bitAnd(result,
                         V::set1(~0u << (f32MantissaBits - shortFractionBits)));
  V::store(&block.after.values[block.columns.order[slot]][lane], result);
}

/// Sums the products of `Count` planned slots and rounds them. With
/// `ZeroProducts` there is only the accumulator.
template <class V, int W, int Words, int Count, bool ZeroProducts>
void sumSlots(const BlockOperands &block, const Plan<V> &plan, int slot,
              int lane, Watch<V> &watch) {
  using I = typename V::I;
  using F = typename V::F;
  uint32_t fraction = static_cast<uint32_t>(block.spec.fractionBits);
  I lift = V::set1((3 * f32Bias + fraction) << f32MantissaBits);
  I sums[Count], overflows[Count];
  F scales[Count];
  for (int n = 0; n < Count; ++n) {
    int j = block.columns.order[slot + n];
    scales[n] = V::asFloat(V::sub(lift, V::load(plan.fields[slot + n])));
    sums[n] = V::truncate(
        V::mul(V::asFloat(V::load(&block.before.values[j][lane])), scales[n]));
  }
  if constexpr (!ZeroProducts) {
    addAllProducts<V, W, Words, Count>(
        &block.rows.values[0][0][lane],
        &block.columns.values[0][slot * maxStepWords], scales, sums, overflows);
    for (int n = 0; n < Count; ++n)
      watch.addOverflow(overflows[n]);
  }
  for (int n = 0; n < Count; ++n)
    finishSlot<V, W>(block, plan, slot + n, lane, sums[n]);
}

/// Redoes one lane with the scalar rule.
inline uint32_t scalarLane(const DotSpec &spec, const RowBlock &rows, int row,
                           const uint32_t *column, uint32_t accumulator) {
  uint32_t words[maxStepWords];
  for (int w = 0; w < spec.stepWords; ++w)
    words[w] = rows.words[w][row];
  return fusedDot(spec, words, column, accumulator);
}

/// Rewrites the lanes that the f32 evaluation got wrong. In `zeroRows` all
/// products are zero, and `badRows` are to be redone in any case.
template <class V>
[[gnu::noinline]] void repairSlots(const BlockOperands &block,
                                   const Plan<V> &plan, int lane,
                                   uint32_t zeroRows, uint32_t badRows) {
  using I = typename V::I;
  const ColumnBlock &columns = block.columns;
  for (int slot = 0; slot < blockColumns; ++slot) {
    int j = columns.order[slot];
    const uint32_t *before = &block.before.values[j][lane];
    uint32_t *after = &block.after.values[j][lane];
    bool special = slot < columns.busy && (columns.specialSlots >> slot) & 1;
    uint32_t badLanes = special ? V::allLanes : badRows;
    uint32_t zeroLanes = slot < columns.busy ? zeroRows : V::allLanes;
    I field = V::load(plan.fields[slot]);
    uint32_t high = V::above(field, maxSafeField);
    uint32_t low = V::below(field, minSafeField);
    // Zero times anything finite, added to zero, is zero.
    I magnitude = V::bitAnd(V::load(before), V::set1(f32Magnitude));
    uint32_t zero = low & zeroLanes & ~badLanes & V::zeroBits(magnitude);
    V::store(after, V::clear(V::load(after), zero));
    uint32_t bad = high | low | badLanes;
    for (uint32_t left = bad & ~zero; left != 0; left &= left - 1) {
      int i = __builtin_ctz(left);
      after[i] = scalarLane(block.spec, block.rows, lane + i,
                            &columns.words[j * maxStepWords], before[i]);
    }
  }
}

template <class V, int W, int Words>
void multiplyLanes(const BlockOperands &block, int lane) {
  constexpr int group = V::columnsAtOnce;
  const ColumnBlock &columns = block.columns;
  uint32_t zeroRows = (block.rows.zeroRows >> lane) & V::allLanes;
  uint32_t specialRows = (block.rows.specialRows >> lane) & V::allLanes;
  Plan<V> plan;
  Watch<V> watch;
  int slot = 0;
  if (zeroRows == V::allLanes) {
    planSlots<V, W, Words, true>(block, lane, plan, watch);
  } else {
    planSlots<V, W, Words, false>(block, lane, plan, watch);
    for (; slot + group <= columns.busy; slot += group)
      sumSlots<V, W, Words, group, false>(block, plan, slot, lane, watch);
    for (; slot < columns.busy; ++slot)
      sumSlots<V, W, Words, 1, false>(block, plan, slot, lane, watch);
  }
  for (; slot < blockColumns; ++slot)
    sumSlots<V, W, Words, 1, true>(block, plan, slot, lane, watch);
  if (__builtin_expect(
          (specialRows | columns.specialSlots) != 0 || watch.suspects(), 0))
    repairSlots<V>(block, plan, lane, zeroRows,
                   specialRows | watch.overflowLanes());
}

/// Accumulators from a warp's registers to columns, and back.
template <class V>
void gatherColumns(const uint32_t *const *registers, AccumulatorBlock &block) {
  auto &values = block.values;
  uint32_t *const even[4] = {values[0], values[2], values[4], values[6]};
  uint32_t *const odd[4] = {values[1], values[3], values[5], values[7]};
  V::gather(registers[0], registers[2], even);
  V::gather(registers[1], registers[3], odd);
}

template <class V>
void scatterColumns(const AccumulatorBlock &block, uint32_t *const *registers) {
  const auto &values = block.values;
  const uint32_t *const even[4] = {values[0], values[2], values[4], values[6]};
  const uint32_t *const odd[4] = {values[1], values[3], values[5], values[7]};
  V::scatter(even, registers[0], registers[2]);
  V::scatter(odd, registers[1], registers[3]);
}

template <class V, int W, int Words>
void multiplyAs(const DotSpec &spec, const RowBlock &rows,
                const ColumnBlock &columns, const uint32_t *const *from,
                uint32_t *const *to) {
  AccumulatorBlock before, after;
  if (from)
    gatherColumns<V>(from, before);
  else
    std::memset(&before, 0, sizeof(before));
  for (int lane = 0; lane < blockRows; lane += V::lanes)
    multiplyLanes<V, W, Words>({spec, rows, columns, before, after}, lane);
  scatterColumns<V>(after, to);
}

template <class V, int W>
void multiplyWidth(const DotSpec &spec, const RowBlock &rows,
                   const ColumnBlock &columns, const uint32_t *const *from,
                   uint32_t *const *to) {
  if (spec.stepWords == maxStepWords)
    multiplyAs<V, W, maxStepWords>(spec, rows, columns, from, to);
  else
    multiplyAs<V, W, maxStepWords / 2>(spec, rows, columns, from, to);
}

template <class V>
void multiply(const DotSpec &spec, const RowBlock &rows,
              const ColumnBlock &columns, const uint32_t *const *from,
              uint32_t *const *to) {
  int bits = bitsOf(spec.aType);
  if (bits == 8)
    multiplyWidth<V, 8>(spec, rows, columns, from, to);
  else if (bits == 16)
    multiplyWidth<V, 16>(spec, rows, columns, from, to);
  else
    multiplyWidth<V, 32>(spec, rows, columns, from, to);
}

template <class V>
constexpr StepKernels makeKernels(const char *name) {
  return {name,      decodeRows<V>,   decodeColumns<V>, multiply<V>,
          V::gather, V::gatherChunks, V::joinChunks,    V::scatter};
}

} // namespace
} // namespace tilewright::sim
