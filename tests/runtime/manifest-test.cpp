//===- manifest-test.cpp - Bundles that are not what they should be -------===//

#include "runtime/bundle/Bundle.h"
#include "tests/runtime/TestBundle.h"

#include <gtest/gtest.h>

#include <limits>

using namespace tilewright::runtime;
using namespace tilewright::runtime::test;
using nlohmann::json;

namespace {

/// The error of a bundle, without its name in front; empty if it opens.
std::string errorOf(const std::string &bytes,
                    tilewright_status *status = nullptr) {
  auto bundle = Bundle::fromMemory(bytes, "b");
  if (status)
    *status = bundle ? TILEWRIGHT_OK : bundle.error().status();
  if (bundle)
    return "";
  std::string message = bundle.error().message();
  EXPECT_EQ(message.substr(0, 3), "b: ");
  return message.substr(3);
}

/// One field of the test's manifest changed, and what the reader says to it.
struct Edit {
  const char *pointer;
  const char *value; ///< JSON; null: the field is removed
  const char *message;
};

void apply(json &manifest, const Edit &edit) {
  json::json_pointer pointer(edit.pointer);
  if (edit.value)
    manifest[pointer] = json::parse(edit.value);
  else
    manifest.at(pointer.parent_pointer()).erase(pointer.back());
}

class HostileManifest : public ::testing::TestWithParam<Edit> {};

} // namespace

TEST(Manifest, ReadsWhatIsThere) {
  auto bundle = Bundle::fromMemory(makeBundle(), "b");
  ASSERT_TRUE(bundle) << bundle.error().message();
  const Manifest &manifest = (*bundle)->manifest();
  EXPECT_EQ(manifest.family, "sum");
  EXPECT_EQ(manifest.target.computeCapability, 90);
  EXPECT_TRUE(manifest.batchInvariant);
  EXPECT_EQ(manifest.limits.maxContext, 64);
  EXPECT_EQ(manifest.eosTokens, std::vector<int32_t>{eosToken});
  ASSERT_EQ(manifest.weights.size(), 2u);
  EXPECT_EQ(manifest.weights[1].offset, 256u) << "weights are aligned";
  EXPECT_EQ(manifest.weightBytes, 256u + 512u);
  ASSERT_EQ(manifest.kernels.size(), 4u);
  EXPECT_NE(manifest.kernels[0].ptx.find(".entry append"),
            std::string_view::npos);
  ASSERT_EQ(manifest.decode.plans.size(), 2u);
  EXPECT_EQ(manifest.decode.plans[0].maxTokens, 2);
  EXPECT_EQ(manifest.prefill.plans[1].launches.size(), 5u);
  EXPECT_EQ(manifest.pageBytes(), 16);
}

TEST_P(HostileManifest, IsRefused) {
  json manifest = makeManifest();
  apply(manifest, GetParam());
  EXPECT_EQ(errorOf(makeBundle(manifest)), GetParam().message);
}

#define FIRST_LAUNCH "/entry_points/decode/plans/0/launches/1"
#define COPY_LAUNCH "/entry_points/decode/plans/0/launches/3"

static const Edit topLevel[] = {
    {"/schema_version", nullptr, "manifest: lacks the field 'schema_version'"},
    {"/schema_version", "2",
     "schema_version: the bundle has schema 2, this runtime reads up to 1: use "
     "a newer one"},
    {"/schema_version", "-1",
     "schema_version: is -1, must be from 1 to 2147483647"},
    {"/schema_version", "18446744073709551615",
     "schema_version: is 18446744073709551615, must be from 1 to 2147483647"},
    {"/surprise", "1", "manifest: has the unknown field 'surprise'"},
    {"/target", "\"sm_\"", "target: unknown target 'sm_'"},
    {"/target", "\"gfx942\"", "target: unknown target 'gfx942'"},
    {"/target", "\"sm_90ab\"", "target: unknown target 'sm_90ab'"},
    {"/model/vocab_size", "0",
     "model.vocab_size: is 0, must be from 1 to 2147483647"},
    {"/model/vocab_size", "1e300", "model.vocab_size: must be an integer"},
    {"/model/eos_token_ids", "[-1]",
     "model.eos_token_ids[0]: is -1, must be from 0 to 2147483647"},
    {"/page_size", "3", "page_size: must be a power of two"},
    {"/page_size", "-64", "page_size: is -64, must be from 1 to 1048576"},
    {"/max_context", "65", "max_context: is 65, must be from 1 to 64"},
    {"/symbols/tokens/max", "4294967296",
     "symbols.tokens.max: is 4294967296, must be from 1 to 2147483647"},
    {"/symbols/tokens", "7", "symbols.tokens: must be an object"},
    {"/promises", "{\"exact\": true}",
     "promises: has the unknown field 'exact'"},
};
INSTANTIATE_TEST_SUITE_P(TopLevel, HostileManifest,
                         ::testing::ValuesIn(topLevel));

static const Edit tensors[] = {
    {"/inputs/0/name", "\"token_id\"",
     "inputs[0].name: this runtime knows no input 'token_id'"},
    {"/inputs/0/dtype", "\"i64\"", "inputs[0].dtype: is i64, must be i32"},
    {"/inputs/0/shape", "[\"seqs\"]",
     "inputs[0].shape: is [\"seqs\"], must be [tokens]"},
    {"/inputs/1/name", "\"token_ids\"",
     "inputs[1].name: 'token_ids' appears twice"},
    {"/inputs", "[]", "inputs: lacks 'token_ids'"},
    {"/outputs", "[]", "outputs: has neither 'logits' nor 'next_tokens'"},
    {"/outputs/0/shape", "[\"rows\", 98]",
     "outputs[0].shape: is [\"rows\",98], must be [rows, 97]"},
    {"/caches/0/shape", "[4, 1]",
     "caches[0].shape: the first dimension of a cache must be 'pages'"},
    {"/caches/0/shape", "[\"pages\", \"tokens\"]",
     "caches[0].shape: dimensions of a cache after the first must be positive "
     "integers"},
    {"/caches/0/shape", "[\"pages\", 281474976710656, 281474976710656]",
     "caches[0].shape: a page is too large"},
    {"/caches/0/dtype", "\"f31\"", "caches[0].dtype: unknown dtype 'f31'"},
};
INSTANTIATE_TEST_SUITE_P(Tensors, HostileManifest,
                         ::testing::ValuesIn(tensors));

#define VALUE "/weights/1/value"
static const Edit weights[] = {
    {"/weights/1/shape", "[98]",
     "weights[1].value: is f32 [97], but the weight is declared otherwise"},
    {"/weights/1/dtype", "\"bf16\"",
     "weights[1].value: is f32 [97], but the weight is declared otherwise"},
    {"/weights/1/name", "\"unused\"",
     "weights[1].name: 'unused' appears twice"},
    {VALUE, "[]", "weights[1].value: must be [op, ...]"},
    {VALUE, "[\"invert\"]", "weights[1].value[0]: unknown op 'invert'"},
    {VALUE, "[\"tensor\", \"table\", \"bf16\"]",
     "weights[1].value: must have 3 operands"},
    {VALUE, "[\"tensor\", \"table\", \"bf16\", [-1]]",
     "weights[1].value[3][0]: is -1, must be from 1 to 281474976710656"},
    {VALUE, "[\"tensor\", \"table\", \"bf16\", [281474976710656, 2]]",
     "weights[1].value[3]: the shape [281474976710656, 2] is too large"},
    {VALUE, "[\"tensor\", \"unused\", \"bf16\", [97]]",
     "weights[1].value: tensor 'unused' has another dtype or shape elsewhere"},
    {VALUE, "[\"cast\", \"i32\", [\"tensor\", \"table\", \"bf16\", [97]]]",
     "weights[1].value: cannot cast bf16 to i32"},
    {VALUE, "[\"concat\", 1, [\"tensor\", \"table\", \"bf16\", [97]]]",
     "weights[1].value[1]: is 1, must be from 0 to 0"},
    {VALUE, "[\"concat\", 0]",
     "weights[1].value: 'concat' needs a dimension and at least one operand"},
    {VALUE,
     "[\"concat\", 0, [\"tensor\", \"a\", \"bf16\", [2, 3]], [\"tensor\", "
     "\"b\", \"bf16\", [2, 4]]]",
     "weights[1].value: operands of 'concat' must agree in dtype and in all "
     "other dimensions"},
    {VALUE, "[\"slice\", 0, 5, 98, [\"tensor\", \"a\", \"bf16\", [97]]]",
     "weights[1].value[3]: is 98, must be from 1 to 97"},
    {VALUE, "[\"reshape\", [98], [\"tensor\", \"a\", \"bf16\", [97]]]",
     "weights[1].value: cannot reshape [97] to [98]"},
    {VALUE,
     "[\"regroup_rows\", 8, 8, 3, 1, [\"tensor\", \"a\", \"bf16\", [8]]]",
     "weights[1].value: twice a distance must divide the extent of 8"},
    {VALUE,
     "[\"regroup_rows\", 6, 6, 1, 3, [\"tensor\", \"a\", \"bf16\", [8]]]",
     "weights[1].value[1]: 6 does not divide the 8 rows"},
    {VALUE,
     "[\"scale_columns\", [\"tensor\", \"a\", \"bf16\", [8, 4]], [\"tensor\", "
     "\"b\", \"bf16\", [8]]]",
     "weights[1].value: cannot scale the columns of [8, 4] by [8]"},
    {VALUE,
     "[\"rope_table\", {\"theta\": 0, \"rotary_dim\": 2, \"max_positions\": "
     "4}]",
     "weights[1].value[1].theta: must be positive"},
    {VALUE,
     "[\"rope_table\", {\"theta\": 1e4, \"rotary_dim\": 2, \"max_positions\": "
     "4, \"scaling\": {\"type\": \"yarn\"}}]",
     "weights[1].value[1].scaling.type: unknown rope scaling 'yarn'"},
};
INSTANTIATE_TEST_SUITE_P(Weights, HostileManifest,
                         ::testing::ValuesIn(weights));

#define MAP "/kernels/2/params/0"
static const Edit kernels[] = {
    {"/kernels/0/ptx", "\"kernels/none.ptx\"",
     "kernels[0].ptx: the bundle has no member 'kernels/none.ptx'"},
    {"/kernels/1/name", "\"append\"",
     "kernels[1].name: 'append' appears twice"},
    {"/kernels/0/block", "[1024, 2, 1]",
     "kernels[0].block: has product 2048, at most 1024 is allowed"},
    {"/kernels/0/block", "[32, 1]", "kernels[0].block: must have 3 entries"},
    {"/kernels/0/block/0", "0",
     "kernels[0].block[0]: is 0, must be from 1 to 1024"},
    {"/kernels/0/cluster", "[17, 1, 1]",
     "kernels[0].cluster[0]: is 17, must be from 1 to 16"},
    {"/kernels/0/grid/0", "\"token\"",
     "kernels[0].grid[0]: unknown symbol 'token'"},
    {"/kernels/0/grid/0", "[\"div\", 1, 2]",
     "kernels[0].grid[0][0]: unknown operator 'div'"},
    {"/kernels/0/grid/0", "[\"add\", 1]",
     "kernels[0].grid[0]: must be a size: an integer, a symbol, or [op, size, "
     "size]"},
    {"/kernels/0/grid/0", "-1",
     "kernels[0].grid[0]: is -1, must be from 0 to 281474976710656"},
    {"/kernels/0/shared_bytes", "9223372036854775807",
     "kernels[0].shared_bytes: is 9223372036854775807, must be from 0 to "
     "1048576"},
    {"/kernels/0/args/0/shape/0", "[\"sub\", \"tokens\", 1]",
     "kernels[0].args[0].shape[0]: a shape may use neither 'sub', nor 'sms', "
     "nor 'ceildiv' by a symbol"},
    {"/kernels/0/params/0/kind", "\"float\"",
     "kernels[0].params[0].kind: unknown kind 'float'"},
    {"/kernels/0/params/0/arg", "4",
     "kernels[0].params[0].arg: is 4, must be from 0 to 3"},
    {"/kernels/0/params/4/dtype", "\"f32\"",
     "kernels[0].params[4].dtype: must be i32 or i64"},
    {MAP "/view", "[]",
     "kernels[2].params[0].view: must have at least one dimension"},
    {MAP "/box", "[8, 8]",
     "kernels[2].params[0].box: must have one entry per dimension of 'view'"},
    {MAP "/box/0", "257",
     "kernels[2].params[0].box[0]: is 257, must be from 1 to 256"},
    {MAP "/box/0", "3",
     "kernels[2].params[0]: the inner box of 12 bytes is no multiple of 16"},
    {MAP "/swizzle", "48",
     "kernels[2].params[0].swizzle: is 48, which no tensor map has"},
    {MAP "/swizzle", "64",
     "kernels[2].params[0]: the inner box of 128 bytes is wider than the "
     "swizzle"},
    {MAP "/fill", "\"one\"",
     "kernels[2].params[0].fill: must be 'zero' or 'nan'"},
};
INSTANTIATE_TEST_SUITE_P(Kernels, HostileManifest,
                         ::testing::ValuesIn(kernels));

static const Edit plans[] = {
    {"/entry_points/prefill", nullptr,
     "entry_points: lacks the field 'prefill'"},
    {"/entry_points/prefill/plans", "[]",
     "entry_points.prefill.plans: must have at least one plan"},
    {"/entry_points/prefill/plans/1/max_tokens", "15",
     "entry_points.prefill: the last plan must hold symbols.tokens.max = 16 "
     "tokens"},
    {"/entry_points/prefill/plans/1/max_tokens", "8",
     "entry_points.prefill.plans[1]: plans must ascend in 'max_tokens'"},
    {"/entry_points/decode/plans/0/activation_bytes", "7",
     "entry_points.decode.plans[0].launches[2].args[5]: 8 bytes at 0 do not "
     "fit the 7 bytes of activation_bytes"},
    {"/entry_points/decode/plans/0/activation_bytes", "-1",
     "entry_points.decode.plans[0].activation_bytes: is -1, must be from 0 to "
     "281474976710656"},
    {"/entry_points/decode/plans/0/launches/0/bytes", "33",
     "entry_points.decode.plans[0].launches[0].zero: 33 bytes at 16 do not fit "
     "the 48 bytes of workspace_bytes"},
    {FIRST_LAUNCH "/kernel", "\"nothing\"",
     "entry_points.decode.plans[0].launches[1].kernel: no kernel is named "
     "'nothing'"},
    {FIRST_LAUNCH "/args/2", "{\"weight\": \"nothing\"}",
     "entry_points.decode.plans[0].launches[1].args[2].weight: no weight is "
     "named 'nothing'"},
    {FIRST_LAUNCH "/args/2", "{\"weight\": \"unused\"}",
     "entry_points.decode.plans[0].launches[1].args[2]: is bf16, but the "
     "kernel's argument is f32"},
    {FIRST_LAUNCH "/args/0", "{\"input\": \"logits_indices\"}", ""},
    {FIRST_LAUNCH "/args/3", "{\"output\": \"logits\"}",
     "entry_points.decode.plans[0].launches[1].args[3]: has 776 bytes, but the "
     "kernel's argument 16777216"},
    {FIRST_LAUNCH "/args/3", "{}",
     "entry_points.decode.plans[0].launches[1].args[3]: must be one of "
     "activation, workspace, weight, input, output, cache"},
    {FIRST_LAUNCH "/args", "[]",
     "entry_points.decode.plans[0].launches[1].args: has 0 entries, but kernel "
     "'append' takes 4"},
    {COPY_LAUNCH "/args/0", "{\"activation\": 8}",
     "entry_points.decode.plans[0].launches[3].args[0].activation: must be a "
     "multiple of 16"},
    {COPY_LAUNCH "/args/0", "{\"activation\": 32}",
     "entry_points.decode.plans[0].launches[3].args[0]: 8 bytes at 32 do not "
     "fit the 32 bytes of activation_bytes"},
    {COPY_LAUNCH "/args/0", "{\"activation\": 281474976710656}",
     "entry_points.decode.plans[0].launches[3].args[0]: 8 bytes at "
     "281474976710656 do not fit the 32 bytes of activation_bytes"},
};
INSTANTIATE_TEST_SUITE_P(Plans, HostileManifest, ::testing::ValuesIn(plans));

TEST(Manifest, NewerSchemaAndOtherTargetsAreUnsupported) {
  json manifest = makeManifest();
  tilewright_status status;
  manifest["schema_version"] = 2;
  errorOf(makeBundle(manifest), &status);
  EXPECT_EQ(status, TILEWRIGHT_UNSUPPORTED);
  manifest["schema_version"] = 1;
  manifest["target"] = "gfx942";
  errorOf(makeBundle(manifest), &status);
  EXPECT_EQ(status, TILEWRIGHT_UNSUPPORTED);
}

TEST(Manifest, DeepSizeExpression) {
  json manifest = makeManifest();
  json deep = "tokens";
  for (int i = 0; i < 15; ++i)
    deep = {"add", deep, 1};
  manifest["kernels"][0]["grid"][0] = deep;
  EXPECT_EQ(errorOf(makeBundle(manifest)), "");
  manifest["kernels"][0]["grid"][0] = {"add", deep, 1};
  EXPECT_NE(errorOf(makeBundle(manifest)).find("deeper than 16"),
            std::string::npos);
}

TEST(Manifest, DeepJson) {
  Members members = makeMembers();
  members["manifest.json"] = std::string(100000, '[');
  EXPECT_EQ(errorOf(makeZip(members)),
            "manifest.json: JSON: nested deeper than 64 levels");
}

TEST(Manifest, NotJson) {
  Members members = makeMembers();
  members["manifest.json"] = "{\"schema_version\": 1,}";
  EXPECT_NE(errorOf(makeZip(members)).find("manifest.json: JSON: parse error"),
            std::string::npos);
  members["manifest.json"] = "{\"a\": 1, \"a\": 2}";
  EXPECT_EQ(errorOf(makeZip(members)),
            "manifest.json: JSON: key 'a' appears twice");
  members["manifest.json"] = "[]";
  EXPECT_EQ(errorOf(makeZip(members)), "manifest: must be an object");
  members.erase("manifest.json");
  EXPECT_EQ(errorOf(makeZip(members)), "has no member 'manifest.json'");
}

TEST(SizeExpr, Arithmetic) {
  using Op = SizeExpr::Op;
  SymbolValues values;
  values[Symbol::Tokens] = 10;
  SizeExpr tokens(Symbol::Tokens), three(3);
  auto evaluate = [&](Op op, const SizeExpr &a, const SizeExpr &b) {
    return SizeExpr(op, a, b).evaluate(values);
  };
  EXPECT_EQ(evaluate(Op::Add, tokens, three), 13);
  EXPECT_EQ(evaluate(Op::Sub, tokens, three), 7);
  EXPECT_EQ(evaluate(Op::Mul, tokens, three), 30);
  EXPECT_EQ(evaluate(Op::CeilDiv, tokens, three), 4);
  EXPECT_EQ(evaluate(Op::Min, tokens, three), 3);
  EXPECT_EQ(evaluate(Op::Max, tokens, three), 10);
  EXPECT_EQ(evaluate(Op::Sub, three, tokens), std::nullopt) << "negative";
  EXPECT_EQ(evaluate(Op::CeilDiv, three, SizeExpr(0)), std::nullopt);
  SizeExpr huge(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(evaluate(Op::Add, huge, three), std::nullopt);
  EXPECT_EQ(evaluate(Op::Mul, huge, three), std::nullopt);
  EXPECT_EQ(evaluate(Op::CeilDiv, huge, SizeExpr(1)), huge.evaluate(values));
  EXPECT_EQ(SizeExpr(Op::Max, SizeExpr(Op::Sub, three, tokens), SizeExpr(1))
                .evaluate(values),
            1)
      << "only the result must not be negative";
  EXPECT_EQ(SizeExpr(Op::CeilDiv, tokens, three).text(), "ceildiv(tokens, 3)");
}
