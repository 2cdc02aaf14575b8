//===- Decompress.h - Packed payloads of fat binaries ---------------------===//
#ifndef TILEWRIGHT_SIM_DRIVER_DECOMPRESS_H
#define TILEWRIGHT_SIM_DRIVER_DECOMPRESS_H

#include <cstdint>
#include <string>

namespace tilewright::sim::driver {

/// Unpacks one LZ4 block. False when it is damaged or does not give exactly
/// `size` bytes.
bool decompressLz4(const char *packed, uint64_t packedBytes, uint64_t size,
                   std::string &out);

/// Unpacks one Zstandard frame with the system's library. On failure `error`
/// says whether the library is missing or the frame is damaged.
bool decompressZstd(const char *packed, uint64_t packedBytes, uint64_t size,
                    std::string &out, std::string &error);

} // namespace tilewright::sim::driver

#endif // TILEWRIGHT_SIM_DRIVER_DECOMPRESS_H
