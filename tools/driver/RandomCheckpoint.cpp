//===- RandomCheckpoint.cpp - Random weights as a checkpoint --------------===//

#include "tools/driver/RandomCheckpoint.h"

#include "ir/reference/RandomStep.h"
#include "tools/driver/WeightValues.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/raw_ostream.h"
#include <nlohmann/json.hpp>

#include <map>

using namespace mlir;
using nlohmann::json;

namespace tilewright {

/// Weights by name; plans are clones, so each is there many times.
static std::map<std::string, xf::WeightOp> collectWeights(ModuleOp module) {
  std::map<std::string, xf::WeightOp> weights;
  module.walk([&](xf::WeightOp weight) {
    weights.try_emplace(weight.getName().str(), weight);
  });
  return weights;
}

static int64_t byteSize(xf::WeightOp weight) {
  return weight.getType().getNumElements() *
         weight.getSourceDtype().getIntOrFloatBitWidth() / 8;
}

/// The file's header: where each tensor lies behind it.
static std::string
makeHeader(const std::map<std::string, xf::WeightOp> &weights) {
  json header = json::object();
  int64_t offset = 0;
  for (auto [name, weight] : weights) {
    ArrayRef<int64_t> shape = weight.getType().getShape();
    int64_t end = offset + byteSize(weight);
    std::string dtype =
        StringRef(getDTypeName(weight.getSourceDtype())).upper();
    header[name] = {{"dtype", dtype},
                    {"shape", std::vector<int64_t>(shape.begin(), shape.end())},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  return header.dump();
}

llvm::Error writeRandomCheckpoint(ModuleOp module, uint64_t seed,
                                  const std::string &path) {
  std::error_code code;
  llvm::raw_fd_ostream file(path, code);
  if (code)
    return llvm::createStringError(code, "cannot write " + path);
  std::map<std::string, xf::WeightOp> weights = collectWeights(module);
  std::string header = makeHeader(weights);
  char length[sizeof(uint64_t)];
  llvm::support::endian::write64le(length, header.size());
  file.write(length, sizeof length);
  file << header;
  reference::WeightProvider provide = reference::makeRandomWeights(seed);
  for (auto &[name, weight] : weights) {
    FailureOr<reference::Tensor> tensor = provide(weight);
    if (failed(tensor))
      return llvm::createStringError("no random values for " + name);
    ArrayRef<char> bytes = tensor->getBytes();
    file.write(bytes.data(), bytes.size());
  }
  file.close();
  if (std::error_code error = file.error()) {
    file.clear_error();
    return llvm::createStringError(error, "cannot write " + path);
  }
  return llvm::Error::success();
}

} // namespace tilewright
