//===- Safetensors.cpp - Reader of safetensors files and checkpoints ------===//

#include "runtime/safetensors/Safetensors.h"

#include "runtime/support/Json.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

namespace tilewright::runtime {

using nlohmann::json;

// The reference implementation's own bound; a header of a few thousand tensors
// is below 1 MB.
static constexpr uint64_t maxHeaderBytes = 100'000'000;
static constexpr int64_t maxDimension = int64_t(1) << 48;
static constexpr size_t maxRank = 16;

static Error bad(const std::string &message) {
  return Error(TILEWRIGHT_INVALID_WEIGHTS, message);
}

static Result<std::vector<int64_t>> readShape(const json &value) {
  if (!value.is_array() || value.size() > maxRank)
    return bad("'shape' must be a list of at most " + std::to_string(maxRank) +
               " dimensions");
  std::vector<int64_t> shape;
  for (const json &dimension : value) {
    if (!dimension.is_number_unsigned() ||
        dimension.get<uint64_t>() > uint64_t(maxDimension))
      return bad("'shape' has a dimension that is not an integer in [0, 2^48]");
    shape.push_back(dimension.get<int64_t>());
  }
  return shape;
}

/// Bytes of a dense tensor; nothing if they do not fit 63 bits.
static std::optional<uint64_t> denseBytes(const std::vector<int64_t> &shape,
                                          DType dtype) {
  uint64_t bytes = byteSize(dtype);
  for (int64_t dimension : shape)
    if (__builtin_mul_overflow(bytes, uint64_t(dimension), &bytes))
      return std::nullopt;
  if (bytes > uint64_t(INT64_MAX))
    return std::nullopt;
  return bytes;
}

namespace {
struct Offsets {
  uint64_t begin = 0;
  uint64_t end = 0;
};
struct Entry {
  std::string name;
  Offsets offsets;
};
} // namespace

static Result<Offsets> readOffsets(const json &value, uint64_t dataBytes) {
  if (!value.is_array() || value.size() != 2 ||
      !value[0].is_number_unsigned() || !value[1].is_number_unsigned())
    return bad("'data_offsets' must be two non-negative integers");
  Offsets offsets{value[0].get<uint64_t>(), value[1].get<uint64_t>()};
  if (offsets.begin > offsets.end)
    return bad("'data_offsets' [" + std::to_string(offsets.begin) + ", " +
               std::to_string(offsets.end) + "] end before they begin");
  if (offsets.end > dataBytes)
    return bad("'data_offsets' end at " + std::to_string(offsets.end) +
               ", past the " + std::to_string(dataBytes) +
               " bytes of data in the file");
  return offsets;
}

/// Reads one entry of the header: dtype, shape, data_offsets.
static Result<TensorView> readTensor(const json &value,
                                     std::span<const std::byte> data,
                                     Offsets &outOffsets) {
  if (!value.is_object())
    return bad("must be an object");
  for (const char *key : {"dtype", "shape", "data_offsets"})
    if (!value.contains(key))
      return bad(std::string("lacks '") + key + "'");
  const json &dtypeValue = value["dtype"];
  if (!dtypeValue.is_string())
    return bad("'dtype' must be a string");
  std::optional<DType> dtype =
      dtypeFromSafetensors(dtypeValue.get_ref<const std::string &>());
  if (!dtype)
    return bad("dtype " + inQuotes(dtypeValue.get<std::string>()) +
               " is not supported");
  TILEWRIGHT_ASSIGN(std::vector<int64_t> shape, readShape(value["shape"]));
  TILEWRIGHT_ASSIGN(outOffsets,
                    readOffsets(value["data_offsets"], data.size()));
  std::optional<uint64_t> bytes = denseBytes(shape, *dtype);
  uint64_t length = outOffsets.end - outOffsets.begin;
  if (!bytes || *bytes != length)
    return bad("shape " + shapeText(shape) + " of " +
               std::string(safetensorsName(*dtype)) + " needs " +
               (bytes ? std::to_string(*bytes) : "more than 2^63") +
               " bytes, but 'data_offsets' span " + std::to_string(length));
  return TensorView{*dtype, std::move(shape),
                    data.subspan(outOffsets.begin, length), ""};
}

/// (C5): sorted by place, each tensor begins where the last one ended.
static Result<void> checkCoverage(std::vector<Entry> &entries,
                                  uint64_t dataBytes) {
  std::sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) {
    return std::pair(a.offsets.begin, a.offsets.end) <
           std::pair(b.offsets.begin, b.offsets.end);
  });
  uint64_t end = 0;
  const Entry *last = nullptr;
  for (const Entry &entry : entries) {
    if (entry.offsets.begin < end)
      return bad("tensor " + inQuotes(entry.name) + " overlaps tensor " +
                 inQuotes(last->name));
    if (entry.offsets.begin > end)
      return bad(std::to_string(entry.offsets.begin - end) +
                 " bytes before tensor " + inQuotes(entry.name) +
                 " belong to no tensor");
    end = entry.offsets.end;
    last = &entry;
  }
  if (end != dataBytes)
    return bad(std::to_string(dataBytes - end) +
               " bytes at the end belong to no tensor");
  return success();
}

/// (C1): splits the file into the header's text and the data.
static Result<std::string_view>
readHeaderText(std::span<const std::byte> bytes) {
  uint64_t length = 0;
  if (bytes.size() < sizeof(length))
    return bad("truncated: a safetensors file has at least 8 bytes, this one "
               "has " +
               std::to_string(bytes.size()));
  std::memcpy(&length, bytes.data(), sizeof(length));
  if (length > maxHeaderBytes)
    return bad("header of " + std::to_string(length) +
               " bytes is over the format's limit of " +
               std::to_string(maxHeaderBytes) + "; not a safetensors file?");
  if (length > bytes.size() - sizeof(length))
    return bad("truncated: header of " + std::to_string(length) +
               " bytes in a file of " + std::to_string(bytes.size()));
  const char *text = reinterpret_cast<const char *>(bytes.data());
  return std::string_view(text + sizeof(length), length);
}

static Result<TensorMap> readHeader(std::span<const std::byte> bytes,
                                    const std::string &file) {
  TILEWRIGHT_ASSIGN(std::string_view text, readHeaderText(bytes));
  std::span<const std::byte> data =
      bytes.subspan(sizeof(uint64_t) + text.size());
  TILEWRIGHT_ASSIGN(json header, parseJson(text, TILEWRIGHT_INVALID_WEIGHTS));
  if (!header.is_object())
    return bad("header must be a JSON object");

  TensorMap tensors;
  std::vector<Entry> entries;
  for (const auto &[name, value] : header.items()) {
    if (name == "__metadata__")
      continue;
    Offsets offsets;
    Result<TensorView> tensor = readTensor(value, data, offsets);
    if (!tensor)
      return tensor.takeError().in("tensor " + inQuotes(name));
    tensor->file = file;
    tensors.emplace(name, *std::move(tensor));
    entries.push_back({name, offsets});
  }
  TILEWRIGHT_TRY(checkCoverage(entries, data.size()));
  return tensors;
}

Result<TensorMap> readSafetensors(std::span<const std::byte> bytes,
                                  const std::string &file) {
  Result<TensorMap> tensors = readHeader(bytes, file);
  if (!tensors)
    return tensors.takeError().in(file);
  return tensors;
}

//===----------------------------------------------------------------------===//
// Checkpoints
//===----------------------------------------------------------------------===//

Result<Checkpoint> Checkpoint::openDirectory(const std::string &directory) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  fs::path root(directory);
  if (!fs::is_directory(root, ignored))
    return Error(TILEWRIGHT_NOT_FOUND, directory + ": no such directory");
  if (fs::exists(root / "model.safetensors", ignored))
    return openSingle((root / "model.safetensors").string());
  if (fs::exists(root / "model.safetensors.index.json", ignored))
    return openIndex((root / "model.safetensors.index.json").string());
  return Error(TILEWRIGHT_NOT_FOUND,
               directory + ": holds neither model.safetensors nor "
                           "model.safetensors.index.json");
}

Result<Checkpoint> Checkpoint::openFile(const std::string &path) {
  return path.ends_with(".json") ? openIndex(path) : openSingle(path);
}

Result<Checkpoint> Checkpoint::openSingle(const std::string &path) {
  Checkpoint checkpoint;
  TILEWRIGHT_ASSIGN(MappedFile file, MappedFile::open(path));
  TILEWRIGHT_ASSIGN(checkpoint.all, readSafetensors(file.bytes(), path));
  checkpoint.files.push_back(std::move(file));
  return checkpoint;
}

/// A shard lies beside its index: a name that could lead elsewhere is refused.
static bool isPlainFileName(const std::string &name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find('/') == std::string::npos &&
         name.find('\\') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

/// Reads the index: which tensors are in which shard.
static Result<std::map<std::string, std::vector<std::string>>>
readWeightMap(std::string_view text) {
  TILEWRIGHT_ASSIGN(json index, parseJson(text, TILEWRIGHT_INVALID_WEIGHTS));
  if (!index.is_object() || !index.contains("weight_map") ||
      !index["weight_map"].is_object())
    return bad("lacks the object 'weight_map'");
  std::map<std::string, std::vector<std::string>> shards;
  for (const auto &[name, value] : index["weight_map"].items()) {
    if (!value.is_string() || !isPlainFileName(value.get<std::string>()))
      return bad("weight_map: tensor " + inQuotes(name) +
                 " must name a file beside the index");
    shards[value.get<std::string>()].push_back(name);
  }
  return shards;
}

Result<Checkpoint> Checkpoint::openIndex(const std::string &path) {
  TILEWRIGHT_ASSIGN(MappedFile index, MappedFile::open(path));
  auto shards = readWeightMap(index.text());
  if (!shards)
    return shards.takeError().in(path);

  Checkpoint checkpoint;
  std::filesystem::path directory = std::filesystem::path(path).parent_path();
  for (const auto &[shard, names] : *shards) {
    std::string shardPath = (directory / shard).string();
    Result<MappedFile> file = MappedFile::open(shardPath);
    if (!file)
      return file.takeError().in(path);
    TILEWRIGHT_ASSIGN(TensorMap tensors,
                      readSafetensors(file->bytes(), shardPath));
    for (const std::string &name : names) {
      auto found = tensors.find(name);
      if (found == tensors.end())
        return bad(path + ": tensor " + inQuotes(name) + " is not in " + shard);
      checkpoint.all.emplace(name, std::move(found->second));
    }
    checkpoint.files.push_back(*std::move(file));
  }
  return checkpoint;
}

const TensorView *Checkpoint::find(std::string_view name) const {
  auto found = all.find(name);
  return found == all.end() ? nullptr : &found->second;
}

} // namespace tilewright::runtime
