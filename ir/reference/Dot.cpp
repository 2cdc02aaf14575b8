//===- Dot.cpp - Dot products in a fixed order ----------------------------===//

#include "ir/reference/Dot.h"

#include <cstring>

namespace tilewright::reference {

static constexpr int64_t kLanes = 8;
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));

// Both versions of a function do the same operations in the same order; only
// the width of the registers differs. No fused multiply-add: it would round
// differently from one machine to the next.
#if defined(__x86_64__)
#define TILEWRIGHT_VECTOR_CLONES                                               \
  __attribute__((target_clones("avx2", "default")))
#else
#define TILEWRIGHT_VECTOR_CLONES
#endif

/// A tile of dot products small enough that its sums stay in registers.
template <int kRows, int kColumns>
static inline __attribute__((always_inline)) void
dotTile(const float *a, const float *b, int64_t size, float *out,
        int64_t stride) {
  Lanes sums[kRows][kColumns] = {};
  int64_t whole = size - size % kLanes;
  for (int64_t k = 0; k < whole; k += kLanes) {
    Lanes right[kColumns];
    for (int n = 0; n < kColumns; ++n)
      std::memcpy(&right[n], b + n * size + k, sizeof(Lanes));
    for (int m = 0; m < kRows; ++m) {
      Lanes left;
      std::memcpy(&left, a + m * size + k, sizeof(Lanes));
      for (int n = 0; n < kColumns; ++n)
        sums[m][n] += left * right[n];
    }
  }
  for (int m = 0; m < kRows; ++m) {
    for (int n = 0; n < kColumns; ++n) {
      Lanes sum = sums[m][n];
      for (int64_t k = whole; k < size; ++k)
        sum[k - whole] += a[m * size + k] * b[n * size + k];
      out[m * stride + n] = ((sum[0] + sum[4]) + (sum[2] + sum[6])) +
                            ((sum[1] + sum[5]) + (sum[3] + sum[7]));
    }
  }
}

TILEWRIGHT_VECTOR_CLONES
float dot(const float *a, const float *b, int64_t size) {
  float result;
  dotTile<1, 1>(a, b, size, &result, 1);
  return result;
}

TILEWRIGHT_VECTOR_CLONES
void dotBlock(const float *a, int64_t rows, const float *b, int64_t columns,
              int64_t size, float *out, int64_t stride) {
  int64_t wholeRows = rows - rows % 4, wholeColumns = columns - columns % 2;
  for (int64_t n = 0; n < wholeColumns; n += 2)
    for (int64_t m = 0; m < wholeRows; m += 4)
      dotTile<4, 2>(a + m * size, b + n * size, size, out + m * stride + n,
                    stride);
  for (int64_t n = 0; n < wholeColumns; n += 2)
    for (int64_t m = wholeRows; m < rows; ++m)
      dotTile<1, 2>(a + m * size, b + n * size, size, out + m * stride + n,
                    stride);
  for (int64_t n = wholeColumns; n < columns; ++n)
    for (int64_t m = 0; m < rows; ++m)
      dotTile<1, 1>(a + m * size, b + n * size, size, out + m * stride + n,
                    stride);
}

} // namespace tilewright::reference
