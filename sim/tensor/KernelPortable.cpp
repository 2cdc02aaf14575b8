//===- KernelPortable.cpp - Step kernels in plain C++ ---------------------===//

#include "sim/tensor/KernelBody.h"

#include <bit>
#include <cstring>

namespace tilewright::sim {
namespace {

/// A vector as an array; the loops are short enough for a compiler to turn into
/// whatever vector instructions its target has.
struct Portable {
  static constexpr int lanes = 4;
  static constexpr int columnsAtOnce = 1;
  struct I {
    uint32_t x[lanes];
  };
  struct F {
    float x[lanes];
  };

  template <class Function>
  static I each(Function function) {
    I result;
    for (int i = 0; i < lanes; ++i)
      result.x[i] = function(i);
    return result;
  }
  template <class Test>
  static uint32_t bitsWhere(Test test) {
    uint32_t result = 0;
    for (int i = 0; i < lanes; ++i)
      result |= static_cast<uint32_t>(test(i)) << i;
    return result;
  }
  static int32_t asSigned(uint32_t x) { return static_cast<int32_t>(x); }

  static I load(const uint32_t *p) {
    return each([&](int i) { return p[i]; });
  }
  static void store(uint32_t *p, I a) {
    for (int i = 0; i < lanes; ++i)
      p[i] = a.x[i];
  }
  static F loadFloat(const float *p) {
    F result;
    for (int i = 0; i < lanes; ++i)
      result.x[i] = p[i];
    return result;
  }
  static void storeFloat(float *p, F a) {
    for (int i = 0; i < lanes; ++i)
      p[i] = a.x[i];
  }
  static I set1(uint32_t x) {
    return each([&](int) { return x; });
  }
  static F set1Float(float x) { return {{x, x, x, x}}; }
  static F asFloat(I a) {
    F result;
    for (int i = 0; i < lanes; ++i)
      result.x[i] = std::bit_cast<float>(a.x[i]);
    return result;
  }
  static I asInt(F a) {
    return each([&](int i) { return std::bit_cast<uint32_t>(a.x[i]); });
  }

  static I bitAnd(I a, I b) {
    return each([&](int i) { return a.x[i] & b.x[i]; });
  }
  static I bitOr(I a, I b) {
    return each([&](int i) { return a.x[i] | b.x[i]; });
  }
  static I bitXor(I a, I b) {
    return each([&](int i) { return a.x[i] ^ b.x[i]; });
  }
  static I andNot(I a, I b) {
    return each([&](int i) { return ~a.x[i] & b.x[i]; });
  }
  static I add(I a, I b) {
    return each([&](int i) { return a.x[i] + b.x[i]; });
  }
  static I sub(I a, I b) {
    return each([&](int i) { return a.x[i] - b.x[i]; });
  }
  template <int N>
  static I shiftLeft(I a) {
    return each([&](int i) { return a.x[i] << N; });
  }
  template <int N>
  static I shiftRight(I a) {
    return each([&](int i) { return a.x[i] >> N; });
  }
  template <int N>
  static I sar(I a) {
    return each(
        [&](int i) { return static_cast<uint32_t>(asSigned(a.x[i]) >> N); });
  }

  /// Applies `function` to each W-bit lane, taken as signed.
  template <int W, class Function>
  static uint32_t eachPart(uint32_t a, uint32_t b, Function function) {
    uint32_t result = 0;
    for (int bit = 0; bit < 32; bit += W) {
      int32_t x = asSigned(a << (32 - W - bit)) >> (32 - W);
      int32_t y = asSigned(b << (32 - W - bit)) >> (32 - W);
      constexpr uint32_t mask = W == 32 ? ~0u : (1u << W) - 1;
      result |= (static_cast<uint32_t>(function(x, y)) & mask) << bit;
    }
    return result;
  }
  template <int W>
  static I maxLanes(I a, I b) {
    return each([&](int i) {
      return eachPart<W>(a.x[i], b.x[i],
                         [](int32_t x, int32_t y) { return x > y ? x : y; });
    });
  }
  template <int W>
  static I addLanes(I a, I b) {
    return each([&](int i) {
      return eachPart<W>(a.x[i], b.x[i], [](int32_t x, int32_t y) {
        int64_t sum = int64_t{x} + y;
        if (W == 8)
          sum = sum > 127 ? 127 : sum < -128 ? -128 : sum;
        return static_cast<int32_t>(sum);
      });
    });
  }
  template <int W>
  static I selectEqual(I a, I key, I yes, I no) {
    return each([&](int i) {
      uint32_t same = eachPart<W>(a.x[i], key.x[i], [](int32_t x, int32_t y) {
        return x == y ? -1 : 0;
      });
      return (yes.x[i] & same) | (no.x[i] & ~same);
    });
  }
  static I selectLess(I a, I b, I yes, I no) {
    return each([&](int i) {
      return asSigned(a.x[i]) < asSigned(b.x[i]) ? yes.x[i] : no.x[i];
    });
  }

  static F mul(F a, F b) {
    F result;
    for (int i = 0; i < lanes; ++i)
      result.x[i] = a.x[i] * b.x[i];
    return result;
  }
  /// Lanes out of range are redone later; they only must not be undefined here.
  static I truncate(F a) {
    return each([&](int i) {
      bool inRange = a.x[i] > -0x1p31f && a.x[i] < 0x1p31f;
      return inRange ? static_cast<uint32_t>(static_cast<int32_t>(a.x[i])) : 0u;
    });
  }
  static F toFloatTowardZero(I a) {
    F result;
    for (int i = 0; i < lanes; ++i) {
      uint32_t magnitude = asSigned(a.x[i]) < 0 ? 0u - a.x[i] : a.x[i];
      int excess = 8 - std::countl_zero(magnitude);
      if (excess > 0)
        magnitude = magnitude >> excess << excess;
      float value = static_cast<float>(magnitude);
      result.x[i] = asSigned(a.x[i]) < 0 ? -value : value;
    }
    return result;
  }
  static uint32_t outside(I a, int low, int high) {
    return bitsWhere([&](int i) {
      return asSigned(a.x[i]) < low || asSigned(a.x[i]) > high;
    });
  }
  static uint32_t signBits(I a) {
    return bitsWhere([&](int i) { return asSigned(a.x[i]) < 0; });
  }
  static uint32_t zeroBits(I a) {
    return bitsWhere([&](int i) { return a.x[i] == 0; });
  }
  static I clear(I a, uint32_t lanesToClear) {
    return each([&](int i) { return (lanesToClear >> i) & 1 ? 0 : a.x[i]; });
  }

  static void gather(const uint32_t *low, const uint32_t *high,
                     uint32_t *const out[4]) {
    for (int q = 0; q < 4; ++q)
      for (int row = 0; row < 8; ++row) {
        out[q][row] = low[4 * row + q];
        out[q][row + 8] = high[4 * row + q];
      }
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
