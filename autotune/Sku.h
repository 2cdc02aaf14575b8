//===- Sku.h - The figures of one board that kernel choices lean on -------===//
// Read from autotune/skus/*.json, whose README defines every field. The
// simulator reads the same files with a reader of its own: the two share no
// code, so that a misreading in one shows in the other.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_AUTOTUNE_SKU_H
#define TILEWRIGHT_AUTOTUNE_SKU_H

#include "ir/target/Target.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace tilewright::autotune {

/// One board. Field names follow the JSON keys; rates are dense.
struct Sku {
  std::string name;
  std::string arch; // e.g. "sm_90a"
  int64_t smCount = 0;
  double clockMhz = 0; // of the tensor cores
  std::map<std::string, double> tensorFlopsPerSmClock;
  std::map<std::string, double> scalarOpsPerSmClock;
  std::map<std::string, double> latencyCycles;
  double hbmReachedTbS = 0;
  double l2BytesPerClock = 0;
  double sharedMemoryBytesPerSmClock = 0;
  double dsmemBytesPerSmClock = 0; // one way
  int64_t sharedMemoryPerBlockOptinBytes = 0;
  double launchUs = 0;

  /// The limits that all products of the architecture share.
  const target::Target &target() const { return *target::findTarget(arch); }
  /// The matrix instruction of the families, which take bf16.
  const target::MmaShape &mma() const {
    return *target().findMma(target::Element::BF16, target::Element::F32);
  }
  /// Bytes that HBM delivers in one cycle of the tensor clock, whole chip.
  double hbmBytesPerClock() const { return hbmReachedTbS * 1e6 / clockMhz; }
  double latency(const std::string &what) const {
    return latencyCycles.at(what);
  }
};

/// Reads a SKU from JSON text. On failure returns nothing and sets `error` to
/// one line that starts with `origin` and names the field at fault.
std::optional<Sku> parseSku(const std::string &json, const std::string &origin,
                            std::string &error);

/// Reads a SKU by name from `directory`, or by path: whatever contains a slash
/// or ends in ".json" is a path.
std::optional<Sku> loadSku(const std::string &nameOrPath,
                           const std::string &directory, std::string &error);

} // namespace tilewright::autotune

#endif // TILEWRIGHT_AUTOTUNE_SKU_H
