//===- manifest-fuzz.cpp - Any bytes as a manifest ------------------------===//
//
// The archive around it is sound: its CRC would stop almost every mutation
// before the reader of the manifest sees it.
//
//===----------------------------------------------------------------------===//

#include "runtime/bundle/Manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace tilewright::runtime;
  ZipMembers members;
  members["manifest.json"] = {reinterpret_cast<const char *>(data), size};
  for (const char *name : {"append", "total", "tma_copy", "choose"})
    members[std::string("kernels/") + name + ".ptx"] = ".version 8.0";
  (void)!readManifest(members);
  return 0;
}
