//===- SharedShapes.h - The shapes that tests and benchmarks share --------===//

#ifndef TILEWRIGHT_TESTS_CONFORMANCE_SHAREDSHAPES_H
#define TILEWRIGHT_TESTS_CONFORMANCE_SHAREDSHAPES_H

#include "nlohmann/json.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace tilewright::conformance {

/// models/shapes.json.
const nlohmann::json &getSharedShapes();

/// Pairs of a size and a value: each value with `count` sizes, which go round,
/// so that every size and every value is met without a test of all pairs.
std::vector<std::pair<int64_t, int64_t>>
pairInTurn(const std::vector<int64_t> &sizes,
           const std::vector<int64_t> &values, size_t count);

} // namespace tilewright::conformance

#endif // TILEWRIGHT_TESTS_CONFORMANCE_SHAREDSHAPES_H
