//===- RopeTable.cpp - Angles of rotary position embeddings ---------------===//

#include "runtime/weights/RopeTable.h"

#include <cmath>
#include <numbers>

namespace tilewright::runtime {

/// Transformers computes on f32 tensors and Python floats: the operands that
/// are Python floats only are combined in f64, all others in f32.
static float llama3(float frequency, const RopeScaling &scaling) {
  double context = double(scaling.originalMaxPositions);
  float lowWavelength = float(context / scaling.lowFreqFactor);
  float highWavelength = float(context / scaling.highFreqFactor);
  float wavelength = float(2 * std::numbers::pi) / frequency;
  float factor = float(scaling.factor);
  if (wavelength > lowWavelength)
    return frequency / factor;
  if (wavelength < highWavelength)
    return frequency;
  float smooth = (float(context) / wavelength - float(scaling.lowFreqFactor)) /
                 float(scaling.highFreqFactor - scaling.lowFreqFactor);
  return (1.0f - smooth) * frequency / factor + smooth * frequency;
}

std::vector<float> ropeFrequencies(const RopeParameters &parameters) {
  std::vector<float> frequencies;
  for (int64_t i = 0; i < parameters.rotaryDim; i += 2) {
    float exponent = float(i) / float(parameters.rotaryDim);
    float power = float(std::pow(parameters.theta, double(exponent)));
    float frequency = 1.0f / power;
    if (parameters.scaling.type == RopeScaling::Type::Linear)
      frequency /= float(parameters.scaling.factor);
    else if (parameters.scaling.type == RopeScaling::Type::Llama3)
      frequency = llama3(frequency, parameters.scaling);
    frequencies.push_back(frequency);
  }
  return frequencies;
}

void ropeRow(const std::vector<float> &frequencies, int64_t position,
             float *out) {
  for (size_t i = 0; i < frequencies.size(); ++i) {
    float angle = float(position) * frequencies[i];
    out[2 * i] = float(std::cos(double(angle)));
    out[2 * i + 1] = float(std::sin(double(angle)));
  }
}

} // namespace tilewright::runtime
