//===- Tensor.h - Tensor values of the reference interpreter --------------===//

#ifndef TILEWRIGHT_IR_REFERENCE_TENSOR_H
#define TILEWRIGHT_IR_REFERENCE_TENSOR_H

#include "ir/reference/Element.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <memory>
#include <vector>

namespace tilewright::reference {

/// A dense row-major tensor. Copies share their elements until one of them is
/// written. Elements are numbered in row-major order.
class Tensor {
public:
  /// All elements zero.
  Tensor(ElementType type, llvm::ArrayRef<int64_t> shape);
  /// Elements from memory, in the format of `type`, which is also that of
  /// `getBytes`: little-endian and without padding.
  Tensor(ElementType type, llvm::ArrayRef<int64_t> shape,
         llvm::ArrayRef<char> bytes);

  ElementType getType() const { return type; }
  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  int64_t getRank() const { return shape.size(); }
  int64_t getDim(int64_t index) const { return shape[index]; }
  int64_t getNumElements() const { return numElements; }

  /// Size of the last dimension, and the product of the others.
  int64_t getRowSize() const { return shape.back(); }
  int64_t getNumRows() const;

  float getFloat(int64_t index) const;
  int64_t getInt(int64_t index) const;

  /// Rounds to nearest even.
  void setFloat(int64_t index, float value);
  void setInt(int64_t index, int64_t value);

  /// `count` elements from `index` on, as f32.
  void readFloats(int64_t index, int64_t count, float *out) const;
  std::vector<float> getFloats() const;
  /// Writes with rounding.
  void writeFloats(int64_t index, llvm::ArrayRef<float> values);

  /// Copies `count` elements, bit by bit; `source` has this element type.
  void copyElements(int64_t index, const Tensor &source, int64_t sourceIndex,
                    int64_t count);

  /// The same elements in another shape.
  Tensor reshape(llvm::ArrayRef<int64_t> newShape) const;
  /// Every element rounded to `newType`.
  Tensor convert(ElementType newType) const;

  llvm::ArrayRef<char> getBytes() const { return *storage; }

private:
  char *getMutable(int64_t index);
  const char *getElement(int64_t index) const;

  ElementType type;
  llvm::SmallVector<int64_t, 4> shape;
  int64_t numElements;
  std::shared_ptr<std::vector<char>> storage;
};

/// The coordinates of element `index`.
llvm::SmallVector<int64_t> getCoordinates(llvm::ArrayRef<int64_t> shape,
                                          int64_t index);

} // namespace tilewright::reference

#endif // TILEWRIGHT_IR_REFERENCE_TENSOR_H
