//===- WeightSource.h - What is known of a model's weights ------*- C++ -*-===//
//
// A graph asks for its weights by name and shape. Where the checkpoint is at
// hand, each answer has been checked against its headers, and what the graph
// never asks for is an error as well; without one, the config's word is taken.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_FRONTEND_HF_WEIGHTSOURCE_H
#define TILEWRIGHT_FRONTEND_HF_WEIGHTSOURCE_H

#include "frontend/Diagnostics.h"
#include "runtime/safetensors/Safetensors.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tilewright::frontend {

class WeightSource {
public:
  /// The checkpoint in a directory; reports why there is none.
  static std::optional<WeightSource> open(llvm::StringRef directory,
                                          DiagnosticSink &sink);
  /// No checkpoint: every tensor exists and is of this type.
  static WeightSource declared(runtime::DType dtype);

  /// The element type of the tensor, which must exist with this shape and be
  /// bf16, f16 or f32. After a mistake, collected for `finish`, some type.
  runtime::DType use(llvm::StringRef name, llvm::ArrayRef<int64_t> shape);

  /// Names a tensor that the graph does not need but may be there: a copy of
  /// another one, or something computed.
  void allow(llvm::StringRef name) { used.try_emplace(name); }

  /// Reports all mistakes, and tensors that the graph has no use for.
  void finish(llvm::StringRef family, DiagnosticSink &sink) const;

  struct Tensor {
    std::string name;
    runtime::DType dtype;
    std::vector<int64_t> shape;
  };
  /// The tensors that the graph uses, in the order of their first use.
  llvm::ArrayRef<Tensor> tensors() const { return order; }

private:
  WeightSource() = default;
  runtime::DType check(llvm::StringRef name, llvm::ArrayRef<int64_t> shape);

  struct Mistake {
    std::string file;
    std::string message;
  };

  std::optional<runtime::Checkpoint> checkpoint;
  std::string directory;
  runtime::DType declaredType = runtime::DType::BF16;
  llvm::StringMap<runtime::DType> used;
  std::vector<Tensor> order;
  std::vector<Mistake> mistakes;
};

} // namespace tilewright::frontend

#endif // TILEWRIGHT_FRONTEND_HF_WEIGHTSOURCE_H
