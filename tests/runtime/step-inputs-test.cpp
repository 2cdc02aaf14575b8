//===- step-inputs-test.cpp - What a step's kernels read ------------------===//

#include "runtime/bundle/Bundle.h"
#include "runtime/session/StepInputs.h"
#include "tests/runtime/TestBundle.h"

#include <gtest/gtest.h>

#include <cstring>

using namespace tilewright::runtime;
using namespace tilewright::runtime::test;

namespace {

/// A bundle that wants every input there is.
std::shared_ptr<const Bundle> openWithEverything() {
  nlohmann::json manifest = makeManifest();
  for (auto [name, dtype] :
       {std::pair("temperature", "f32"), std::pair("top_p", "f32"),
        std::pair("top_k", "i32"), std::pair("seed", "i64"),
        std::pair("sample_index", "i32")})
    manifest["inputs"].push_back(
        {{"name", name}, {"dtype", dtype}, {"shape", {"rows"}}});
  manifest["inputs"].push_back(
      {{"name", "cache_seqlens"}, {"dtype", "i32"}, {"shape", {"seqs"}}});
  auto bundle = Bundle::fromMemory(makeBundle(manifest), "b");
  EXPECT_TRUE(bundle) << bundle.error().message();
  return *bundle;
}

class StepInputsTest : public ::testing::Test {
protected:
  void SetUp() override {
    // A prompt of five with all rows, a token of a long sequence, a part.
    sequences = {
        {tokensA, pagesA, 0, TILEWRIGHT_ROWS_ALL, {0.5f, 0.9f, 40, 0, 11}},
        {tokensB,
         pagesB,
         9,
         TILEWRIGHT_ROWS_LAST,
         {0.0f, 1.0f, 0, 7, 1ull << 63}},
        {tokensC, pagesC, 2, TILEWRIGHT_ROWS_NONE, {1.0f, 0.1f, 1, 2, 3}}};
    sizes = stepSizes(sequences, manifest.limits);
    buffer.resize(layout.size());
    arrangeSequences(sequences, order);
    writeInputs(manifest, layout, sequences, order, sizes, buffer.data());
  }

  template <typename T>
  std::vector<T> read(const char *name) {
    for (size_t i = 0; i < manifest.inputs.size(); ++i) {
      const Input &input = manifest.inputs[i];
      if (input.name != name)
        continue;
      EXPECT_EQ(byteSize(input.dtype), sizeof(T));
      EXPECT_EQ(layout.offset(i) % 256, 0u);
      std::vector<T> values(size_t(*numElements(input.shape, sizes)));
      std::memcpy(values.data(), buffer.data() + layout.offset(i),
                  values.size() * sizeof(T));
      return values;
    }
    ADD_FAILURE() << "no input " << name;
    return {};
  }

  std::shared_ptr<const Bundle> bundle = openWithEverything();
  const Manifest &manifest = bundle->manifest();
  InputLayout layout{manifest, manifest.prefill.plans[1]};
  std::vector<int32_t> tokensA = {1, 2, 3, 4, 5}, tokensB = {6},
                       tokensC = {7, 8, 9};
  std::vector<int32_t> pagesA = {10, 3}, pagesB = {4, 5, 6}, pagesC = {20, 1};
  std::vector<StepSequence> sequences;
  std::vector<uint32_t> order;
  SymbolValues sizes;
  std::vector<std::byte> buffer;
};

using Ints = std::vector<int32_t>;
using Floats = std::vector<float>;

} // namespace

TEST_F(StepInputsTest, Sizes) {
  EXPECT_EQ(sizes[Symbol::Tokens], 9);
  EXPECT_EQ(sizes[Symbol::Seqs], 3);
  EXPECT_EQ(sizes[Symbol::Rows], 6);
  EXPECT_EQ(sizes[Symbol::PagesPerSeq], 4) << "3 pages, to a power of two";
  EXPECT_EQ(sizes[Symbol::MaxQuery], 5);
  EXPECT_EQ(sizes[Symbol::MaxKeys], 10);
}

/// The longest sequence is first; the caller's order decides between equals.
TEST_F(StepInputsTest, LongestFirst) {
  EXPECT_EQ(order, (std::vector<uint32_t>{1, 0, 2}));
}

TEST_F(StepInputsTest, PerToken) {
  EXPECT_EQ(read<int32_t>("token_ids"), (Ints{6, 1, 2, 3, 4, 5, 7, 8, 9}));
  EXPECT_EQ(read<int32_t>("positions"), (Ints{9, 0, 1, 2, 3, 4, 2, 3, 4}));
  EXPECT_EQ(read<int32_t>("slot_mapping"),
            (Ints{25, 40, 41, 42, 43, 12, 82, 83, 4}));
}

TEST_F(StepInputsTest, PerSequence) {
  EXPECT_EQ(read<int32_t>("cu_seqlens_q"), (Ints{0, 1, 6, 9}));
  EXPECT_EQ(read<int32_t>("cache_seqlens"), (Ints{10, 5, 5}));
  EXPECT_EQ(read<int32_t>("block_table"),
            (Ints{4, 5, 6, 4, 10, 3, 10, 10, 20, 1, 20, 20}));
}

/// In the caller's order.
TEST_F(StepInputsTest, PerRow) {
  EXPECT_EQ(read<int32_t>("logits_indices"), (Ints{1, 2, 3, 4, 5, 0}));
  EXPECT_EQ(read<float>("temperature"),
            (Floats{0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.0f}));
  EXPECT_EQ(read<float>("top_p"), (Floats{0.9f, 0.9f, 0.9f, 0.9f, 0.9f, 1.0f}));
  EXPECT_EQ(read<int32_t>("top_k"), (Ints{40, 40, 40, 40, 40, 0}));
  EXPECT_EQ(read<uint64_t>("seed"),
            (std::vector<uint64_t>{11, 11, 11, 11, 11, 1ull << 63}));
  EXPECT_EQ(read<int32_t>("sample_index"), (Ints{0, 1, 2, 3, 4, 7}));
}

TEST_F(StepInputsTest, OnlyTheUsedPartIsCopied) {
  uint64_t used = layout.used(manifest, sizes);
  EXPECT_LT(used, layout.size());
  // The block table is last.
  EXPECT_EQ(used, layout.size() - 256 + 3 * 4 * 4);
}
