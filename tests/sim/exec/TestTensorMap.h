//===- TestTensorMap.h - Tensor maps of matrices, for tests -----*- C++ -*-===//

#ifndef TILEWRIGHT_TESTS_SIM_EXEC_TESTTENSORMAP_H
#define TILEWRIGHT_TESTS_SIM_EXEC_TESTTENSORMAP_H

#include "sim/async/TensorMap.h"

#include <cstddef>
#include <vector>

namespace tilewright::sim {

/// A matrix of elements of 32 bits whose rows lie one behind the other.
struct TestMatrix {
  uint64_t address = 0;
  TensorDataType type = TensorDataType::Float32;
  uint64_t columns = 0, rows = 0;
  uint32_t boxColumns = 0, boxRows = 0;
};

/// The 128 bytes of its tensor map; throws if one of its rules is broken.
std::vector<std::byte> tensorMapOf(const TestMatrix &matrix);

} // namespace tilewright::sim

#endif // TILEWRIGHT_TESTS_SIM_EXEC_TESTTENSORMAP_H
