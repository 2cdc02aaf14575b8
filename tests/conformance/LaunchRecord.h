//===- LaunchRecord.h - A launch as a file ----------------------*- C++ -*-===//
// Launches of the tests for tests/sim/mutate.py, which runs them again with
// broken PTX.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TESTS_CONFORMANCE_LAUNCHRECORD_H
#define TILEWRIGHT_TESTS_CONFORMANCE_LAUNCHRECORD_H

#include "tests/conformance/KernelHarness.h"

#include <nlohmann/json_fwd.hpp>

namespace tilewright::conformance {

/// Where TILEWRIGHT_TEST_RECORD names a folder, writes the first launch of each
/// kernel into it: KERNEL-HASH.json, with the kernel's `entry` of the manifest,
/// the values of its symbols and its PTX, and KERNEL-HASH.bin with the bytes of
/// its arguments, one behind the other.
void recordLaunch(const nlohmann::json &entry, const std::string &ptx,
                  const runtime::SymbolValues &symbols,
                  const std::vector<HostTensor> &arguments);

} // namespace tilewright::conformance

#endif // TILEWRIGHT_TESTS_CONFORMANCE_LAUNCHRECORD_H
