//===- CublasLt.h - cuBLASLt's time for a matrix product ------------------===//
// Opened at run time where the machine has it: nothing of ours needs it.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TOOLS_TILEWRIGHT_CUBLASLT_H
#define TILEWRIGHT_TOOLS_TILEWRIGHT_CUBLASLT_H

#include "runtime/driver/Device.h"

#include <memory>

namespace tilewright {

/// `[m, k] x [n, k]^T`, bf16 with f32 accumulation, bf16 result.
struct GemmSize {
  int64_t m, n, k;
};

class CublasLt {
public:
  /// UNAVAILABLE where the library is not there.
  static runtime::Result<CublasLt> open(runtime::DevicePtr device);
  CublasLt(CublasLt &&) noexcept;
  ~CublasLt();

  /// Best of `repeats` runs of the algorithm that its heuristic puts first.
  /// The weights walk through more memory than a cache holds, as those of a
  /// step's layers do.
  runtime::Result<double> measure(GemmSize size, int repeats);

private:
  struct State;
  explicit CublasLt(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_TILEWRIGHT_CUBLASLT_H
