//===- Step.cpp - One step of a session -----------------------------------===//
//
// Order matters: everything that can be refused is refused before the first
// page is reserved, pages are reserved for all sequences or for none, and
// lengths change only when the results are here.
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Session.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

namespace tilewright::runtime {

static Error invalid(const std::string &message) {
  return Error(TILEWRIGHT_INVALID_ARGUMENT, message);
}

Error Session::inputError(size_t index, const std::string &problem) const {
  return invalid("inputs[" + std::to_string(index) + "]: " + problem);
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

static bool hasInput(const Manifest &manifest, InputKind kind) {
  return std::any_of(manifest.inputs.begin(), manifest.inputs.end(),
                     [&](const Input &input) { return input.kind == kind; });
}

Result<void> Session::checkSampling(const StepInput &input) const {
  const tilewright_sampling &sampling = input.sampling;
  // Written so that NaN fails too.
  if (!(sampling.temperature >= 0) || std::isinf(sampling.temperature))
    return invalid("temperature must be a finite number, at least 0");
  if (!(sampling.top_p > 0 && sampling.top_p <= 1))
    return invalid("top_p must be above 0 and at most 1");
  if (sampling.top_k < 0 || sampling.sample_index < 0)
    return invalid("top_k and sample_index must not be negative");
  if (sampling.temperature > 0 && !hasInput(manifest(), InputKind::Temperature))
    return invalid("this bundle samples greedily only: temperature must be 0");
  return success();
}

Result<void> Session::checkInput(const StepInput &input) const {
  const Limits &limits = manifest().limits;
  if (input.tokens.empty())
    return invalid("has no tokens");
  for (size_t i = 0; i < input.tokens.size(); ++i)
    if (input.tokens[i] < 0 || input.tokens[i] >= limits.vocabSize)
      return invalid("token " + std::to_string(i) + " is " +
                     std::to_string(input.tokens[i]) + ", must be from 0 to " +
                     std::to_string(limits.vocabSize - 1));
  if (input.rows != TILEWRIGHT_ROWS_LAST &&
      input.rows != TILEWRIGHT_ROWS_NONE && input.rows != TILEWRIGHT_ROWS_ALL)
    return invalid("unknown value of rows");
  int64_t past = input.sequence ? input.sequence->length : input.pastLength;
  if (past < 0)
    return invalid("past_length is negative");
  // Compared without a sum, which a hostile past_length could overflow.
  if (past > limits.maxContext ||
      int64_t(input.tokens.size()) > limits.maxContext - past)
    return invalid(std::to_string(past) + " past and " +
                   std::to_string(input.tokens.size()) +
                   " new tokens exceed the context of " +
                   std::to_string(limits.maxContext));
  return checkSampling(input);
}

/// No page that is written may be anyone else's in the same step: the order of
/// the two accesses would be undefined. `pageOwner` is all zero between steps.
Result<void> Session::checkCallerPages(std::span<const StepInput> inputs) {
  constexpr uint32_t readOnly = UINT32_MAX;
  int64_t pageSize = manifest().limits.pageSize;
  std::vector<int32_t> touched;
  Result<void> result = success();
  for (size_t i = 0; i < inputs.size() && result; ++i) {
    const StepInput &input = inputs[i];
    if (input.sequence)
      continue;
    int64_t length = input.pastLength + int64_t(input.tokens.size());
    size_t needed = size_t((length + pageSize - 1) / pageSize);
    if (input.pages.size() < needed) {
      result =
          inputError(i, std::to_string(needed) + " pages are needed, " +
                            std::to_string(input.pages.size()) + " are given");
      break;
    }
    size_t firstWritten = size_t(input.pastLength / pageSize);
    for (size_t p = 0; p < needed && result; ++p) {
      int32_t page = input.pages[p];
      if (page < 0 || page >= callerPages) {
        result = inputError(i, "page " + std::to_string(page) +
                                   " is not one of the caller's " +
                                   std::to_string(callerPages));
        break;
      }
      uint32_t &owner = pageOwner[size_t(page)];
      bool isWritten = p >= firstWritten;
      if (owner != 0 && (isWritten || owner != readOnly))
        result = inputError(i, "page " + std::to_string(page) +
                                   " is written in this step and used twice");
      if (owner == 0)
        touched.push_back(page);
      owner = isWritten ? uint32_t(i + 1) : readOnly;
    }
  }
  for (int32_t page : touched)
    pageOwner[size_t(page)] = 0;
  return result;
}

Result<void> Session::checkBatch(std::span<const StepInput> inputs,
                                 const StepResults &results) {
  const Limits &limits = manifest().limits;
  if (inputs.empty() || int64_t(inputs.size()) > limits.maxSeqs)
    return invalid("a step takes from 1 to " + std::to_string(limits.maxSeqs) +
                   " inputs, not " + std::to_string(inputs.size()));
  std::set<const Sequence *> sequences;
  int64_t tokens = 0, rows = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const StepInput &input = inputs[i];
    if (Result<void> checked = checkInput(input); !checked)
      return checked.takeError().in("inputs[" + std::to_string(i) + "]");
    if (input.sequence && !sequences.insert(input.sequence).second)
      return inputError(i, "the sequence is in this step already");
    tokens += int64_t(input.tokens.size());
    rows += StepSequence{input.tokens, {}, 0, input.rows, {}}.numRows();
  }
  if (tokens > limits.maxTokens)
    return invalid("a step takes up to " + std::to_string(limits.maxTokens) +
                   " tokens, not " + std::to_string(tokens));
  if (rows > limits.maxRows)
    return invalid("a step gives up to " + std::to_string(limits.maxRows) +
                   " rows of logits, not " + std::to_string(rows));
  for (auto [kind, capacity, width, what] :
       {std::tuple(OutputKind::NextTokens, results.nextTokens.size(),
                   int64_t(1), "next tokens"),
        std::tuple(OutputKind::Logits, results.logits.size(), limits.vocabSize,
                   "logits")}) {
    if (capacity == 0)
      continue;
    if (!manifest().findOutput(kind))
      return invalid(std::string("this bundle gives no ") + what);
    if (int64_t(capacity) / width < rows)
      return invalid(std::string("the buffer for ") + what +
                     " is too small for " + std::to_string(rows) + " rows");
  }
  return checkCallerPages(inputs);
}

//===----------------------------------------------------------------------===//
// Pages
//===----------------------------------------------------------------------===//

Result<void> Session::reservePages(std::span<const StepInput> inputs) {
  int64_t pageSize = manifest().limits.pageSize;
  auto needed = [&](const StepInput &input) {
    int64_t length = input.sequence->length + int64_t(input.tokens.size());
    return (length + pageSize - 1) / pageSize -
           int64_t(input.sequence->pages.size());
  };
  int64_t total = 0;
  for (const StepInput &input : inputs)
    total += input.sequence ? std::max<int64_t>(0, needed(input)) : 0;
  if (total > allocator.numFree())
    return Error(TILEWRIGHT_OUT_OF_PAGES,
                 "the step needs " + std::to_string(total) +
                     " more pages of the KV cache, " +
                     std::to_string(allocator.numFree()) + " are free");
  for (const StepInput &input : inputs)
    for (int64_t i = input.sequence ? needed(input) : 0; i > 0; --i)
      input.sequence->pages.push_back(allocator.allocate());
  return success();
}

void Session::releaseReserved(std::span<const StepInput> inputs) {
  for (const StepInput &input : inputs)
    if (input.sequence)
      truncate(*input.sequence, input.sequence->length);
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

Result<void> Session::launchAll(ReadyPlan &plan, const SymbolValues &sizes,
                                bool isDecode) {
  const Driver &driver = source->device()->driver();
  uint64_t inputBytes = plan.layout.used(manifest(), sizes);
  auto body = [&]() -> Result<int64_t> {
    TILEWRIGHT_TRY(
        stream.copyIn(inputs.address(), hostInputs.data(), inputBytes));
    return plan.launches.run(driver, stream, sizes, observer);
  };
  // Prompts have sizes of their own; only decode steps come up again.
  Result<int64_t> launches = 0;
  if (isDecode && graphs.isEnabled()) {
    // The copy's size is part of the graph too.
    SymbolValues key = plan.launches.key(sizes);
    key[Symbol::Seqs] = sizes[Symbol::Seqs];
    key[Symbol::PagesPerSeq] = sizes[Symbol::PagesPerSeq];
    launches = graphs.run({&plan.launches, key}, stream, body);
  } else {
    launches = body();
  }
  if (!launches)
    return launches.takeError();
  ++count.steps;
  count.launches += *launches;
  count.lastLaunches = *launches;
  return success();
}

/// Queues the copies that were asked for, waits, and hands the results over.
Result<void> Session::copyResults(const SymbolValues &sizes,
                                  const StepResults &results) {
  std::vector<std::tuple<void *, const std::byte *, uint64_t>> copies;
  for (size_t i = 0; i < manifest().outputs.size(); ++i) {
    const Output &output = manifest().outputs[i];
    bool isLogits = output.kind == OutputKind::Logits;
    void *destination = isLogits ? static_cast<void *>(results.logits.data())
                                 : results.nextTokens.data();
    uint64_t bytes = denseBytes(output.dtype, output.shape, sizes).value_or(0);
    if (!destination || bytes == 0)
      continue;
    std::byte *staging = hostOutputs.data() + outputOffsets[i];
    TILEWRIGHT_TRY(
        stream.copyOut(staging, outputs.address() + outputOffsets[i], bytes));
    copies.emplace_back(destination, staging, bytes);
  }
  TILEWRIGHT_TRY(stream.synchronize());
  for (auto [destination, staging, bytes] : copies)
    std::memcpy(destination, staging, bytes);
  return success();
}

Result<void> Session::execute(const StepResults &results) {
  SymbolValues sizes = stepSizes(batch, manifest().limits);
  sizes[Symbol::Pages] = pages;
  sizes[Symbol::Sms] = source->device()->numSms();
  int64_t tokens = sizes[Symbol::Tokens];

  bool isDecode = tokens == sizes[Symbol::Seqs] && !decodePlans.empty() &&
                  decodePlans.back().launches.maxTokens() >= tokens;
  std::vector<ReadyPlan> &plans = isDecode ? decodePlans : prefillPlans;
  auto plan = std::find_if(plans.begin(), plans.end(), [&](const auto &plan) {
    return plan.launches.maxTokens() >= tokens;
  });
  arrangeSequences(batch, order);
  writeInputs(manifest(), plan->layout, batch, order, sizes, hostInputs.data());
  TILEWRIGHT_TRY(launchAll(*plan, sizes, isDecode));
  return copyResults(sizes, results);
}

Result<int64_t> Session::step(std::span<const StepInput> inputs,
                              const StepResults &results) {
  if (isLost)
    return Error(TILEWRIGHT_LAUNCH_FAILED,
                 "the session was lost when a launch failed");
  TILEWRIGHT_TRY(checkBatch(inputs, results));
  TILEWRIGHT_TRY(reservePages(inputs));
  batch.clear();
  int64_t rows = 0;
  for (const StepInput &input : inputs) {
    batch.push_back({input.tokens,
                     input.sequence
                         ? std::span<const int32_t>(input.sequence->pages)
                         : input.pages,
                     input.sequence ? input.sequence->length : input.pastLength,
                     input.rows, input.sampling});
    rows += batch.back().numRows();
  }
  if (Result<void> executed = execute(results); !executed) {
    isLost = executed.error().status() == TILEWRIGHT_LAUNCH_FAILED;
    releaseReserved(inputs);
    return executed.takeError();
  }
  for (const StepInput &input : inputs)
    if (input.sequence)
      input.sequence->length += int64_t(input.tokens.size());
  return rows;
}

} // namespace tilewright::runtime
