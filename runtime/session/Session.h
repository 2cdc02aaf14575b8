//===- Session.h - A KV cache and the steps on it -------------------------===//
#ifndef TILEWRIGHT_RUNTIME_SESSION_SESSION_H
#define TILEWRIGHT_RUNTIME_SESSION_SESSION_H

#include "runtime/session/GraphCache.h"
#include "runtime/session/LaunchPlan.h"
#include "runtime/session/Model.h"
#include "runtime/session/PageAllocator.h"
#include "runtime/session/StepInputs.h"

#include <memory>
#include <span>
#include <vector>

namespace tilewright::runtime {

struct SessionOptions {
  int64_t numPages = 0; ///< 0: a default, see tilewright.h
  int64_t callerPages = 0;
  tilewright_graphs graphs = TILEWRIGHT_GRAPHS_AUTO;
  /// Must outlive the session. Steps are not captured into graphs then, which
  /// would hide their launches.
  LaunchObserver *observer = nullptr;
};

struct SessionCounters {
  int64_t steps = 0;
  int64_t launches = 0;
  int64_t lastLaunches = 0;
};

/// A sequence whose pages the session's allocator provides.
struct Sequence {
  std::vector<int32_t> pages;
  int64_t length = 0; ///< tokens in the cache
};

/// One sequence's part in a step, as the caller gives it.
struct StepInput {
  Sequence *sequence = nullptr; ///< null: the caller's pages, below
  std::span<const int32_t> tokens;
  std::span<const int32_t> pages;
  int64_t pastLength = 0;
  tilewright_rows rows = TILEWRIGHT_ROWS_LAST;
  tilewright_sampling sampling = TILEWRIGHT_SAMPLING_INIT;
};

/// Where results go; either may be empty.
struct StepResults {
  std::span<int32_t> nextTokens;
  std::span<float> logits;
};

class Session {
public:
  static Result<std::shared_ptr<Session>>
  create(std::shared_ptr<const Model> model, const SessionOptions &options);

  const Model &model() const { return *source; }
  const Manifest &manifest() const { return source->manifest(); }
  const SessionCounters &counters() const { return count; }
  int64_t numPages() const { return pages; }
  int64_t freePages() const { return allocator.numFree(); }
  int64_t numGraphs() const { return graphs.numCaptured(); }

  /// Frees the pages of the tokens from `length` on.
  void truncate(Sequence &sequence, int64_t length);

  /// Runs one step; returns the number of rows.
  Result<int64_t> step(std::span<const StepInput> inputs,
                       const StepResults &results);

private:
  /// A plan of the manifest with all that its steps need.
  struct ReadyPlan {
    LaunchPlan launches;
    InputLayout layout;
  };

  Session(std::shared_ptr<const Model> model, int64_t pages,
          int64_t callerPages)
      : source(std::move(model)), pages(pages), callerPages(callerPages),
        allocator(callerPages, pages), pageOwner(size_t(callerPages), 0) {}

  Result<void> allocate();
  Result<void> preparePlans(const EntryPoint &entry,
                            std::vector<ReadyPlan> &out);
  Extent resolve(const Operand &operand, const InputLayout &layout) const;

  Result<void> checkInput(const StepInput &input) const;
  Result<void> checkSampling(const StepInput &input) const;
  Result<void> checkCallerPages(std::span<const StepInput> inputs);
  Result<void> checkBatch(std::span<const StepInput> inputs,
                          const StepResults &results);
  Result<void> reservePages(std::span<const StepInput> inputs);
  void releaseReserved(std::span<const StepInput> inputs);
  Result<void> execute(const StepResults &results);
  Result<void> launchAll(ReadyPlan &plan, const SymbolValues &sizes,
                         bool isDecode);
  Result<void> copyResults(const SymbolValues &sizes,
                           const StepResults &results);
  Error inputError(size_t index, const std::string &problem) const;

  std::shared_ptr<const Model> source;
  int64_t pages;
  int64_t callerPages;
  PageAllocator allocator;
  SessionCounters count;
  bool isLost = false;

  DeviceBuffer activations, workspace, caches, inputs, outputs;
  std::vector<uint64_t> cacheOffsets, outputOffsets;
  PinnedBuffer hostInputs, hostOutputs;
  std::vector<ReadyPlan> decodePlans, prefillPlans;
  std::vector<StepSequence> batch; ///< of the step that runs
  std::vector<uint32_t> order;     ///< of its sequences in the inputs
  /// Which input of the step writes a caller's page (1 + index), or reads it.
  std::vector<uint32_t> pageOwner;
  // Destroyed before what its work touches.
  Stream stream;
  GraphCache graphs;
  LaunchObserver *observer = nullptr;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_SESSION_SESSION_H
