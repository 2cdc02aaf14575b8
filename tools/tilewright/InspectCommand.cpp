//===- InspectCommand.cpp - tilewright inspect ----------------------------===//

#include "runtime/tilewright.h"
#include "tools/tilewright/Commands.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>

using nlohmann::json;

namespace tilewright {

namespace {
struct InspectFlags {
  std::string bundle, kernel;
  bool json = false;
};
} // namespace

/// The manifest with launches as lists of kernel names: those of the smallest
/// plan of each entry point, and all plans beside them.
static json describe(const json &manifest) {
  json entryPoints = json::object();
  for (const auto &[name, entry] : manifest["entry_points"].items()) {
    json plans = json::array();
    int64_t activationBytes = 0;
    for (const json &plan : entry["plans"]) {
      json launches = json::array();
      for (const json &launch : plan["launches"])
        if (launch.contains("kernel"))
          launches.push_back(launch["kernel"]);
      activationBytes =
          std::max(activationBytes, plan["activation_bytes"].get<int64_t>());
      plans.push_back({{"max_tokens", plan["max_tokens"]},
                       {"launches", launches},
                       {"activation_bytes", plan["activation_bytes"]}});
    }
    entryPoints[name] = {{"launches", plans[0]["launches"]},
                         {"activation_bytes", activationBytes},
                         {"plans", plans}};
  }
  json result = {{"schema_version", 1}, {"entry_points", entryPoints}};
  for (const char *key :
       {"tool", "model", "target", "sku", "ptxas", "symbols", "page_size",
        "max_context", "kernels", "weights", "promises"})
    if (manifest.contains(key))
      result[key] = manifest[key];
  return result;
}

static void printText(const json &description) {
  std::printf("model %s for %s on %s, contexts up to %lld\n",
              description["model"]["family"].get<std::string>().c_str(),
              description["target"].get<std::string>().c_str(),
              description["sku"].get<std::string>().c_str(),
              (long long)description["max_context"].get<int64_t>());
  for (const auto &[name, entry] : description["entry_points"].items())
    for (const json &plan : entry["plans"])
      std::printf(
          "%s, up to %lld tokens: %zu launches, %.1f KB of activations\n",
          name.c_str(), (long long)plan["max_tokens"].get<int64_t>(),
          plan["launches"].size(),
          plan["activation_bytes"].get<double>() / 1024);
  for (const json &kernel : description["kernels"]) {
    std::printf("%s\n  config: %s\n  reason: %s\n",
                kernel["name"].get<std::string>().c_str(),
                kernel["config"].dump().c_str(),
                kernel["reason"].is_string()
                    ? kernel["reason"].get<std::string>().c_str()
                    : "");
    if (kernel.contains("ptxas"))
      std::printf("  ptxas: %lld registers, %lld bytes spilled\n",
                  (long long)kernel["ptxas"]["registers"].get<int64_t>(),
                  (long long)kernel["ptxas"]["spill_bytes"].get<int64_t>());
  }
}

static int printPtx(const tilewright_bundle *bundle, const std::string &name) {
  tilewright_kernel_info info = TILEWRIGHT_KERNEL_INFO_INIT;
  for (size_t i = 0;
       tilewright_bundle_kernel(bundle, i, &info) == TILEWRIGHT_OK; ++i)
    if (name == info.name) {
      std::fwrite(info.ptx, 1, info.ptx_size, stdout);
      return kDone;
    }
  return fail("the bundle has no kernel '" + name + "'");
}

static int inspect(const InspectFlags &flags) {
  tilewright_bundle *bundle;
  if (tilewright_bundle_open(flags.bundle.c_str(), &bundle) != TILEWRIGHT_OK)
    return fail(tilewright_last_error());
  std::unique_ptr<tilewright_bundle, void (*)(tilewright_bundle *)> owner(
      bundle, tilewright_bundle_destroy);
  if (!flags.kernel.empty())
    return printPtx(bundle, flags.kernel);
  const char *text;
  size_t size;
  if (tilewright_bundle_manifest(bundle, &text, &size) != TILEWRIGHT_OK)
    return fail(tilewright_last_error());
  json description = describe(json::parse(text, text + size));
  if (flags.json)
    std::printf("%s\n", description.dump(2).c_str());
  else
    printText(description);
  return kDone;
}

void addInspect(CLI::App &program, Action &action) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App *command =
      program.add_subcommand("inspect", "Show what is in a bundle");
  command->add_option("bundle", flags->bundle, "The bundle")->required();
  command->add_option("--ptx", flags->kernel,
                      "Print the PTX of this kernel instead");
  command->add_flag("--json", flags->json, "Print one JSON object");
  command->callback(
      [flags, &action] { action = [flags] { return inspect(*flags); }; });
}

} // namespace tilewright
