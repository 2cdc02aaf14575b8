//===- StepInputs.cpp - What a step's kernels read ------------------------===//

#include "runtime/session/StepInputs.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

namespace tilewright::runtime {

// Inputs may be read by vector loads and by tensor maps.
static constexpr uint64_t inputAlignment = 256;

InputLayout::InputLayout(const Manifest &manifest, const Plan &plan)
    : offsets(manifest.inputs.size()), capacities(manifest.inputs.size()) {
  auto place = [&](size_t input) {
    const Input &tensor = manifest.inputs[input];
    offsets[input] = total;
    capacities[input] =
        denseBytes(tensor.dtype, tensor.shape, plan.maxima).value_or(0);
    total += (capacities[input] + inputAlignment - 1) / inputAlignment *
             inputAlignment;
  };
  // The block table last: it is by far the largest, and mostly unused.
  auto isLast = [&](size_t input) {
    return manifest.inputs[input].kind == InputKind::BlockTable;
  };
  for (size_t input = 0; input < offsets.size(); ++input)
    if (!isLast(input))
      place(input);
  for (size_t input = 0; input < offsets.size(); ++input)
    if (isLast(input))
      place(input);
}

uint64_t InputLayout::used(const Manifest &manifest,
                           const SymbolValues &symbols) const {
  uint64_t end = 0;
  for (size_t input = 0; input < offsets.size(); ++input) {
    const Input &tensor = manifest.inputs[input];
    end = std::max(
        end, offsets[input] +
                 denseBytes(tensor.dtype, tensor.shape, symbols).value_or(0));
  }
  return end;
}

SymbolValues stepSizes(std::span<const StepSequence> sequences,
                       const Limits &limits) {
  SymbolValues sizes;
  sizes[Symbol::Seqs] = int64_t(sequences.size());
  int64_t pages = 1;
  for (const StepSequence &sequence : sequences) {
    int64_t tokens = int64_t(sequence.tokens.size());
    sizes[Symbol::Tokens] += tokens;
    sizes[Symbol::Rows] += sequence.numRows();
    sizes[Symbol::MaxQuery] = std::max(sizes[Symbol::MaxQuery], tokens);
    sizes[Symbol::MaxKeys] =
        std::max(sizes[Symbol::MaxKeys], sequence.length());
    pages = std::max(pages, (sequence.length() + limits.pageSize - 1) /
                                limits.pageSize);
  }
  // A power of two changes seldom, and what is captured in a graph can be
  // replayed for as long as it does not.
  sizes[Symbol::PagesPerSeq] =
      std::min(limits.maxPagesPerSeq, int64_t(std::bit_ceil(uint64_t(pages))));
  return sizes;
}

namespace {

/// Writes one input. The buffer is pinned and only ever written, front to
/// back.
template <typename T>
class Writer {
public:
  explicit Writer(std::byte *at) : at(at) {}
  void operator()(T value) {
    std::memcpy(at, &value, sizeof(T));
    at += sizeof(T);
  }

private:
  std::byte *at;
};

/// A step's sequences: rows in the order of `all`, all else as `order` says.
struct Sequences {
  std::span<const StepSequence> all;
  std::span<const uint32_t> order;
};

template <typename Body>
void forEachSequence(const Sequences &sequences, const Body &body) {
  for (uint32_t place : sequences.order)
    body(sequences.all[place]);
}

/// Calls `body(sequence, index of the token in it)` for each token.
template <typename Body>
void forEachToken(const Sequences &sequences, const Body &body) {
  forEachSequence(sequences, [&](const StepSequence &sequence) {
    for (size_t i = 0; i < sequence.tokens.size(); ++i)
      body(sequence, int64_t(i));
  });
}

/// Calls `body(sequence, index of the row in it)` for each row of logits.
template <typename Body>
void forEachRow(const Sequences &sequences, const Body &body) {
  for (const StepSequence &sequence : sequences.all)
    for (int64_t i = 0; i < sequence.numRows(); ++i)
      body(sequence, i);
}

} // namespace

void arrangeSequences(std::span<StepSequence> sequences,
                      std::vector<uint32_t> &order) {
  order.resize(sequences.size());
  std::iota(order.begin(), order.end(), 0u);
  // Ties by place: a stable sort would allocate.
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    int64_t lengthA = sequences[a].length(), lengthB = sequences[b].length();
    return lengthA != lengthB ? lengthA > lengthB : a < b;
  });
  int64_t first = 0;
  for (uint32_t place : order) {
    sequences[place].firstToken = first;
    first += int64_t(sequences[place].tokens.size());
  }
}

static void writeSlots(const Sequences &sequences, int64_t pageSize,
                       Writer<int32_t> write) {
  forEachToken(sequences, [&](const StepSequence &sequence, int64_t i) {
    int64_t position = sequence.pastLength + i;
    int64_t page = sequence.pages[size_t(position / pageSize)];
    write(int32_t(page * pageSize + position % pageSize));
  });
}

static void writeBlockTable(const Sequences &sequences, int64_t pageSize,
                            int64_t width, Writer<int32_t> write) {
  forEachSequence(sequences, [&](const StepSequence &sequence) {
    int64_t used = (sequence.length() + pageSize - 1) / pageSize;
    // A page that exists, for a kernel that reads ahead.
    for (int64_t i = 0; i < width; ++i)
      write(i < used ? sequence.pages[size_t(i)] : sequence.pages[0]);
  });
}

static void writeLogitsIndices(const Sequences &sequences,
                               Writer<int32_t> write) {
  forEachRow(sequences, [&](const StepSequence &sequence, int64_t i) {
    int64_t end = sequence.firstToken + int64_t(sequence.tokens.size());
    write(int32_t(end - sequence.numRows() + i));
  });
}

static void writeInput(InputKind kind, const Sequences &sequences,
                       const Limits &limits, const SymbolValues &sizes,
                       std::byte *at) {
  auto rows = [&](auto write, auto value) {
    forEachRow(sequences, [&](const StepSequence &sequence, int64_t i) {
      write(value(sequence.sampling, i));
    });
  };
  using Sampling = const tilewright_sampling &;
  Writer<int32_t> writeInt(at);
  int32_t sum = 0;
  switch (kind) {
  case InputKind::TokenIds:
    return forEachToken(sequences, [&](const StepSequence &s, int64_t i) {
      writeInt(s.tokens[size_t(i)]);
    });
  case InputKind::Positions:
    return forEachToken(sequences, [&](const StepSequence &s, int64_t i) {
      writeInt(int32_t(s.pastLength + i));
    });
  case InputKind::SlotMapping:
    return writeSlots(sequences, limits.pageSize, writeInt);
  case InputKind::CuSeqlensQ:
    writeInt(0);
    return forEachSequence(sequences, [&](const StepSequence &sequence) {
      writeInt(sum += int32_t(sequence.tokens.size()));
    });
  case InputKind::CacheSeqlens:
    return forEachSequence(sequences, [&](const StepSequence &sequence) {
      writeInt(int32_t(sequence.length()));
    });
  case InputKind::BlockTable:
    return writeBlockTable(sequences, limits.pageSize,
                           sizes[Symbol::PagesPerSeq], writeInt);
  case InputKind::LogitsIndices:
    return writeLogitsIndices(sequences, writeInt);
  case InputKind::Temperature:
    return rows(Writer<float>(at),
                [](Sampling s, int64_t) { return s.temperature; });
  case InputKind::TopP:
    return rows(Writer<float>(at), [](Sampling s, int64_t) { return s.top_p; });
  case InputKind::TopK:
    return rows(writeInt, [](Sampling s, int64_t) { return s.top_k; });
  case InputKind::Seed:
    return rows(Writer<uint64_t>(at),
                [](Sampling s, int64_t) { return s.seed; });
  case InputKind::SampleIndex:
    // Rows of one sequence draw from different points of its generator.
    return rows(writeInt, [](Sampling s, int64_t i) {
      return int32_t(s.sample_index + i);
    });
  }
}

void writeInputs(const Manifest &manifest, const InputLayout &layout,
                 std::span<const StepSequence> sequences,
                 std::span<const uint32_t> order, const SymbolValues &sizes,
                 std::byte *buffer) {
  for (size_t i = 0; i < manifest.inputs.size(); ++i)
    writeInput(manifest.inputs[i].kind, {sequences, order}, manifest.limits,
               sizes, buffer + layout.offset(i));
}

} // namespace tilewright::runtime
