//===- sim-tensor.cpp - Speed of the simulated tensor cores ---------------===//
//
// One wgmma (or mma.sync) per iteration on random normal operands in swizzled
// shared memory, accumulating in place as a kernel's K loop does. `zero`
// columns hold zeros, as the padding of a decode step's few tokens. FLOPs count
// every column.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/RegisterFile.h"
#include "sim/tensor/Convert.h"
#include "sim/tensor/WgmmaKernels.h"

#include <benchmark/benchmark.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

using namespace tilewright::sim;

namespace {

/// Registers and shared memory of one warpgroup.
struct Warpgroup {
  static constexpr uint32_t bBase = 16384;

  Warpgroup(const WgmmaOp &op, int zeroColumns)
      : registers(static_cast<size_t>(op.n) * 64), shared(bBase + 65536) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    auto fill = [&](uint8_t *bytes, size_t count) {
      for (size_t i = 0; i < count;) {
        float value = normal(random);
        if (bitsOf(op.aType) == 8) {
          bytes[i++] =
              static_cast<uint8_t>(encodeFloat(FloatFormat::E4M3, value, {}));
          continue;
        }
        uint16_t bits = op.aType == MatrixType::F16 ? f16FromF32(value)
                                                    : bf16FromF32(value);
        std::memcpy(bytes + i, &bits, 2);
        i += 2;
      }
    };
    fill(shared.data(), shared.size());
    // A column of a 128-byte K-major tile is one line, whatever the swizzle.
    for (int column = op.n - zeroColumns; column < op.n; ++column)
      std::memset(&shared[bBase + 128 * static_cast<size_t>(column)], 0, 128);
    for (int i = 0; i < op.accumulatorRegisters(); ++i)
      offsets.push_back(static_cast<uint32_t>(i * warpLanes));
    for (int warp = 0; warp < warpgroupWarps; ++warp)
      d.warp[warp] = registers.data() + static_cast<size_t>(warp * op.n * 16);
    d.offset = offsets.data();
  }

  static uint64_t descriptor(uint32_t start) {
    MatrixDescriptor result;
    result.start = start;
    result.stride = 1024;
    result.swizzle = DescriptorSwizzle::Bytes128;
    return result.encode();
  }

  AlignedRows<uint32_t> registers; ///< as a warp has them
  std::vector<uint32_t> offsets;
  std::vector<uint8_t> shared;
  WarpgroupRegisters d;
};

void runWgmmas(benchmark::State &state, const StepKernels &kernels, WgmmaOp op,
               int zeroColumns) {
  Warpgroup warpgroup(op, zeroColumns);
  SharedWindow window = {warpgroup.shared.data(),
                         static_cast<uint32_t>(warpgroup.shared.size())};
  uint32_t step = 0;
  for (auto _ : state) {
    // Four k-steps inside the swizzle atom, then a fresh accumulator.
    uint32_t offset = step % 4 * kStepBytes;
    runWgmmaWith(kernels, op, warpgroup.d, step % 64 != 0, {},
                 Warpgroup::descriptor(offset),
                 Warpgroup::descriptor(Warpgroup::bBase + offset), window);
    ++step;
    benchmark::ClobberMemory();
  }
  double flops = 2.0 * WgmmaOp::m * op.n * op.k();
  state.counters["FLOP/s"] =
      benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

void registerShape(const StepKernels &kernels, const char *typeName,
                   MatrixType type, int n, int zeroColumns) {
  WgmmaOp op;
  op.aType = op.bType = type;
  op.n = n;
  std::string name = std::string(kernels.name) + "/m64n" + std::to_string(n) +
                     "k" + std::to_string(op.k()) + "/" + typeName;
  if (zeroColumns)
    name += "/zero" + std::to_string(zeroColumns);
  benchmark::RegisterBenchmark(
      name.c_str(), [&kernels, op, zeroColumns](benchmark::State &state) {
        runWgmmas(state, kernels, op, zeroColumns);
      });
}

/// mma.sync with all operands in registers, accumulating in place.
void runMmas(benchmark::State &state, const StepKernels &kernels,
             TensorArch arch) {
  MmaSyncOp op;
  op.arch = arch;
  op.aType = op.bType = MatrixType::BF16;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  uint32_t registers[10][warpLanes];
  for (auto &lanes : registers)
    for (uint32_t &word : lanes)
      word = bf16FromF32(normal(random)) |
             static_cast<uint32_t>(bf16FromF32(normal(random))) << 16;
  const void *a[] = {registers[0], registers[1], registers[2], registers[3]};
  const void *b[] = {registers[4], registers[5]};
  void *d[] = {registers[6], registers[7], registers[8], registers[9]};
  for (auto _ : state) {
    runMmaSyncWith(kernels, op, d, a, b, d);
    benchmark::ClobberMemory();
  }
  double flops = 2.0 * op.m * op.n * op.k;
  state.counters["FLOP/s"] =
      benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

int registerAll() {
  for (const StepKernels *kernels :
       {avx512Kernels(), avx2Kernels(), &portableKernels()}) {
    if (!kernels)
      continue;
    for (int n : {8, 64, 128, 256}) {
      registerShape(*kernels, "bf16", MatrixType::BF16, n, 0);
      registerShape(*kernels, "e4m3", MatrixType::E4M3, n, 0);
    }
    registerShape(*kernels, "f16", MatrixType::F16, 128, 0);
    registerShape(*kernels, "bf16", MatrixType::BF16, 8, 7);
    for (TensorArch arch : {TensorArch::Ampere, TensorArch::Hopper}) {
      bool hopper = arch == TensorArch::Hopper;
      std::string name = std::string(kernels->name) + "/mma.m16n8k16/bf16/" +
                         (hopper ? "sm_90" : "sm_80");
      benchmark::RegisterBenchmark(name.c_str(),
                                   [kernels, arch](benchmark::State &state) {
                                     runMmas(state, *kernels, arch);
                                   });
    }
  }
  return 0;
}

[[maybe_unused]] const int registered = registerAll();

} // namespace
