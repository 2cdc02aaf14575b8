//===- zip-fuzz.cpp - Any bytes as a bundle file --------------------------===//

#include "runtime/bundle/Bundle.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace tilewright::runtime;
  (void)!Bundle::fromMemory(
      std::string(reinterpret_cast<const char *>(data), size), "fuzz");
  return 0;
}
