//===- KernelAvx2.cpp - Step kernels for AVX2 -----------------------------===//

#include "sim/tensor/KernelBody.h"

#if defined(__AVX2__)

#include <cstring>
#include <immintrin.h>

namespace tilewright::sim {
namespace {

struct Avx2 {
  static constexpr int lanes = 8;
  static constexpr uint32_t allLanes = 0xff;
  static constexpr int columnsAtOnce = 2;
  using I = __m256i;
  using F = __m256;

  static I load(const uint32_t *p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p));
  }
  static void store(uint32_t *p, I x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(p), x);
  }
  static F loadFloat(const float *p) { return _mm256_loadu_ps(p); }
  static void storeFloat(float *p, F x) { _mm256_storeu_ps(p, x); }
  static I set1(uint32_t x) { return _mm256_set1_epi32(static_cast<int>(x)); }
  static F set1Float(float x) { return _mm256_set1_ps(x); }
  static F asFloat(I x) { return _mm256_castsi256_ps(x); }
  static I asInt(F x) { return _mm256_castps_si256(x); }

  static I bitAnd(I a, I b) { return _mm256_and_si256(a, b); }
  static I bitOr(I a, I b) { return _mm256_or_si256(a, b); }
  static I bitXor(I a, I b) { return _mm256_xor_si256(a, b); }
  static I andNot(I a, I b) { return _mm256_andnot_si256(a, b); }
  static I add(I a, I b) { return _mm256_add_epi32(a, b); }
  static I sub(I a, I b) { return _mm256_sub_epi32(a, b); }
  template <int N>
  static I shiftLeft(I a) {
    return _mm256_slli_epi32(a, N);
  }
  template <int N>
  static I shiftRight(I a) {
    return _mm256_srli_epi32(a, N);
  }
  static I absolute(I a) { return _mm256_abs_epi32(a); }
  template <int W>
  static I maxLanes(I a, I b) {
    if constexpr (W == 8)
      return _mm256_max_epu8(a, b);
    else if constexpr (W == 16)
      return _mm256_max_epu16(a, b);
    else
      return _mm256_max_epu32(a, b);
  }
  template <int W>
  static I addLanes(I a, I b) {
    if constexpr (W == 8)
      return _mm256_add_epi8(a, b);
    else if constexpr (W == 16)
      return _mm256_add_epi16(a, b);
    else
      return _mm256_add_epi32(a, b);
  }
  template <int W>
  static I selectEqual(I x, I key, I yes, I no) {
    I mask;
    if constexpr (W == 8)
      mask = _mm256_cmpeq_epi8(x, key);
    else if constexpr (W == 16)
      mask = _mm256_cmpeq_epi16(x, key);
    else
      mask = _mm256_cmpeq_epi32(x, key);
    return _mm256_blendv_epi8(no, yes, mask);
  }
  static I selectLess(I a, I b, I yes, I no) {
    return _mm256_blendv_epi8(no, yes, _mm256_cmpgt_epi32(b, a));
  }

  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static I truncate(F x) { return _mm256_cvttps_epi32(x); }
  /// There is no rounding control here: what was rounded away from zero goes
  /// one step back. Wrong only for magnitudes that round to 2^31.
  static F toFloatTowardZero(I x) {
    F nearest = _mm256_cvtepi32_ps(x);
    I away = _mm256_cmpgt_epi32(absolute(truncate(nearest)), absolute(x));
    return asFloat(add(asInt(nearest), away));
  }
  static uint32_t laneBits(I mask) {
    return static_cast<uint32_t>(_mm256_movemask_ps(asFloat(mask)));
  }
  static uint32_t above(I x, uint32_t limit) {
    return ~laneBits(_mm256_cmpeq_epi32(_mm256_min_epu32(x, set1(limit)), x)) &
           allLanes;
  }
  static uint32_t below(I x, uint32_t limit) {
    return ~laneBits(_mm256_cmpeq_epi32(_mm256_max_epu32(x, set1(limit)), x)) &
           allLanes;
  }
  static uint32_t zeroBits(I x) {
    return laneBits(_mm256_cmpeq_epi32(x, _mm256_setzero_si256()));
  }
  static I clear(I x, uint32_t lanesToClear) {
    const I bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    I kept = _mm256_cmpeq_epi32(bitAnd(set1(lanesToClear), bit),
                                _mm256_setzero_si256());
    return bitAnd(x, kept);
  }

  /// Four rows of four words each, transposed.
  static void transpose(const uint32_t *const in[4], uint32_t *const out[4]) {
    __m128 x[4];
    for (int i = 0; i < 4; ++i)
      x[i] = _mm_loadu_ps(reinterpret_cast<const float *>(in[i]));
    _MM_TRANSPOSE4_PS(x[0], x[1], x[2], x[3]);
    for (int i = 0; i < 4; ++i)
      _mm_storeu_ps(reinterpret_cast<float *>(out[i]), x[i]);
  }
  static void gather(const uint32_t *low, const uint32_t *high,
                     uint32_t *const out[4]) {
    for (int row = 0; row < blockRows; row += 4) {
      const uint32_t *from = row < 8 ? low + 4 * row : high + 4 * (row - 8);
      const uint32_t *const in[4] = {from, from + 4, from + 8, from + 12};
      uint32_t *const to[4] = {out[0] + row, out[1] + row, out[2] + row,
                               out[3] + row};
      transpose(in, to);
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
    for (int row = 0; row < blockRows; row += 4) {
      const uint8_t *data = row < 8 ? low : high;
      const uint32_t *offsets =
          (row < 8 ? lowOffsets : highOffsets) + row % 8 * 2;
      const uint32_t *in[4];
      for (int i = 0; i < 4; ++i)
        in[i] = reinterpret_cast<const uint32_t *>(data + offsets[2 * i]);
      uint32_t *const to[4] = {out[0] + row, out[1] + row, out[2] + row,
                               out[3] + row};
      transpose(in, to);
    }
  }
  static void scatter(const uint32_t *const in[4], uint32_t *low,
                      uint32_t *high) {
    for (int row = 0; row < blockRows; row += 4) {
      uint32_t *to = row < 8 ? low + 4 * row : high + 4 * (row - 8);
      const uint32_t *const from[4] = {in[0] + row, in[1] + row, in[2] + row,
                                       in[3] + row};
      uint32_t *const out[4] = {to, to + 4, to + 8, to + 12};
      transpose(from, out);
    }
  }
};

} // namespace

const StepKernels *avx2Kernels() {
  static constexpr StepKernels kernels = makeKernels<Avx2>("avx2");
  static const bool supported = __builtin_cpu_supports("avx2");
  return supported ? &kernels : nullptr;
}

} // namespace tilewright::sim

#else

namespace tilewright::sim {
const StepKernels *avx2Kernels() { return nullptr; }
} // namespace tilewright::sim

#endif
