//===- DecoderBuilder.h - The vocabulary of decoder families ----*- C++ -*-===//
//
// What a family's file is written in: linear layers, norms, heads, attention,
// each named by its module path in the checkpoint, on the inputs and caches of
// `@forward` (docs/interfaces.md, section 1).
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_FRONTEND_HF_DECODERBUILDER_H
#define TILEWRIGHT_FRONTEND_HF_DECODERBUILDER_H

#include "frontend/hf/DecoderConfig.h"
#include "frontend/hf/WeightSource.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OwningOpRef.h"

namespace tilewright::frontend {

class DecoderFamily;

class DecoderBuilder {
public:
  /// `context` positions get rope angles; the KV cache has pages of
  /// `pageSize` tokens.
  DecoderBuilder(mlir::MLIRContext &mlir, const DecoderConfig &config,
                 WeightSource &weights, int64_t context, int64_t pageSize);

  /// The module with `@forward`, its layers as the family builds them.
  mlir::OwningOpRef<mlir::ModuleOp> build(const DecoderFamily &family);

  const DecoderConfig &config;

  // Modules of the checkpoint. `module` is relative to the innermost scope.
  /// `x` times the module's weight, `[features, width of x]`, plus its bias.
  mlir::Value linear(mlir::Value x, llvm::StringRef module, int64_t features,
                     bool bias = false);
  mlir::Value rmsNorm(mlir::Value x, llvm::StringRef module);

  // Parts of a layer that have no weights.
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value multiply(mlir::Value a, mlir::Value b);
  mlir::Value activation(mlir::Value x);
  /// `[tokens, heads * head_dim]` as `[tokens, heads, head_dim]`, and back.
  mlir::Value splitHeads(mlir::Value x, int64_t heads);
  mlir::Value mergeHeads(mlir::Value x);
  mlir::Value rope(mlir::Value heads);
  /// Appends K and V to the layer's cache and attends to all of it.
  mlir::Value cachedAttention(mlir::Value q, mlir::Value k, mlir::Value v);

  int64_t layer() const { return currentLayer; }

  /// While it lives, module names are relative to one more part of the path,
  /// and ops carry that path as their location.
  class Scope {
  public:
    Scope(DecoderBuilder &builder, const llvm::Twine &part);
    ~Scope();
    Scope(const Scope &) = delete;

  private:
    DecoderBuilder &builder;
    size_t length;
    mlir::Location location;
  };

private:
  mlir::func::FuncOp makeFunction();
  mlir::Value embed();
  void finish(mlir::func::FuncOp function, mlir::Value x);
  mlir::Value sample(mlir::Value logits);
  mlir::Value weight(llvm::StringRef name, llvm::ArrayRef<int64_t> shape);
  mlir::Value input(llvm::StringRef name) const { return inputs.at(name); }
  mlir::Value makeRopeTable();
  mlir::Attribute ropeScaling();
  /// The dictionary `xf.model` on the module; see frontend/README.md.
  mlir::DictionaryAttr modelInfo();

  mlir::ImplicitLocOpBuilder builder;
  WeightSource &weights;
  const int64_t context;
  const int64_t pageSize;
  std::string path;
  int64_t currentLayer = 0;
  mlir::Value ropeTable;
  llvm::StringMap<mlir::Value> inputs;
  llvm::StringMap<mlir::Value> loaded;
  /// Per layer; replaced by the updated caches as the layers are built.
  llvm::SmallVector<mlir::Value> kCaches, vCaches;
};

} // namespace tilewright::frontend

#endif // TILEWRIGHT_FRONTEND_HF_DECODERBUILDER_H
