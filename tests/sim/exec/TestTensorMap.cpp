//===- TestTensorMap.cpp - Tensor maps of matrices, for tests -------------===//

#include "tests/sim/exec/TestTensorMap.h"

#include <cstring>
#include <stdexcept>

namespace tilewright::sim {

std::vector<std::byte> tensorMapOf(const TestMatrix &matrix) {
  const uint64_t dims[] = {matrix.columns, matrix.rows};
  const uint64_t strides[] = {matrix.columns * sizeof(uint32_t)};
  const uint32_t box[] = {matrix.boxColumns, matrix.boxRows}, steps[] = {1, 1};
  TensorMapArguments arguments;
  arguments.dataType = static_cast<uint32_t>(matrix.type);
  arguments.rank = 2;
  arguments.globalAddress = matrix.address;
  arguments.globalDim = dims;
  arguments.globalStrides = strides;
  arguments.boxDim = box;
  arguments.elementStrides = steps;
  alignas(64) uint8_t bytes[tensorMapBytes];
  if (std::string error = encodeTensorMap(arguments, bytes); !error.empty())
    throw std::runtime_error("tensor map: " + error);
  std::vector<std::byte> map(tensorMapBytes);
  std::memcpy(map.data(), bytes, tensorMapBytes);
  return map;
}

} // namespace tilewright::sim
