//===- KernelAvx512.cpp - Step kernels for AVX-512 F and BW ---------------===//

#include "sim/tensor/KernelBody.h"

#if defined(__AVX512F__) && defined(__AVX512BW__)

#include <immintrin.h>

namespace tilewright::sim {
namespace {

struct Avx512 {
  static constexpr int lanes = 16;
  static constexpr uint32_t allLanes = 0xffff;
  static constexpr int columnsAtOnce = 4;
  using I = __m512i;
  using F = __m512;

  static I load(const uint32_t *p) { return _mm512_loadu_si512(p); }
  static void store(uint32_t *p, I x) { _mm512_storeu_si512(p, x); }
  static F loadFloat(const float *p) { return _mm512_loadu_ps(p); }
  static void storeFloat(float *p, F x) { _mm512_storeu_ps(p, x); }
  static I set1(uint32_t x) { return _mm512_set1_epi32(static_cast<int>(x)); }
  static F set1Float(float x) { return _mm512_set1_ps(x); }
  static F asFloat(I x) { return _mm512_castsi512_ps(x); }
  static I asInt(F x) { return _mm512_castps_si512(x); }

  static I bitAnd(I a, I b) { return _mm512_and_si512(a, b); }
  static I bitOr(I a, I b) { return _mm512_or_si512(a, b); }
  static I bitXor(I a, I b) { return _mm512_xor_si512(a, b); }
  static I andNot(I a, I b) { return _mm512_andnot_si512(a, b); }
  static I add(I a, I b) { return _mm512_add_epi32(a, b); }
  static I sub(I a, I b) { return _mm512_sub_epi32(a, b); }
  template <int N>
  static I shiftLeft(I a) {
    return _mm512_slli_epi32(a, N);
  }
  template <int N>
  static I shiftRight(I a) {
    return _mm512_srli_epi32(a, N);
  }
  static I absolute(I a) { return _mm512_abs_epi32(a); }
  template <int W>
  static I maxLanes(I a, I b) {
    if constexpr (W == 8)
      return _mm512_max_epu8(a, b);
    else if constexpr (W == 16)
      return _mm512_max_epu16(a, b);
    else
      return _mm512_max_epu32(a, b);
  }
  template <int W>
  static I addLanes(I a, I b) {
    if constexpr (W == 8)
      return _mm512_add_epi8(a, b);
    else if constexpr (W == 16)
      return _mm512_add_epi16(a, b);
    else
      return _mm512_add_epi32(a, b);
  }
  template <int W>
  static I selectEqual(I x, I key, I yes, I no) {
    if constexpr (W == 8)
      return _mm512_mask_mov_epi8(no, _mm512_cmpeq_epi8_mask(x, key), yes);
    else if constexpr (W == 16)
      return _mm512_mask_mov_epi16(no, _mm512_cmpeq_epi16_mask(x, key), yes);
    else
      return _mm512_mask_mov_epi32(no, _mm512_cmpeq_epi32_mask(x, key), yes);
  }
  static I selectLess(I a, I b, I yes, I no) {
    return _mm512_mask_mov_epi32(no, _mm512_cmplt_epi32_mask(a, b), yes);
  }

  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static I truncate(F x) { return _mm512_cvttps_epi32(x); }
  static F toFloatTowardZero(I x) {
    return _mm512_cvt_roundepi32_ps(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
  }
  static uint32_t above(I x, uint32_t limit) {
    return _mm512_cmpgt_epu32_mask(x, set1(limit));
  }
  static uint32_t below(I x, uint32_t limit) {
    return _mm512_cmplt_epu32_mask(x, set1(limit));
  }
  static uint32_t zeroBits(I x) {
    return _mm512_cmpeq_epi32_mask(x, _mm512_setzero_si512());
  }
  static I clear(I x, uint32_t lanesToClear) {
    return _mm512_maskz_mov_epi32(static_cast<__mmask16>(~lanesToClear), x);
  }

  /// 4x4 transposition of the words of one vector; its own inverse.
  static I transposeWords(I x) {
    const I order =
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, x);
  }
  /// 4x4 transposition of 128-bit blocks across four vectors.
  static void transposeBlocks(I x[4]) {
    I a = _mm512_shuffle_i32x4(x[0], x[1], 0x44);
    I b = _mm512_shuffle_i32x4(x[2], x[3], 0x44);
    I c = _mm512_shuffle_i32x4(x[0], x[1], 0xee);
    I d = _mm512_shuffle_i32x4(x[2], x[3], 0xee);
    x[0] = _mm512_shuffle_i32x4(a, b, 0x88);
    x[1] = _mm512_shuffle_i32x4(a, b, 0xdd);
    x[2] = _mm512_shuffle_i32x4(c, d, 0x88);
    x[3] = _mm512_shuffle_i32x4(c, d, 0xdd);
  }
  /// Words `first` and `first + 1` of eight rows, each in its half.
  static I twoWords(I rows0to3, I rows4to7, int first) {
    const I order = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13,
                                      17, 21, 25, 29);
    I from = add(order, set1(static_cast<uint32_t>(first)));
    return _mm512_permutex2var_epi32(rows0to3, from, rows4to7);
  }
  static void gather(const uint32_t *low, const uint32_t *high,
                     uint32_t *const out[4]) {
    for (int i = 0; i < 4; i += 2) {
      I lowRows = twoWords(load(low), load(low + 16), i);
      I highRows = twoWords(load(high), load(high + 16), i);
      store(out[i], _mm512_shuffle_i64x2(lowRows, highRows, 0x44));
      store(out[i + 1], _mm512_shuffle_i64x2(lowRows, highRows, 0xee));
    }
  }
  /// Four chunks as one vector, each a masked broadcast of its 16 bytes.
  template <int Step>
  static I loadChunks(const uint8_t *data, const uint32_t *offsets) {
    auto chunk = [&](int i) {
      return _mm_loadu_si128(
          reinterpret_cast<const __m128i *>(data + offsets[Step * i]));
    };
    I x = _mm512_castsi128_si512(chunk(0));
    x = _mm512_mask_broadcast_i32x4(x, 0x00f0, chunk(1));
    x = _mm512_mask_broadcast_i32x4(x, 0x0f00, chunk(2));
    return _mm512_mask_broadcast_i32x4(x, 0xf000, chunk(3));
  }
  /// Whole vectors: the reader of smaller pieces would have to wait for them.
  static void joinChunks(const uint8_t *data, const uint32_t *offsets,
                         uint32_t *out) {
    for (int i = 0; i < 16; i += 4)
      store(out + 4 * i, loadChunks<1>(data, offsets + i));
  }
  static void gatherChunks(const uint8_t *low, const uint32_t *lowOffsets,
                           const uint8_t *high, const uint32_t *highOffsets,
                           uint32_t *const out[4]) {
    I x[4] = {transposeWords(loadChunks<2>(low, lowOffsets)),
              transposeWords(loadChunks<2>(low, lowOffsets + 8)),
              transposeWords(loadChunks<2>(high, highOffsets)),
              transposeWords(loadChunks<2>(high, highOffsets + 8))};
    transposeBlocks(x);
    for (int i = 0; i < 4; ++i)
      store(out[i], x[i]);
  }
  /// Eight rows of four words from columns, whose half `Half` selects.
  template <int Half>
  static void storeRows(const I in[4], uint32_t *out) {
    const I order = _mm512_setr_epi32(0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26,
                                      3, 11, 19, 27);
    I first = _mm512_shuffle_i64x2(in[0], in[1], Half);
    I second = _mm512_shuffle_i64x2(in[2], in[3], Half);
    store(out, _mm512_permutex2var_epi32(first, order, second));
    store(out + 16,
          _mm512_permutex2var_epi32(first, add(order, set1(4)), second));
  }
  static void scatter(const uint32_t *const in[4], uint32_t *low,
                      uint32_t *high) {
    I x[4] = {load(in[0]), load(in[1]), load(in[2]), load(in[3])};
    storeRows<0x44>(x, low);
    storeRows<0xee>(x, high);
  }
};

} // namespace

const StepKernels *avx512Kernels() {
  static constexpr StepKernels kernels = makeKernels<Avx512>("avx512");
  static const bool supported =
      __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
  return supported ? &kernels : nullptr;
}

} // namespace tilewright::sim

#else

namespace tilewright::sim {
const StepKernels *avx512Kernels() { return nullptr; }
} // namespace tilewright::sim

#endif
