//===- RopeConfig.h - How positions become angles ---------------*- C++ -*-===//

#ifndef TILEWRIGHT_FRONTEND_HF_ROPECONFIG_H
#define TILEWRIGHT_FRONTEND_HF_ROPECONFIG_H

#include "frontend/hf/ConfigReader.h"

namespace tilewright::frontend {

/// Upper end of what is plausible for the number of positions.
inline constexpr int64_t maxPlausiblePositions = int64_t(1) << 26;

struct RopeConfig {
  enum class Scaling { None, Linear, Llama3 };

  double theta = 0;
  Scaling scaling = Scaling::None;
  double factor = 1;
  // Llama 3 only.
  double lowFreqFactor = 1;
  double highFreqFactor = 1;
  int64_t originalMaxPositions = 0;
};

/// `rope_parameters` (Transformers 5) or `rope_theta` and `rope_scaling`.
RopeConfig readRope(ConfigReader &reader, int64_t maxPositions);

} // namespace tilewright::frontend

#endif // TILEWRIGHT_FRONTEND_HF_ROPECONFIG_H
