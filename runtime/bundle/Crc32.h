//===- Crc32.h - The CRC of zip archives ----------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_BUNDLE_CRC32_H
#define TILEWRIGHT_RUNTIME_BUNDLE_CRC32_H

#include <cstdint>
#include <string_view>

namespace tilewright::runtime {

uint32_t crc32(std::string_view bytes);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_BUNDLE_CRC32_H
