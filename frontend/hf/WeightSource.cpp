//===- WeightSource.cpp - What is known of a model's weights --------------===//

#include "frontend/hf/WeightSource.h"

#include "llvm/ADT/Twine.h"

using namespace llvm;

namespace tilewright::frontend {

// A checkpoint of another model has hundreds of mistakes, all for one reason.
static constexpr size_t maxReported = 5;

static std::string shapeText(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::optional<WeightSource> WeightSource::open(StringRef directory,
                                               DiagnosticSink &sink) {
  runtime::Result<runtime::Checkpoint> checkpoint =
      runtime::Checkpoint::openDirectory(directory.str());
  if (!checkpoint) {
    // The reader's messages begin with the file that they are about.
    StringRef message = checkpoint.error().message();
    auto [file, cause] = message.split(": ");
    sink.error(file, cause,
               checkpoint.error().status() == TILEWRIGHT_NOT_FOUND
                   ? "compiling needs no weights: --config-only"
                   : "");
    return std::nullopt;
  }
  WeightSource source;
  source.checkpoint = *std::move(checkpoint);
  source.directory = directory.str();
  return source;
}

WeightSource WeightSource::declared(runtime::DType dtype) {
  WeightSource source;
  source.declaredType = dtype;
  return source;
}

runtime::DType WeightSource::check(StringRef name, ArrayRef<int64_t> shape) {
  if (!checkpoint)
    return declaredType;
  const runtime::TensorView *tensor = checkpoint->find(name);
  if (!tensor) {
    mistakes.push_back({directory, ("tensor \"" + name + "\" " +
                                    shapeText(shape) + " is missing")
                                       .str()});
    return declaredType;
  }
  std::string what = ("tensor \"" + name + "\"").str();
  if (ArrayRef(tensor->shape) != shape)
    mistakes.push_back(
        {tensor->file, what + " has shape " + shapeText(tensor->shape) +
                           ", but the config makes it " + shapeText(shape)});
  switch (tensor->dtype) {
  case runtime::DType::BF16:
  case runtime::DType::F16:
  case runtime::DType::F32:
    return tensor->dtype;
  default:
    mistakes.push_back({tensor->file, what + " has type " +
                                          std::string(runtime::safetensorsName(
                                              tensor->dtype)) +
                                          "; supported are BF16, F16 and F32"});
    return declaredType;
  }
}

runtime::DType WeightSource::use(StringRef name, ArrayRef<int64_t> shape) {
  auto [entry, isNew] = used.try_emplace(name, declaredType);
  if (!isNew)
    return entry->second;
  entry->second = check(name, shape);
  order.push_back({name.str(), entry->second, shape.vec()});
  return entry->second;
}

void WeightSource::finish(StringRef family, DiagnosticSink &sink) const {
  std::vector<Mistake> all = mistakes;
  if (checkpoint)
    for (const auto &[name, tensor] : checkpoint->tensors())
      if (!used.contains(name))
        all.push_back({tensor.file, "tensor \"" + name +
                                        "\" has no place in a " + family.str() +
                                        " model of this config"});
  for (const Mistake &mistake : ArrayRef(all).take_front(maxReported))
    sink.error(mistake.file, mistake.message);
  if (all.size() > maxReported)
    sink.error(directory,
               Twine(all.size() - maxReported) +
                   " more tensors do not fit the config",
               "is it the config of another model?");
}

} // namespace tilewright::frontend
