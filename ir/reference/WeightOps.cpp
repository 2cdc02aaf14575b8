//===- WeightOps.cpp - Reference values of weight layouts -----------------===//

#include "ir/reference/Ops.h"

#include <cmath>
#include <numbers>

using namespace mlir;

namespace tilewright::reference {

static double scaleFrequency(double frequency, xf::LinearScalingAttr scaling) {
  return frequency / scaling.getFactor().getValueAsDouble();
}

static double scaleFrequency(double frequency, xf::Llama3ScalingAttr scaling) {
  double factor = scaling.getFactor().getValueAsDouble();
  double low = scaling.getLowFreqFactor().getValueAsDouble();
  double high = scaling.getHighFreqFactor().getValueAsDouble();
  double positions = scaling.getOriginalMaxPositions();
  double wavelength = 2 * std::numbers::pi / frequency;
  if (wavelength < positions / high)
    return frequency;
  if (wavelength > positions / low)
    return frequency / factor;
  double smooth = (positions / wavelength - low) / (high - low);
  return (1 - smooth) * frequency / factor + smooth * frequency;
}

static float getFrequency(xf::RopeTableOp op, int64_t index, int64_t rotated) {
  double theta = op.getTheta().convertToDouble();
  double frequency = std::pow(theta, -2.0 * index / rotated);
  Attribute scaling = op.getScalingAttr();
  if (auto linear = dyn_cast_or_null<xf::LinearScalingAttr>(scaling))
    frequency = scaleFrequency(frequency, linear);
  else if (auto llama3 = dyn_cast_or_null<xf::Llama3ScalingAttr>(scaling))
    frequency = scaleFrequency(frequency, llama3);
  return static_cast<float>(frequency);
}

Tensor eval(xf::RopeTableOp op) {
  Tensor result(ElementType::F32, op.getType().getShape());
  int64_t positions = result.getDim(0), frequencies = result.getDim(1);
  for (int64_t f = 0; f < frequencies; ++f) {
    float frequency = getFrequency(op, f, 2 * frequencies);
    for (int64_t p = 0; p < positions; ++p) {
      float angle = static_cast<float>(static_cast<double>(p) * frequency);
      int64_t index = (p * frequencies + f) * 2;
      result.setFloat(index, std::cos(static_cast<double>(angle)));
      result.setFloat(index + 1, std::sin(static_cast<double>(angle)));
    }
  }
  return result;
}

/// `regroup_rows` on an input seen as `rows` pieces of `size` elements.
template <typename RegroupOp>
static Tensor regroup(RegroupOp op, const Tensor &input, int64_t rows,
                      int64_t size) {
  int64_t from = op.getFrom(), to = op.getTo();
  auto first = [](int64_t pair, int64_t distance) {
    return (pair / distance) * 2 * distance + pair % distance;
  };
  Tensor result = input;
  auto move = [&](int64_t target, int64_t source) {
    result.copyElements(target * size, input, source * size, size);
  };
  for (int64_t base = 0; base < rows; base += op.getPeriod()) {
    for (int64_t pair = 0; pair < op.getExtent() / 2; ++pair) {
      move(base + first(pair, to), base + first(pair, from));
      move(base + first(pair, to) + to, base + first(pair, from) + from);
    }
  }
  return result;
}

Tensor eval(xf::RegroupRowsOp op, const Tensor &input) {
  int64_t rows = input.getDim(0);
  return regroup(op, input, rows, rows ? input.getNumElements() / rows : 0);
}

Tensor eval(xf::RegroupColumnsOp op, const Tensor &input) {
  return regroup(op, input, input.getNumElements(), 1);
}

Tensor eval(xf::ScaleColumnsOp op, const Tensor &input, const Tensor &scale) {
  std::vector<float> values = input.getFloats();
  std::vector<float> factors = scale.getFloats();
  for (size_t i = 0; i < values.size(); ++i)
    values[i] *= factors[i % factors.size()];
  Tensor result(input.getType(), input.getShape());
  result.writeFloats(0, values);
  return result;
}

} // namespace tilewright::reference
