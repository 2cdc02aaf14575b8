//===- Value.h - Elements of memory as people read them ---------*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_SCHEDULE_VALUE_H
#define TILEWRIGHT_SIM_SCHEDULE_VALUE_H

#include "sim/ptx/Types.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace tilewright::sim::schedule {

/// Of an element in memory; 4 where the type is not known.
uint64_t elementBytes(ptx::Type type);

/// "1.5 (0x3fc00000)" or "7"; bits as hexadecimal digits.
std::string valueText(ptx::Type type, const std::byte *at);

} // namespace tilewright::sim::schedule

#endif // TILEWRIGHT_SIM_SCHEDULE_VALUE_H
