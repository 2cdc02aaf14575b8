//===- Sku.h - The figures of one board, and how they are read ------------===//
// The driver answers device queries, sizes its memory and limits launches from
// these figures. They come from the JSON files in autotune/skus, whose README
// defines every field; nothing in sim/ repeats a figure.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_SKU_SKU_H
#define TILEWRIGHT_SIM_SKU_SKU_H

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tilewright::sim {

struct ClockMhz {
  double tensor = 0, max = 0, sustained = 0;
};

struct LaunchUs {
  double stream = 0, graph = 0;
};

/// A figure that wants a measurement, and why.
struct DoubtfulFigure {
  std::string field, note;
};

/// One board. Field names follow the JSON keys.
struct Sku {
  std::string name, product, arch, source;
  int computeCapabilityMajor = 0, computeCapabilityMinor = 0;
  int64_t smCount = 0, gpcCount = 0;
  ClockMhz clockMhz;
  LaunchUs launchUs;
  std::map<std::string, double> ratedTflops;
  std::map<std::string, double> tensorFlopsPerSmClock;
  std::map<std::string, double> scalarOpsPerSmClock;
  std::map<std::string, double> latencyCycles;
  int64_t hbmGb = 0, visibleMemoryMib = 0;
  double hbmTbS = 0, hbmReachedTbS = 0;
  int64_t memoryBusBits = 0;
  double memoryClockMhz = 0;
  int64_t l2Mb = 0;
  double l2BytesPerClock = 0;
  double nvlinkGbS = 0, nvlinkReachedOneWayGbS = 0;
  int64_t sharedMemoryPerSmBytes = 0;
  int64_t sharedMemoryPerBlockBytes = 0;
  int64_t sharedMemoryPerBlockOptinBytes = 0;
  int64_t sharedMemoryReservedPerBlockBytes = 0;
  int64_t sharedMemoryAllocationUnitBytes = 0;
  int64_t registersPerSm = 0, registersPerBlock = 0, registersPerThreadMax = 0;
  int64_t registersPerWarpAllocationUnit = 0;
  int64_t threadsPerWarp = 0, warpsPerSm = 0, threadsPerSm = 0;
  int64_t threadsPerBlockMax = 0, blocksPerSm = 0, warpSchedulersPerSm = 0;
  double sharedMemoryBytesPerSmClock = 0, dsmemBytesPerSmClock = 0;
  int64_t blocksPerClusterPortable = 0, blocksPerClusterMax = 0;
  std::vector<DoubtfulFigure> doubtful;

  int64_t visibleMemoryBytes() const { return visibleMemoryMib << 20; }
  bool hasClusters() const { return blocksPerClusterMax > 1; }
};

/// Reads a SKU from JSON text. On failure returns false and sets `error` to
/// one line that starts with `origin` and names the field at fault.
bool parseSku(std::string_view json, const std::string &origin, Sku &sku,
              std::string &error);

/// Reads a SKU by name, from `directory`, or by path: whatever contains a
/// slash or ends in ".json" is a path.
bool loadSku(const std::string &nameOrPath, const std::string &directory,
             Sku &sku, std::string &error);

/// The names of the SKUs in `directory`, sorted.
std::vector<std::string> listSkus(const std::string &directory);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_SKU_SKU_H
