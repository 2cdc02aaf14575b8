//===- KernelDecode.h - Operands of the step kernels, unpacked ------------===//
//
// The part of KernelBody.h that runs once for each operand: the elements of
// packed words as f32, and their exponents, which stay packed as the elements
// are. An exponent carries the bias of f32 and a sum of two twice that, so both
// are unsigned; lanes of 16 and 32 bits hold them where f32 has them, at the
// bits 7 and 23. What V offers is listed in KernelBody.h.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_TENSOR_KERNELDECODE_H
#define TILEWRIGHT_SIM_TENSOR_KERNELDECODE_H

#include "sim/tensor/StepKernels.h"

#include <cstring>

namespace tilewright::sim {
namespace {

constexpr uint32_t f32Bias = 127;
constexpr int f32MantissaBits = 23;
constexpr uint32_t f32Magnitude = 0x7fffffff;
/// The mantissa bits that the upper half of an f32 has, as a bf16.
constexpr int halfMantissaBits = 7;

/// How a kernel takes elements out of words. Elements are first moved to the
/// top of the 32 bits, so that their sign is f32's sign.
struct ElementCode {
  int bits;
  uint32_t magnitude;   ///< of the element at the top of a word
  int toF32;            ///< right shift that puts the exponent in place
  float scale;          ///< moves the exponent bias to f32's
  uint32_t packed;      ///< magnitudes of all elements of a word
  int fieldShift;       ///< from a packed magnitude to exponents in place
  uint32_t packedField; ///< exponent fields of all elements, after the shift
  int bias;
  bool hasInfinity; ///< specials have the top field, else all magnitude bits
};

constexpr ElementCode codeOf(MatrixType type) {
  switch (type) {
  case MatrixType::F16:
    return {16, 0x7fff0000, 3, 0x1p112f, 0x7fff7fff, 3, 0x0f800f80, 15, true};
  case MatrixType::TF32:
    return {32, 0x7fffe000, 0, 1.0f, 0x7fffe000, 0, 0x7f800000, 127, true};
  case MatrixType::E4M3:
    return {8, 0x7f000000, 4, 0x1p120f, 0x7f7f7f7f, 3, 0x0f0f0f0f, 7, false};
  case MatrixType::E5M2:
    return {8, 0x7f000000, 3, 0x1p112f, 0x7f7f7f7f, 2, 0x1f1f1f1f, 15, true};
  default:
    return {16, 0x7fff0000, 0, 1.0f, 0x7fff7fff, 0, 0x7f807f80, 127, true};
  }
}

template <int W>
constexpr uint32_t repeat(uint32_t value) {
  uint32_t lane = value & (~0u >> (32 - W));
  uint32_t result = 0;
  for (int bit = 0; bit < 32; bit += W)
    result |= lane << bit;
  return result;
}

/// Bit of the lowest exponent bit in a lane.
template <int W>
constexpr int exponentBit = W == 32   ? f32MantissaBits
                            : W == 16 ? halfMantissaBits
                                      : 0;

/// Bias of the packed exponents. 8 bits do not hold that of f32: there it is
/// such that a zero, kept as 0, stays below every other exponent when either is
/// added to one of another element; `unpackMax` tells them apart.
template <int W>
constexpr int packedBias = W == 8 ? 60 : static_cast<int>(f32Bias);
template <int W>
constexpr int packedZero = W == 8 ? 0 : zeroExponent + packedBias<W>;

template <class V>
struct PackedExponents {
  typename V::I exponents;
  typename V::I special; ///< all ones in a lane that holds an infinity or a NaN
};

/// Packed exponents of one vector of words. That of a special value means
/// nothing.
template <class V, MatrixType Type>
PackedExponents<V> exponentsOf(typename V::I words) {
  using I = typename V::I;
  constexpr ElementCode code = codeOf(Type);
  constexpr int W = code.bits;
  constexpr int at = exponentBit<W>;
  I magnitude = V::bitAnd(words, V::set1(code.packed));
  I field = magnitude;
  if constexpr (code.fieldShift != 0)
    field = V::template shiftRight<code.fieldShift>(field);
  field = V::bitAnd(field, V::set1(code.packedField));
  I exponent = V::template maxLanes<W>(field, V::set1(repeat<W>(1u << at)));
  // With the exponent range of f32, zeros get their exponent by themselves.
  if constexpr (code.bias != packedBias<W>) {
    exponent = V::template addLanes<W>(
        exponent, V::set1(repeat<W>(
                      static_cast<uint32_t>(packedBias<W> - code.bias) << at)));
    exponent = V::template selectEqual<W>(
        magnitude, V::set1(0),
        V::set1(repeat<W>(static_cast<uint32_t>(packedZero<W>) << at)),
        exponent);
  }
  I none = V::set1(0), all = V::set1(~0u);
  if constexpr (code.hasInfinity)
    return {exponent, V::template selectEqual<W>(
                          field, V::set1(code.packedField), all, none)};
  return {exponent, V::template selectEqual<W>(magnitude, V::set1(code.packed),
                                               all, none)};
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

/// The largest of the packed exponents of each word, in the place of f32's
/// exponent, but with anything below it. `Terms` is how many exponents of
/// elements each is the sum of: the result has f32's bias that often.
template <class V, int W, int Terms>
typename V::I unpackMax(typename V::I packed) {
  using I = typename V::I;
  if constexpr (W == 32) {
    return packed;
  } else if constexpr (W == 16) {
    return V::template maxLanes<16>(packed, V::template shiftLeft<16>(packed));
  } else {
    I half = V::template maxLanes<8>(packed, V::template shiftLeft<16>(packed));
    I top = V::template maxLanes<8>(half, V::template shiftLeft<8>(half));
    I exponent = V::template shiftRight<24>(top);
    // A sum that has a zero in it moves down to where -126 would put it.
    constexpr uint32_t smallest = Terms * (packedBias<8> - 14);
    constexpr uint32_t lift = Terms * (f32Bias - packedBias<8>);
    constexpr uint32_t zeroLift = lift + zeroExponent + packedBias<8>;
    exponent =
        V::add(exponent, V::selectLess(exponent, V::set1(smallest),
                                       V::set1(zeroLift), V::set1(lift)));
    return V::template shiftLeft<f32MantissaBits>(exponent);
  }
}

template <class V, MatrixType Type>
void decodeRowsAs(uint32_t signs, int words, RowBlock &rows) {
  using I = typename V::I;
  constexpr ElementCode code = codeOf(Type);
  constexpr int W = code.bits;
  rows.zeroRows = rows.specialRows = 0;
  for (int lane = 0; lane < blockRows; lane += V::lanes) {
    I maximum = V::set1(0), any = V::set1(0), special = V::set1(0);
    for (int w = 0; w < words; ++w) {
      I raw = V::bitXor(V::load(&rows.words[w][lane]), V::set1(signs));
      PackedExponents<V> packed = exponentsOf<V, Type>(raw);
      V::store(&rows.exponents[w][lane], packed.exponents);
      maximum = V::template maxLanes<W>(maximum, packed.exponents);
      special = V::bitOr(special, packed.special);
      any = V::bitOr(any, raw);
      storeValues<V, Type>(raw, &rows.values[0][w][lane],
                           maxStepWords * blockRows);
    }
    V::store(&rows.maxExponent[lane], unpackMax<V, W, 1>(maximum));
    rows.zeroRows |= V::zeroBits(V::bitAnd(any, V::set1(code.packed))) << lane;
    rows.specialRows |= (V::zeroBits(special) ^ V::allLanes) << lane;
  }
}

/// Bit 8 * j of the result is set if the 8 bits from there are.
inline uint64_t fullBytes(uint64_t bits) {
  bits &= bits >> 4;
  bits &= bits >> 2;
  bits &= bits >> 1;
  return bits & 0x0101010101010101u;
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
  static_assert(maxStepWords == 8, "a column's bits are a byte");
  uint64_t unused = (0xffu << words & 0xff) * 0x0101010101010101u;
  uint64_t zeroColumns = fullBytes(zeros | unused);
  static constexpr int inOrder[blockColumns] = {0, 1, 2, 3, 4, 5, 6, 7};
  columns.busy = blockColumns;
  if (zeroColumns == 0)
    return static_cast<void>(
        std::memcpy(columns.order, inOrder, sizeof(inOrder)));
  int busy = 0, last = blockColumns;
  for (int j = 0; j < blockColumns; ++j) {
    bool zero = (zeroColumns >> (j * maxStepWords)) & 1;
    columns.order[zero ? --last : busy++] = j;
  }
  columns.busy = busy;
}

/// Slots that have a special value, from those of their entries.
inline uint32_t specialSlots(uint64_t entries) {
  uint32_t slots = 0;
  for (int slot = 0; entries != 0; ++slot, entries >>= maxStepWords)
    slots |= static_cast<uint32_t>((entries & 0xff) != 0) << slot;
  return slots;
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
  uint64_t special = 0;
  for (int entry = 0; entry < columns.busy * maxStepWords; entry += V::lanes) {
    I raw = V::bitXor(V::load(source + entry), V::set1(signs));
    PackedExponents<V> packed = exponentsOf<V, Type>(raw);
    V::store(&columns.exponents[entry], packed.exponents);
    uint64_t specialEntries = V::zeroBits(packed.special) ^ V::allLanes;
    special |= specialEntries << entry;
    storeValues<V, Type>(raw, &columns.values[0][entry],
                         maxStepWords * blockColumns);
  }
  columns.specialSlots = specialSlots(special);
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

} // namespace
} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_TENSOR_KERNELDECODE_H
