//===- safetensors-fuzz.cpp - Any bytes as a safetensors file -------------===//

#include "runtime/safetensors/Safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace tilewright::runtime;
  auto tensors = readSafetensors(
      {reinterpret_cast<const std::byte *>(data), size}, "fuzz");
  if (!tensors)
    return 0;
  // Whatever is promised must be there to be read.
  unsigned sum = 0;
  for (const auto &[name, tensor] : *tensors)
    for (std::byte byte : tensor.data)
      sum += unsigned(byte);
  static volatile unsigned sink;
  sink = sum;
  return 0;
}
