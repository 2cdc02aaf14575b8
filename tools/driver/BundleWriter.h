//===- BundleWriter.h - Writing a bundle ----------------------------------===//
//
// The last step of a compilation. Equal input gives equal bytes: members are
// sorted, stored, and carry no time of day. A reader never sees half a file.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TOOLS_DRIVER_BUNDLEWRITER_H
#define TILEWRIGHT_TOOLS_DRIVER_BUNDLEWRITER_H

#include "runtime/support/Result.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <string>

namespace tilewright {

/// Contents by name within the archive: "kernels/gemm_0.ptx".
using BundleMembers = std::map<std::string, std::string>;

/// The bytes of the bundle. `members` must not have a `manifest.json`.
runtime::Result<std::string> encodeBundle(const nlohmann::json &manifest,
                                          const BundleMembers &members);

/// Writes the bundle under another name in the same folder, then renames it:
/// where anything fails (no space, no permission), `path` is as it was before,
/// and nothing else is left. A path that is there and is no regular file, like
/// a pipe, is written to as it is.
runtime::Result<void> writeBundle(const std::string &path,
                                  const nlohmann::json &manifest,
                                  const BundleMembers &members);

/// The second half of `writeBundle`, for any file.
runtime::Result<void> publishFile(const std::string &path,
                                  const std::string &bytes);

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_DRIVER_BUNDLEWRITER_H
