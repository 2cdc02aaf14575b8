//===- WarpView.h - All that a warp sees at one moment --------------------===//
//
// Follows which registers were written, so that what is shown was computed, and
// what shared memory is used for, since compilers declare it as bytes.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_DEBUG_WARPVIEW_H
#define TILEWRIGHT_SIM_DEBUG_WARPVIEW_H

#include "sim/debug/Symbols.h"
#include "sim/exec/Effect.h"

#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tilewright::sim::debug {

class WarpView {
public:
  WarpView(LaunchContext &launch, const Host &host, uint64_t number);

  /// Its blocks and warps are new, though they may lie where others did.
  void clusterStarts(const Cluster &cluster);
  /// Around every instruction that is done.
  void before(const Inst &inst, const Effect &effect, Warp &warp);
  void after(const Inst &inst, const Effect &effect, Warp &warp, Status status);

  /// The whole report about a warp that stands before `inst`; `lanes` are those
  /// that are about to execute it.
  std::string render(const Inst &inst, Warp &warp, uint32_t lanes,
                     uint64_t step) const;

private:
  /// What is known of a register's column entries.
  struct Written {
    uint32_t lanes = 0;
    ptx::Type type = ptx::Type::None; ///< of the last write
  };
  /// By file and row from the start of the warp's files.
  using Registers = std::map<std::pair<int, uint32_t>, Written>;

  std::string renderPlace(const Inst &inst) const;
  std::string renderStack(const Inst &inst, const Warp &warp) const;
  std::string renderRegisters(const Inst &inst, const Warp &warp,
                              uint32_t lanes) const;
  std::string renderVariables(const Inst &inst, Warp &warp,
                              uint32_t lanes) const;
  std::string renderMbarriers(const Warp &warp) const;
  void enterFrame(const Warp &warp);

  LaunchContext &launch;
  const uint64_t number;
  AddressNames names;
  std::unordered_map<const Warp *, Registers> written;
  /// How shared variables are used, by their offset.
  std::map<uint64_t, ptx::Type> sharedTypes;
  std::map<const Cta *, std::vector<uint64_t>> mbarriers;
  const InstructionSymbols *current = nullptr;
};

/// Rows of shared memory, variable by variable: words in hex and the elements
/// of the declared type, or of the one that `types` has for its offset. Rows
/// that are equal to the one above are left out.
std::string renderShared(const Cta &cta, const LaunchContext &launch,
                         const std::map<uint64_t, ptx::Type> &types);

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_WARPVIEW_H
