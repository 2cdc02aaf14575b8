//===- HuggingFace.cpp - A Hugging Face directory as an xf graph ----------===//

#include "frontend/hf/HuggingFace.h"

#include "frontend/hf/Family.h"
#include "frontend/hf/GenerationConfig.h"

#include "mlir/IR/Verifier.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace tilewright::frontend {

// Published configs are a few KB.
static constexpr uint64_t maxConfigBytes = uint64_t(1) << 20;
static constexpr int64_t maxPageSize = 4096;

static std::string familyNames() {
  std::string names;
  for (const DecoderFamily *family : allFamilies())
    names += (names.empty() ? "" : ", ") + family->modelType().str();
  return names;
}

/// Finds the family by `model_type`, and checks that `architectures` names the
/// class that the family's graph is: other heads have other results.
static const DecoderFamily *readFamily(ConfigReader &reader) {
  std::optional<StringRef> type = reader.string("model_type");
  if (!type) {
    if (!reader.value("model_type"))
      reader.error("model_type", "field \"model_type\" is missing",
                   "supported are " + familyNames());
    return nullptr;
  }
  const DecoderFamily *family = findFamily(*type);
  if (!family) {
    reader.error("model_type",
                 "models of type \"" + type->take_front(40) +
                     "\" are not supported",
                 "supported are " + familyNames());
    return nullptr;
  }
  const JsonValue *architectures = reader.value("architectures");
  if (!architectures)
    return family;
  for (const JsonValue &name : architectures->elements)
    if (name.string == family->architecture())
      return family;
  reader.error("architectures",
               "architecture " +
                   (architectures->elements.empty()
                        ? architectures->summary()
                        : architectures->elements.front().summary()) +
                   " is not supported",
               "a " + *type + " model must be a " + family->architecture());
  return nullptr;
}

static std::optional<WeightSource> openWeights(const ImportOptions &options,
                                               const DecoderConfig &config,
                                               StringRef configFile,
                                               DiagnosticSink &sink) {
  if (!options.configOnly)
    return WeightSource::open(options.directory, sink);
  if (config.dtype.empty()) {
    sink.error(configFile, "field \"dtype\" is missing",
               "without a checkpoint nothing else tells the type of the "
               "weights");
    return std::nullopt;
  }
  return WeightSource::declared(llvm::StringSwitch<runtime::DType>(config.dtype)
                                    .Case("float16", runtime::DType::F16)
                                    .Case("float32", runtime::DType::F32)
                                    .Default(runtime::DType::BF16));
}

/// Positions that sequences may have, checked against what the model is made
/// for: beyond it the angles exist, but the model never saw them.
static int64_t chooseContext(const ImportOptions &options,
                             const DecoderConfig &config,
                             ConfigReader &reader) {
  if (options.maxContext == 0)
    return config.maxPositions;
  if (options.maxContext < 0 || options.maxContext > config.maxPositions)
    reader.error("max_position_embeddings",
                 "a context of " + Twine(options.maxContext) +
                     " is not in [1, " + Twine(config.maxPositions) + "]",
                 "the model was made for at most that many positions");
  return options.maxContext;
}

static void checkPageSize(const ImportOptions &options, DiagnosticSink &sink) {
  bool plausible = options.pageSize >= 1 && options.pageSize <= maxPageSize;
  if (!plausible)
    sink.error(options.directory, "page size " + Twine(options.pageSize) +
                                      " is not in [1, " + Twine(maxPageSize) +
                                      "]");
}

/// Adds what the makers say of generation to the module's description.
static void describeGeneration(ModuleOp module,
                               const GenerationConfig &config) {
  Builder b(module.getContext());
  SmallVector<NamedAttribute> fields;
  fields.push_back(b.getNamedAttr("do_sample", b.getBoolAttr(config.sample)));
  if (config.temperature)
    fields.push_back(
        b.getNamedAttr("temperature", b.getF64FloatAttr(*config.temperature)));
  if (config.topK)
    fields.push_back(
        b.getNamedAttr("top_k", b.getI64IntegerAttr(*config.topK)));
  if (config.topP)
    fields.push_back(b.getNamedAttr("top_p", b.getF64FloatAttr(*config.topP)));
  NamedAttrList model(module->getAttrOfType<DictionaryAttr>("xf.model"));
  model.set("generation", b.getDictionaryAttr(fields));
  module->setAttr("xf.model", model.getDictionary(b.getContext()));
}

static std::optional<DecoderConfig> readConfig(ConfigReader &reader,
                                               const ImportOptions &options,
                                               const DecoderFamily *&family) {
  for (const std::string &name : options.ignoredFields)
    reader.ignore(StringRef(name));
  family = readFamily(reader);
  if (!family)
    return std::nullopt;
  DecoderConfig config =
      readDecoderConfig(reader, family->modelType(), family->defaults());
  family->readConfig(reader, config);
  reader.refuseRest(family->modelType());
  return config;
}

FailureOr<OwningOpRef<ModuleOp>> importConfig(MLIRContext &context,
                                              const SourceText &source,
                                              const ImportOptions &options,
                                              DiagnosticSink &sink) {
  context.loadDialect<func::FuncDialect, xf::XfDialect>();
  std::optional<JsonValue> json = parseJson(source, sink);
  if (!json)
    return failure();
  if (json->kind != JsonValue::Kind::Object) {
    sink.error(source, json->offset,
               "must be an object, but is " + describe(json->kind));
    return failure();
  }
  ConfigReader reader(source, *json, sink);
  const DecoderFamily *family = nullptr;
  std::optional<DecoderConfig> config = readConfig(reader, options, family);
  if (!config)
    return failure();
  int64_t positions = chooseContext(options, *config, reader);
  checkPageSize(options, sink);
  GenerationConfig generation;
  if (!options.directory.empty())
    generation = readGenerationConfig(options.directory, config->vocabSize,
                                      options.ignoredFields, sink);
  // A graph may only be built once all sizes are known to be sound.
  if (sink.hasErrors())
    return failure();
  if (!generation.eosTokenIds.empty())
    config->eosTokenIds = generation.eosTokenIds;

  std::optional<WeightSource> weights =
      openWeights(options, *config, source.name, sink);
  if (!weights)
    return failure();
  DecoderBuilder builder(context, *config, *weights, positions,
                         options.pageSize);
  OwningOpRef<ModuleOp> module = builder.build(*family);
  weights->finish(config->family, sink);
  if (sink.hasErrors())
    return failure();
  describeGeneration(*module, generation);
  assert(succeeded(verify(*module)) && "a front end builds valid graphs");
  return module;
}

FailureOr<OwningOpRef<ModuleOp>> importHuggingFace(MLIRContext &context,
                                                   const ImportOptions &options,
                                                   DiagnosticSink &sink) {
  if (!llvm::sys::fs::is_directory(options.directory)) {
    sink.error(options.directory, "is not a directory");
    return failure();
  }
  SmallString<128> path(options.directory);
  llvm::sys::path::append(path, "config.json");
  std::optional<SourceText> source = readTextFile(path, maxConfigBytes, sink);
  if (!source)
    return failure();
  return importConfig(context, *source, options, sink);
}

llvm::Expected<OwningOpRef<ModuleOp>>
importHuggingFace(MLIRContext &context, const ImportOptions &options) {
  DiagnosticSink sink;
  FailureOr<OwningOpRef<ModuleOp>> module =
      importHuggingFace(context, options, sink);
  if (succeeded(module))
    return std::move(*module);
  std::string text;
  llvm::raw_string_ostream os(text);
  sink.print(os);
  return llvm::createStringError(text);
}

} // namespace tilewright::frontend
