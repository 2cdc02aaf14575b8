//===- Value.h - How a weight is made from a checkpoint -------------------===//
//
// A tree per weight, read from the manifest. It can give any range of rows
// without computing the others, so that a weight of any size is made in pieces
// and by several threads.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_WEIGHTS_VALUE_H
#define TILEWRIGHT_RUNTIME_WEIGHTS_VALUE_H

#include "runtime/safetensors/Safetensors.h"
#include "runtime/support/DType.h"
#include "runtime/weights/RopeTable.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tilewright::runtime {

/// A tensor that a bundle wants of a checkpoint.
struct SourceTensor {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
};

/// The checkpoint's tensors in the order of the bundle's list of sources.
using Sources = std::span<const TensorView *const>;

/// A node of the tree. "Rows" are the slices along dimension 0; a scalar is
/// one row.
class Value {
public:
  Value(DType dtype, std::vector<int64_t> shape)
      : elementType(dtype), dimensions(std::move(shape)) {}
  virtual ~Value() = default;

  DType dtype() const { return elementType; }
  const std::vector<int64_t> &shape() const { return dimensions; }
  int64_t numRows() const { return dimensions.empty() ? 1 : dimensions[0]; }
  int64_t rowElements() const;
  size_t rowBytes() const { return size_t(rowElements()) * byteSize(dtype()); }

  /// Writes rows [begin, end), `rowBytes()` each.
  virtual void rows(Sources sources, int64_t begin, int64_t end,
                    std::byte *out) const = 0;

private:
  DType elementType;
  std::vector<int64_t> dimensions;
};

using ValuePtr = std::unique_ptr<const Value>;

// The ops of runtime/README.md. Preconditions are those of its table, and are
// checked by the reader of the manifest.
ValuePtr makeTensor(size_t source, const SourceTensor &tensor);
ValuePtr makeCast(DType dtype, ValuePtr input);
ValuePtr makeConcat(size_t dim, std::vector<ValuePtr> inputs);
ValuePtr makeSlice(size_t dim, int64_t begin, int64_t end, ValuePtr input);
ValuePtr makeReshape(std::vector<int64_t> shape, ValuePtr input);
ValuePtr makeRegroupRows(int64_t period, int64_t extent, int64_t from,
                         int64_t to, ValuePtr input);
ValuePtr makeScaleColumns(ValuePtr input, ValuePtr scale);
ValuePtr makeRopeTable(const RopeParameters &parameters);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_WEIGHTS_VALUE_H
