//===- Session.cpp - Making a session -------------------------------------===//

#include "runtime/session/Session.h"

#include <algorithm>

namespace tilewright::runtime {

static constexpr uint64_t tensorAlignment = 256;

static uint64_t aligned(uint64_t bytes) {
  return (bytes + tensorAlignment - 1) / tensorAlignment * tensorAlignment;
}

/// Enough for a few sequences of full length, or for many shorter ones, as far
/// as the device's memory goes.
static int64_t defaultPages(const Model &model) {
  constexpr int64_t fullSequences = 8;
  constexpr double cacheShare = 0.8; // of what the weights leave
  const Limits &limits = model.manifest().limits;
  int64_t perSequence =
      (limits.maxContext + limits.pageSize - 1) / limits.pageSize;
  int64_t wanted = std::min(limits.maxSeqs, fullSequences) * perSequence;
  int64_t pageBytes = std::max<int64_t>(1, model.manifest().pageBytes());
  double left = double(model.device()->memoryBytes()) -
                double(model.manifest().weightBytes);
  int64_t fitting = int64_t(std::max(0.0, left) * cacheShare) / pageBytes;
  return std::max(perSequence, std::min(wanted, fitting));
}

Result<std::shared_ptr<Session>>
Session::create(std::shared_ptr<const Model> model,
                const SessionOptions &options) {
  const Limits &limits = model->manifest().limits;
  int64_t pages = options.numPages ? options.numPages : defaultPages(*model);
  // Slots, page * page_size + offset, are i32.
  int64_t most = INT32_MAX / limits.pageSize;
  if (pages < 1 || pages > most)
    return Error(TILEWRIGHT_INVALID_ARGUMENT,
                 "num_pages is " + std::to_string(pages) +
                     ", must be from 1 to " + std::to_string(most));
  if (options.callerPages < 0 || options.callerPages > pages)
    return Error(TILEWRIGHT_INVALID_ARGUMENT,
                 "caller_pages must be from 0 to num_pages = " +
                     std::to_string(pages));
  bool hasGraphs = model->device()->driver().hasGraphs();
  if (options.graphs == TILEWRIGHT_GRAPHS_ON && !hasGraphs)
    return Error(TILEWRIGHT_UNAVAILABLE, "the driver has no CUDA graphs");

  std::shared_ptr<Session> session(
      new Session(std::move(model), pages, options.callerPages));
  session->observer = options.observer;
  if (hasGraphs && options.graphs != TILEWRIGHT_GRAPHS_OFF && !options.observer)
    session->graphs = GraphCache(session->source->device());
  TILEWRIGHT_TRY(session->allocate());
  const Manifest &manifest = session->manifest();
  TILEWRIGHT_TRY(session->preparePlans(manifest.decode, session->decodePlans));
  TILEWRIGHT_TRY(
      session->preparePlans(manifest.prefill, session->prefillPlans));
  return session;
}

/// All memory of the session, zeroed where a kernel may read before it writes:
/// keys and values that no token has written meet a probability of zero, and
/// zero times whatever a NaN is made of would be NaN.
Result<void> Session::allocate() {
  const DevicePtr &device = source->device();
  uint64_t activationBytes = 0, workspaceBytes = 0, inputBytes = 0;
  for (const EntryPoint *entry : {&manifest().decode, &manifest().prefill})
    for (const Plan &plan : entry->plans) {
      activationBytes = std::max(activationBytes, plan.activationBytes);
      workspaceBytes = std::max(workspaceBytes, plan.workspaceBytes);
      inputBytes = std::max(inputBytes, InputLayout(manifest(), plan).size());
    }
  uint64_t cacheBytes = 0;
  for (const CacheTensor &cache : manifest().caches) {
    cacheOffsets.push_back(cacheBytes);
    uint64_t bytes;
    if (__builtin_mul_overflow(uint64_t(cache.pageBytes), uint64_t(pages),
                               &bytes) ||
        __builtin_add_overflow(cacheBytes, aligned(bytes), &cacheBytes))
      return Error(TILEWRIGHT_OUT_OF_MEMORY, "the KV cache is too large");
  }
  uint64_t outputBytes = 0;
  SymbolValues maxima = manifest().maxima(manifest().limits.maxTokens);
  for (const Output &output : manifest().outputs) {
    outputOffsets.push_back(outputBytes);
    outputBytes +=
        aligned(denseBytes(output.dtype, output.shape, maxima).value_or(0));
  }

  TILEWRIGHT_ASSIGN(stream, Stream::create(device));
  for (auto [buffer, bytes, purpose] :
       {std::tuple(&activations, activationBytes, "activations"),
        std::tuple(&workspace, workspaceBytes, "the workspace"),
        std::tuple(&caches, cacheBytes, "the KV cache"),
        std::tuple(&inputs, inputBytes, "inputs"),
        std::tuple(&outputs, outputBytes, "outputs")}) {
    TILEWRIGHT_ASSIGN(*buffer, DeviceBuffer::allocate(device, bytes, purpose));
    TILEWRIGHT_TRY(stream.fillZero(buffer->address(), buffer->size()));
  }
  TILEWRIGHT_ASSIGN(hostInputs, PinnedBuffer::allocate(device, inputBytes));
  TILEWRIGHT_ASSIGN(hostOutputs, PinnedBuffer::allocate(device, outputBytes));
  batch.reserve(size_t(std::min<int64_t>(manifest().limits.maxSeqs, 1 << 16)));
  order.reserve(size_t(std::min<int64_t>(manifest().limits.maxSeqs, 1 << 16)));
  return stream.synchronize();
}

Extent Session::resolve(const Operand &operand,
                        const InputLayout &layout) const {
  auto within = [](const DeviceBuffer &buffer, uint64_t offset) {
    return Extent{buffer.address() + offset, buffer.size() - offset};
  };
  switch (operand.kind) {
  case Operand::Kind::Activation:
    return within(activations, operand.index);
  case Operand::Kind::Workspace:
    return within(workspace, operand.index);
  case Operand::Kind::Weight:
    return {source->weightAddress(operand.index),
            manifest().weights[operand.index].bytes};
  case Operand::Kind::Input:
    return {inputs.address() + layout.offset(operand.index),
            layout.capacity(operand.index)};
  case Operand::Kind::Output:
    return within(outputs, outputOffsets[operand.index]);
  case Operand::Kind::Cache:
    return {caches.address() + cacheOffsets[operand.index],
            uint64_t(manifest().caches[operand.index].pageBytes) *
                uint64_t(pages)};
  }
  return {0, 0};
}

Result<void> Session::preparePlans(const EntryPoint &entry,
                                   std::vector<ReadyPlan> &out) {
  for (const Plan &plan : entry.plans) {
    InputLayout layout(manifest(), plan);
    SymbolValues symbols = plan.maxima;
    symbols[Symbol::Pages] = pages;
    symbols[Symbol::Sms] = source->device()->numSms();
    auto resolver = [&](const Operand &operand) {
      return resolve(operand, layout);
    };
    Result<LaunchPlan> launches =
        LaunchPlan::prepare(*source, plan, resolver, symbols);
    if (!launches)
      return launches.takeError().in(source->bundle().name());
    out.push_back({*std::move(launches), std::move(layout)});
  }
  return success();
}

void Session::truncate(Sequence &sequence, int64_t length) {
  int64_t pageSize = manifest().limits.pageSize;
  int64_t keep = (length + pageSize - 1) / pageSize;
  while (int64_t(sequence.pages.size()) > keep) {
    allocator.release(sequence.pages.back());
    sequence.pages.pop_back();
  }
  sequence.length = length;
}

} // namespace tilewright::runtime
