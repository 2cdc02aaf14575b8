//===- Profile.cpp - Counts of what kernels execute -----------------------===//

#include "sim/debug/Profile.h"

#include "sim/check/Report.h"
#include "sim/debug/Annotate.h"
#include "sim/debug/ProfileObserver.h"
#include "sim/debug/ProfileReport.h"

#include <algorithm>
#include <tuple>

namespace tilewright::sim::debug {

Counts KernelProfile::total() const {
  Counts sum;
  for (const auto &[location, instruction] : instructions)
    sum += instruction.counts;
  // The same sectors may be many instructions'.
  sum.uniqueReadSectors = uniqueReadSectors;
  sum.uniqueWriteSectors = uniqueWriteSectors;
  sum.uniqueLines = uniqueLines;
  return sum;
}

static auto shapeKey(const KernelProfile::Shape &shape) {
  auto triple = [](const Dim3 &dim) { return std::tuple(dim.z, dim.y, dim.x); };
  return std::tuple(triple(shape.grid), triple(shape.block),
                    triple(shape.cluster), shape.dynamicSharedBytes);
}

void KernelProfile::add(const KernelProfile &other) {
  launches += other.launches;
  failedLaunches += other.failedLaunches;
  blocks += other.blocks;
  warps += other.warps;
  steps += other.steps;
  uniqueReadSectors += other.uniqueReadSectors;
  uniqueWriteSectors += other.uniqueWriteSectors;
  uniqueLines += other.uniqueLines;
  for (const Shape &shape : other.shapes) {
    auto at = std::lower_bound(shapes.begin(), shapes.end(), shape,
                               [](const Shape &a, const Shape &b) {
                                 return shapeKey(a) < shapeKey(b);
                               });
    if (at != shapes.end() && shapeKey(*at) == shapeKey(shape))
      at->launches += shape.launches;
    else
      shapes.insert(at, shape);
  }
  for (const auto &[location, instruction] : other.instructions) {
    InstructionProfile &into = instructions[location];
    into.copyKind = instruction.copyKind;
    into.counts += instruction.counts;
  }
}

//===----------------------------------------------------------------------===//
// A process's profile
//===----------------------------------------------------------------------===//

std::unique_ptr<Observer> Profile::observer() {
  return std::make_unique<ProfileObserver>(*this);
}

void Profile::add(KernelProfile launch) {
  if (launch.failedLaunches)
    failure = true;
  std::lock_guard<std::mutex> lock(mutex);
  auto [entry, isNew] =
      profiles.try_emplace({launch.kernel, launch.text.get()});
  if (isNew)
    entry->second = std::move(launch);
  else
    entry->second.add(launch);
}

std::vector<KernelProfile> Profile::kernels() const {
  std::vector<KernelProfile> all;
  {
    std::lock_guard<std::mutex> lock(mutex);
    for (const auto &[key, profile] : profiles)
      all.push_back(profile);
  }
  std::sort(
      all.begin(), all.end(),
      [](const KernelProfile &a, const KernelProfile &b) {
        return std::tuple(std::string_view(a.kernel),
                          std::string_view(a.text->name()), a.text->text()) <
               std::tuple(std::string_view(b.kernel),
                          std::string_view(b.text->name()), b.text->text());
      });
  return all;
}

//===----------------------------------------------------------------------===//
// The tool
//===----------------------------------------------------------------------===//

ProfileTool::ProfileTool(const Host &host, std::string profilePath,
                         std::string annotatePath)
    : host(host), profilePath(std::move(profilePath)),
      annotatePath(std::move(annotatePath)) {}

std::unique_ptr<Observer> ProfileTool::watch(const Launch &, uint64_t) {
  return profile.observer();
}

void ProfileTool::write(const std::string &path, const std::string &text) {
  std::string error;
  if (!check::writeFile(path, text, error))
    host.print("tilewright-sim: " + error + "\n");
}

void ProfileTool::launchEnded() {
  if (profile.takeFailure())
    finish();
}

void ProfileTool::finish() {
  std::lock_guard<std::mutex> lock(writing);
  std::vector<KernelProfile> kernels = profile.kernels();
  if (!profilePath.empty())
    write(profilePath, profilePath.ends_with(".json")
                           ? renderProfileJson(kernels)
                           : renderProfileText(kernels));
  if (!annotatePath.empty())
    write(annotatePath, renderAnnotated(kernels));
}

} // namespace tilewright::sim::debug
