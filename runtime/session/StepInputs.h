//===- StepInputs.h - What a step's kernels read --------------------------===//
//
// A step's inputs lie one after the other in one buffer, so that one copy
// brings them to the device. Each plan has its own layout with a fixed place
// per input: the addresses that launches hold never change.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_SESSION_STEPINPUTS_H
#define TILEWRIGHT_RUNTIME_SESSION_STEPINPUTS_H

#include "runtime/bundle/Manifest.h"
#include "runtime/tilewright.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tilewright::runtime {

/// Where each input of the manifest lies, for steps of one plan.
class InputLayout {
public:
  InputLayout(const Manifest &manifest, const Plan &plan);

  uint64_t offset(size_t input) const { return offsets[input]; }
  uint64_t capacity(size_t input) const { return capacities[input]; }
  uint64_t size() const { return total; }
  /// Bytes from the start that a step of these sizes uses.
  uint64_t used(const Manifest &manifest, const SymbolValues &symbols) const;

private:
  std::vector<uint64_t> offsets;
  std::vector<uint64_t> capacities;
  uint64_t total = 0;
};

/// One sequence of a step, checked, with its pages reserved.
struct StepSequence {
  std::span<const int32_t> tokens;
  std::span<const int32_t> pages; ///< enough for the new tokens too
  int64_t pastLength;
  tilewright_rows rows;
  tilewright_sampling sampling;
  /// Where its tokens begin in the step; see arrangeSequences.
  int64_t firstToken = 0;

  int64_t length() const { return pastLength + int64_t(tokens.size()); }
  int64_t numRows() const {
    return rows == TILEWRIGHT_ROWS_LAST   ? 1
           : rows == TILEWRIGHT_ROWS_NONE ? 0
                                          : int64_t(tokens.size());
  }
};

/// Fills `order` with the places of `sequences` from the longest to the
/// shortest, and gives each its first token. In this order they lie in the
/// step's tensors, so that attention's longest tiles start first; rows of
/// logits keep the caller's order. Allocates nothing where `order` has the
/// capacity.
void arrangeSequences(std::span<StepSequence> sequences,
                      std::vector<uint32_t> &order);

/// The sizes of a step, but for `pages` and `sms`, which are the session's.
SymbolValues stepSizes(std::span<const StepSequence> sequences,
                       const Limits &limits);

/// Writes every input of the manifest to its place in `buffer`. `order` is what
/// arrangeSequences left.
void writeInputs(const Manifest &manifest, const InputLayout &layout,
                 std::span<const StepSequence> sequences,
                 std::span<const uint32_t> order, const SymbolValues &sizes,
                 std::byte *buffer);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_SESSION_STEPINPUTS_H
