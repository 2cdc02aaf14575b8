//===- Tensor.cpp - Tensor values of the reference interpreter ------------===//

#include "ir/reference/Tensor.h"

#include <cassert>
#include <cstring>

using namespace llvm;

namespace tilewright::reference {

static int64_t getProduct(ArrayRef<int64_t> shape) {
  int64_t product = 1;
  for (int64_t size : shape)
    product *= size;
  return product;
}

template <typename T>
static T load(const char *address) {
  T value;
  std::memcpy(&value, address, sizeof(T));
  return value;
}

template <typename T>
static void store(char *address, T value) {
  std::memcpy(address, &value, sizeof(T));
}

Tensor::Tensor(ElementType type, ArrayRef<int64_t> shape)
    : type(type), shape(shape), numElements(getProduct(shape)),
      storage(std::make_shared<std::vector<char>>(numElements *
                                                  getByteWidth(type))) {}

Tensor::Tensor(ElementType type, ArrayRef<int64_t> shape, ArrayRef<char> bytes)
    : type(type), shape(shape), numElements(getProduct(shape)),
      storage(std::make_shared<std::vector<char>>(bytes.begin(), bytes.end())) {
  assert(bytes.size() == size_t(numElements) * getByteWidth(type) &&
         "as many bytes as the shape asks for");
}

int64_t Tensor::getNumRows() const {
  return getProduct(ArrayRef<int64_t>(shape).drop_back());
}

const char *Tensor::getElement(int64_t index) const {
  assert(index >= 0 && index < numElements && "inside the tensor");
  return storage->data() + index * getByteWidth(type);
}

char *Tensor::getMutable(int64_t index) {
  if (storage.use_count() > 1)
    storage = std::make_shared<std::vector<char>>(*storage);
  return storage->data() + index * getByteWidth(type);
}

float Tensor::getFloat(int64_t index) const {
  float value;
  readFloats(index, 1, &value);
  return value;
}

void Tensor::setFloat(int64_t index, float value) { writeFloats(index, value); }

int64_t Tensor::getInt(int64_t index) const {
  assert(!isFloat(type) && "an integer tensor");
  const char *address = getElement(index);
  return type == ElementType::I32 ? load<int32_t>(address)
                                  : load<int64_t>(address);
}

void Tensor::setInt(int64_t index, int64_t value) {
  assert(!isFloat(type) && "an integer tensor");
  if (type == ElementType::I32)
    store(getMutable(index), static_cast<int32_t>(value));
  else
    store(getMutable(index), value);
}

void Tensor::readFloats(int64_t index, int64_t count, float *out) const {
  assert(isFloat(type) && index + count <= numElements && "floats inside");
  const char *source = storage->data() + index * getByteWidth(type);
  if (type == ElementType::F32) {
    std::memcpy(out, source, count * sizeof(float));
    return;
  }
  float (*decode)(uint16_t) =
      type == ElementType::BF16 ? decodeBf16 : decodeF16;
  for (int64_t i = 0; i < count; ++i)
    out[i] = decode(load<uint16_t>(source + 2 * i));
}

std::vector<float> Tensor::getFloats() const {
  std::vector<float> values(numElements);
  readFloats(0, numElements, values.data());
  return values;
}

void Tensor::writeFloats(int64_t index, ArrayRef<float> values) {
  assert(isFloat(type) && index + int64_t(values.size()) <= numElements &&
         "floats inside");
  char *target = getMutable(index);
  if (type == ElementType::F32) {
    std::memcpy(target, values.data(), values.size() * sizeof(float));
    for (size_t i = 0; RoundingNoise::isOn() && i < values.size(); ++i)
      store(target + 4 * i, roundToF32(values[i]));
    return;
  }
  uint16_t (*encode)(float) =
      type == ElementType::BF16 ? encodeBf16 : encodeF16;
  for (auto [i, value] : enumerate(values))
    store(target + 2 * i, encode(value));
}

void Tensor::copyElements(int64_t index, const Tensor &source,
                          int64_t sourceIndex, int64_t count) {
  assert(type == source.type && index + count <= numElements &&
         sourceIndex + count <= source.numElements && "elements that exist");
  unsigned width = getByteWidth(type);
  std::memcpy(getMutable(index), source.storage->data() + sourceIndex * width,
              count * width);
}

Tensor Tensor::reshape(ArrayRef<int64_t> newShape) const {
  assert(getProduct(newShape) == numElements && "the same elements");
  Tensor result = *this;
  result.shape.assign(newShape.begin(), newShape.end());
  return result;
}

Tensor Tensor::convert(ElementType newType) const {
  if (newType == type)
    return *this;
  Tensor result(newType, shape);
  result.writeFloats(0, getFloats());
  return result;
}

SmallVector<int64_t> getCoordinates(ArrayRef<int64_t> shape, int64_t index) {
  SmallVector<int64_t> coordinates(shape.size());
  for (size_t dim = shape.size(); dim-- > 0;) {
    coordinates[dim] = index % shape[dim];
    index /= shape[dim];
  }
  return coordinates;
}

} // namespace tilewright::reference
