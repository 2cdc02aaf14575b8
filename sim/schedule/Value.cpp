//===- Value.cpp - Elements of memory as people read them -----------------===//

#include "sim/schedule/Value.h"

#include "sim/tensor/Convert.h"

#include <bit>
#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace tilewright::sim::schedule {

using ptx::Type;

static constexpr uint64_t wordBytes = 4;

uint64_t elementBytes(Type type) {
  return type == Type::None ? wordBytes : ptx::typeBytes(type);
}

/// As many digits as tell one value from the next.
static std::string floatText(double value, int digits) {
  char text[40];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  return text;
}

std::string valueText(Type type, const std::byte *at) {
  uint64_t size = elementBytes(type), bits = 0;
  std::memcpy(&bits, at, size < sizeof bits ? size : sizeof bits);
  char text[40];
  std::snprintf(text, sizeof text, "0x%0*" PRIx64, static_cast<int>(2 * size),
                bits);
  switch (type) {
  case Type::F16:
    return floatText(f32FromF16(static_cast<uint16_t>(bits)), 5) + " (" + text +
           ")";
  case Type::BF16:
    return floatText(f32FromBf16(static_cast<uint16_t>(bits)), 4) + " (" +
           text + ")";
  case Type::F32:
    return floatText(std::bit_cast<float>(static_cast<uint32_t>(bits)), 9) +
           " (" + text + ")";
  case Type::F64:
    return floatText(std::bit_cast<double>(bits), 17) + " (" + text + ")";
  case Type::U8:
  case Type::U16:
  case Type::U32:
  case Type::U64:
    return std::to_string(bits);
  case Type::S8:
  case Type::S16:
  case Type::S32:
  case Type::S64: {
    uint64_t unused = 64 - 8 * size;
    return std::to_string(static_cast<int64_t>(bits << unused) >>
                          static_cast<int64_t>(unused));
  }
  case Type::B128: {
    uint64_t high = 0;
    std::memcpy(&high, at + sizeof bits, sizeof high);
    std::snprintf(text, sizeof text, "0x%016" PRIx64 "%016" PRIx64, high, bits);
    return text;
  }
  default:
    return text;
  }
}

} // namespace tilewright::sim::schedule
