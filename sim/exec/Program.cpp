//===- Program.cpp - A module's decoded code ------------------------------===//

#include "sim/exec/Program.h"

namespace tilewright::sim {

/// The top bit of a Ref tells constants from registers, so the pool ends there.
template <typename T>
static Ref intern(T value, AlignedRows<T> &rows,
                  std::unordered_map<T, Ref> &known) {
  auto [entry, isNew] = known.emplace(value, 0);
  if (isNew) {
    entry->second = static_cast<Ref>(rows.size() * sizeof(T)) | constantRow;
    rows.insert(rows.end(), laneCount, value);
  }
  return entry->second;
}

Ref ConstantRows::ref32(uint32_t value) {
  return intern(value, rows32, known32);
}
Ref ConstantRows::ref64(uint64_t value) {
  return intern(value, rows64, known64);
}

} // namespace tilewright::sim
