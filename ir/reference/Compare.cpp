//===- Compare.cpp - The first element that is too far off ----------------===//

#include "ir/reference/Compare.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace llvm;

namespace tilewright::reference {

static bool isWithin(double actual, double expected, Bound bound) {
  if (actual == expected || (std::isnan(actual) && std::isnan(expected)))
    return true;
  // An infinite bound would take any value for close.
  if (std::isinf(expected))
    return false;
  return std::fabs(actual - expected) <=
         bound.absolute + bound.relative * std::fabs(expected);
}

/// The first element for which `isGood` does not hold.
static std::optional<Mismatch> findFirst(int64_t count,
                                         function_ref<bool(int64_t)> isGood) {
  Mismatch mismatch{-1, 0};
  for (int64_t i = 0; i < count; ++i) {
    if (isGood(i))
      continue;
    if (mismatch.count++ == 0)
      mismatch.index = i;
  }
  return mismatch.count ? std::optional(mismatch) : std::nullopt;
}

std::optional<Mismatch> findMismatch(const Tensor &actual,
                                     const Tensor &expected, Bound bound) {
  if (!isFloat(actual.getType()))
    return findFirst(actual.getNumElements(), [&](int64_t i) {
      return isWithin(actual.getInt(i), expected.getInt(i), bound);
    });
  std::vector<float> values = actual.getFloats(), wanted = expected.getFloats();
  return findFirst(actual.getNumElements(), [&](int64_t i) {
    return isWithin(values[i], wanted[i], bound);
  });
}

std::optional<Mismatch> findDifference(const Tensor &actual,
                                       const Tensor &expected) {
  unsigned width = getByteWidth(actual.getType());
  return findFirst(actual.getNumElements(), [&](int64_t i) {
    return actual.getBytes().slice(i * width, width) ==
           expected.getBytes().slice(i * width, width);
  });
}

/// Nine digits tell any two f32 apart.
static void printElement(raw_ostream &os, const Tensor &tensor, int64_t index) {
  if (isFloat(tensor.getType()))
    os << format("%.9g", double(tensor.getFloat(index)));
  else
    os << tensor.getInt(index);
}

std::string describe(const Mismatch &mismatch, const Tensor &actual,
                     const Tensor &expected) {
  std::string text;
  raw_string_ostream os(text);
  int64_t index = mismatch.index;
  os << "element [";
  interleaveComma(getCoordinates(actual.getShape(), index), os);
  os << "] to be ";
  printElement(os, expected, index);
  os << ", but got ";
  printElement(os, actual, index);
  if (isFloat(actual.getType()))
    os << ", off by "
       << format("%.3g", std::fabs(double(actual.getFloat(index)) -
                                   double(expected.getFloat(index))));
  os << "; " << mismatch.count << " of " << actual.getNumElements()
     << " elements differ by too much";
  return text;
}

} // namespace tilewright::reference
