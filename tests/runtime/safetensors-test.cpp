//===- safetensors-test.cpp - Checkpoints, sound and otherwise ------------===//

#include "runtime/safetensors/Safetensors.h"
#include "tests/runtime/TestBundle.h"

#include <gtest/gtest.h>

#include <random>

using namespace tilewright::runtime;
using namespace tilewright::runtime::test;

namespace {

std::string errorOf(const std::string &file) {
  auto tensors = readSafetensors(std::as_bytes(std::span(file)), "f");
  return tensors ? "" : tensors.error().message();
}

/// A header of tensors "a" and maybe more, over 16 bytes of data.
std::string withHeader(const std::string &header) {
  return makeSafetensors(header, std::string(16, 'x'));
}

} // namespace

TEST(Safetensors, Reads) {
  std::string file =
      makeSafetensors({{"a", {"F32", {2, 2}, std::string(16, '\1')}},
                       {"empty", {"BF16", {0, 5}, ""}},
                       {"scalar", {"I64", {}, std::string(8, '\2')}}});
  auto tensors = readSafetensors(std::as_bytes(std::span(file)), "f");
  ASSERT_TRUE(tensors) << tensors.error().message();
  const TensorView &a = tensors->find("a")->second;
  EXPECT_EQ(a.dtype, DType::F32);
  EXPECT_EQ(a.shape, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(a.numElements(), 4);
  EXPECT_EQ(a.data[0], std::byte(1));
  EXPECT_EQ(tensors->find("scalar")->second.numElements(), 1);
  EXPECT_EQ(tensors->find("empty")->second.numElements(), 0);
}

TEST(Safetensors, MetadataIsNoTensor) {
  EXPECT_EQ(
      errorOf(makeSafetensors(R"({"__metadata__": {"format": "pt"}})", "")),
      "");
}

TEST(Safetensors, HostileHeaders) {
  struct Case {
    const char *header;
    const char *message;
  } cases[] = {
      {"[]", "f: header must be a JSON object"},
      {"{", "f: JSON: parse error at line 1, column 2: syntax error while "
            "parsing object key - unexpected end of input; expected string "
            "literal"},
      {R"({"a": 1})", "f: tensor 'a': must be an object"},
      {R"({"a": {"dtype": "F32", "shape": [4]}})",
       "f: tensor 'a': lacks 'data_offsets'"},
      {R"({"a": {"dtype": "F4", "shape": [4], "data_offsets": [0, 16]}})",
       "f: tensor 'a': dtype 'F4' is not supported"},
      {R"({"a": {"dtype": 5, "shape": [4], "data_offsets": [0, 16]}})",
       "f: tensor 'a': 'dtype' must be a string"},
      {R"({"a": {"dtype": "F32", "shape": [-4], "data_offsets": [0, 16]}})",
       "f: tensor 'a': 'shape' has a dimension that is not an integer in [0, "
       "2^48]"},
      {R"({"a": {"dtype": "F32", "shape": [4.0], "data_offsets": [0, 16]}})",
       "f: tensor 'a': 'shape' has a dimension that is not an integer in [0, "
       "2^48]"},
      {R"({"a": {"dtype": "F32", "shape": [5], "data_offsets": [0, 16]}})",
       "f: tensor 'a': shape [5] of F32 needs 20 bytes, but 'data_offsets' "
       "span 16"},
      {R"({"a": {"dtype": "F32", "shape": [281474976710656, 281474976710656],
           "data_offsets": [0, 16]}})",
       "f: tensor 'a': shape [281474976710656, 281474976710656] of F32 needs "
       "more than 2^63 bytes, but 'data_offsets' span 16"},
      {R"({"a": {"dtype": "F32", "shape": [4], "data_offsets": [16, 0]}})",
       "f: tensor 'a': 'data_offsets' [16, 0] end before they begin"},
      {R"({"a": {"dtype": "F32", "shape": [5], "data_offsets": [0, 20]}})",
       "f: tensor 'a': 'data_offsets' end at 20, past the 16 bytes of data in "
       "the file"},
      {R"({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, -1]}})",
       "f: tensor 'a': 'data_offsets' must be two non-negative integers"},
      {R"({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]},
           "b": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}})",
       "f: tensor 'b' overlaps tensor 'a'"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
           "b": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}})",
       "f: 4 bytes before tensor 'b' belong to no tensor"},
      {R"({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}})",
       "f: 4 bytes at the end belong to no tensor"},
      {R"({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]},
           "a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}})",
       "f: JSON: key 'a' appears twice"},
  };
  for (const Case &each : cases)
    EXPECT_EQ(errorOf(withHeader(each.header)), each.message) << each.header;
}

TEST(Safetensors, LyingLength) {
  EXPECT_EQ(errorOf("abc"), "f: truncated: a safetensors file has at least 8 "
                            "bytes, this one has 3");
  EXPECT_EQ(errorOf(std::string(8, '\xff')),
            "f: header of 18446744073709551615 bytes is over the format's "
            "limit of 100000000; not a safetensors file?");
  EXPECT_EQ(errorOf(std::string("\x10\0\0\0\0\0\0\0{}", 10)),
            "f: truncated: header of 16 bytes in a file of 10");
}

TEST(Safetensors, EveryTruncationIsRefused) {
  std::string file = makeSafetensors(makeWeights());
  for (size_t size = 0; size < file.size(); ++size)
    EXPECT_NE(errorOf(file.substr(0, size)), "") << "cut to " << size;
}

TEST(Safetensors, MutationsNeverCrash) {
  std::string original = makeSafetensors(makeWeights());
  std::mt19937 random(2);
  for (int round = 0; round < 20000; ++round) {
    std::string file = original;
    for (int i = 0; i < 3; ++i)
      file[random() % (original.size() - 200)] = char(random());
    auto tensors = readSafetensors(std::as_bytes(std::span(file)), "f");
    if (!tensors)
      continue;
    for (const auto &[name, tensor] : *tensors) // every byte is readable
      for (std::byte byte : tensor.data)
        EXPECT_LE(unsigned(byte), 255u);
  }
}

//===----------------------------------------------------------------------===//
// Checkpoints
//===----------------------------------------------------------------------===//

static std::string oneTensor(const std::string &name) {
  return makeSafetensors({{name, {"U8", {2}, "xy"}}});
}

static std::string errorOfDirectory(const TemporaryFolder &folder) {
  auto checkpoint = Checkpoint::openDirectory(folder.path());
  if (checkpoint)
    return "";
  std::string message = checkpoint.error().message();
  // The folder's name is different each time.
  for (size_t at; (at = message.find(folder.path())) != std::string::npos;)
    message.replace(at, folder.path().size(), "DIR");
  return message;
}

TEST(Checkpoint, Shards) {
  TemporaryFolder folder;
  folder.write("one.safetensors", oneTensor("a"));
  folder.write("two.safetensors", oneTensor("b"));
  folder.write("model.safetensors.index.json",
               R"({"metadata": {}, "weight_map":
                   {"a": "one.safetensors", "b": "two.safetensors"}})");
  auto checkpoint = Checkpoint::openDirectory(folder.path());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  EXPECT_EQ(checkpoint->tensors().size(), 2u);
  ASSERT_NE(checkpoint->find("b"), nullptr);
  EXPECT_EQ(checkpoint->find("b")->file, folder.path() + "/two.safetensors");
  EXPECT_EQ(checkpoint->find("c"), nullptr);
}

TEST(Checkpoint, SingleFileWins) {
  TemporaryFolder folder;
  folder.write("model.safetensors", oneTensor("single"));
  folder.write("model.safetensors.index.json", "not even JSON");
  EXPECT_EQ(errorOfDirectory(folder), "");
}

TEST(Checkpoint, BadIndex) {
  struct Case {
    const char *index;
    const char *message;
  } cases[] = {
      {"{}", "DIR/model.safetensors.index.json: lacks the object 'weight_map'"},
      {R"({"weight_map": {"a": 3}})",
       "DIR/model.safetensors.index.json: weight_map: tensor 'a' must name a "
       "file beside the index"},
      {R"({"weight_map": {"a": "../one.safetensors"}})",
       "DIR/model.safetensors.index.json: weight_map: tensor 'a' must name a "
       "file beside the index"},
      {R"({"weight_map": {"a": "none.safetensors"}})",
       "DIR/model.safetensors.index.json: DIR/none.safetensors: cannot open: "
       "No such file or directory"},
      {R"({"weight_map": {"b": "one.safetensors"}})",
       "DIR/model.safetensors.index.json: tensor 'b' is not in "
       "one.safetensors"},
  };
  for (const Case &each : cases) {
    TemporaryFolder folder;
    folder.write("one.safetensors", oneTensor("a"));
    folder.write("model.safetensors.index.json", each.index);
    EXPECT_EQ(errorOfDirectory(folder), each.message);
  }
}

TEST(Checkpoint, NothingThere) {
  TemporaryFolder folder;
  EXPECT_EQ(errorOfDirectory(folder), "DIR: holds neither model.safetensors "
                                      "nor model.safetensors.index.json");
  auto checkpoint = Checkpoint::openDirectory("/nowhere");
  ASSERT_FALSE(checkpoint);
  EXPECT_EQ(checkpoint.error().status(), TILEWRIGHT_NOT_FOUND);
  EXPECT_EQ(checkpoint.error().message(), "/nowhere: no such directory");
}
