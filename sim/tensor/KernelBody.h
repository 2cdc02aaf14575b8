//===- KernelBody.h - Body of the step kernels, for one vector type -------===//
//
// Included by one file per instruction set, which defines the vector type `V`
// before and instantiates `makeKernels<V>()` after. Everything here is local to
// that file, because each is compiled for another instruction set.
//
// V offers: lanes, I (32-bit integers), F (f32); load, store, set1, and, or,
// xor, andNot, add, sub, shl, shr, sar, maxLanes<W>, addLanes<W> (saturating
// for W = 8), selectEqual<W>, mul, truncate, toFloatTowardZero, outside,
// signBits, zeroBits, selectLess, clear, gather, scatter.
//
//===----------------------------------------------------------------------===//

#include "sim/tensor/StepKernels.h"

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
  uint32_t lane =
      static_cast<uint32_t>(value) & (W == 32 ? ~0u : (1u << W) - 1);
  uint32_t result = 0;
  for (int bit = 0; bit < 32; bit += W)
    result |= lane << bit;
  return result;
}

/// Packed exponents of one vector of words.
template <class V, int W>
typename V::I exponentsOf(const ElementCode &code, typename V::I words) {
  using I = typename V::I;
  I magnitude = V::bitAnd(words, V::set1(code.packed));
  I field =
      V::bitAnd(V::shr(magnitude, code.fieldShift), V::set1(code.packedField));
  I atLeastOne = V::template maxLanes<W>(field, V::set1(repeat<W>(1)));
  I exponent =
      V::template addLanes<W>(atLeastOne, V::set1(repeat<W>(-code.bias)));
  exponent = V::template selectEqual<W>(
      magnitude, V::set1(0), V::set1(repeat<W>(packedZero<W>)), exponent);
  I special = V::set1(repeat<W>(packedSpecial<W>));
  if (code.hasInfinity)
    return V::template selectEqual<W>(field, V::set1(code.packedField), special,
                                      exponent);
  return V::template selectEqual<W>(magnitude, V::set1(code.packed), special,
                                    exponent);
}

/// Element `index` of each word as f32, exactly.
template <class V>
typename V::F valuesOf(const ElementCode &code, typename V::I words,
                       int index) {
  using I = typename V::I;
  I top = V::shl(words, 32 - code.bits - index * code.bits);
  I magnitude = V::shr(V::bitAnd(top, V::set1(code.magnitude)), code.toF32);
  I sign = V::bitAnd(top, V::set1(0x80000000u));
  typename V::F scaled =
      V::mul(V::asFloat(magnitude), V::set1Float(code.scale));
  return V::asFloat(V::bitOr(V::asInt(scaled), sign));
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
  I result = V::template sar<32 - W>(V::shl(packed, 32 - W));
  if constexpr (W <= 16)
    result = V::template maxLanes<32>(
        result, V::template sar<32 - W>(V::shl(packed, W == 16 ? 0 : 16)));
  if constexpr (W == 8) {
    I third = V::template sar<24>(V::shl(packed, 8));
    I fourth = V::template sar<24>(packed);
    result = V::template maxLanes<32>(result,
                                      V::template maxLanes<32>(third, fourth));
    result = fixByteExponent<V>(result);
  }
  return result;
}

template <class V, int W>
void decodeRowsAs(const ElementCode &code, uint32_t signs, int words,
                  RowBlock &rows) {
  using I = typename V::I;
  rows.zeroRows = 0;
  for (int lane = 0; lane < blockRows; lane += V::lanes) {
    I maximum = V::set1(repeat<W>(packedZero<W>));
    I any = V::set1(0);
    for (int w = 0; w < words; ++w) {
      I raw = V::bitXor(V::load(&rows.words[w][lane]), V::set1(signs));
      I exponents = exponentsOf<V, W>(code, raw);
      V::store(&rows.exponents[w][lane], exponents);
      maximum = V::template maxLanes<W>(maximum, exponents);
      any = V::bitOr(any, V::bitAnd(raw, V::set1(code.packed)));
      for (int i = 0; i < 32 / W; ++i)
        V::storeFloat(&rows.values[i][w][lane], valuesOf<V>(code, raw, i));
    }
    V::store(reinterpret_cast<uint32_t *>(&rows.maxExponent[lane]),
             unpackMax<V, W>(maximum));
    rows.zeroRows |= V::zeroBits(any) << lane;
  }
}

template <class V, int W>
void decodeColumnsAs(const ElementCode &code, uint32_t signs, int words,
                     ColumnBlock &columns) {
  using I = typename V::I;
  for (int entry = 0; entry < blockColumns * maxStepWords; entry += V::lanes) {
    I raw = V::bitXor(V::load(&columns.words[entry]), V::set1(signs));
    V::store(&columns.exponents[entry], exponentsOf<V, W>(code, raw));
    for (int i = 0; i < 32 / W; ++i)
      V::storeFloat(&columns.values[i][entry], valuesOf<V>(code, raw, i));
  }
  columns.zeroColumns = 0;
  for (int j = 0; j < blockColumns; ++j) {
    uint32_t any = 0;
    for (int w = 0; w < words; ++w)
      any |= columns.words[j * maxStepWords + w] & code.packed;
    columns.zeroColumns |= static_cast<uint32_t>(any == 0) << j;
  }
}

template <class V>
void decodeRows(const DotSpec &spec, RowBlock &rows) {
  ElementCode code = codeOf(spec.aType);
  if (code.bits == 8)
    decodeRowsAs<V, 8>(code, spec.aSigns, spec.stepWords, rows);
  else if (code.bits == 16)
    decodeRowsAs<V, 16>(code, spec.aSigns, spec.stepWords, rows);
  else
    decodeRowsAs<V, 32>(code, spec.aSigns, spec.stepWords, rows);
}

template <class V>
void decodeColumns(const DotSpec &spec, ColumnBlock &columns) {
  ElementCode code = codeOf(spec.bType);
  if (code.bits == 8)
    decodeColumnsAs<V, 8>(code, spec.bSigns, spec.stepWords, columns);
  else if (code.bits == 16)
    decodeColumnsAs<V, 16>(code, spec.bSigns, spec.stepWords, columns);
  else
    decodeColumnsAs<V, 32>(code, spec.bSigns, spec.stepWords, columns);
}

/// Redoes one lane with the scalar rule.
inline uint32_t scalarLane(const DotSpec &spec, const RowBlock &rows, int row,
                           const uint32_t *column, uint32_t accumulator) {
  uint32_t words[maxStepWords];
  for (int w = 0; w < spec.stepWords; ++w)
    words[w] = rows.words[w][row];
  return fusedDot(spec, words, column, accumulator);
}

/// The largest exponent of the products of each lane with column `j`.
template <class V, int W, int Words>
typename V::I productExponent(const RowBlock &rows, const uint32_t *exponents,
                              int lane) {
  using I = typename V::I;
  I maximum = V::template addLanes<W>(V::load(&rows.exponents[0][lane]),
                                      V::set1(exponents[0]));
  for (int w = 1; w < Words; ++w)
    maximum = V::template maxLanes<W>(
        maximum, V::template addLanes<W>(V::load(&rows.exponents[w][lane]),
                                         V::set1(exponents[w])));
  return unpackMax<V, W>(maximum);
}

/// Rewrites the lanes of `bad`; the others keep what the kernel stored.
inline void repairLanes(const DotSpec &spec, const RowBlock &rows, int lane,
                        const uint32_t *column, uint32_t bad,
                        const uint32_t *before, uint32_t *values) {
  for (; bad != 0; bad &= bad - 1) {
    int offset = __builtin_ctz(bad);
    values[offset] =
        scalarLane(spec, rows, lane + offset, column, before[offset]);
  }
}

/// One vector of rows times one column. Without `Products` every product is
/// known to be zero and only the accumulator is aligned.
template <class V, int W, int Words, bool Products>
void multiplyLanes(const DotSpec &spec, const RowBlock &rows, int lane,
                   const ColumnBlock &columns, int j, typename V::I exponent,
                   uint32_t zeroLanes, uint32_t *values) {
  using I = typename V::I;
  using F = typename V::F;
  constexpr int perWord = 32 / W;
  I c = V::load(values);
  I field = V::bitAnd(V::shr(c, f32MantissaBits), V::set1(0xff));
  I cExponent =
      V::sub(V::template maxLanes<32>(field, V::set1(1)), V::set1(f32Bias));
  exponent = V::template maxLanes<32>(exponent, cExponent);
  uint32_t bad = V::outside(exponent, minSafeExponent, maxSafeExponent);

  // Quanta of 2^(exponent - fractionBits), and back.
  uint32_t lift = f32Bias + static_cast<uint32_t>(spec.fractionBits);
  uint32_t drop = f32Bias - static_cast<uint32_t>(spec.fractionBits);
  F scale =
      V::asFloat(V::shl(V::sub(V::set1(lift), exponent), f32MantissaBits));
  F unscale =
      V::asFloat(V::shl(V::add(exponent, V::set1(drop)), f32MantissaBits));

  I sum = V::truncate(V::mul(V::asFloat(c), scale));
  if constexpr (Products) {
    // Half of the terms each: neither half can leave 32 bits.
    const float *b = &columns.values[0][j * maxStepWords];
    I half[2] = {sum, V::set1(0)};
    for (int i = 0; i < perWord; ++i) {
      for (int w = 0; w < Words; ++w) {
        F product =
            V::mul(V::loadFloat(&rows.values[i][w][lane]),
                   V::set1Float(b[i * blockColumns * maxStepWords + w]));
        I &part = half[2 * (i * Words + w) >= perWord * Words];
        part = V::add(part, V::truncate(V::mul(product, scale)));
      }
    }
    sum = V::add(half[0], half[1]);
    bad |= V::signBits(
        V::andNot(V::bitXor(half[0], half[1]), V::bitXor(half[0], sum)));
  }
  F result = V::mul(V::toFloatTowardZero(sum), unscale);
  I bits = V::asInt(result);
  if (spec.result == DotResult::F32Short)
    bits = V::bitAnd(
        bits, V::set1(~((1u << (f32MantissaBits - shortFractionBits)) - 1)));
  if (__builtin_expect(bad == 0, 1)) {
    V::store(values, bits);
    return;
  }
  // Zero times anything finite, added to zero, is zero.
  uint32_t zero = bad & zeroLanes &
                  V::outside(exponent, minSafeExponent, 2000) &
                  V::zeroBits(V::bitAnd(c, V::set1(0x7fffffffu)));
  uint32_t before[V::lanes];
  V::store(before, c);
  V::store(values, V::clear(bits, zero));
  repairLanes(spec, rows, lane, &columns.words[j * maxStepWords], bad & ~zero,
              before, values);
}

template <class V, int W, int Words>
void multiplyAs(const DotSpec &spec, const RowBlock &rows,
                const ColumnBlock &columns, AccumulatorBlock &accumulators) {
  using I = typename V::I;
  constexpr uint32_t allLanes = V::lanes == 32 ? ~0u : (1u << V::lanes) - 1;
  for (int j = 0; j < blockColumns; ++j) {
    bool zeroColumn = (columns.zeroColumns >> j) & 1;
    for (int lane = 0; lane < blockRows; lane += V::lanes) {
      uint32_t *values = &accumulators.values[j][lane];
      uint32_t zeroRows = (rows.zeroRows >> lane) & allLanes;
      if (zeroColumn) {
        I exponent = V::add(V::load(reinterpret_cast<const uint32_t *>(
                                &rows.maxExponent[lane])),
                            V::set1(static_cast<uint32_t>(zeroExponent)));
        multiplyLanes<V, W, Words, false>(spec, rows, lane, columns, j,
                                          exponent, allLanes, values);
        continue;
      }
      I exponent = productExponent<V, W, Words>(
          rows, &columns.exponents[j * maxStepWords], lane);
      if (zeroRows == allLanes)
        multiplyLanes<V, W, Words, false>(spec, rows, lane, columns, j,
                                          exponent, allLanes, values);
      else
        multiplyLanes<V, W, Words, true>(spec, rows, lane, columns, j, exponent,
                                         zeroRows, values);
    }
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
  return {name,        decodeRows<V>, decodeColumns<V>,
          multiply<V>, V::gather,     V::scatter};
}

} // namespace
} // namespace tilewright::sim
