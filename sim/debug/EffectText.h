//===- EffectText.h - What an instruction did to memory and order ---------===//
#ifndef TILEWRIGHT_SIM_DEBUG_EFFECTTEXT_H
#define TILEWRIGHT_SIM_DEBUG_EFFECTTEXT_H

#include "sim/debug/Symbols.h"
#include "sim/exec/Footprint.h"

#include <string>
#include <vector>

namespace tilewright::sim::debug {

/// The state of the mbarrier in 8 bytes of memory.
std::string mbarrierText(const std::byte *object);

/// Lines about one instruction of a warp: which bytes it accesses, and the
/// state of a barrier on both sides of it.
class EffectText {
public:
  explicit EffectText(const AddressNames &names) : names(names) {}

  /// Looks at operands and memory as the instruction finds them.
  void before(const Inst &inst, const Effect &effect, Warp &warp);
  /// It is done. The lines, in the order in which to read them.
  std::vector<std::string> after(const Inst &inst, const Effect &effect,
                                 Warp &warp);

private:
  void addAccess(const Inst &inst, const Effect &effect, Warp &warp);
  void addSpans(const Warp &warp);
  void addCopies(const Warp &warp);
  void addBoxes(const Warp &warp);
  void addWgmma(const Inst &inst, Warp &warp);
  void findMbarrier(const Inst &inst, Warp &warp);
  std::string place(const Span &span, const Warp &warp) const;

  const AddressNames &names;
  Footprint footprint;
  std::vector<std::string> lines;
  // The mbarrier of the instruction.
  const std::byte *mbarrier = nullptr;
  std::string mbarrierName, stateBefore;
};

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_EFFECTTEXT_H
