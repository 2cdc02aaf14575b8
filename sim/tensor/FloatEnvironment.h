//===- FloatEnvironment.h - Host rounding state for exact arithmetic ------===//
//
// The kernels rely on IEEE arithmetic with subnormals. A host program may have
// switched to flushing them (fast-math libraries do, as they are loaded) or to
// another rounding mode; its setting must not reach the simulated bits.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_TENSOR_FLOATENVIRONMENT_H
#define TILEWRIGHT_SIM_TENSOR_FLOATENVIRONMENT_H

#include "sim/tensor/Convert.h"

#include <cfenv>
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

/// While it lives, the thread's double and float arithmetic rounds in a
/// direction. Volatile operands and results keep that arithmetic inside.
class HostRounding {
public:
  explicit HostRounding(RoundingMode mode) : before(std::fegetround()) {
    std::fesetround(hostMode(mode));
  }
  ~HostRounding() { std::fesetround(before); }
  HostRounding(const HostRounding &) = delete;
  HostRounding &operator=(const HostRounding &) = delete;

private:
  static int hostMode(RoundingMode mode) {
    switch (mode) {
    case RoundingMode::Zero:
      return FE_TOWARDZERO;
    case RoundingMode::Down:
      return FE_DOWNWARD;
    case RoundingMode::Up:
      return FE_UPWARD;
    default:
      return FE_TONEAREST;
    }
  }
  int before;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_TENSOR_FLOATENVIRONMENT_H
