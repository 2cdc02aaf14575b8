//===- Loader.cpp - Weights onto the device -------------------------------===//

#include "runtime/weights/Loader.h"

#include "runtime/support/Json.h"
#include "runtime/support/Parallel.h"

#include <algorithm>

namespace tilewright::runtime {

// Large enough that a copy runs at full speed, small enough that the first one
// starts soon.
static constexpr uint64_t pieceBytes = 32 << 20;
// Below this a second thread costs more than it saves.
static constexpr uint64_t threadBytes = 256 << 10;

static Error mismatch(const TensorView &tensor, const SourceTensor &source) {
  auto text = [](DType dtype, const std::vector<int64_t> &shape) {
    return std::string(name(dtype)) + " " + shapeText(shape);
  };
  return Error(TILEWRIGHT_INVALID_WEIGHTS,
               tensor.file + ": tensor " + inQuotes(source.name) + " is " +
                   text(tensor.dtype, tensor.shape) +
                   ", but the bundle was compiled for " +
                   text(source.dtype, source.shape));
}

Result<std::vector<const TensorView *>>
bindSources(const std::vector<SourceTensor> &sources,
            const Checkpoint &checkpoint) {
  std::vector<const TensorView *> bound;
  std::string firstMissing;
  size_t numMissing = 0;
  for (const SourceTensor &source : sources) {
    const TensorView *tensor = checkpoint.find(source.name);
    if (!tensor) {
      if (numMissing++ == 0)
        firstMissing = source.name;
      continue;
    }
    if (tensor->dtype != source.dtype || tensor->shape != source.shape)
      return mismatch(*tensor, source);
    bound.push_back(tensor);
  }
  if (numMissing == 0)
    return bound;
  std::string more = numMissing == 1
                         ? ""
                         : " and " + std::to_string(numMissing - 1) + " others";
  return Error(TILEWRIGHT_INVALID_WEIGHTS, "the weights lack the tensor " +
                                               inQuotes(firstMissing) + more +
                                               " that the bundle wants");
}

namespace {

/// One of the two staging buffers, and when the device is done with it.
struct Stage {
  PinnedBuffer buffer;
  Event free;
  bool used = false;
};

class WeightLoader {
public:
  WeightLoader(DevicePtr device, const Manifest &manifest, Sources sources,
               const LoadOptions &options)
      : device(std::move(device)), manifest(manifest), sources(sources),
        options(options) {}

  Result<DeviceBuffer> run();

private:
  Result<void> prepare();
  Result<void> load(const Weight &weight);
  Result<void> loadRows(const Weight &weight, int64_t begin, int64_t end);
  Result<void> report(uint64_t bytes);
  uint64_t stageBytes() const;

  DevicePtr device;
  const Manifest &manifest;
  Sources sources;
  const LoadOptions &options;
  Stage stages[2];
  size_t nextStage = 0;
  uint64_t doneBytes = 0;
  uint64_t totalBytes = 0;
  DeviceBuffer destination;
  // Destroyed first: its destructor waits for the copies from the stages.
  Stream stream;
};

} // namespace

/// A stage holds at least one row of every weight.
uint64_t WeightLoader::stageBytes() const {
  uint64_t largestWeight = 1, largestRow = 1;
  for (const Weight &weight : manifest.weights) {
    largestWeight = std::max(largestWeight, weight.bytes);
    largestRow = std::max(largestRow, uint64_t(weight.value->rowBytes()));
  }
  return std::max(largestRow, std::min(largestWeight, pieceBytes));
}

Result<void> WeightLoader::prepare() {
  for (const Weight &weight : manifest.weights)
    totalBytes += weight.bytes;
  TILEWRIGHT_ASSIGN(
      destination,
      DeviceBuffer::allocate(device, manifest.weightBytes, "the weights"));
  for (Stage &stage : stages) {
    TILEWRIGHT_ASSIGN(stage.buffer,
                      PinnedBuffer::allocate(device, stageBytes()));
    TILEWRIGHT_ASSIGN(stage.free, Event::create(device));
  }
  TILEWRIGHT_ASSIGN(stream, Stream::create(device));
  return success();
}

Result<void> WeightLoader::report(uint64_t bytes) {
  doneBytes += bytes;
  if (options.progress && options.progress(doneBytes, totalBytes) != 0)
    return Error(TILEWRIGHT_CANCELLED, "loading the weights was cancelled");
  return success();
}

Result<void> WeightLoader::loadRows(const Weight &weight, int64_t begin,
                                    int64_t end) {
  Stage &stage = stages[nextStage];
  nextStage = 1 - nextStage;
  if (stage.used)
    TILEWRIGHT_TRY(stage.free.wait());
  const Value &value = *weight.value;
  uint64_t rowBytes = value.rowBytes();
  uint64_t bytes = uint64_t(end - begin) * rowBytes;
  unsigned threads = unsigned(std::clamp<uint64_t>(
      bytes / threadBytes, 1, std::max(1u, options.numThreads)));
  parallelFor(end - begin, threads, [&](int64_t from, int64_t to) {
    value.rows(sources, begin + from, begin + to,
               stage.buffer.data() + uint64_t(from) * rowBytes);
  });
  TILEWRIGHT_TRY(stream.copyIn(destination.address() + weight.offset +
                                   uint64_t(begin) * rowBytes,
                               stage.buffer.data(), bytes));
  TILEWRIGHT_TRY(stage.free.record(stream));
  stage.used = true;
  return report(bytes);
}

Result<void> WeightLoader::load(const Weight &weight) {
  int64_t rows = weight.value->numRows();
  int64_t rowsPerPiece = int64_t(std::max<uint64_t>(
      1, stages[0].buffer.size() / weight.value->rowBytes()));
  for (int64_t begin = 0; begin < rows; begin += rowsPerPiece)
    TILEWRIGHT_TRY(
        loadRows(weight, begin, std::min(rows, begin + rowsPerPiece)));
  return success();
}

Result<DeviceBuffer> WeightLoader::run() {
  TILEWRIGHT_TRY(prepare());
  for (const Weight &weight : manifest.weights)
    TILEWRIGHT_TRY(load(weight));
  TILEWRIGHT_TRY(stream.synchronize());
  return std::move(destination);
}

Result<DeviceBuffer> loadWeights(DevicePtr device, const Manifest &manifest,
                                 const Checkpoint &checkpoint,
                                 const LoadOptions &options) {
  TILEWRIGHT_ASSIGN(std::vector<const TensorView *> sources,
                    bindSources(manifest.sources, checkpoint));
  WeightLoader loader(std::move(device), manifest, sources, options);
  return loader.run();
}

} // namespace tilewright::runtime
