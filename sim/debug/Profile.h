//===- Profile.h - Counts of what kernels execute ---------------*- C++ -*-===//
//
// How often each PTX instruction runs, with how many lanes, what its accesses
// cost memory, and where it waits. Launches of one kernel are summed. All of it
// are counts of what happened here; what is a rule of the hardware instead is
// said in ProfileAccess.h. Nothing is a time.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_DEBUG_PROFILE_H
#define TILEWRIGHT_SIM_DEBUG_PROFILE_H

#include "sim/debug/ProfileCounts.h"
#include "sim/debug/ProfileText.h"
#include "sim/debug/Tool.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tilewright::sim::debug {

/// An instruction of a kernel or of a function that it calls.
struct InstructionProfile {
  CopyKind copyKind = CopyKind::None;
  Counts counts;
};

/// What all launches of one kernel did.
struct KernelProfile {
  std::string kernel; ///< as the PTX calls it
  std::shared_ptr<const ModuleText> text;
  uint64_t launches = 0;
  uint64_t failedLaunches = 0;
  uint64_t blocks = 0, warps = 0; ///< that ended, unless a launch failed
  uint64_t steps = 0;             ///< executed by warps, helpers included
  struct Shape {
    Dim3 grid, block, cluster;
    uint32_t dynamicSharedBytes = 0;
    uint64_t launches = 0;
  };
  std::vector<Shape> shapes; ///< in the order of reports
  /// What a launch accessed of global memory, over all instructions.
  uint64_t uniqueReadSectors = 0, uniqueWriteSectors = 0, uniqueLines = 0;
  std::map<ptx::Location, InstructionProfile> instructions;

  Counts total() const;
  /// Adds another profile of the same kernel.
  void add(const KernelProfile &other);
};

/// The profiles of a process. Thread-safe.
class Profile {
public:
  std::unique_ptr<Observer> observer();
  void add(KernelProfile profile);
  /// By kernel, then by module: the same whatever order launches ran in.
  std::vector<KernelProfile> kernels() const;
  ModuleTexts &texts() { return moduleTexts; }
  /// Whether a launch has failed since this was asked last.
  bool takeFailure() { return failure.exchange(false); }

private:
  ModuleTexts moduleTexts;
  std::atomic<bool> failure{false};
  mutable std::mutex mutex;
  std::map<std::pair<std::string, const ModuleText *>, KernelProfile> profiles;
};

/// Writes the profile and the annotated text when the process ends. A path that
/// is empty is not written; a profile whose path ends in `.json` is JSON.
class ProfileTool final : public Tool {
public:
  ProfileTool(const Host &host, std::string profilePath,
              std::string annotatePath);
  std::unique_ptr<Observer> watch(const Launch &launch,
                                  uint64_t number) override;
  /// Writes after a launch that failed: a program may abort then.
  void launchEnded() override;
  void finish() override;

private:
  void write(const std::string &path, const std::string &text);

  const Host &host;
  const std::string profilePath, annotatePath;
  std::mutex writing;
  Profile profile;
};

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_PROFILE_H
