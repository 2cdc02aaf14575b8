//===- ProfileRun.h - Kernels under the observers of sim/debug --*- C++ -*-===//

#ifndef TILEWRIGHT_TESTS_SIM_DEBUG_PROFILERUN_H
#define TILEWRIGHT_TESTS_SIM_DEBUG_PROFILERUN_H

#include "sim/debug/Profile.h"
#include "sim/debug/ProfileReport.h"
#include "tests/sim/exec/TestDevice.h"
#include "tests/sim/exec/TestTensorMap.h"

#include <gtest/gtest.h>
#include <string>

namespace tilewright::sim::debug {

/// Kernel `k` with parameters `out` and `in`, and usual registers.
inline std::string kernelText(const std::string &body) {
  return ".version 8.5\n.target sm_90a\n.address_size 64\n"
         ".visible .entry k(.param .u64 out, .param .u64 in) {\n"
         ".reg .b32 %r<32>; .reg .b64 %rd<16>; .reg .pred %p<8>;\n"
         ".reg .f32 %f<16>;\n"
         ".shared .align 1024 .b8 tile[16384];\n"
         "ld.param.u64 %rd1, [out]; ld.param.u64 %rd2, [in];\n"
         "mov.u32 %r1, %tid.x; mov.u32 %r2, tile;\n" +
         body + "\nret;\n}\n";
}

/// Parameters behind `out` and `in`, in an entry whose third is a tensor map:
/// that of 32 rows of 64 floats at `address`, in boxes of 8 rows of 16.
inline std::vector<std::byte> mapParameters(uint64_t address) {
  constexpr size_t alignment = 64, before = 2 * sizeof(uint64_t);
  std::vector<std::byte> parameters(alignment - before);
  std::vector<std::byte> map =
      tensorMapOf({address, TensorDataType::Float32, 64, 32, 16, 8});
  parameters.insert(parameters.end(), map.begin(), map.end());
  return parameters;
}

struct ProfileRun {
  TestDevice device;
  Profile profile;
  Dim3 grid, block{32, 1, 1}, cluster;
  Params params;
  uint64_t out = device.allocate(1 << 20, 1024);
  uint64_t in = device.allocate(1 << 20, 1024);

  /// Runs kernel `k` once; `in` and `out` are its first parameters.
  void run(const std::string &ptx) {
    auto module = Module::load(ptx, "test.ptx", device.config, device);
    ASSERT_TRUE(module) << module.error().message;
    Params all;
    all.add(out).add(in);
    all.bytes.insert(all.bytes.end(), params.bytes.begin(), params.bytes.end());
    Launch launch;
    launch.kernel = (*module)->findKernel("k");
    launch.grid = grid;
    launch.block = block;
    launch.cluster = cluster;
    launch.params = all.bytes;
    std::unique_ptr<Observer> observer = profile.observer();
    launch.observer = observer.get();
    Result<LaunchStats> result = sim::run(launch, device.config, device.memory);
    ASSERT_TRUE(result) << result.error().message;
    stats = *result;
  }
  void runBody(const std::string &body) { run(kernelText(body)); }

  KernelProfile kernel() const {
    std::vector<KernelProfile> all = profile.kernels();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? KernelProfile() : all.front();
  }
  /// Counts of the one instruction whose text begins like this.
  Counts at(const std::string &text) const {
    KernelProfile all = kernel();
    Counts found;
    int matches = 0;
    for (const auto &[where, instruction] : all.instructions)
      if (all.text->statement(where).starts_with(text)) {
        found = instruction.counts;
        ++matches;
      }
    EXPECT_EQ(matches, 1) << text;
    return found;
  }

  LaunchStats stats;
};

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_TESTS_SIM_DEBUG_PROFILERUN_H
