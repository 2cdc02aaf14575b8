//===- Element.h - Element types of reference tensors ---------------------===//
// The one place where the interpreter tells element types apart. Floating-point
// elements are read as f32, which holds them all exactly, and written with one
// rounding to nearest even.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_REFERENCE_ELEMENT_H
#define TILEWRIGHT_IR_REFERENCE_ELEMENT_H

#include "mlir/IR/Types.h"

#include <cstdint>
#include <optional>

namespace tilewright::reference {

enum class ElementType : uint8_t { BF16, F16, F32, I32, I64 };

/// Nothing if the interpreter has no such element type.
std::optional<ElementType> getElementType(mlir::Type type);

llvm::StringRef getName(ElementType type);
unsigned getByteWidth(ElementType type);
bool isFloat(ElementType type);

float decodeBf16(uint16_t bits);
uint16_t encodeBf16(float value);
float decodeF16(uint16_t bits);
uint16_t encodeF16(float value);

/// `value` rounded to `type`, a floating-point type, and read back.
float roundTo(ElementType type, float value);

/// While one of these lives, results are rounded up or down at random, with the
/// chances that make them right on average, and f32 results move as sums do
/// whose terms are added in another order. How far that moves what a graph
/// gives is what rounding can do to it: stochastic arithmetic, after CESTAC and
/// Parker's Monte Carlo arithmetic. The same seed gives the same roundings on
/// any number of threads. Not for use by several threads.
class RoundingNoise {
public:
  static constexpr uint64_t kNone = 0; // a seed: rounds as without
  explicit RoundingNoise(uint64_t seed);
  ~RoundingNoise();
  RoundingNoise(const RoundingNoise &) = delete;
  RoundingNoise &operator=(const RoundingNoise &) = delete;
  static bool isOn();

private:
  uint64_t before;
};

/// An f32 result as it is stored: moved where there is noise.
float roundToF32(float value);

} // namespace tilewright::reference

#endif // TILEWRIGHT_IR_REFERENCE_ELEMENT_H
