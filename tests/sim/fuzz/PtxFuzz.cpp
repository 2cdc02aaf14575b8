//===- PtxFuzz.cpp - Any text through the PTX parser ----------------------===//

#include "sim/ptx/Parser.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace tilewright::sim;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ptx::Source source(
      std::string_view(reinterpret_cast<const char *>(data), size), "fuzz");
  try {
    ptx::parseModule(source);
  } catch (const ptx::SyntaxError &error) {
    // The place of an error has to be in the text, and its message non-empty.
    if (error.location > size || error.message.empty() ||
        source.render(error.location, error.message).empty())
      std::abort();
  }
  return 0;
}
