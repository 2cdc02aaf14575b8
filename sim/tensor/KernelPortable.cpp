//===- KernelPortable.cpp - Step kernels for any machine ------------------===//

#include "sim/tensor/KernelBody.h"

#include <cstring>

namespace tilewright::sim {
namespace {

/// The vectors of GCC and Clang, which both turn into what the target has.
struct Portable {
  static constexpr int lanes = 4;
  static constexpr uint32_t allLanes = 0xf;
  static constexpr int columnsAtOnce = 2;
  static constexpr int vectorBytes = lanes * 4;
  using I = uint32_t __attribute__((vector_size(vectorBytes)));
  using F = float __attribute__((vector_size(vectorBytes)));
  using Signed = int32_t __attribute__((vector_size(vectorBytes)));
  using Bytes = uint8_t __attribute__((vector_size(vectorBytes)));
  using Halves = uint16_t __attribute__((vector_size(vectorBytes)));

  static I load(const uint32_t *p) {
    I result;
    std::memcpy(&result, p, sizeof(result));
    return result;
  }
  static void store(uint32_t *p, I a) { std::memcpy(p, &a, sizeof(a)); }
  static F loadFloat(const float *p) {
    F result;
    std::memcpy(&result, p, sizeof(result));
    return result;
  }
  static void storeFloat(float *p, F a) { std::memcpy(p, &a, sizeof(a)); }
  static I set1(uint32_t x) { return I{x, x, x, x}; }
  static F set1Float(float x) { return F{x, x, x, x}; }
  static F asFloat(I a) { return reinterpret_cast<F>(a); }
  static I asInt(F a) { return reinterpret_cast<I>(a); }

  static I bitAnd(I a, I b) { return a & b; }
  static I bitOr(I a, I b) { return a | b; }
  static I bitXor(I a, I b) { return a ^ b; }
  static I andNot(I a, I b) { return ~a & b; }
  static I add(I a, I b) { return a + b; }
  static I sub(I a, I b) { return a - b; }
  template <int N>
  static I shiftLeft(I a) {
    return a << N;
  }
  template <int N>
  static I shiftRight(I a) {
    return a >> N;
  }
  static I absolute(I a) {
    I negative = reinterpret_cast<I>(reinterpret_cast<Signed>(a) >> 31);
    return (a ^ negative) - negative;
  }

  /// Applies `function` to vectors of W-bit lanes.
  template <int W, class Function>
  static I onLanes(I a, I b, Function function) {
    if constexpr (W == 8)
      return reinterpret_cast<I>(
          function(reinterpret_cast<Bytes>(a), reinterpret_cast<Bytes>(b)));
    else if constexpr (W == 16)
      return reinterpret_cast<I>(
          function(reinterpret_cast<Halves>(a), reinterpret_cast<Halves>(b)));
    else
      return reinterpret_cast<I>(function(a, b));
  }
  template <int W>
  static I maxLanes(I a, I b) {
    return onLanes<W>(a, b, [](auto x, auto y) { return x > y ? x : y; });
  }
  template <int W>
  static I addLanes(I a, I b) {
    return onLanes<W>(a, b, [](auto x, auto y) { return x + y; });
  }
  template <int W>
  static I selectEqual(I a, I key, I yes, I no) {
    I same = onLanes<W>(a, key, [](auto x, auto y) { return x == y; });
    return (yes & same) | (no & ~same);
  }
  static I selectLess(I a, I b, I yes, I no) {
    return reinterpret_cast<Signed>(a) < reinterpret_cast<Signed>(b) ? yes : no;
  }

  static F mul(F a, F b) { return a * b; }
  /// Lanes out of range are redone later; they only must not be undefined here.
  static I truncate(F a) {
    F magnitude = asFloat(bitAnd(asInt(a), set1(0x7fffffffu)));
    I inRange = reinterpret_cast<I>(magnitude < set1Float(0x1p31f));
    return reinterpret_cast<I>(
        __builtin_convertvector(asFloat(asInt(a) & inRange), Signed));
  }
  /// What was rounded away from zero goes one step back. Wrong only for
  /// magnitudes that round to 2^31.
  static F toFloatTowardZero(I x) {
    F nearest = __builtin_convertvector(reinterpret_cast<Signed>(x), F);
    I away = reinterpret_cast<I>(absolute(truncate(nearest)) > absolute(x));
    return asFloat(asInt(nearest) + away);
  }
  static uint32_t bitsOfMask(I mask) {
    uint32_t result = 0;
    for (int i = 0; i < lanes; ++i)
      result |= (mask[i] & 1) << i;
    return result;
  }
  static uint32_t above(I a, uint32_t limit) {
    return bitsOfMask(reinterpret_cast<I>(a > set1(limit)));
  }
  static uint32_t below(I a, uint32_t limit) {
    return bitsOfMask(reinterpret_cast<I>(a < set1(limit)));
  }
  static uint32_t zeroBits(I a) {
    return bitsOfMask(reinterpret_cast<I>(a == set1(0)));
  }
  static I clear(I a, uint32_t lanesToClear) {
    for (int i = 0; i < lanes; ++i)
      a[i] = (lanesToClear >> i) & 1 ? 0 : a[i];
    return a;
  }

  static void gather(const uint32_t *low, const uint32_t *high,
                     uint32_t *const out[4]) {
    for (int q = 0; q < 4; ++q)
      for (int row = 0; row < 8; ++row) {
        out[q][row] = low[4 * row + q];
        out[q][row + 8] = high[4 * row + q];
      }
  }
  static void joinChunks(const uint8_t *data, const uint32_t *offsets,
                         uint32_t *out) {
    for (int i = 0; i < 16; ++i)
      std::memcpy(out + 4 * i, data + offsets[i], 16);
  }
  static void gatherChunks(const uint8_t *low, const uint32_t *lowOffsets,
                           const uint8_t *high, const uint32_t *highOffsets,
                           uint32_t *const out[4]) {
    for (int row = 0; row < 8; ++row) {
      uint32_t words[4];
      std::memcpy(words, low + lowOffsets[2 * row], sizeof(words));
      for (int q = 0; q < 4; ++q)
        out[q][row] = words[q];
      std::memcpy(words, high + highOffsets[2 * row], sizeof(words));
      for (int q = 0; q < 4; ++q)
        out[q][row + 8] = words[q];
    }
  }
  static void scatter(const uint32_t *const in[4], uint32_t *low,
                      uint32_t *high) {
    for (int q = 0; q < 4; ++q)
      for (int row = 0; row < 8; ++row) {
        low[4 * row + q] = in[q][row];
        high[4 * row + q] = in[q][row + 8];
      }
  }
};

} // namespace

const StepKernels &portableKernels() {
  static constexpr StepKernels kernels = makeKernels<Portable>("portable");
  return kernels;
}

const StepKernels &bestKernels() {
  static const StepKernels &best = [&]() -> const StepKernels & {
    if (const StepKernels *kernels = avx512Kernels())
      return *kernels;
    if (const StepKernels *kernels = avx2Kernels())
      return *kernels;
    return portableKernels();
  }();
  return best;
}

} // namespace tilewright::sim
