//===- LaunchRecord.cpp - A launch as a file ------------------------------===//

#include "tests/conformance/LaunchRecord.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace tilewright::conformance {

static std::string nameOf(const nlohmann::json &entry, const std::string &ptx) {
  llvm::ArrayRef<uint8_t> bytes(reinterpret_cast<const uint8_t *>(ptx.data()),
                                ptx.size());
  std::string hash = llvm::toHex(llvm::SHA256::hash(bytes), /*LowerCase=*/true);
  return entry["name"].get<std::string>() + "-" + hash.substr(0, 8);
}

void recordLaunch(const nlohmann::json &entry, const std::string &ptx,
                  const runtime::SymbolValues &symbols,
                  const std::vector<HostTensor> &arguments) {
  const char *folder = std::getenv("TILEWRIGHT_TEST_RECORD");
  if (!folder)
    return;
  std::filesystem::path place =
      std::filesystem::path(folder) / nameOf(entry, ptx);
  if (std::filesystem::exists(place.string() + ".json"))
    return;
  nlohmann::json record = {{"entry", entry}, {"ptx", ptx}};
  for (size_t i = 0; i < runtime::numSymbols; ++i) {
    auto symbol = runtime::Symbol(i);
    record["symbols"][std::string(runtime::name(symbol))] = symbols[symbol];
  }
  std::ofstream data(place.string() + ".bin", std::ios::binary);
  for (const HostTensor &argument : arguments) {
    record["arguments"].push_back(
        {{"bytes", argument.bytes.size()}, {"written", argument.isWritten}});
    data.write(reinterpret_cast<const char *>(argument.bytes.data()),
               static_cast<std::streamsize>(argument.bytes.size()));
  }
  std::ofstream(place.string() + ".json") << record;
}

} // namespace tilewright::conformance
