//===- RandomStep.cpp - Random input of a model's function ----------------===//

#include "ir/reference/RandomStep.h"

#include "llvm/Support/xxhash.h"

#include <cmath>

using namespace mlir;

namespace tilewright::reference {

//===----------------------------------------------------------------------===//
// Random numbers
//===----------------------------------------------------------------------===//

namespace {
/// Uniform numbers, a stream of its own for each name and seed (SplitMix64:
/// models have many weights, and these need to be no more than unrelated).
class Stream {
public:
  Stream(uint64_t seed, StringRef name)
      : state(seed ^ llvm::xxh3_64bits(name)) {}

  float next() {
    state += 0x9E3779B97F4A7C15;
    uint64_t bits = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
    return static_cast<float>(bits >> 40) * 0x1p-24f;
  }
  int64_t below(int64_t limit) {
    return std::min(limit - 1, static_cast<int64_t>(next() * limit));
  }

private:
  uint64_t state;
};
} // namespace

/// Uniform numbers of this mean and standard deviation.
static Tensor makeFloats(ElementType type, ArrayRef<int64_t> shape,
                         Stream stream, float mean, float deviation) {
  float halfWidth = deviation * std::sqrt(3.0f);
  Tensor result(type, shape);
  std::vector<float> values(result.getNumElements());
  for (float &value : values)
    value = mean + halfWidth * (2 * stream.next() - 1);
  result.writeFloats(0, values);
  return result;
}

static Tensor makeWeight(xf::WeightOp weight, uint64_t seed) {
  ArrayRef<int64_t> shape = weight.getType().getShape();
  ElementType type = *getElementType(weight.getSourceDtype());
  Stream stream(seed, weight.getName());
  if (shape.size() < 2)
    return makeFloats(type, shape, stream, /*mean=*/1.0f, /*deviation=*/0.2f);
  return makeFloats(type, shape, stream, /*mean=*/0.0f,
                    1.0f / std::sqrt(static_cast<float>(shape.back())));
}

WeightProvider makeRandomWeights(uint64_t seed) {
  // Made once: a model is run again after every pass.
  auto made = std::make_shared<llvm::StringMap<Tensor>>();
  return [seed, made](xf::WeightOp weight) -> FailureOr<Tensor> {
    auto found = made->find(weight.getName());
    if (found == made->end())
      found =
          made->try_emplace(weight.getName(), makeWeight(weight, seed)).first;
    return found->second;
  };
}

//===----------------------------------------------------------------------===//
// A step
//===----------------------------------------------------------------------===//

namespace {

/// Tokens that a sequence had before the step, and those of the step.
struct Sequence {
  int64_t before, count;
};

class Step {
public:
  Step(int64_t pageSize, int64_t vocabulary, int64_t context, uint64_t seed);

  std::optional<int64_t> getSize(StringRef symbol) const {
    auto found = sizes.find(symbol);
    return found == sizes.end() ? std::nullopt : std::optional(found->second);
  }
  /// The values of an integer input, or nothing for another name.
  const std::vector<int64_t> *getInts(StringRef name) const {
    auto found = ints.find(name);
    return found == ints.end() ? nullptr : &found->second;
  }
  const std::vector<float> *getFloats(StringRef name) const {
    auto found = floats.find(name);
    return found == floats.end() ? nullptr : &found->second;
  }

private:
  void placePages(Stream stream);
  void addTokens(Stream stream, int64_t vocabulary);
  void addRows();

  int64_t pageSize;
  SmallVector<Sequence> sequences;
  llvm::StringMap<int64_t> sizes;
  llvm::StringMap<std::vector<int64_t>> ints;
  llvm::StringMap<std::vector<float>> floats;
};

} // namespace

Step::Step(int64_t pageSize, int64_t vocabulary, int64_t context, uint64_t seed)
    : pageSize(pageSize) {
  // Prefill, decoding on a second page, nothing, and a chunk of prefill; all
  // shorter where the model's context is.
  int64_t chunkStart = std::min<int64_t>(3, context - 1);
  sequences = {{0, std::min<int64_t>(5, context)},
               {std::min(pageSize + 2, context - 1), 1},
               {0, 0},
               {chunkStart, std::min(pageSize, context - chunkStart)}};
  sizes["seqs"] = sequences.size();
  placePages(Stream(seed, "block_table"));
  addTokens(Stream(seed, "token_ids"), vocabulary);
  addRows();
}

void Step::placePages(Stream stream) {
  SmallVector<int64_t> counts;
  for (const Sequence &sequence : sequences)
    counts.push_back(
        llvm::divideCeil(sequence.before + sequence.count, pageSize));
  int64_t width = *llvm::max_element(counts);
  // One page that no sequence owns: nobody may write it.
  std::vector<int64_t> pages(llvm::sum_of(counts) + 1);
  for (auto [index, page] : llvm::enumerate(pages))
    page = index;
  for (size_t i = pages.size(); i > 1; --i)
    std::swap(pages[i - 1], pages[stream.below(i)]);

  std::vector<int64_t> &table = ints["block_table"];
  table.assign(counts.size() * width, -1);
  size_t used = 0;
  for (auto [sequence, count] : llvm::enumerate(counts))
    for (int64_t i = 0; i < count; ++i)
      table[sequence * width + i] = pages[used++];
  sizes["pages"] = pages.size();
  sizes["pages_per_seq"] = width;
}

void Step::addTokens(Stream stream, int64_t vocabulary) {
  int64_t width = sizes["pages_per_seq"];
  const std::vector<int64_t> &table = ints["block_table"];
  ints["cu_seqlens_q"] = {0};
  for (auto [index, sequence] : llvm::enumerate(sequences)) {
    for (int64_t i = 0; i < sequence.count; ++i) {
      int64_t position = sequence.before + i;
      int64_t page = table[index * width + position / pageSize];
      ints["token_ids"].push_back(stream.below(vocabulary));
      ints["positions"].push_back(position);
      ints["slot_mapping"].push_back(page * pageSize + position % pageSize);
    }
    ints["cu_seqlens_q"].push_back(ints["token_ids"].size());
    ints["cache_seqlens"].push_back(sequence.before + sequence.count);
  }
  sizes["tokens"] = ints["token_ids"].size();
}

void Step::addRows() {
  // The last token of each sequence that has one, the first row greedy.
  for (auto [index, sequence] : llvm::enumerate(sequences)) {
    if (sequence.count == 0)
      continue;
    int64_t row = ints["logits_indices"].size();
    ints["logits_indices"].push_back(ints["cu_seqlens_q"][index + 1] - 1);
    ints["top_k"].push_back(row % 2 ? 3 : 0);
    ints["seed"].push_back(row + 1);
    ints["sample_index"].push_back(sequence.before);
    floats["temperature"].push_back(row == 0 ? 0.0f : 0.8f);
    floats["top_p"].push_back(row % 2 ? 1.0f : 0.9f);
  }
  sizes["rows"] = ints["logits_indices"].size();
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

/// The page size of the caches among the arguments.
static int64_t findPageSize(func::FuncOp func) {
  constexpr int64_t kDefault = 16;
  for (unsigned index = 0; index < func.getNumArguments(); ++index)
    if (func.getArgAttr(index, "xf.cache"))
      if (auto type = cast<RankedTensorType>(func.getArgumentTypes()[index]);
          type.getRank() == 4)
        return type.getDimSize(2);
  return kDefault;
}

/// The fewest rows of an embedding table, wherever it is; token ids stay below.
static int64_t findVocabulary(func::FuncOp func) {
  constexpr int64_t kNone = 1 << 30;
  int64_t rows = kNone;
  func.walk([&](xf::EmbeddingOp op) {
    rows = std::min(rows, op.getTable().getType().getDimSize(0));
  });
  return rows == kNone ? 1 : rows;
}

/// Positions that all rope tables have; token positions stay below.
static int64_t findContext(func::FuncOp func) {
  constexpr int64_t kNone = 1 << 30;
  int64_t positions = kNone;
  func.walk([&](xf::RopeTableOp op) {
    positions = std::min(positions, op.getType().getDimSize(0));
  });
  return positions;
}

static SmallVector<int64_t> getShape(RankedTensorType type, const Step &step) {
  constexpr int64_t kUnknown = 3;
  SmallVector<int64_t> shape;
  for (const xf::Dim &dim : xf::getDims(type)) {
    int64_t size = dim.value;
    if (!dim.isFixed())
      size += step.getSize(dim.name.getValue()).value_or(kUnknown);
    shape.push_back(size);
  }
  return shape;
}

static Tensor makeArgument(StringRef name, RankedTensorType type,
                           const Step &step, uint64_t seed) {
  Tensor tensor(*getElementType(type.getElementType()), getShape(type, step));
  size_t count = tensor.getNumElements();
  if (!isFloat(tensor.getType())) {
    const std::vector<int64_t> *values = step.getInts(name);
    if (values && values->size() == count)
      for (auto [index, value] : llvm::enumerate(*values))
        tensor.setInt(index, value);
    return tensor;
  }
  const std::vector<float> *values = step.getFloats(name);
  if (!values || values->size() != count)
    return makeFloats(tensor.getType(), tensor.getShape(), Stream(seed, name),
                      /*mean=*/0.0f, /*deviation=*/1.0f);
  tensor.writeFloats(0, *values);
  return tensor;
}

/// The contract's name, or one that is only different for each argument.
static std::string getArgumentName(func::FuncOp func, unsigned index) {
  for (StringRef key : {"xf.input", "xf.cache"})
    if (auto name = func.getArgAttrOfType<StringAttr>(index, key))
      return name.str();
  return "argument " + std::to_string(index);
}

SmallVector<Tensor> makeRandomArguments(func::FuncOp func, uint64_t seed) {
  Step step(findPageSize(func), findVocabulary(func), findContext(func), seed);
  SmallVector<Tensor> args;
  for (auto [index, type] : llvm::enumerate(func.getArgumentTypes()))
    args.push_back(makeArgument(getArgumentName(func, index),
                                cast<RankedTensorType>(type), step, seed));
  return args;
}

} // namespace tilewright::reference
