//===- Mutate.cpp - A fixed number of mutations of good configs -----------===//
//
// What a fuzzer does in its first second, without one: so that every test run
// has some of it. Usage: mutate COUNT CONFIG...
//
//===----------------------------------------------------------------------===//

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Texts that a reader is likely to trip over.
static const char *const tokens[] = {
    "0",
    "-1",
    "1e999",
    "9223372036854775807",
    "18446744073709551616",
    "1e-320",
    "0.5",
    "null",
    "true",
    "false",
    "\"\"",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "\"",
    "\\u0000",
    "\\ud800",
    "\xff",
    "\xc3",
    "[[[[[[[[[[[[[[[[[[",
    "\"model_type\": \"qwen3\"",
    "\"layer_types\": [\"full_attention\"]",
    "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2}",
};

using Random = std::mt19937;

static size_t below(Random &random, size_t bound) {
  return std::uniform_int_distribution<size_t>(0, bound - 1)(random);
}

static const char *anyToken(Random &random) {
  return tokens[below(random, std::size(tokens))];
}

/// Another value for some field, which mostly leaves the text valid JSON.
static void mutateValue(std::string &text, Random &random) {
  size_t colon = text.find(": ", below(random, text.size() + 1));
  if (colon == std::string::npos)
    return;
  size_t end = std::min(text.find_first_of(",\n", colon), text.size());
  text.replace(colon + 2, end - colon - 2, anyToken(random));
}

static void mutateBytes(std::string &text, Random &random) {
  size_t at = below(random, text.size() + 1);
  size_t length = below(random, std::min<size_t>(24, text.size() - at) + 1);
  switch (below(random, 4)) {
  case 0:
    if (at < text.size())
      text[at] = static_cast<char>(below(random, 256));
    return;
  case 1:
    text.erase(at, length);
    return;
  case 2:
    text.insert(at, text.substr(at, length));
    return;
  default:
    text.insert(at, anyToken(random));
    return;
  }
}

int main(int argc, char **argv) {
  unsigned count;
  if (argc < 3 || llvm::StringRef(argv[1]).getAsInteger(10, count)) {
    llvm::errs() << "usage: " << argv[0] << " COUNT CONFIG...\n";
    return 2;
  }
  std::vector<std::string> seeds;
  for (int i = 2; i < argc; ++i) {
    auto buffer = llvm::MemoryBuffer::getFile(argv[i]);
    if (!buffer) {
      llvm::errs() << argv[i] << ": " << buffer.getError().message() << '\n';
      return 2;
    }
    seeds.push_back((*buffer)->getBuffer().str());
  }
  Random random(1);
  for (unsigned i = 0; i < count; ++i) {
    std::string text = seeds[i % seeds.size()];
    for (size_t n = below(random, 3) + 1; n > 0; --n)
      (below(random, 4) == 0 ? mutateBytes : mutateValue)(text, random);
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t *>(text.data()),
                           text.size());
  }
  return 0;
}
