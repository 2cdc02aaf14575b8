//===- sim-tensor-box.cpp - Speed of the TMA's box copies -----------------===//
//
// A box of 64 columns of bf16 with the 128-byte swizzle, as a kernel's K loop
// loads it, walking over a tensor that does not fit the caches.
//
//===----------------------------------------------------------------------===//

#include "sim/async/TensorMap.h"

#include <benchmark/benchmark.h>

#include <vector>

using namespace tilewright::sim;

namespace {

constexpr uint64_t columns = 4096, tensorRows = 8192;
constexpr uint32_t boxColumns = 64;

GlobalAccess accessTo(std::vector<uint8_t> &memory) {
  return {
      &memory,
      [](void *context, uint64_t address, uint64_t size, bool) -> uint8_t * {
        auto &bytes = *static_cast<std::vector<uint8_t> *>(context);
        bool inside = address <= bytes.size() && size <= bytes.size() - address;
        return inside ? bytes.data() + address : nullptr;
      }};
}

void runLoads(benchmark::State &state) {
  TensorMap map;
  map.type = TensorDataType::BFloat16;
  map.rank = 2;
  map.dim[0] = columns;
  map.dim[1] = tensorRows;
  map.stride[0] = map.elementBytes();
  map.stride[1] = columns * map.elementBytes();
  map.box[0] = boxColumns;
  map.box[1] = static_cast<uint32_t>(state.range(0));
  map.elementStride[0] = map.elementStride[1] = 1;
  map.swizzle = TensorSwizzle::Bytes128;
  std::vector<uint8_t> memory(columns * tensorRows * map.elementBytes(), 1);
  std::vector<uint8_t> shared(1 << 17);
  GlobalAccess global = accessTo(memory);
  int32_t at[2] = {0, 0};
  for (auto _ : state) {
    TransferResult result =
        loadTensorBox(map, at, 0, {shared.data(), 1 << 17}, global);
    benchmark::DoNotOptimize(result.bytes);
    at[0] += boxColumns;
    if (at[0] == columns) {
      at[0] = 0;
      at[1] = (at[1] + static_cast<int32_t>(map.box[1])) % tensorRows;
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                          map.boxBytes());
}
BENCHMARK(runLoads)->Name("load/64x")->Arg(8)->Arg(64)->Arg(256);

} // namespace
