//===- TensorReader.cpp - Inputs, outputs and caches of a manifest --------===//

#include "runtime/bundle/Readers.h"
#include "runtime/support/Json.h"

#include <algorithm>

namespace tilewright::runtime {

namespace {
template <typename Kind>
struct Known {
  Kind kind;
  std::string_view name;
  DType dtype;
  Shape shape;
};
} // namespace

static SizeExpr symbol(Symbol symbol) { return SizeExpr(symbol); }

/// docs/interfaces.md, section 1.
static const std::vector<Known<InputKind>> &knownInputs() {
  static const SizeExpr tokens = symbol(Symbol::Tokens);
  static const SizeExpr seqs = symbol(Symbol::Seqs);
  static const SizeExpr rows = symbol(Symbol::Rows);
  static const SizeExpr seqsPlusOne(SizeExpr::Op::Add, seqs, SizeExpr(1));
  using enum InputKind;
  static const std::vector<Known<InputKind>> table = {
      {TokenIds, "token_ids", DType::I32, {tokens}},
      {Positions, "positions", DType::I32, {tokens}},
      {SlotMapping, "slot_mapping", DType::I32, {tokens}},
      {CuSeqlensQ, "cu_seqlens_q", DType::I32, {seqsPlusOne}},
      {CacheSeqlens, "cache_seqlens", DType::I32, {seqs}},
      {BlockTable,
       "block_table",
       DType::I32,
       {seqs, symbol(Symbol::PagesPerSeq)}},
      {LogitsIndices, "logits_indices", DType::I32, {rows}},
      {Temperature, "temperature", DType::F32, {rows}},
      {TopP, "top_p", DType::F32, {rows}},
      {TopK, "top_k", DType::I32, {rows}},
      {Seed, "seed", DType::I64, {rows}},
      {SampleIndex, "sample_index", DType::I32, {rows}}};
  return table;
}

static std::vector<Known<OutputKind>> knownOutputs(int64_t vocabSize) {
  SizeExpr rows = symbol(Symbol::Rows);
  return {
      {OutputKind::Logits, "logits", DType::F32, {rows, SizeExpr(vocabSize)}},
      {OutputKind::NextTokens, "next_tokens", DType::I32, {rows}}};
}

/// Whether two shapes agree, whichever way they are spelled. They are compared
/// by value at points where no two of the known shapes coincide.
static bool agree(const Shape &a, const Shape &b) {
  if (a.size() != b.size())
    return false;
  for (int64_t point : {1, 1000}) {
    SymbolValues values;
    for (size_t i = 0; i < numSymbols; ++i)
      values.values[i] = point * int64_t(i * i + 3);
    for (size_t i = 0; i < a.size(); ++i)
      if (!a[i].evaluate(values) ||
          a[i].evaluate(values) != b[i].evaluate(values))
        return false;
  }
  return true;
}

static std::string text(const Shape &shape) {
  std::string result = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    result += (i ? ", " : "") + shape[i].text();
  return result + "]";
}

/// Reads a list of tensors each of which must be in the table `known`.
template <typename Tensor, typename Kind>
static std::vector<Tensor> readKnown(const Field &list,
                                     const std::vector<Known<Kind>> &known,
                                     const char *what) {
  std::vector<Tensor> tensors;
  NameIndex names;
  for (size_t i = 0, size = list.listSize(known.size()); i < size; ++i) {
    const Field entry = list.at(i);
    entry.allowOnly({"name", "dtype", "shape"});
    const Field name = entry["name"], dtype = entry["dtype"],
                shape = entry["shape"];
    addName(names, name);
    auto row = std::find_if(known.begin(), known.end(), [&](const auto &row) {
      return row.name == name.text();
    });
    if (row == known.end())
      name.fail("this runtime knows no " + std::string(what) + " " +
                inQuotes(name.text()));
    if (dtype.dtype() != row->dtype)
      dtype.fail("is " + dtype.text() + ", must be " +
                 std::string(runtime::name(row->dtype)));
    if (!agree(shape.shape(), row->shape))
      shape.fail("is " + shape.dump() + ", must be " + text(row->shape));
    tensors.push_back({row->kind, name.text(), row->dtype, row->shape});
  }
  return tensors;
}

void readInputs(const Field &list, Manifest &manifest) {
  manifest.inputs = readKnown<Input>(list, knownInputs(), "input");
  if (std::none_of(
          manifest.inputs.begin(), manifest.inputs.end(),
          [](const Input &i) { return i.kind == InputKind::TokenIds; }))
    list.fail("lacks 'token_ids'");
}

void readOutputs(const Field &list, Manifest &manifest) {
  manifest.outputs = readKnown<Output>(
      list, knownOutputs(manifest.limits.vocabSize), "output");
  if (manifest.outputs.empty())
    list.fail("has neither 'logits' nor 'next_tokens'");
  const SymbolValues maxima = manifest.maxima(manifest.limits.maxTokens);
  for (const Output &output : manifest.outputs)
    if (std::optional<uint64_t> bytes =
            denseBytes(output.dtype, output.shape, maxima);
        !bytes || *bytes > uint64_t(Field::largest))
      list.fail(inQuotes(output.name) + " is too large");
}

void readCaches(const Field &list, Manifest &manifest) {
  constexpr size_t maxCaches = 1 << 16;
  NameIndex names;
  int64_t total = 0;
  for (size_t i = 0, size = list.listSize(maxCaches); i < size; ++i) {
    const Field entry = list.at(i);
    entry.allowOnly({"name", "dtype", "shape"});
    const Field name = entry["name"], shape = entry["shape"];
    addName(names, name);
    CacheTensor cache{name.text(), entry["dtype"].dtype(), shape.shape(), 0};
    if (cache.shape.empty() ||
        !agree({cache.shape[0]}, {symbol(Symbol::Pages)}))
      shape.fail("the first dimension of a cache must be 'pages'");
    for (size_t d = 1; d < cache.shape.size(); ++d)
      if (!cache.shape[d].isConstant() ||
          cache.shape[d].evaluate(SymbolValues()).value_or(0) < 1)
        shape.fail("dimensions of a cache after the first must be positive "
                   "integers");
    std::optional<uint64_t> bytes = denseBytes(
        cache.dtype, std::span(cache.shape).subspan(1), SymbolValues());
    if (!bytes || *bytes > uint64_t(Field::largest))
      shape.fail("a page is too large");
    cache.pageBytes = int64_t(*bytes);
    total += cache.pageBytes;
    if (total > Field::largest)
      list.fail("a page of all caches is too large");
    manifest.caches.push_back(std::move(cache));
  }
}

} // namespace tilewright::runtime
