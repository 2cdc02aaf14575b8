//===- ProfileReport.cpp - Profiles as tables for people ------------------===//

#include "sim/debug/ProfileReport.h"

#include "sim/check/Finding.h"
#include "sim/debug/ProfileAccess.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace tilewright::sim::debug {

/// Lines of each ranking.
static constexpr size_t rankingLength = 10;
/// Characters of an instruction that a ranking shows, and of a kernel's name.
static constexpr size_t textWidth = 60, titleWidth = 100;

static std::string format(const char *pattern, ...)
    __attribute__((format(printf, 1, 2)));
static std::string format(const char *pattern, ...) {
  char buffer[256];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(buffer, sizeof buffer, pattern, arguments);
  va_end(arguments);
  return buffer;
}

static std::string number(uint64_t value) { return std::to_string(value); }

static std::string share(uint64_t part, uint64_t whole) {
  return whole ? format("%.1f%%", 100.0 * static_cast<double>(part) /
                                      static_cast<double>(whole))
               : "-";
}

static std::string shorten(std::string text, size_t width) {
  if (text.size() > width)
    text = text.substr(0, width - 3) + "...";
  return text;
}

static std::string sizeText(const Dim3 &dim) {
  return "(" + number(dim.x) + "," + number(dim.y) + "," + number(dim.z) + ")";
}

static std::string plural(uint64_t count, const std::string &what,
                          const char *ending = "s") {
  return number(count) + " " + what + (count == 1 ? "" : ending);
}

std::string titleOf(const KernelProfile &kernel) {
  std::string text = shorten(check::demangled(kernel.kernel), titleWidth) +
                     ", " + kernel.text->name() + ":" +
                     number(kernel.text->entryLine(kernel.kernel)) + ", " +
                     plural(kernel.launches, "launch", "es");
  if (kernel.failedLaunches)
    text += ", " + number(kernel.failedLaunches) + " of them failed";
  return text;
}

//===----------------------------------------------------------------------===//
// Totals
//===----------------------------------------------------------------------===//

static void addRow(std::string &text, const char *name,
                   const std::string &value) {
  text += format("  %-12s", name) + value + "\n";
}

static void addExecution(std::string &text, const Counts &total) {
  addRow(text, "execution",
         plural(total.issues, "instruction") + " of warps, " +
             plural(total.threads, "instruction") + " of threads, " +
             format("%.1f", total.issues ? static_cast<double>(total.threads) /
                                               static_cast<double>(total.issues)
                                         : 0.0) +
             " lanes on average, " + number(total.offIssues) + " guarded off");
  if (total.divergent || total.splitIssues)
    addRow(text, "divergence",
           plural(total.divergent, "branch", "es") + " in two or more ways, " +
               plural(total.splitIssues, "instruction") +
               " while a warp was apart");
  if (total.waits)
    addRow(text, "waits",
           plural(total.waits, "wait") + ", " +
               plural(total.waitSteps, "step") + " meanwhile");
}

static void addMemory(std::string &text, const Counts &total) {
  if (total.sharedRequests)
    addRow(text, "shared",
           plural(total.sharedRequests, "request") + ", " +
               plural(total.sharedBytes, "byte") + ", " +
               plural(total.wavefronts, "wavefront") + " where " +
               number(total.idealWavefronts) + " would do");
  if (total.remoteRequests)
    addRow(text, "remote",
           plural(total.remoteRequests, "request") + ", " +
               plural(total.remoteBytes, "byte") + " of other blocks");
  if (total.globalRequests)
    addRow(text, "global",
           plural(total.globalRequests, "request") + ", " +
               plural(total.globalReadBytes, "byte") + " read, " +
               number(total.globalWriteBytes) + " written, " +
               plural(total.sectors, "sector") + " where " +
               number(total.idealSectors) + " would do; " +
               share(total.globalNeededBytes,
                     total.sectors * memoryRules.sectorBytes) +
               " of their bytes are used");
  if (total.localRequests)
    addRow(text, "local",
           plural(total.localRequests, "request") + ", " +
               plural(total.localBytes, "byte"));
  if (total.constantRequests)
    addRow(text, "constant",
           plural(total.constantRequests, "request") + ", " +
               plural(total.constantBytes, "byte"));
  if (total.atomicRequests)
    addRow(text, "atomics",
           plural(total.atomicRequests, "request") + ", " +
               plural(total.atomicLanes, "operation") + ", " +
               number(total.atomicSerial) + " one after another");
}

static void addCopies(std::string &text, const Counts &total) {
  if (total.copies)
    addRow(text, "copies",
           plural(total.copies, "operation") + ", " +
               plural(total.copyReadBytes, "byte") + " read and " +
               number(total.copyWriteBytes) + " written of global memory, " +
               number(total.copyToShared) + " to and " +
               number(total.copyFromShared) + " from shared memory");
  if (total.products)
    addRow(text, "products",
           plural(total.products, "operation") + ", " +
               plural(total.productFlops, "flop") + ", " +
               plural(total.productSharedBytes, "byte") +
               " of operands in "
               "shared memory");
  if (!total.uniqueLines)
    return;
  uint64_t sector = memoryRules.sectorBytes;
  addRow(
      text, "traffic",
      plural(total.globalReadBytes + total.globalWriteBytes +
                 total.copyReadBytes + total.copyWriteBytes,
             "byte") +
          " requested, " +
          number((total.sectors + total.copySectors) * sector) +
          " in sectors; unique: " + number(total.uniqueReadSectors * sector) +
          " read, " + number(total.uniqueWriteSectors * sector) + " written, " +
          plural(total.uniqueLines, "line"));
}

//===----------------------------------------------------------------------===//
// Rankings
//===----------------------------------------------------------------------===//

namespace {
/// By what instructions are ranked, and what else a row shows.
struct Ranking {
  const char *title;
  uint64_t (*measure)(const Counts &);
  const char *detailTitle;
  std::string (*detail)(const Counts &);
};
} // namespace

static std::string ratio(uint64_t part, uint64_t whole) {
  return whole ? format("%.2f",
                        static_cast<double>(part) / static_cast<double>(whole))
               : "-";
}

static const Ranking rankings[] = {
    {"instructions of warps", [](const Counts &c) { return c.issues; }, "lanes",
     [](const Counts &c) { return ratio(c.threads, c.issues); }},
    {"divergent branches", [](const Counts &c) { return c.divergent; },
     "of issues", [](const Counts &c) { return share(c.divergent, c.issues); }},
    {"wavefronts lost to bank conflicts",
     [](const Counts &c) { return c.wavefronts - c.idealWavefronts; },
     "a request",
     [](const Counts &c) { return ratio(c.wavefronts, c.sharedRequests); }},
    {"sectors more than their bytes need",
     [](const Counts &c) { return c.sectors - c.idealSectors; }, "a request",
     [](const Counts &c) { return ratio(c.sectors, c.globalRequests); }},
    {"sectors of global accesses", [](const Counts &c) { return c.sectors; },
     "a request",
     [](const Counts &c) { return ratio(c.sectors, c.globalRequests); }},
    {"bytes of copies",
     [](const Counts &c) {
       return std::max(c.copyReadBytes + c.copyWriteBytes,
                       std::max(c.copyToShared, c.copyFromShared));
     },
     "operations", [](const Counts &c) { return number(c.copies); }},
    {"atomic operations on one address",
     [](const Counts &c) { return c.atomicSerial; }, "operations",
     [](const Counts &c) { return number(c.atomicLanes); }},
    {"bytes of local memory", [](const Counts &c) { return c.localBytes; },
     "requests", [](const Counts &c) { return number(c.localRequests); }},
    {"steps waited", [](const Counts &c) { return c.waitSteps; }, "waits",
     [](const Counts &c) { return number(c.waits); }},
};

static std::string rankingText(const KernelProfile &kernel,
                               const Ranking &ranking) {
  std::vector<std::pair<uint64_t, ptx::Location>> rows;
  uint64_t total = 0;
  for (const auto &[at, instruction] : kernel.instructions)
    if (uint64_t value = ranking.measure(instruction.counts)) {
      rows.push_back({value, at});
      total += value;
    }
  if (rows.empty())
    return {};
  std::sort(rows.begin(), rows.end(), [](const auto &a, const auto &b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  std::string text = format("\n  %s\n  %14s %7s %10s %6s\n", ranking.title,
                            "count", "share", ranking.detailTitle, "line");
  for (size_t i = 0; i < rows.size() && i < rankingLength; ++i) {
    auto [value, at] = rows[i];
    const InstructionProfile &each = kernel.instructions.at(at);
    text +=
        format("  %14llu %7s %10s %6u  ",
               static_cast<unsigned long long>(value),
               share(value, total).c_str(), ranking.detail(each.counts).c_str(),
               kernel.text->position(at).line) +
        shorten(kernel.text->statement(at), textWidth) + "\n";
  }
  if (rows.size() > rankingLength)
    text +=
        format("  %14s %zu more lines\n", "...", rows.size() - rankingLength);
  return text;
}

static std::string kernelText(const KernelProfile &kernel) {
  Counts total = kernel.total();
  std::string text = titleOf(kernel) + "\n";
  for (const KernelProfile::Shape &shape : kernel.shapes)
    addRow(text, "shape",
           "grid " + sizeText(shape.grid) + ", block " + sizeText(shape.block) +
               ", cluster " + sizeText(shape.cluster) + ", " +
               number(shape.dynamicSharedBytes) +
               " bytes of dynamic shared memory, " +
               plural(shape.launches, "launch", "es"));
  addExecution(text, total);
  addMemory(text, total);
  addCopies(text, total);
  for (const Ranking &ranking : rankings)
    text += rankingText(kernel, ranking);
  return text;
}

std::string renderProfileText(const std::vector<KernelProfile> &kernels) {
  std::string text =
      "Counts of simulated execution; nothing here is a time. Wavefronts "
      "follow from a rule of banks, all else was counted.\n";
  if (kernels.empty())
    text += "\nNo kernel ran.\n";
  for (const KernelProfile &kernel : kernels)
    text += "\n" + kernelText(kernel);
  return text;
}

} // namespace tilewright::sim::debug
