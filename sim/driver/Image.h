//===- Image.h - Finds PTX text in what a program loads -------------------===//
#ifndef TILEWRIGHT_SIM_DRIVER_IMAGE_H
#define TILEWRIGHT_SIM_DRIVER_IMAGE_H

#include "sim/driver/Cuda.h"

#include <string>

namespace tilewright::sim::driver {

struct PtxText {
  std::string text;
  std::string name; ///< what diagnostics call it
};

/// `image` is what cuModuleLoadData takes: PTX text that ends in NUL, a fat
/// binary or its wrapper, or machine code, which is refused. `arch` is the
/// device's, as "sm_90a". On failure `log` says what was found instead.
CUresult findPtx(const void *image, const std::string &arch, PtxText &ptx,
                 std::string &log);

/// The same for a file's content.
CUresult findPtxInFile(const char *path, const std::string &arch, PtxText &ptx,
                       std::string &log);

} // namespace tilewright::sim::driver

#endif // TILEWRIGHT_SIM_DRIVER_IMAGE_H
