//===- ProfileReport.h - Profiles as JSON and as tables ---------*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_DEBUG_PROFILEREPORT_H
#define TILEWRIGHT_SIM_DEBUG_PROFILEREPORT_H

#include "sim/debug/Profile.h"

#include <string>
#include <vector>

namespace tilewright::sim::debug {

/// See docs/simulator.md for the fields.
std::string renderProfileJson(const std::vector<KernelProfile> &kernels);

/// Totals of each kernel, and the lines that lead in each measure.
std::string renderProfileText(const std::vector<KernelProfile> &kernels);

/// "memory(float*, int), fatbin.ptx:17, 2 launches".
std::string titleOf(const KernelProfile &kernel);

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_PROFILEREPORT_H
