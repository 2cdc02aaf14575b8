//===- Crc32.cpp - The CRC of zip archives --------------------------------===//
//
// Eight bytes per step ("slicing by 8"): a bundle of some megabytes is to open
// in milliseconds, all of its members checked.
//
//===----------------------------------------------------------------------===//

#include "runtime/bundle/Crc32.h"

#include <array>
#include <cstring>

namespace tilewright::runtime {

using Tables = std::array<std::array<uint32_t, 256>, 8>;

// `tables[k][b]` is the CRC of byte b followed by k zero bytes.
static constexpr Tables makeTables() {
  constexpr uint32_t reversedPolynomial = 0xedb88320;
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ (crc & 1 ? reversedPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < 8; ++k)
    for (uint32_t byte = 0; byte < 256; ++byte) {
      uint32_t crc = tables[k - 1][byte];
      tables[k][byte] = (crc >> 8) ^ tables[0][crc & 0xff];
    }
  return tables;
}

static constexpr Tables tables = makeTables();

uint32_t crc32(std::string_view bytes) {
  uint32_t crc = 0xffffffff;
  const char *at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    word ^= crc;
    crc = 0;
    for (int k = 0; k < 8; ++k)
      crc ^= tables[7 - k][(word >> (8 * k)) & 0xff];
  }
  for (; left > 0; ++at, --left)
    crc = (crc >> 8) ^ tables[0][(crc ^ static_cast<uint8_t>(*at)) & 0xff];
  return ~crc;
}

} // namespace tilewright::runtime
