//===- TensorMapFuzz.cpp - Tensor maps from any arguments and bytes -------===//
//
// Encoding accepts or says why not; what it accepts decodes to the same; any
// 128 bytes and any replaced fields decode, or are refused; and no box that a
// map describes leaves the memory that it was given.
//
//===----------------------------------------------------------------------===//

#include "sim/async/TensorMap.h"

#include <fuzzer/FuzzedDataProvider.h>

#include <cstdlib>
#include <cstring>
#include <vector>

using namespace tilewright::sim;

namespace {
constexpr size_t globalBytes = 1 << 16, sharedBytes = 1 << 16;
struct Memories {
  std::vector<uint8_t> global = std::vector<uint8_t>(globalBytes);
  std::vector<uint8_t> shared = std::vector<uint8_t>(sharedBytes);
};
} // namespace

/// Device addresses 0 to globalBytes.
static uint8_t *translate(void *context, uint64_t address, uint64_t size,
                          bool) {
  auto &bytes = static_cast<Memories *>(context)->global;
  bool inside = address <= bytes.size() && size <= bytes.size() - address;
  return inside ? bytes.data() + address : nullptr;
}

static void transfer(FuzzedDataProvider &input, const TensorMap &map) {
  static Memories memories;
  int32_t coordinates[maxTensorRank];
  for (int32_t &coordinate : coordinates)
    coordinate = input.ConsumeBool()
                     ? input.ConsumeIntegralInRange<int32_t>(-300, 300)
                     : input.ConsumeIntegral<int32_t>();
  uint32_t address = input.ConsumeIntegralInRange<uint32_t>(0, sharedBytes);
  SharedSpan shared{memories.shared.data(), sharedBytes};
  GlobalAccess global{&memories, translate};
  TransferResult result =
      input.ConsumeBool()
          ? loadTensorBox(map, coordinates, address, shared, global)
          : storeTensorBox(map, coordinates, address, shared, global);
  if (result.error.empty() && result.bytes > sharedBytes)
    std::abort();
}

/// Small values mostly: what a valid map holds.
static uint64_t someSize(FuzzedDataProvider &input, uint64_t usual) {
  return input.ConsumeProbability<float>() < 0.8f
             ? input.ConsumeIntegralInRange<uint64_t>(0, usual)
             : input.ConsumeIntegral<uint64_t>();
}

static void encodeAndUse(FuzzedDataProvider &input) {
  TensorMapArguments arguments;
  uint64_t dims[maxTensorRank], strides[maxTensorRank];
  uint32_t box[maxTensorRank], elementStrides[maxTensorRank];
  arguments.rank = input.ConsumeIntegralInRange<uint32_t>(0, 7);
  arguments.dataType = input.ConsumeIntegralInRange<uint32_t>(0, 20);
  arguments.globalAddress = someSize(input, 1024) << 4;
  for (int i = 0; i < maxTensorRank; ++i) {
    dims[i] = someSize(input, 64);
    strides[i] = someSize(input, 64) << input.ConsumeIntegralInRange(0, 4);
    box[i] = static_cast<uint32_t>(someSize(input, 32));
    elementStrides[i] = static_cast<uint32_t>(someSize(input, 3));
  }
  arguments.globalDim = dims;
  arguments.globalStrides = strides;
  arguments.boxDim = box;
  arguments.elementStrides = elementStrides;
  arguments.interleave = input.ConsumeIntegralInRange<uint32_t>(0, 3);
  arguments.swizzle = input.ConsumeIntegralInRange<uint32_t>(0, 7);
  arguments.l2Promotion = input.ConsumeIntegralInRange<uint32_t>(0, 4);
  arguments.oobFill = input.ConsumeIntegralInRange<uint32_t>(0, 2);
  alignas(64) uint8_t bytes[tensorMapBytes];
  if (!encodeTensorMap(arguments, bytes).empty())
    return;
  TensorMap map;
  if (!decodeTensorMap(bytes, map).empty() || map.rank != arguments.rank ||
      map.address != arguments.globalAddress || map.dim[0] != dims[0])
    std::abort();
  transfer(input, map);
}

static void replaceAndUse(FuzzedDataProvider &input) {
  alignas(64) uint8_t bytes[tensorMapBytes] = {};
  if (input.ConsumeBool())
    input.ConsumeData(bytes, sizeof bytes);
  for (int i = input.ConsumeIntegralInRange(0, 24); i > 0; --i)
    replaceTensorMapField(
        bytes, static_cast<TensorMapField>(input.ConsumeIntegralInRange(0, 10)),
        input.ConsumeIntegralInRange<uint32_t>(0, 6), someSize(input, 16));
  TensorMap map;
  if (decodeTensorMap(bytes, map).empty())
    transfer(input, map);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FuzzedDataProvider input(data, size);
  if (input.ConsumeBool())
    encodeAndUse(input);
  else
    replaceAndUse(input);
  return 0;
}
