//===- Sample.h - Configs of the sampling kernel --------------------------===//
// One CTA per row of logits. It goes over the row some ten times: for the
// maximum, for each digit of the two thresholds, and for the draw.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_AUTOTUNE_SAMPLE_H
#define TILEWRIGHT_AUTOTUNE_SAMPLE_H

#include "autotune/Choice.h"
#include "autotune/Sku.h"

namespace tilewright::autotune {

struct SampleShape {
  int64_t vocabulary = 0;
  bool draws = true; // else the kernel is an argmax
};

struct SampleConfig {
  int64_t warps = 32;
  int64_t keepRow = 0; // the row stays in shared memory between passes

  std::vector<ConfigField> fields() const;
  std::string print() const { return printFields(fields()); }
};

/// Bins of a histogram over one digit of the keys: 32 bits are three digits.
inline constexpr int64_t sampleDigitBits = 11;

/// Elements that the CTA handles at a time.
int64_t sampleBlock(const SampleConfig &config, const Sku &sku);

std::optional<std::string> whyIllegal(const SampleConfig &config,
                                      const SampleShape &shape, const Sku &sku);
double sampleCycles(const SampleConfig &config, const SampleShape &shape,
                    const Sku &sku);
std::optional<Choice<SampleConfig>>
chooseSample(const SampleShape &shape, const Sku &sku,
             std::vector<Rejection> *rejections = nullptr);

} // namespace tilewright::autotune

#endif // TILEWRIGHT_AUTOTUNE_SAMPLE_H
