//===- Dot.h - Dot products in a fixed order ------------------------------===//
// Nearly all of the interpreter's time is spent here. Term k of a sum goes to
// lane k % 8; the lanes are added at the end as
// ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)). The order depends on nothing but
// the length, so blocking, threads and vector width do not change a bit.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_REFERENCE_DOT_H
#define TILEWRIGHT_IR_REFERENCE_DOT_H

#include <cstdint>

namespace tilewright::reference {

/// sum_k a[k] * b[k] in f32.
float dot(const float *a, const float *b, int64_t size);

/// out[m * stride + n] = dot(a + m * size, b + n * size, size), for `rows` rows
/// of `a` and `columns` rows of `b`.
void dotBlock(const float *a, int64_t rows, const float *b, int64_t columns,
              int64_t size, float *out, int64_t stride);

} // namespace tilewright::reference

#endif // TILEWRIGHT_IR_REFERENCE_DOT_H
