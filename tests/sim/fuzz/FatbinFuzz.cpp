//===- FatbinFuzz.cpp - Any bytes as the entries of a fat binary ----------===//
//
// The driver gets images without a size, so a fat binary's own header has to be
// right about it; everything behind that header is the fuzzer's.
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Image.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

using namespace tilewright::sim::driver;

namespace {
struct Header {
  uint32_t magic = 0xba55ed50;
  uint16_t version = 1, headerSize = 16;
  uint64_t bodySize = 0;
};
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Header header;
  header.bodySize = size;
  // Exactly as large as it says: a byte too far is found.
  std::vector<char> image(sizeof header + size);
  std::memcpy(image.data(), &header, sizeof header);
  if (size)
    std::memcpy(image.data() + sizeof header, data, size);
  PtxText text;
  std::string log;
  CUresult result = findPtx(image.data(), "sm_90a", text, log);
  if (result != CUDA_SUCCESS && log.empty())
    std::abort();
  return 0;
}
