//===- KernelBody.h - Body of the step kernels, for one vector type -------===//
//
// Included by one file per instruction set, which defines the vector type `V`
// before and instantiates `makeKernels<V>()` after. Everything here is local to
// that file, because each is compiled for another instruction set.
//
// V offers: lanes, columnsAtOnce (what its registers hold), I (32-bit integers)
// and F (f32), each `lanes` wide; loads, stores and broadcasts of both; bit
// operations, add, sub, shiftLeft<N>, shiftRight<N>, sar<N>; maxLanes<W>,
// addLanes<W> (saturating for W = 8) and selectEqual<W> on lanes of W bits;
// selectLess; mul, truncate, toFloatTowardZero; outside, signBits and zeroBits,
// which give a bit a lane; clear; and the three fragment moves of StepKernels.
//
//===----------------------------------------------------------------------===//

#include "sim/tensor/StepKernels.h"

#if defined(__clang__)
#define TILEWRIGHT_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define TILEWRIGHT_ROLLED _Pragma("GCC unroll 1")
#endif

namespace tilewright::sim {
namespace {

/// How a kernel takes elements out of words. Elements are first moved to the
/// top of the 32 bits, so that their sign is f32's sign.
struct ElementCode {
  int bits;
  uint32_t magnitude;   ///< of the element at the top of a word
  int toF32;            ///< right shift that puts the exponent in place
  float scale;          ///< moves the exponent bias to f32's
  uint32_t packed;      ///< magnitudes of all elements of a word
  int fieldShift;       ///< from a packed magnitude to the exponent field
  uint32_t packedField; ///< exponent fields of all elements, after the shift
  int bias;
  bool hasInfinity; ///< specials have the top field, else all magnitude bits
};

constexpr ElementCode codeOf(MatrixType type) {
  switch (type) {
  case MatrixType::F16:
    return {16, 0x7fff0000, 3, 0x1p112f, 0x7fff7fff, 10, 0x001f001f, 15, true};
  case MatrixType::TF32:
    return {32, 0x7fffe000, 0, 1.0f, 0x7fffe000, 23, 0xff, 127, true};
  case MatrixType::E4M3:
    return {8, 0x7f000000, 4, 0x1p120f, 0x7f7f7f7f, 3, 0x0f0f0f0f, 7, false};
  case MatrixType::E5M2:
    return {8, 0x7f000000, 3, 0x1p112f, 0x7f7f7f7f, 2, 0x1f1f1f1f, 15, true};
  default:
    return {16, 0x7fff0000, 0, 1.0f, 0x7fff7fff, 7, 0x00ff00ff, 127, true};
  }
}

/// Exponents are kept in lanes as wide as the elements. 8 bits do not hold
/// -126, so there a zero is -60: still below the sum of any two exponents of
/// non-zero elements when added to either, and told apart again by `unpackMax`.
template <int W>
constexpr int packedZero = W == 8 ? -60 : zeroExponent;
template <int W>
constexpr int packedSpecial = W == 8 ? 127 : 1000;
/// Any exponent past the limits below; marks a lane that has special values.
constexpr int specialExponent = 1000;

/// Limits of maxExponent within which the f32 evaluation is exact: products and
/// scale factors stay normal where it matters, and no sum overflows.
constexpr int minSafeExponent = -101;
constexpr int maxSafeExponent = 125;

constexpr uint32_t f32Bias = 127;
constexpr int f32MantissaBits = 23;

template <int W>
constexpr uint32_t repeat(int value) {
  uint32_t lane = static_cast<uint32_t>(value) & (~0u >> (32 - W));
  uint32_t result = 0;
  for (int bit = 0; bit < 32; bit += W)
    result |= lane << bit;
  return result;
}

/// Packed exponents of one vector of words.
template <class V, MatrixType Type>
typename V::I exponentsOf(typename V::I words) {
  using I = typename V::I;
  constexpr ElementCode code = codeOf(Type);
  constexpr int W = code.bits;
  I magnitude = V::bitAnd(words, V::set1(code.packed));
  I field = V::bitAnd(V::template shiftRight<code.fieldShift>(magnitude),
                      V::set1(code.packedField));
  I atLeastOne = V::template maxLanes<W>(field, V::set1(repeat<W>(1)));
  I exponent =
      V::template addLanes<W>(atLeastOne, V::set1(repeat<W>(-code.bias)));
  // With an 8-bit exponent field, zeros get their exponent by themselves.
  if constexpr (1 - code.bias != packedZero<W>)
    exponent = V::template selectEqual<W>(
        magnitude, V::set1(0), V::set1(repeat<W>(packedZero<W>)), exponent);
  I special = V::set1(repeat<W>(packedSpecial<W>));
  if constexpr (code.hasInfinity)
    return V::template selectEqual<W>(field, V::set1(code.packedField), special,
                                      exponent);
  return V::template selectEqual<W>(magnitude, V::set1(code.packed), special,
                                    exponent);
}

/// Element `Index` of each word as f32, exactly.
template <class V, MatrixType Type, int Index>
typename V::F valuesOf(typename V::I words) {
  using I = typename V::I;
  constexpr ElementCode code = codeOf(Type);
  I top = V::template shiftLeft<32 - code.bits - Index * code.bits>(words);
  I sign = V::set1(0x80000000u);
  if constexpr (code.toF32 == 0)
    return V::asFloat(V::bitAnd(top, V::set1(code.magnitude | 0x80000000u)));
  I magnitude = V::template shiftRight<code.toF32>(
      V::bitAnd(top, V::set1(code.magnitude)));
  typename V::F scaled =
      V::mul(V::asFloat(magnitude), V::set1Float(code.scale));
  return V::asFloat(V::bitOr(V::asInt(scaled), V::bitAnd(top, sign)));
}

/// All elements of a vector of words; element i goes `stride` floats after
/// element i - 1.
template <class V, MatrixType Type>
void storeValues(typename V::I words, float *out, int stride) {
  constexpr int perWord = 32 / codeOf(Type).bits;
  V::storeFloat(out, valuesOf<V, Type, 0>(words));
  if constexpr (perWord >= 2)
    V::storeFloat(out + stride, valuesOf<V, Type, 1>(words));
  if constexpr (perWord == 4) {
    V::storeFloat(out + 2 * stride, valuesOf<V, Type, 2>(words));
    V::storeFloat(out + 3 * stride, valuesOf<V, Type, 3>(words));
  }
}

/// 8-bit lanes to the exponents that the rule gives: a lane that involves a
/// zero moves down to where -126 would have put it, one with a special value
/// up.
template <class V>
typename V::I fixByteExponent(typename V::I exponent) {
  constexpr int limit = 40; // sums of two finite exponents stay within +-30
  constexpr int down = packedZero<8> - zeroExponent;
  typename V::I low =
      V::selectLess(exponent, V::set1(static_cast<uint32_t>(-limit)),
                    V::sub(exponent, V::set1(down)), exponent);
  return V::selectLess(V::set1(limit), exponent, V::set1(specialExponent), low);
}

/// The largest of the packed maxima of each word, as a 32-bit exponent.
template <class V, int W>
typename V::I unpackMax(typename V::I packed) {
  using I = typename V::I;
  if constexpr (W == 32) {
    return packed;
  } else if constexpr (W == 16) {
    I low = V::template sar<16>(V::template shiftLeft<16>(packed));
    return V::template maxLanes<32>(low, V::template sar<16>(packed));
  } else {
    I first = V::template sar<24>(V::template shiftLeft<24>(packed));
    I second = V::template sar<24>(V::template shiftLeft<16>(packed));
    I third = V::template sar<24>(V::template shiftLeft<8>(packed));
    I fourth = V::template sar<24>(packed);
    return fixByteExponent<V>(
        V::template maxLanes<32>(V::template maxLanes<32>(first, second),
                                 V::template maxLanes<32>(third, fourth)));
  }
}

template <class V, MatrixType Type>
void decodeRowsAs(uint32_t signs, int words, RowBlock &rows) {
  using I = typename V::I;
  constexpr ElementCode code = codeOf(Type);
  constexpr int W = code.bits;
  rows.zeroRows = 0;
  for (int lane = 0; lane < blockRows; lane += V::lanes) {
    I maximum = V::set1(repeat<W>(packedZero<W>));
    I any = V::set1(0);
    for (int w = 0; w < words; ++w) {
      I raw = V::bitXor(V::load(&rows.words[w][lane]), V::set1(signs));
      I exponents = exponentsOf<V, Type>(raw);
      V::store(&rows.exponents[w][lane], exponents);
      maximum = V::template maxLanes<W>(maximum, exponents);
      any = V::bitOr(any, raw);
      storeValues<V, Type>(raw, &rows.values[0][w][lane],
                           maxStepWords * blockRows);
    }
    V::store(reinterpret_cast<uint32_t *>(&rows.maxExponent[lane]),
             unpackMax<V, W>(maximum));
    rows.zeroRows |= V::zeroBits(V::bitAnd(any, V::set1(code.packed))) << lane;
  }
}

/// Finds the columns of zeros, and orders the others first.
template <class V>
void orderColumns(uint32_t packed, int words, ColumnBlock &columns) {
  uint64_t zeros = 0;
  for (int entry = 0; entry < blockColumns * maxStepWords; entry += V::lanes) {
    uint64_t zeroEntries =
        V::zeroBits(V::bitAnd(V::load(&columns.words[entry]), V::set1(packed)));
    zeros |= zeroEntries << entry;
  }
  uint64_t used = (uint64_t{1} << words) - 1;
  int busy = 0, last = blockColumns;
  for (int j = 0; j < blockColumns; ++j) {
    bool zero = (~zeros >> (j * maxStepWords) & used) == 0;
    columns.order[zero ? --last : busy++] = j;
  }
  columns.busy = busy;
}

template <class V, MatrixType Type>
void decodeColumnsAs(uint32_t signs, int words, ColumnBlock &columns) {
  using I = typename V::I;
  orderColumns<V>(codeOf(Type).packed, words, columns);
  alignas(64) uint32_t compacted[blockColumns * maxStepWords];
  const uint32_t *source = columns.words;
  if (columns.busy != blockColumns) {
    for (int n = 0; n < blockColumns; ++n)
      for (int w = 0; w < maxStepWords; ++w)
        compacted[n * maxStepWords + w] =
            columns.words[columns.order[n] * maxStepWords + w];
    source = compacted;
  }
  for (int entry = 0; entry < columns.busy * maxStepWords; entry += V::lanes) {
    I raw = V::bitXor(V::load(source + entry), V::set1(signs));
    V::store(&columns.exponents[entry], exponentsOf<V, Type>(raw));
    storeValues<V, Type>(raw, &columns.values[0][entry],
                         maxStepWords * blockColumns);
  }
}

template <class V>
void decodeRows(const DotSpec &spec, RowBlock &rows) {
  uint32_t signs = spec.aSigns;
  switch (spec.aType) {
  case MatrixType::F16:
    return decodeRowsAs<V, MatrixType::F16>(signs, spec.stepWords, rows);
  case MatrixType::TF32:
    return decodeRowsAs<V, MatrixType::TF32>(signs, spec.stepWords, rows);
  case MatrixType::E4M3:
    return decodeRowsAs<V, MatrixType::E4M3>(signs, spec.stepWords, rows);
  case MatrixType::E5M2:
    return decodeRowsAs<V, MatrixType::E5M2>(signs, spec.stepWords, rows);
  default:
    return decodeRowsAs<V, MatrixType::BF16>(signs, spec.stepWords, rows);
  }
}

template <class V>
void decodeColumns(const DotSpec &spec, ColumnBlock &columns) {
  uint32_t signs = spec.bSigns;
  switch (spec.bType) {
  case MatrixType::F16:
    return decodeColumnsAs<V, MatrixType::F16>(signs, spec.stepWords, columns);
  case MatrixType::TF32:
    return decodeColumnsAs<V, MatrixType::TF32>(signs, spec.stepWords, columns);
  case MatrixType::E4M3:
    return decodeColumnsAs<V, MatrixType::E4M3>(signs, spec.stepWords, columns);
  case MatrixType::E5M2:
    return decodeColumnsAs<V, MatrixType::E5M2>(signs, spec.stepWords, columns);
  default:
    return decodeColumnsAs<V, MatrixType::BF16>(signs, spec.stepWords, columns);
  }
}

/// Redoes one lane with the scalar rule.
inline uint32_t scalarLane(const DotSpec &spec, const RowBlock &rows, int row,
                           const uint32_t *column, uint32_t accumulator) {
  uint32_t words[maxStepWords];
  for (int w = 0; w < spec.stepWords; ++w)
    words[w] = rows.words[w][row];
  return fusedDot(spec, words, column, accumulator);
}

/// One vector of rows against the columns of a block, by slot. Every column is
/// planned first: its largest exponents decide the quantum. Only then are the
/// products summed, so that one column's latency hides behind the others.
template <class V>
struct alignas(64) Plan {
  uint32_t exponents[blockColumns][V::lanes];
  uint32_t scales[blockColumns][V::lanes];
  uint32_t sums[blockColumns][V::lanes];
  uint32_t bad[blockColumns]; ///< lanes that the scalar rule must redo
};

/// The exponents of the accumulators as the rule takes them.
template <class V>
typename V::I accumulatorExponent(typename V::I c) {
  using I = typename V::I;
  I field =
      V::bitAnd(V::template shiftRight<f32MantissaBits>(c), V::set1(0xff));
  return V::sub(V::template maxLanes<32>(field, V::set1(1)), V::set1(f32Bias));
}

/// Plans one slot with accumulators `values`, whose products have the largest
/// exponents `exponent`; with `ZeroProducts` all of them are zero.
template <class V, bool ZeroProducts>
void planSlot(const DotSpec &spec, const uint32_t *values,
              typename V::I exponent, Plan<V> &plan, int slot) {
  using I = typename V::I;
  I c = V::load(values);
  exponent = V::template maxLanes<32>(exponent, accumulatorExponent<V>(c));
  plan.bad[slot] = V::outside(exponent, minSafeExponent, maxSafeExponent);
  if constexpr (ZeroProducts) {
    // Zero plus zero is zero with any quantum; take one that f32 can scale by.
    I magnitude = V::bitAnd(c, V::set1(0x7fffffffu));
    plan.bad[slot] &= ~V::zeroBits(magnitude) |
                      V::outside(exponent, 2 * zeroExponent, maxSafeExponent);
    exponent = V::template maxLanes<32>(
        exponent, V::set1(static_cast<uint32_t>(minSafeExponent)));
  }
  // Into quanta of 2^(exponent - fractionBits).
  I lift = V::set1(f32Bias + static_cast<uint32_t>(spec.fractionBits));
  I scale = V::template shiftLeft<f32MantissaBits>(V::sub(lift, exponent));
  V::store(plan.exponents[slot], exponent);
  V::store(plan.scales[slot], scale);
  V::store(plan.sums[slot],
           V::truncate(V::mul(V::asFloat(c), V::asFloat(scale))));
}

/// The largest exponents of the products of a vector of rows, given by its
/// packed exponents, with `Count` columns.
template <class V, int W, int Words, int Count>
void productExponents(const uint32_t *rows, const uint32_t *columns,
                      typename V::I *out) {
  using I = typename V::I;
  I maximum[Count];
  for (int n = 0; n < Count; ++n)
    maximum[n] = V::set1(repeat<W>(W == 8 ? -128 : 2 * zeroExponent));
  TILEWRIGHT_ROLLED
  for (int w = 0; w < Words; ++w) {
    I a = V::load(rows + w * blockRows);
    for (int n = 0; n < Count; ++n)
      maximum[n] = V::template maxLanes<W>(
          maximum[n],
          V::template addLanes<W>(a, V::set1(columns[n * maxStepWords + w])));
  }
  for (int n = 0; n < Count; ++n)
    out[n] = unpackMax<V, W>(maximum[n]);
}

/// Adds to each of `sums` the products of `Words` words with `Count` columns,
/// truncated. A function of its own, because its registers are just enough.
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

/// Sums the products of `Count` planned slots.
template <class V, int W, int Words, int Count>
[[gnu::noinline]] void sumSlots(const float *a, const float *b, Plan<V> &plan,
                                int slot) {
  using I = typename V::I;
  using F = typename V::F;
  constexpr int perWord = 32 / W;
  constexpr int elementValues = maxStepWords * blockRows;
  constexpr int columnValues = maxStepWords * blockColumns;
  // Half of the terms at a time: neither half can leave 32 bits.
  I first[Count], second[Count];
  F scales[Count];
  for (int n = 0; n < Count; ++n) {
    first[n] = V::load(plan.sums[slot + n]);
    second[n] = V::set1(0);
    scales[n] = V::asFloat(V::load(plan.scales[slot + n]));
  }
  if constexpr (perWord == 1) {
    addProducts<V, Words / 2, Count>(a, b, scales, first);
    addProducts<V, Words / 2, Count>(a + Words / 2 * blockRows, b + Words / 2,
                                     scales, second);
  } else {
    for (int i = 0; i < perWord / 2; ++i)
      addProducts<V, Words, Count>(a + i * elementValues, b + i * columnValues,
                                   scales, first);
    for (int i = perWord / 2; i < perWord; ++i)
      addProducts<V, Words, Count>(a + i * elementValues, b + i * columnValues,
                                   scales, second);
  }
  for (int n = 0; n < Count; ++n) {
    I total = V::add(first[n], second[n]);
    plan.bad[slot + n] |= V::signBits(
        V::andNot(V::bitXor(first[n], second[n]), V::bitXor(first[n], total)));
    V::store(plan.sums[slot + n], total);
  }
}

/// Everything about one block, for the functions that need most of it.
struct BlockOperands {
  const DotSpec &spec;
  const RowBlock &rows;
  const ColumnBlock &columns;
  AccumulatorBlock &accumulators;
};

/// Rewrites the lanes of slot `slot` that the f32 evaluation got wrong, from
/// `before`, the accumulators as they were. In `zeroLanes` all products are
/// zero.
template <class V>
[[gnu::noinline]] void repairLanes(const BlockOperands &block,
                                   const Plan<V> &plan, int slot, int lane,
                                   uint32_t zeroLanes, const uint32_t *before) {
  using I = typename V::I;
  int j = block.columns.order[slot];
  uint32_t *values = &block.accumulators.values[j][lane];
  // Zero times anything finite, added to zero, is zero.
  I magnitude = V::bitAnd(V::load(before), V::set1(0x7fffffffu));
  uint32_t low = V::outside(V::load(plan.exponents[slot]), minSafeExponent,
                            2 * specialExponent);
  uint32_t zero = plan.bad[slot] & zeroLanes & low & V::zeroBits(magnitude);
  V::store(values, V::clear(V::load(values), zero));
  for (uint32_t left = plan.bad[slot] & ~zero; left != 0; left &= left - 1) {
    int i = __builtin_ctz(left);
    values[i] = scalarLane(block.spec, block.rows, lane + i,
                           &block.columns.words[j * maxStepWords], before[i]);
  }
}

/// Rounds the sums of every slot into the accumulators.
template <class V>
void finishSlots(const BlockOperands &block, const Plan<V> &plan, int lane,
                 uint32_t zeroRows) {
  using I = typename V::I;
  using F = typename V::F;
  const DotSpec &spec = block.spec;
  uint32_t dropped = spec.result == DotResult::F32Short
                         ? f32MantissaBits - shortFractionBits
                         : 0;
  I kept = V::set1(~((1u << dropped) - 1));
  I drop = V::set1(f32Bias - static_cast<uint32_t>(spec.fractionBits));
  for (int slot = 0; slot < blockColumns; ++slot) {
    uint32_t *values =
        &block.accumulators.values[block.columns.order[slot]][lane];
    I exponent = V::load(plan.exponents[slot]);
    F unscale = V::asFloat(
        V::template shiftLeft<f32MantissaBits>(V::add(exponent, drop)));
    F result = V::mul(V::toFloatTowardZero(V::load(plan.sums[slot])), unscale);
    I before = V::load(values);
    V::store(values, V::bitAnd(V::asInt(result), kept));
    if (__builtin_expect(plan.bad[slot] != 0, 0)) {
      uint32_t accumulators[V::lanes];
      V::store(accumulators, before);
      bool zeroColumn = slot >= block.columns.busy;
      repairLanes<V>(block, plan, slot, lane, zeroColumn ? ~0u : zeroRows,
                     accumulators);
    }
  }
}

template <class V, int W, int Words>
void planSlots(const BlockOperands &block, int lane, Plan<V> &plan) {
  using I = typename V::I;
  constexpr int group = V::columnsAtOnce;
  const ColumnBlock &columns = block.columns;
  auto accumulators = [&](int slot) {
    return &block.accumulators.values[columns.order[slot]][lane];
  };
  // Slots past the busy ones may be computed too; they are planned again below.
  for (int slot = 0; slot < columns.busy; slot += group) {
    I exponents[group];
    productExponents<V, W, Words, group>(
        &block.rows.exponents[0][lane], &columns.exponents[slot * maxStepWords],
        exponents);
    for (int n = 0; n < group; ++n)
      planSlot<V, false>(block.spec, accumulators(slot + n), exponents[n], plan,
                         slot + n);
  }
  I rows = V::load(
      reinterpret_cast<const uint32_t *>(&block.rows.maxExponent[lane]));
  I exponent = V::add(rows, V::set1(static_cast<uint32_t>(zeroExponent)));
  for (int slot = columns.busy; slot < blockColumns; ++slot)
    planSlot<V, true>(block.spec, accumulators(slot), exponent, plan, slot);
}

template <class V, int W, int Words>
void multiplyAs(const DotSpec &spec, const RowBlock &rows,
                const ColumnBlock &columns, AccumulatorBlock &accumulators) {
  constexpr uint32_t allLanes = V::lanes == 32 ? ~0u : (1u << V::lanes) - 1;
  constexpr int group = V::columnsAtOnce;
  BlockOperands block = {spec, rows, columns, accumulators};
  for (int lane = 0; lane < blockRows; lane += V::lanes) {
    uint32_t zeroRows = (rows.zeroRows >> lane) & allLanes;
    Plan<V> plan;
    planSlots<V, W, Words>(block, lane, plan);
    if (zeroRows != allLanes) {
      const float *a = &rows.values[0][0][lane];
      const float *b = columns.values[0];
      int slot = 0;
      for (; slot + group <= columns.busy; slot += group)
        sumSlots<V, W, Words, group>(a, b + slot * maxStepWords, plan, slot);
      for (; slot < columns.busy; ++slot)
        sumSlots<V, W, Words, 1>(a, b + slot * maxStepWords, plan, slot);
    }
    finishSlots<V>(block, plan, lane, zeroRows);
  }
}

template <class V, int W>
void multiplyWidth(const DotSpec &spec, const RowBlock &rows,
                   const ColumnBlock &columns, AccumulatorBlock &accumulators) {
  if (spec.stepWords == maxStepWords)
    multiplyAs<V, W, maxStepWords>(spec, rows, columns, accumulators);
  else
    multiplyAs<V, W, maxStepWords / 2>(spec, rows, columns, accumulators);
}

template <class V>
void multiply(const DotSpec &spec, const RowBlock &rows,
              const ColumnBlock &columns, AccumulatorBlock &accumulators) {
  int bits = bitsOf(spec.aType);
  if (bits == 8)
    multiplyWidth<V, 8>(spec, rows, columns, accumulators);
  else if (bits == 16)
    multiplyWidth<V, 16>(spec, rows, columns, accumulators);
  else
    multiplyWidth<V, 32>(spec, rows, columns, accumulators);
}

template <class V>
constexpr StepKernels makeKernels(const char *name) {
  return {name,      decodeRows<V>,   decodeColumns<V>, multiply<V>,
          V::gather, V::gatherChunks, V::scatter};
}

} // namespace
} // namespace tilewright::sim
