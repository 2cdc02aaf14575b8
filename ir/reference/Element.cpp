//===- Element.cpp - Element types of reference tensors -------------------===//

#include "ir/reference/Element.h"

#include "mlir/IR/BuiltinTypes.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>

using namespace mlir;

namespace tilewright::reference {

std::optional<ElementType> getElementType(Type type) {
  if (type.isBF16())
    return ElementType::BF16;
  if (type.isF16())
    return ElementType::F16;
  if (type.isF32())
    return ElementType::F32;
  if (type.isSignlessInteger(32))
    return ElementType::I32;
  if (type.isSignlessInteger(64))
    return ElementType::I64;
  return std::nullopt;
}

namespace {
struct ElementInfo {
  const char *name;
  unsigned bytes;
  bool isFloat;
};
} // namespace

static const ElementInfo &getInfo(ElementType type) {
  static const ElementInfo table[] = {{"bf16", 2, true},
                                      {"f16", 2, true},
                                      {"f32", 4, true},
                                      {"i32", 4, false},
                                      {"i64", 8, false}};
  return table[static_cast<unsigned>(type)];
}

StringRef getName(ElementType type) { return getInfo(type).name; }
unsigned getByteWidth(ElementType type) { return getInfo(type).bytes; }
bool isFloat(ElementType type) { return getInfo(type).isFloat; }

//===----------------------------------------------------------------------===//
// Noise
//===----------------------------------------------------------------------===//

// The interpreter's threads only read it.
static std::atomic<uint64_t> noiseSeed{RoundingNoise::kNone};

RoundingNoise::RoundingNoise(uint64_t seed) : before(noiseSeed) {
  noiseSeed = seed;
}
RoundingNoise::~RoundingNoise() { noiseSeed = before; }
bool RoundingNoise::isOn() {
  return noiseSeed.load(std::memory_order_relaxed) != kNone;
}

/// Random bits that depend on the seed and the value alone (the finalizer of
/// SplitMix64), so that threads and the order of writes make no difference.
static uint64_t getNoise(float value) {
  uint64_t bits = noiseSeed.load(std::memory_order_relaxed) +
                  0x9E3779B97F4A7C15 * (1 + std::bit_cast<uint32_t>(value));
  bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
  return bits ^ (bits >> 31);
}

float roundToF32(float value) {
  if (!RoundingNoise::isOn() || !std::isfinite(value))
    return value;
  // A sum of n terms in one order and in another: about sqrt(n) roundings of
  // 2^-24 apart, here with the 256 terms that a lane of Dot.cpp adds up in a
  // matmul of 2048.
  constexpr float kSum = 0x1p-20f;
  float uniform = static_cast<float>(getNoise(value) >> 40) * 0x1p-23f - 1.0f;
  return value * (1.0f + kSum * uniform);
}

//===----------------------------------------------------------------------===//
// Formats
//===----------------------------------------------------------------------===//

float decodeBf16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

uint16_t encodeBf16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value))
    return static_cast<uint16_t>(bits >> 16) | 0x40;
  if (RoundingNoise::isOn() && std::isfinite(value)) {
    float moved = roundToF32(value);
    uint32_t random = static_cast<uint32_t>(getNoise(value)) & 0xffff;
    return static_cast<uint16_t>((std::bit_cast<uint32_t>(moved) + random) >>
                                 16);
  }
  // Half of the last place kept, or just less where that is even already.
  uint32_t half = 0x7fff + ((bits >> 16) & 1);
  return static_cast<uint16_t>((bits + half) >> 16);
}

float decodeF16(uint16_t bits) {
  int exponent = (bits >> 10) & 0x1f;
  float fraction = static_cast<float>(bits & 0x3ff);
  float magnitude;
  if (exponent == 0x1f)
    magnitude = fraction == 0.0f ? INFINITY : NAN;
  else if (exponent == 0)
    magnitude = std::ldexp(fraction, -24);
  else
    magnitude = std::ldexp(fraction + 1024.0f, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/// `value` moved by up to half a unit in the last place, so that rounding to
/// nearest then goes up or down at random.
static float moveWithinF16(float value) {
  float moved = roundToF32(value);
  int exponent = 0;
  std::frexp(moved, &exponent);
  float unit = std::ldexp(1.0f, std::max(exponent - 11, -24));
  float uniform = static_cast<float>(getNoise(value) >> 40) * 0x1p-24f - 0.5f;
  return moved + unit * uniform;
}

uint16_t encodeF16(float value) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  float magnitude = std::fabs(value);
  if (std::isnan(value))
    return sign | 0x7e00;
  if (RoundingNoise::isOn() && std::isfinite(value))
    magnitude = std::fabs(moveWithinF16(value));
  // Below the smallest normal number all values are multiples of 2^-24, and a
  // carry into the exponent gives that number's own bits.
  if (magnitude < 0x1p-14f)
    return sign | static_cast<uint16_t>(std::nearbyint(magnitude * 0x1p24f));
  if (magnitude >= 65520.0f)
    return sign | 0x7c00;
  uint32_t bits = std::bit_cast<uint32_t>(magnitude);
  uint32_t half = 0xfff + ((bits >> 13) & 1);
  return sign | static_cast<uint16_t>(((bits + half) >> 13) - (112 << 10));
}

float roundTo(ElementType type, float value) {
  if (type == ElementType::BF16)
    return decodeBf16(encodeBf16(value));
  if (type == ElementType::F16)
    return decodeF16(encodeF16(value));
  return roundToF32(value);
}

} // namespace tilewright::reference
