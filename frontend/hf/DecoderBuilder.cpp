//===- DecoderBuilder.cpp - The vocabulary of decoder families ------------===//

#include "frontend/hf/DecoderBuilder.h"

#include "frontend/hf/Family.h"

#include <cmath>

using namespace mlir;

namespace tilewright::frontend {

static Location nameLocation(MLIRContext *context, StringRef name) {
  return NameLoc::get(StringAttr::get(context, name));
}

//===----------------------------------------------------------------------===//
// Arguments of @forward
//===----------------------------------------------------------------------===//

namespace {
struct Argument {
  StringRef attribute; ///< "xf.input" or "xf.cache"
  std::string name;
  RankedTensorType type;
};
} // namespace

/// The inputs that every model has, as docs/interfaces.md lists them.
static SmallVector<Argument> modelInputs(OpBuilder &builder) {
  MLIRContext *context = builder.getContext();
  auto tensor = [&](ArrayRef<xf::Dim> dims, Type element) {
    return xf::getTensorType(dims, element);
  };
  xf::Dim tokens = xf::Dim::named(context, "tokens");
  xf::Dim seqs = xf::Dim::named(context, "seqs");
  xf::Dim rows = xf::Dim::named(context, "rows");
  xf::Dim pagesPerSeq = xf::Dim::named(context, "pages_per_seq");
  Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
  Type f32 = builder.getF32Type();
  return {
      {"xf.input", "token_ids", tensor(tokens, i32)},
      {"xf.input", "positions", tensor(tokens, i32)},
      {"xf.input", "slot_mapping", tensor(tokens, i32)},
      {"xf.input", "cu_seqlens_q", tensor(seqs.plus(1), i32)},
      {"xf.input", "cache_seqlens", tensor(seqs, i32)},
      {"xf.input", "block_table", tensor({seqs, pagesPerSeq}, i32)},
      {"xf.input", "logits_indices", tensor(rows, i32)},
      {"xf.input", "temperature", tensor(rows, f32)},
      {"xf.input", "top_p", tensor(rows, f32)},
      {"xf.input", "top_k", tensor(rows, i32)},
      {"xf.input", "seed", tensor(rows, i64)},
      {"xf.input", "sample_index", tensor(rows, i32)},
  };
}

func::FuncOp DecoderBuilder::makeFunction() {
  SmallVector<Argument> arguments = modelInputs(builder);
  xf::Dim pages = xf::Dim::named(builder.getContext(), "pages");
  RankedTensorType cache = xf::getTensorType(
      {pages, xf::Dim::fixed(config.numKvHeads), xf::Dim::fixed(pageSize),
       xf::Dim::fixed(config.headDim)},
      builder.getBF16Type());
  for (int64_t layer = 0; layer < config.numLayers; ++layer)
    for (StringRef part : {"k.", "v."})
      arguments.push_back({"xf.cache", (part + Twine(layer)).str(), cache});

  SmallVector<Type> types;
  for (const Argument &argument : arguments)
    types.push_back(argument.type);
  // Results are known once the graph is: finish() sets them.
  auto function = func::FuncOp::create(builder, "forward",
                                       builder.getFunctionType(types, {}));
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  for (auto [index, argument] : llvm::enumerate(arguments)) {
    function.setArgAttr(index, argument.attribute,
                        builder.getStringAttr(argument.name));
    BlockArgument value = body->getArgument(index);
    value.setLoc(nameLocation(builder.getContext(), argument.name));
    if (argument.attribute == "xf.input")
      inputs[argument.name] = value;
    else
      (argument.name[0] == 'k' ? kCaches : vCaches).push_back(value);
  }
  return function;
}

//===----------------------------------------------------------------------===//
// The whole graph
//===----------------------------------------------------------------------===//

DecoderBuilder::DecoderBuilder(MLIRContext &mlir, const DecoderConfig &config,
                               WeightSource &weights, int64_t context,
                               int64_t pageSize)
    : config(config), builder(nameLocation(&mlir, "forward"), &mlir),
      weights(weights), context(context), pageSize(pageSize) {}

OwningOpRef<ModuleOp> DecoderBuilder::build(const DecoderFamily &family) {
  OwningOpRef<ModuleOp> module =
      ModuleOp::create(builder.getLoc(), StringRef(config.family));
  builder.setInsertionPointToStart(module->getBody());
  func::FuncOp function = makeFunction();
  ropeTable = makeRopeTable();
  Value x = embed();
  for (currentLayer = 0; currentLayer < config.numLayers; ++currentLayer) {
    Scope scope(*this, "model.layers." + Twine(currentLayer));
    x = family.layer(*this, x);
  }
  finish(function, x);
  (*module)->setAttr("xf.model", modelInfo());
  return module;
}

Value DecoderBuilder::embed() {
  Scope scope(*this, "model.embed_tokens");
  Value table = weight("weight", {config.vocabSize, config.hiddenSize});
  return xf::EmbeddingOp::create(builder, table, input("token_ids"));
}

void DecoderBuilder::finish(func::FuncOp function, Value x) {
  // Only rows whose logits are wanted go through the last norm and the largest
  // matmul.
  Value rows = xf::GatherRowsOp::create(builder, x, input("logits_indices"));
  Value normalized;
  {
    Scope scope(*this, "model");
    normalized = rmsNorm(rows, "norm");
  }
  Value logits;
  {
    StringRef head = config.tiedEmbeddings ? "model.embed_tokens" : "lm_head";
    Scope scope(*this, head);
    Value table = weight("weight", {config.vocabSize, config.hiddenSize});
    // Checkpoints of tied models may hold the table under both names.
    if (config.tiedEmbeddings)
      weights.allow("lm_head.weight");
    logits =
        xf::MatmulOp::create(builder, normalized, table, builder.getF32Type());
  }
  SmallVector<Value> results = {logits, sample(logits)};
  SmallVector<std::pair<StringRef, std::string>> names = {
      {"xf.output", "logits"}, {"xf.output", "next_tokens"}};
  for (int64_t layer = 0; layer < config.numLayers; ++layer) {
    results.append({kCaches[layer], vCaches[layer]});
    names.push_back({"xf.cache", "k." + std::to_string(layer)});
    names.push_back({"xf.cache", "v." + std::to_string(layer)});
  }
  func::ReturnOp::create(builder, results);
  function.setFunctionType(builder.getFunctionType(
      function.getArgumentTypes(), ValueRange(results).getTypes()));
  for (auto [index, name] : llvm::enumerate(names))
    function.setResultAttr(index, name.first,
                           builder.getStringAttr(name.second));
}

Value DecoderBuilder::sample(Value logits) {
  return xf::SampleOp::create(builder, logits, input("temperature"),
                              input("top_k"), input("top_p"), input("seed"),
                              input("sample_index"));
}

DictionaryAttr DecoderBuilder::modelInfo() {
  Builder b(builder.getContext());
  SmallVector<Attribute> tensors;
  for (const WeightSource::Tensor &tensor : weights.tensors())
    tensors.push_back(b.getDictionaryAttr({
        b.getNamedAttr("dtype", b.getStringAttr(runtime::name(tensor.dtype))),
        b.getNamedAttr("name", b.getStringAttr(tensor.name)),
        b.getNamedAttr("shape", b.getDenseI64ArrayAttr(tensor.shape)),
    }));
  return b.getDictionaryAttr({
      b.getNamedAttr("eos_token_ids",
                     b.getDenseI64ArrayAttr(config.eosTokenIds)),
      b.getNamedAttr("family", b.getStringAttr(config.family)),
      b.getNamedAttr("head_dim", b.getI64IntegerAttr(config.headDim)),
      b.getNamedAttr("hidden_size", b.getI64IntegerAttr(config.hiddenSize)),
      b.getNamedAttr("max_context", b.getI64IntegerAttr(context)),
      b.getNamedAttr("max_position_embeddings",
                     b.getI64IntegerAttr(config.maxPositions)),
      b.getNamedAttr("num_attention_heads",
                     b.getI64IntegerAttr(config.numHeads)),
      b.getNamedAttr("num_hidden_layers",
                     b.getI64IntegerAttr(config.numLayers)),
      b.getNamedAttr("num_key_value_heads",
                     b.getI64IntegerAttr(config.numKvHeads)),
      b.getNamedAttr("page_size", b.getI64IntegerAttr(pageSize)),
      b.getNamedAttr("tensors", b.getArrayAttr(tensors)),
      b.getNamedAttr("vocab_size", b.getI64IntegerAttr(config.vocabSize)),
  });
}

//===----------------------------------------------------------------------===//
// Modules of the checkpoint
//===----------------------------------------------------------------------===//

DecoderBuilder::Scope::Scope(DecoderBuilder &builder, const Twine &part)
    : builder(builder), length(builder.path.size()),
      location(builder.builder.getLoc()) {
  if (!builder.path.empty())
    builder.path += '.';
  builder.path += part.str();
  builder.builder.setLoc(
      nameLocation(builder.builder.getContext(), builder.path));
}

DecoderBuilder::Scope::~Scope() {
  builder.path.resize(length);
  builder.builder.setLoc(location);
}

static Type elementType(OpBuilder &builder, runtime::DType dtype) {
  switch (dtype) {
  case runtime::DType::F16:
    return builder.getF16Type();
  case runtime::DType::F32:
    return builder.getF32Type();
  default: // WeightSource hands out no other
    return builder.getBF16Type();
  }
}

Value DecoderBuilder::weight(StringRef name, ArrayRef<int64_t> shape) {
  std::string fullName = path + "." + name.str();
  Value &value = loaded[fullName];
  if (value)
    return value;
  Type source = elementType(builder, weights.use(fullName, shape));
  // An OpBuilder of its own, as the location is: that of the tensor.
  OpBuilder &plain = builder;
  value = xf::WeightOp::create(
      plain, nameLocation(builder.getContext(), fullName),
      RankedTensorType::get(shape, builder.getBF16Type()),
      builder.getStringAttr(fullName), TypeAttr::get(source));
  return value;
}

Value DecoderBuilder::linear(Value x, StringRef module, int64_t features,
                             bool bias) {
  Scope scope(*this, module);
  int64_t width = cast<RankedTensorType>(x.getType()).getShape().back();
  Value product = xf::MatmulOp::create(
      builder, x, weight("weight", {features, width}), builder.getBF16Type());
  return bias ? add(product, weight("bias", {features})) : product;
}

Value DecoderBuilder::rmsNorm(Value x, StringRef module) {
  Scope scope(*this, module);
  int64_t width = cast<RankedTensorType>(x.getType()).getShape().back();
  return xf::RmsNormOp::create(builder, x.getType(), x,
                               weight("weight", {width}),
                               builder.getF32FloatAttr(config.epsilon));
}

//===----------------------------------------------------------------------===//
// Parts without weights
//===----------------------------------------------------------------------===//

Value DecoderBuilder::add(Value a, Value b) {
  return xf::AddOp::create(builder, a.getType(), a, b);
}

Value DecoderBuilder::multiply(Value a, Value b) {
  return xf::MulOp::create(builder, a.getType(), a, b);
}

Value DecoderBuilder::activation(Value x) {
  return xf::ActivationOp::create(builder, x.getType(), x, config.activation);
}

Value DecoderBuilder::splitHeads(Value x, int64_t heads) {
  auto type = cast<RankedTensorType>(x.getType());
  return xf::ReshapeOp::create(builder, x,
                               {xf::getDim(type, 0), xf::Dim::fixed(heads),
                                xf::Dim::fixed(config.headDim)});
}

Value DecoderBuilder::mergeHeads(Value x) {
  auto type = cast<RankedTensorType>(x.getType());
  int64_t width = type.getDimSize(1) * type.getDimSize(2);
  return xf::ReshapeOp::create(builder, x,
                               {xf::getDim(type, 0), xf::Dim::fixed(width)});
}

Attribute DecoderBuilder::ropeScaling() {
  const RopeConfig &rope = config.rope;
  switch (rope.scaling) {
  case RopeConfig::Scaling::None:
    return {};
  case RopeConfig::Scaling::Linear:
    return xf::LinearScalingAttr::get(builder.getContext(),
                                      builder.getF64FloatAttr(rope.factor));
  case RopeConfig::Scaling::Llama3:
    return xf::Llama3ScalingAttr::get(
        builder.getContext(), builder.getF64FloatAttr(rope.factor),
        builder.getF64FloatAttr(rope.lowFreqFactor),
        builder.getF64FloatAttr(rope.highFreqFactor),
        rope.originalMaxPositions);
  }
  return {};
}

Value DecoderBuilder::makeRopeTable() {
  Scope scope(*this, "model.rotary_emb");
  weights.allow("model.rotary_emb.inv_freq");
  return xf::RopeTableOp::create(
      builder,
      RankedTensorType::get({context, config.headDim / 2, 2},
                            builder.getF32Type()),
      builder.getF64FloatAttr(config.rope.theta), ropeScaling());
}

Value DecoderBuilder::rope(Value heads) {
  return xf::RopeOp::create(builder, heads.getType(), heads, ropeTable,
                            input("positions"),
                            builder.getI64IntegerAttr(config.headDim / 2));
}

Value DecoderBuilder::cachedAttention(Value q, Value k, Value v) {
  // Computed from the config, and stored by old checkpoints all the same.
  weights.allow(path + ".rotary_emb.inv_freq");
  Value &kCache = kCaches[currentLayer];
  Value &vCache = vCaches[currentLayer];
  Value slots = input("slot_mapping");
  kCache =
      xf::CacheAppendOp::create(builder, kCache.getType(), kCache, k, slots);
  vCache =
      xf::CacheAppendOp::create(builder, vCache.getType(), vCache, v, slots);
  double scale = 1.0 / std::sqrt(static_cast<double>(config.headDim));
  return xf::AttentionOp::create(
      builder, q.getType(), q, kCache, vCache, input("block_table"),
      input("cu_seqlens_q"), input("cache_seqlens"),
      builder.getF32FloatAttr(scale),
      builder.getI64IntegerAttr(config.windows[currentLayer]));
}

} // namespace tilewright::frontend
