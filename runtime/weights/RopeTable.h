//===- RopeTable.h - Angles of rotary position embeddings -----------------===//
#ifndef TILEWRIGHT_RUNTIME_WEIGHTS_ROPETABLE_H
#define TILEWRIGHT_RUNTIME_WEIGHTS_ROPETABLE_H

#include <cstdint>
#include <optional>
#include <vector>

namespace tilewright::runtime {

/// How frequencies are changed for a context longer than the trained one, as
/// in Transformers' modeling_rope_utils.
struct RopeScaling {
  enum class Type { None, Linear, Llama3 };
  Type type = Type::None;
  double factor = 1;
  double lowFreqFactor = 1;
  double highFreqFactor = 1;
  int64_t originalMaxPositions = 0;
};

struct RopeParameters {
  double theta = 0;
  int64_t rotaryDim = 0;
  int64_t maxPositions = 0;
  RopeScaling scaling;
};

/// The `rotaryDim / 2` frequencies, each operation rounded to f32.
std::vector<float> ropeFrequencies(const RopeParameters &parameters);

/// Cosine and sine of each frequency at `position`: `2 * frequencies` values.
void ropeRow(const std::vector<float> &frequencies, int64_t position,
             float *out);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_WEIGHTS_ROPETABLE_H
