//===- Target.h - Limits and instruction shapes as data ---------*- C++ -*-===//
// What an architecture can do: every bare number of the hardware that the
// compiler relies on is here, once. What differs between products of one
// architecture (SMs, clocks, bandwidths) is in autotune/skus instead.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_TARGET_TARGET_H
#define TILEWRIGHT_IR_TARGET_TARGET_H

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace tilewright::target {

/// Element types of tensor-core operands.
enum class Element { F16, BF16, TF32, E4M3, E5M2, I8, F32, I32 };

int64_t getBits(Element element);

/// One kind of matrix instruction: its fixed extents, and the range of N.
struct MmaShape {
  Element operand;
  Element accumulator;
  int64_t m;
  int64_t k;
  int64_t minN;
  int64_t maxN;
  int64_t stepN;
  /// Whether an operand in shared memory may be stored MN-major.
  bool transposable;

  bool allowsN(int64_t n) const {
    return n >= minN && n <= maxN && n % stepN == 0;
  }
};

/// How threads and registers are handed out.
struct ThreadLimits {
  int64_t threadsPerWarp = 32;
  int64_t warpsPerGroup = 4;
  int64_t threadsPerCta = 1024;
  int64_t registersPerSm = 65536;
  int64_t registersPerThread = 255;
  /// `setmaxnreg`: granule and range; 0 where the architecture lacks it.
  int64_t budgetStep = 0;
  int64_t budgetMin = 0;
  int64_t budgetMax = 0;
  /// Named barriers of a CTA, with number 0, which is that of all threads.
  int64_t namedBarriers = 16;
  /// The widest access of one thread.
  int64_t accessBytes = 16;

  int64_t threadsPerGroup() const { return threadsPerWarp * warpsPerGroup; }
};

struct SharedLimits {
  int64_t bytesPerCta = 0;
  int64_t bytesPerSm = 0;
  int64_t reservedPerCta = 1024;
  int64_t banks = 32;
  int64_t bankBytes = 4;
};

/// Tensor maps and bulk copies; `rank` is 0 where there are none.
struct CopyLimits {
  int64_t rank = 0;
  int64_t boxExtent = 0;
  /// Bytes of the innermost extent of a box are a multiple of this, and so are
  /// addresses and strides of the tensor.
  int64_t granuleBytes = 16;
  /// Without a swizzle, the start of a box in shared memory.
  int64_t sharedAlignment = 128;
  /// Transaction bytes that an mbarrier can have outstanding.
  int64_t transactionBytes = 0;
  /// Spans of the swizzles, widest first.
  std::array<int64_t, 3> swizzles = {128, 64, 32};

  /// The widest swizzle whose panels make up rows of `bytes`; 0 if none does.
  int64_t getWidestSwizzle(int64_t bytes) const;
};

struct Target {
  std::string_view name;
  /// PTX version that the emitted code asks for: major * 10 + minor.
  int64_t ptxVersion;
  ThreadLimits threads;
  SharedLimits shared;
  CopyLimits copies;
  /// CTAs of a cluster without an opt-in; 1 where there are no clusters.
  int64_t clusterSize = 1;
  std::span<const MmaShape> mmaShapes;

  /// The matrix instruction for operands of a type; null if there is none.
  const MmaShape *findMma(Element operand, Element accumulator) const;
};

/// The architecture of a name such as `sm_90a`; null if unknown.
const Target *findTarget(std::string_view name);

/// All architectures, in order.
std::span<const Target> getTargets();

/// The architecture that limits are checked against when none is named.
const Target &getDefaultTarget();

} // namespace tilewright::target

#endif // TILEWRIGHT_IR_TARGET_TARGET_H
