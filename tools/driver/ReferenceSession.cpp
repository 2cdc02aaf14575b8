//===- ReferenceSession.cpp - A session of the oracle ---------------------===//

#include "tools/driver/ReferenceSession.h"

using namespace mlir;
using tilewright::reference::Tensor;

namespace tilewright {

/// The inputs of a step by the contract's names.
struct ReferenceSession::Inputs {
  llvm::StringMap<std::vector<int64_t>> ints;
  llvm::StringMap<int64_t> sizes;
};

static int64_t getModelField(ModuleOp module, StringRef name) {
  auto model = module->getAttrOfType<DictionaryAttr>("xf.model");
  return model.getAs<IntegerAttr>(name).getInt();
}

ReferenceSession::ReferenceSession(ModuleOp module,
                                   reference::WeightProvider weights,
                                   int64_t numSequences, int64_t maxLength)
    : module(module), weights(std::move(weights)),
      pageSize(getModelField(module, "page_size")),
      pagesPerSequence(llvm::divideCeil(maxLength, pageSize)),
      lengths(numSequences, 0) {}

static int64_t getBound(func::FuncOp plan, StringRef name) {
  auto bounds = plan->getAttrOfType<DictionaryAttr>("xf.bounds");
  return bounds.getAs<IntegerAttr>(name).getInt();
}

func::FuncOp ReferenceSession::findPlan(Batch batch) {
  int64_t tokens = 0;
  for (const std::vector<int32_t> &sequence : batch)
    tokens += sequence.size();
  // Plans come in ascending order, those of decode first.
  for (auto plan : module.getOps<func::FuncOp>()) {
    bool isDecode = plan->getAttrOfType<StringAttr>("xf.entry") == "decode";
    bool fits = !isDecode || tokens == static_cast<int64_t>(batch.size());
    if (fits && tokens <= getBound(plan, "tokens"))
      return plan;
  }
  return nullptr;
}

ReferenceSession::Inputs ReferenceSession::makeInputs(Batch batch) const {
  Inputs in;
  int64_t numSequences = batch.size();
  // Sequence s owns every numSequences-th page, so that neighbours lie apart.
  auto getPage = [&](int64_t sequence, int64_t index) {
    return index * numSequences + sequence;
  };
  in.ints["cu_seqlens_q"] = {0};
  for (int64_t s = 0; s < numSequences; ++s) {
    int64_t position = lengths[s];
    for (int32_t token : batch[s]) {
      int64_t page = getPage(s, position / pageSize);
      in.ints["token_ids"].push_back(token);
      in.ints["positions"].push_back(position);
      in.ints["slot_mapping"].push_back(page * pageSize + position % pageSize);
      ++position;
    }
    in.ints["cu_seqlens_q"].push_back(in.ints["token_ids"].size());
    in.ints["cache_seqlens"].push_back(position);
    in.ints["logits_indices"].push_back(in.ints["token_ids"].size() - 1);
    for (int64_t i = 0; i < pagesPerSequence; ++i)
      in.ints["block_table"].push_back(getPage(s, i));
  }
  in.sizes["tokens"] = in.ints["token_ids"].size();
  in.sizes["seqs"] = in.sizes["rows"] = numSequences;
  in.sizes["pages_per_seq"] = pagesPerSequence;
  in.sizes["pages"] = pagesPerSequence * numSequences;
  return in;
}

FailureOr<SmallVector<Tensor>>
ReferenceSession::makeArguments(func::FuncOp plan, Batch batch) {
  Inputs in = makeInputs(batch);
  SmallVector<Tensor> arguments;
  for (auto [index, type] : llvm::enumerate(plan.getArgumentTypes())) {
    auto tensorType = cast<RankedTensorType>(type);
    SmallVector<int64_t> shape;
    for (const xf::Dim &dim : xf::getDims(tensorType))
      shape.push_back(dim.isFixed()
                          ? dim.value
                          : in.sizes.lookup(dim.name.getValue()) + dim.value);
    Tensor tensor(*reference::getElementType(tensorType.getElementType()),
                  shape);
    if (auto cache = plan.getArgAttrOfType<StringAttr>(index, "xf.cache")) {
      arguments.push_back(caches.try_emplace(cache, tensor).first->second);
      continue;
    }
    // Sampling inputs stay zero: greedy.
    auto name = plan.getArgAttrOfType<StringAttr>(index, "xf.input");
    for (auto [i, value] : llvm::enumerate(in.ints.lookup(name)))
      tensor.setInt(i, value);
    arguments.push_back(tensor);
  }
  return arguments;
}

FailureOr<Tensor> ReferenceSession::step(Batch batch) {
  func::FuncOp plan = findPlan(batch);
  if (!plan)
    return module.emitError("has no plan for a step of this size");
  FailureOr<SmallVector<Tensor>> arguments = makeArguments(plan, batch);
  if (failed(arguments))
    return failure();
  FailureOr<SmallVector<Tensor>> results =
      reference::evaluate(plan, *arguments, weights);
  if (failed(results))
    return failure();
  std::optional<Tensor> logits;
  for (auto [index, tensor] : llvm::enumerate(*results)) {
    if (auto cache = plan.getResultAttrOfType<StringAttr>(index, "xf.cache"))
      caches.insert_or_assign(cache, tensor);
    else if (plan.getResultAttrOfType<StringAttr>(index, "xf.output") ==
             "logits")
      logits = tensor;
  }
  for (auto [length, tokens] : llvm::zip_equal(lengths, batch))
    length += tokens.size();
  if (!logits)
    return plan.emitError("has no result 'logits'");
  return *logits;
}

} // namespace tilewright
