//===- FloatEnvironment.h - Host rounding state for exact arithmetic ------===//
//
// The kernels rely on IEEE arithmetic with subnormals. A host program may have
// switched to flushing them (fast-math libraries do, as they are loaded) or to
// another rounding mode; its setting must not reach the simulated bits.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_TENSOR_FLOATENVIRONMENT_H
#define TILEWRIGHT_SIM_TENSOR_FLOATENVIRONMENT_H

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace tilewright::sim {

/// While it lives, the thread computes with IEEE's defaults.
class DefaultFloatEnvironment {
public:
#if defined(__SSE__)
  DefaultFloatEnvironment() : saved(_mm_getcsr()) {
    if ((saved & modeBits) != maskedExceptions)
      _mm_setcsr(maskedExceptions);
  }
  ~DefaultFloatEnvironment() {
    if ((saved & modeBits) != maskedExceptions)
      _mm_setcsr(saved);
  }

private:
  static constexpr unsigned maskedExceptions = 0x1f80; ///< MXCSR after reset
  static constexpr unsigned modeBits = 0xffc0;         ///< all but sticky flags
  unsigned saved;
#else
  DefaultFloatEnvironment() {}
#endif

public:
  DefaultFloatEnvironment(const DefaultFloatEnvironment &) = delete;
  DefaultFloatEnvironment &operator=(const DefaultFloatEnvironment &) = delete;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_TENSOR_FLOATENVIRONMENT_H
