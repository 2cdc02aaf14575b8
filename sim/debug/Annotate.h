//===- Annotate.h - Source text with counts in its margin -----------------===//

#ifndef TILEWRIGHT_SIM_DEBUG_ANNOTATE_H
#define TILEWRIGHT_SIM_DEBUG_ANNOTATE_H

#include "sim/debug/Profile.h"

#include <string>
#include <vector>

namespace tilewright::sim::debug {

/// For each kernel its PTX, with the functions that it called, and the files
/// that `.loc` names, as far as they can be read.
std::string renderAnnotated(const std::vector<KernelProfile> &kernels);

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_ANNOTATE_H
