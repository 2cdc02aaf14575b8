//===- VideoOps.h - Scalar and SIMD video instructions ----------*- C++ -*-===//
//
// ISA 9.7.18. One record describes every form; the handlers follow the manual's
// pseudocode stage by stage.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_OPS_VIDEOOPS_H
#define TILEWRIGHT_SIM_EXEC_OPS_VIDEOOPS_H

#include "sim/exec/Inst.h"
#include "sim/exec/ops/Select.h"

#include <cstdint>

namespace tilewright::sim {

enum class VideoOp : uint8_t {
  Add,
  Sub,
  AbsDiff,
  Min,
  Max,
  Average,
  Shl,
  Shr,
  Set
};

/// What happens to the intermediate result and the operand c.
enum class VideoSecond : uint8_t { None, Add, Min, Max, Merge };

/// A byte, half or word of a register.
struct VideoPart {
  uint8_t shift = 0, bits = 32;
};

struct VideoSpec {
  VideoOp op = VideoOp::Add;
  VideoSecond second = VideoSecond::None;
  CompareOp compare = CompareOp::Eq; ///< of vset
  bool dSigned = false, aSigned = false, bSigned = false;
  bool saturate = false;
  bool wrap = false; ///< shift amounts
  // Scalar forms.
  VideoPart a, b, d;
  // vmad.
  bool negateProduct = false, negateC = false, plusOne = false;
  uint8_t scale = 0;
  // SIMD forms: elements, which of a's and b's they are, and those of d.
  uint8_t lanes = 1;
  uint8_t aSelect[4] = {}, bSelect[4] = {};
  uint8_t mask = 0;
};

// a, b, c (constant 0 where the form has none), d; aux is the spec.
Status runVideo(const Inst &inst, Warp &warp);
Status runVideoMad(const Inst &inst, Warp &warp);
Status runVideoSimd(const Inst &inst, Warp &warp);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OPS_VIDEOOPS_H
