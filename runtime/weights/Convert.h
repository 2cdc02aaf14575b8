//===- Convert.h - Floating-point formats on the CPU ----------------------===//
//
// Conversions with round to nearest even, NaN kept as NaN. No conversion
// rounds twice.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_WEIGHTS_CONVERT_H
#define TILEWRIGHT_RUNTIME_WEIGHTS_CONVERT_H

#include "runtime/support/DType.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace tilewright::runtime {

uint16_t bf16FromFloat(float value);
float floatFromBf16(uint16_t bits);
uint16_t f16FromFloat(float value);
float floatFromF16(uint16_t bits);

/// bf16, f16, f32: what weights are computed in. (f64 can be cast from.)
bool isComputable(DType dtype);

/// `count` elements of type `from` at `source`, rounded to `to`, which is
/// computable; `from` may be f64 as well. Neither side needs to be aligned.
void convert(DType from, const std::byte *source, DType to,
             std::byte *destination, size_t count);

/// destination[i] = round(source[i] * scale[i % columns]) for whole rows: the
/// product is exact and rounded once to `dtype`. May run in place.
void scaleColumns(DType dtype, const std::byte *source, DType scaleDtype,
                  const std::byte *scale, std::byte *destination, size_t rows,
                  size_t columns);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_WEIGHTS_CONVERT_H
