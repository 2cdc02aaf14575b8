//===- ManifestReader.cpp - Top level of the manifest ---------------------===//

#include "runtime/bundle/Readers.h"
#include "runtime/support/Json.h"

#include <bit>
#include <charconv>

namespace tilewright::runtime {

static constexpr int64_t maxInt32 = INT32_MAX;
// A bundle for the largest models has some thousands of kernels and launches.
static constexpr size_t maxEosTokens = 1024;

bool Target::runsOn(int32_t device) const {
  if (suffix == 'a')
    return device == computeCapability;
  if (suffix == 'f')
    return device / 10 == computeCapability / 10 && device >= computeCapability;
  return device >= computeCapability;
}

int64_t Manifest::pageBytes() const {
  int64_t bytes = 0;
  for (const CacheTensor &cache : caches)
    bytes += cache.pageBytes;
  return bytes;
}

const Output *Manifest::findOutput(OutputKind kind) const {
  for (const Output &output : outputs)
    if (output.kind == kind)
      return &output;
  return nullptr;
}

SymbolValues Manifest::maxima(int64_t tokens) const {
  SymbolValues values;
  values[Symbol::Tokens] = tokens;
  values[Symbol::Seqs] = std::min(limits.maxSeqs, tokens);
  values[Symbol::Rows] = std::min(limits.maxRows, tokens);
  values[Symbol::Pages] = 1;
  values[Symbol::PagesPerSeq] = limits.maxPagesPerSeq;
  values[Symbol::MaxQuery] = std::min(tokens, limits.maxContext);
  values[Symbol::MaxKeys] = limits.maxContext;
  return values;
}

std::optional<uint64_t> denseBytes(DType dtype, std::span<const SizeExpr> shape,
                                   const SymbolValues &symbols) {
  std::optional<int64_t> elements = numElements(shape, symbols);
  int64_t bytes;
  if (!elements ||
      __builtin_mul_overflow(*elements, int64_t(byteSize(dtype)), &bytes))
    return std::nullopt;
  return uint64_t(bytes);
}

void addName(NameIndex &names, const Field &name) {
  if (name.text().empty())
    name.fail("must not be empty");
  if (!names.emplace(name.text(), names.size()).second)
    name.fail(inQuotes(name.text()) + " appears twice");
}

size_t findName(const NameIndex &names, const Field &field, const char *what) {
  auto found = names.find(field.text());
  if (found == names.end())
    field.fail(std::string("no ") + what + " is named " +
               inQuotes(field.text()));
  return found->second;
}

// target ::= "sm_" DIGITS ("a" | "f")?
static Target readTarget(const Field &field) {
  Target target;
  target.name = field.text();
  std::string_view text = target.name;
  if (text.starts_with("sm_")) {
    text.remove_prefix(3);
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(),
                                        target.computeCapability);
    text.remove_prefix(size_t(end - text.data()));
    if (error == std::errc() && target.computeCapability > 0 &&
        (text.empty() || text == "a" || text == "f")) {
      target.suffix = text.empty() ? 0 : text[0];
      return target;
    }
  }
  field.fail("unknown target " + inQuotes(target.name), TILEWRIGHT_UNSUPPORTED);
}

static void readSchema(const Field &root) {
  const Field schema = root["schema_version"];
  int64_t version = schema.integer(1, maxInt32);
  if (version > newestSchema)
    schema.fail("the bundle has schema " + std::to_string(version) +
                    ", this runtime reads up to " +
                    std::to_string(newestSchema) + ": use a newer one",
                TILEWRIGHT_UNSUPPORTED);
}

static void readModel(const Field &model, Manifest &manifest) {
  manifest.family = model["family"].text();
  manifest.limits.vocabSize = model["vocab_size"].integer(1, maxInt32);
  const Field tokens = model["eos_token_ids"];
  for (size_t i = 0, size = tokens.listSize(maxEosTokens); i < size; ++i)
    // Published configs name tokens past their own vocabulary: harmless.
    manifest.eosTokens.push_back(int32_t(tokens.at(i).integer(0, maxInt32)));
}

static int64_t readMaximum(const Field &symbols, std::string_view name) {
  const Field symbol = symbols[name];
  symbol.allowOnly({"max"});
  return symbol["max"].integer(1, maxInt32);
}

static void readLimits(const Field &root, Manifest &manifest) {
  Limits &limits = manifest.limits;
  const Field symbols = root["symbols"];
  symbols.allowOnly({"tokens", "seqs", "rows", "pages", "pages_per_seq"});
  limits.maxTokens = readMaximum(symbols, "tokens");
  limits.maxSeqs = readMaximum(symbols, "seqs");
  limits.maxRows = readMaximum(symbols, "rows");
  limits.maxPagesPerSeq = readMaximum(symbols, "pages_per_seq");
  const Field pageSize = root["page_size"];
  limits.pageSize = pageSize.integer(1, 1 << 20);
  if (!std::has_single_bit(uint64_t(limits.pageSize)))
    pageSize.fail("must be a power of two");
  // Positions are i32.
  limits.maxContext = root["max_context"].integer(
      1, std::min(maxInt32, limits.pageSize * limits.maxPagesPerSeq));
}

static Manifest readRoot(const Field &root, const ZipMembers &members) {
  readSchema(root); // first: a newer schema may have any other field
  root.allowOnly({"schema_version", "tool", "model", "target", "sku", "ptxas",
                  "pipeline", "promises", "symbols", "page_size", "max_context",
                  "inputs", "outputs", "caches", "weights", "kernels",
                  "entry_points"});
  Manifest manifest;
  manifest.target = readTarget(root["target"]);
  manifest.sku = root["sku"].text();
  if (root.has("promises")) {
    const Field promises = root["promises"];
    promises.allowOnly({"batch_invariant"});
    if (promises.has("batch_invariant"))
      manifest.batchInvariant = promises["batch_invariant"].boolean();
  }
  readModel(root["model"], manifest);
  readLimits(root, manifest);
  readInputs(root["inputs"], manifest);
  readOutputs(root["outputs"], manifest);
  readCaches(root["caches"], manifest);
  readWeights(root["weights"], manifest);
  readKernels(root["kernels"], members, manifest);
  readEntryPoints(root["entry_points"], manifest);
  return manifest;
}

Result<Manifest> readManifest(const ZipMembers &members) {
  auto member = members.find("manifest.json");
  if (member == members.end())
    return Error(TILEWRIGHT_INVALID_BUNDLE, "has no member 'manifest.json'");
  Result<nlohmann::json> root =
      parseJson(member->second, TILEWRIGHT_INVALID_BUNDLE);
  if (!root)
    return root.takeError().in("manifest.json");
  try {
    return readRoot(Field(*root), members);
  } catch (FieldError &failure) {
    return std::move(failure.error);
  }
}

} // namespace tilewright::runtime
