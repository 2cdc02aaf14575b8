//===- TestBundle.cpp - A small model made by hand ------------------------===//

#include "tests/runtime/TestBundle.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace tilewright::runtime::test {

using nlohmann::json;

int32_t expectedNext(const std::vector<int32_t> &tokens) {
  double sum = 0;
  for (int32_t token : tokens)
    sum += tokenValue(token);
  return int32_t(sum) % int32_t(vocabSize);
}

std::vector<int32_t> expectedTokens(std::vector<int32_t> tokens, int count) {
  std::vector<int32_t> result;
  for (int i = 0; i < count; ++i) {
    result.push_back(expectedNext(tokens));
    tokens.push_back(result.back());
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Manifest
//===----------------------------------------------------------------------===//

static json tensor(const char *name, const char *dtype, const char *shape) {
  return {{"name", name}, {"dtype", dtype}, {"shape", json::parse(shape)}};
}

static json kernel(const char *name, const char *args, const char *params,
                   const char *grid) {
  return {{"name", name},
          {"ptx", std::string("kernels/") + name + ".ptx"},
          {"family", "elementwise"},
          {"config", json::object()},
          {"reason", "made by hand"},
          {"ptxas", {{"version", ""}, {"registers", 32}}},
          {"block", {32, 1, 1}},
          {"cluster", {1, 1, 1}},
          {"grid", json::parse(grid)},
          {"shared_bytes", 0},
          {"args", json::parse(args)},
          {"params", json::parse(params)}};
}

static json kernels() {
  json list = json::array();
  list.push_back(
      kernel("append",
             R"([{"dtype": "i32", "shape": ["tokens"]},
          {"dtype": "i32", "shape": ["tokens"]},
          {"dtype": "f32", "shape": [97]},
          {"dtype": "f32", "shape": ["pages", 1, 4, 1]}])",
             R"([{"kind": "pointer", "arg": 0}, {"kind": "pointer", "arg": 1},
          {"kind": "pointer", "arg": 2}, {"kind": "pointer", "arg": 3},
          {"kind": "size", "value": "tokens"}])",
             R"([["ceildiv", "tokens", 32], 1, 1])"));
  list.push_back(
      kernel("total",
             R"([{"dtype": "i32", "shape": ["rows"]},
          {"dtype": "i32", "shape": [["add", "seqs", 1]]},
          {"dtype": "i32", "shape": ["tokens"]},
          {"dtype": "i32", "shape": ["seqs", "pages_per_seq"]},
          {"dtype": "f32", "shape": ["pages", 1, 4, 1]},
          {"dtype": "f32", "shape": ["rows"]}])",
             R"([{"kind": "pointer", "arg": 0}, {"kind": "pointer", "arg": 1},
          {"kind": "pointer", "arg": 2}, {"kind": "pointer", "arg": 3},
          {"kind": "pointer", "arg": 4}, {"kind": "pointer", "arg": 5},
          {"kind": "size", "value": "rows"},
          {"kind": "size", "value": "pages_per_seq"},
          {"kind": "size", "value": 4}])",
             R"([["ceildiv", "rows", 32], 1, 1])"));
  list.push_back(kernel(
      "tma_copy",
      R"([{"dtype": "f32", "shape": ["rows"]},
          {"dtype": "f32", "shape": ["rows"]}])",
      R"([{"kind": "tensor_map", "arg": 0, "view": [["rows"]], "box": [32],
           "swizzle": 0},
          {"kind": "pointer", "arg": 1}, {"kind": "size", "value": "rows"}])",
      R"([["min", ["ceildiv", "rows", 32], "sms"], 1, 1])"));
  list.push_back(
      kernel("choose",
             R"([{"dtype": "f32", "shape": ["rows"]},
          {"dtype": "f32", "shape": ["rows", 97]},
          {"dtype": "i32", "shape": ["rows"]}])",
             R"([{"kind": "pointer", "arg": 0}, {"kind": "pointer", "arg": 1},
          {"kind": "pointer", "arg": 2}, {"kind": "size", "value": 97}])",
             R"(["rows", 1, 1])"));
  return list;
}

static json launches() {
  return json::parse(R"([
    {"zero": {"workspace": 16}, "bytes": ["mul", "rows", 4]},
    {"kernel": "append", "args": [{"input": "token_ids"},
      {"input": "slot_mapping"}, {"weight": "table"}, {"cache": "k.0"}]},
    {"kernel": "total", "args": [{"input": "logits_indices"},
      {"input": "cu_seqlens_q"}, {"input": "positions"},
      {"input": "block_table"}, {"cache": "k.0"}, {"activation": 0}]},
    {"kernel": "tma_copy", "args": [{"activation": 0}, {"workspace": 16}]},
    {"kernel": "choose", "args": [{"workspace": 16}, {"output": "logits"},
      {"output": "next_tokens"}]}])");
}

static json plan(int64_t maxTokens) {
  return {{"max_tokens", maxTokens},
          {"activation_bytes", 32},
          {"workspace_bytes", 48},
          {"launches", launches()}};
}

static json inputs() {
  json list = json::array();
  for (auto [name, shape] :
       {std::pair("token_ids", R"(["tokens"])"),
        std::pair("positions", R"(["tokens"])"),
        std::pair("slot_mapping", R"(["tokens"])"),
        std::pair("cu_seqlens_q", R"([["add", 1, "seqs"]])"),
        std::pair("block_table", R"(["seqs", "pages_per_seq"])"),
        std::pair("logits_indices", R"(["rows"])")})
    list.push_back(tensor(name, "i32", shape));
  return list;
}

json makeManifest() {
  json manifest = {
      {"schema_version", 1},
      {"tool", {{"name", "by hand"}, {"version", "1"}}},
      {"model",
       {{"family", "sum"},
        {"vocab_size", vocabSize},
        {"eos_token_ids", {eosToken}}}},
      {"target", "sm_90a"},
      {"sku", "h800-sxm"},
      {"ptxas", nullptr},
      {"pipeline", ""},
      {"promises", {{"batch_invariant", true}}},
      {"symbols",
       {{"tokens", {{"max", maxTokens}}},
        {"seqs", {{"max", maxSeqs}}},
        {"rows", {{"max", maxRows}}},
        {"pages", json::object()},
        {"pages_per_seq", {{"max", maxContext / pageSize}}}}},
      {"page_size", pageSize},
      {"max_context", maxContext},
      {"inputs", inputs()},
      {"outputs", json::array({tensor("logits", "f32", R"(["rows", 97])"),
                               tensor("next_tokens", "i32", R"(["rows"])")})},
      {"caches", json::array({tensor("k.0", "f32", R"(["pages", 1, 4, 1])")})},
      {"kernels", kernels()}};
  manifest["weights"] = json::parse(R"([
    {"name": "unused", "dtype": "bf16", "shape": [2, 3],
     "value": ["tensor", "unused", "bf16", [2, 3]]},
    {"name": "table", "dtype": "f32", "shape": [97],
     "value": ["cast", "f32", ["tensor", "table", "bf16", [97]]]}])");
  manifest["entry_points"]["decode"]["plans"] = {plan(2), plan(maxSeqs)};
  manifest["entry_points"]["prefill"]["plans"] = {plan(8), plan(maxTokens)};
  return manifest;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

static std::string readFile(const std::filesystem::path &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

Members makeMembers() {
  Members members;
  std::filesystem::path folder =
      std::filesystem::path(__FILE__).parent_path() / "kernels";
  for (const char *name : {"append", "total", "tma_copy", "choose"}) {
    std::string member = std::string("kernels/") + name + ".ptx";
    members[member] = readFile(folder / (std::string(name) + ".ptx"));
  }
  return members;
}

template <typename T>
static void put(std::string &out, T value) {
  out.append(reinterpret_cast<const char *>(&value), sizeof(T));
}

// The definition, bit by bit: not the reader's tables.
static uint32_t crcByDefinition(const std::string &bytes) {
  uint32_t crc = 0xffffffff;
  for (char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

/// What the local header and the directory have in common.
static std::string headerFields(const std::string &name,
                                const std::string &content) {
  std::string out;
  put<uint16_t>(out, 20); // version needed
  put<uint16_t>(out, 0);  // flags
  put<uint16_t>(out, 0);  // stored
  put<uint16_t>(out, 0);  // time
  put<uint16_t>(out, 33); // date
  put<uint32_t>(out, crcByDefinition(content));
  put<uint32_t>(out, uint32_t(content.size()));
  put<uint32_t>(out, uint32_t(content.size()));
  put<uint16_t>(out, uint16_t(name.size()));
  put<uint16_t>(out, 0); // extra field
  return out;
}

std::string makeZip(const Members &members) {
  std::string archive, directory;
  for (const auto &[name, content] : members) {
    put<uint32_t>(directory, 0x02014b50);
    put<uint16_t>(directory, 20); // version made by
    directory += headerFields(name, content);
    put<uint16_t>(directory, 0); // comment
    put<uint16_t>(directory, 0); // disk
    put<uint16_t>(directory, 0); // internal attributes
    put<uint32_t>(directory, 0); // external attributes
    put<uint32_t>(directory, uint32_t(archive.size()));
    directory += name;
    put<uint32_t>(archive, 0x04034b50);
    archive += headerFields(name, content) + name + content;
  }
  uint32_t start = uint32_t(archive.size());
  archive += directory;
  put<uint32_t>(archive, 0x06054b50);
  put<uint32_t>(archive, 0); // disks
  put<uint16_t>(archive, uint16_t(members.size()));
  put<uint16_t>(archive, uint16_t(members.size()));
  put<uint32_t>(archive, uint32_t(directory.size()));
  put<uint32_t>(archive, start);
  put<uint16_t>(archive, 0); // comment
  return archive;
}

std::string makeBundle(const json &manifest) {
  Members members = makeMembers();
  members["manifest.json"] = manifest.dump();
  return makeZip(members);
}

std::string makeSafetensors(const std::string &header,
                            const std::string &data) {
  std::string file;
  put<uint64_t>(file, header.size());
  return file + header + data;
}

std::string makeSafetensors(const std::map<std::string, TestTensor> &tensors) {
  json header = json::object();
  std::string data;
  for (const auto &[name, tensor] : tensors) {
    header[name] = {
        {"dtype", tensor.dtype},
        {"shape", tensor.shape},
        {"data_offsets", {data.size(), data.size() + tensor.data.size()}}};
    data += tensor.data;
  }
  return makeSafetensors(header.dump(), data);
}

std::map<std::string, TestTensor> makeWeights() {
  std::string table;
  for (int32_t token = 0; token < vocabSize; ++token) {
    float value = float(tokenValue(token)); // at most 7 bits: a bf16
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    put<uint16_t>(table, uint16_t(bits >> 16));
  }
  return {{"table", {"BF16", {vocabSize}, table}},
          {"unused", {"BF16", {2, 3}, std::string(12, '\0')}}};
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "tilewright-XXXXXX").string();
  if (!mkdtemp(pattern.data()))
    std::abort();
  folder = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

std::string TemporaryFolder::write(const std::string &name,
                                   const std::string &bytes) const {
  std::string path = folder + "/" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string testDevice() {
  const char *chosen = std::getenv("TILEWRIGHT_TEST_DEVICE");
  return chosen ? chosen : "sim:h800-sxm";
}

} // namespace tilewright::runtime::test
