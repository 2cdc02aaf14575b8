//===- LaunchChecks.cpp - The simulator's checks under every test ---------===//

#include "tests/conformance/LaunchChecks.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <nlohmann/json.hpp>

#include <cstdlib>

namespace tilewright::conformance {

LaunchChecks &LaunchChecks::get() {
  // Made before the driver is loaded, so that the file goes after the driver
  // has written it for the last time.
  static LaunchChecks checks;
  return checks;
}

LaunchChecks::LaunchChecks() {
  if (llvm::sys::fs::createTemporaryFile("conformance", "json", report))
    report = "conformance.json";
  // What a test finds here is what the driver wrote.
  (void)llvm::sys::fs::remove(report);
  setenv("TILEWRIGHT_SIM_CHECK", "all", /*replace=*/1);
  setenv("TILEWRIGHT_SIM_CHECK_JSON", report.c_str(), /*replace=*/1);
}

LaunchChecks::~LaunchChecks() { (void)llvm::sys::fs::remove(report); }

static std::string describe(const nlohmann::json &finding) {
  auto text = [&](const char *key) {
    return finding[key].is_null() ? std::string("?") : finding[key].dump();
  };
  return finding["severity"].get<std::string>() + ": " +
         finding["kind"].get<std::string>() + ": " +
         finding["message"].get<std::string>() + " (kernel " + text("kernel") +
         ", lines " + text("ptx_line") + " and " + text("other_ptx_line") +
         ")\n";
}

std::string LaunchChecks::takeFindings() {
  auto buffer = llvm::MemoryBuffer::getFile(report);
  if (!buffer)
    return "the simulator's checks did not run: there is no report";
  nlohmann::json document = nlohmann::json::parse(
      (*buffer)->getBuffer(), /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!document.is_object() || !document.contains("findings"))
    return "the report of the simulator's checks cannot be read";
  std::string fresh;
  for (const nlohmann::json &finding : document["findings"]) {
    std::string text = describe(finding);
    if (seen.insert(text).second)
      fresh += text;
  }
  return fresh;
}

} // namespace tilewright::conformance
