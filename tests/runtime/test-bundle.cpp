//===- test-bundle.cpp - Writes the hand-made model -----------------------===//
//
// runtime-test-bundle FOLDER: writes test.twb and model.safetensors there, for
// the tests of the examples and of the Python package.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/TestBundle.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

using namespace tilewright::runtime::test;

static bool write(const std::string &path, const std::string &bytes) {
  return bool(std::ofstream(path, std::ios::binary) << bytes << std::flush);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  std::string folder = argv[1];
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  bool written =
      write(folder + "/test.twb", makeBundle()) &&
      write(folder + "/model.safetensors", makeSafetensors(makeWeights()));
  return written ? 0 : 1;
}
