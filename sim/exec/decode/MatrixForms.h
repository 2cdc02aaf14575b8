//===- MatrixForms.h - What decoders of matrix instructions share ---------===//

#ifndef TILEWRIGHT_SIM_EXEC_DECODE_MATRIXFORMS_H
#define TILEWRIGHT_SIM_EXEC_DECODE_MATRIXFORMS_H

#include "sim/exec/decode/Decoder.h"
#include "sim/tensor/MatrixType.h"

namespace tilewright::sim {

struct MatrixShape {
  int m = 0, n = 0, k = 0;
  bool operator==(const MatrixShape &) const = default;
};
/// The modifier `.m64n128k16`.
MatrixShape takeShape(InstDecoder &d);

/// The next modifier, .row or .col; true for the latter.
bool takeLayout(InstDecoder &d);

std::optional<MatrixType> matrixType(std::string_view name);
std::optional<AccumulatorType> accumulatorType(std::string_view name);

/// Registers of a braced list, or the one register that stands alone.
std::vector<Ref> takeFragment(InstDecoder &d, const ptx::Operand &operand,
                              int count, bool isResult, bool row64);

/// The target's generation of tensor cores.
TensorArch tensorArch(const InstDecoder &d);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_DECODE_MATRIXFORMS_H
