//===- SharedShapes.cpp - The shapes that tests and benchmarks share ------===//

#include "tests/conformance/SharedShapes.h"

#include <fstream>

namespace tilewright::conformance {

const nlohmann::json &getSharedShapes() {
  static const nlohmann::json shapes = [] {
    std::ifstream file(TILEWRIGHT_SHAPES);
    return nlohmann::json::parse(file);
  }();
  return shapes;
}

std::vector<std::pair<int64_t, int64_t>>
pairInTurn(const std::vector<int64_t> &sizes,
           const std::vector<int64_t> &values, size_t count) {
  std::vector<std::pair<int64_t, int64_t>> result;
  size_t next = 0;
  for (int64_t value : values)
    for (size_t i = 0; i < count; ++i)
      result.push_back({sizes[next++ % sizes.size()], value});
  return result;
}

} // namespace tilewright::conformance
