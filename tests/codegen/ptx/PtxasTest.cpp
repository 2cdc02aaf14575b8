//===- PtxasTest.cpp - Reading ptxas's report, and running it -------------===//

#include "codegen/ptx/Ptxas.h"

#include "llvm/Support/FileSystem.h"

#include <gtest/gtest.h>

#include <csignal>
#include <sys/resource.h>

using namespace tilewright;

static constexpr llvm::StringLiteral kEmptyKernel = R"(
.version 8.0
.target sm_90a
.address_size 64
.visible .entry nothing() { ret; }
)";

TEST(PtxasTest, ReadsEveryKernel) {
  PtxasResult result = parsePtxasOutput(
      R"(ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'first' for 'sm_90a'
ptxas info    : Function properties for first
    16 bytes stack frame, 24 bytes spill stores, 8 bytes spill loads
ptxas info    : Used 168 registers, used 3 barriers, 16 bytes cumulative stack size, 1024 bytes smem
ptxas info    : Compiling entry function 'second' for 'sm_90a'
ptxas info    : Function properties for second
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 8 registers, used 0 barriers
)");
  ASSERT_EQ(result.kernels.size(), 2u);
  const PtxasReport *first = result.find("first");
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->registers, 168u);
  EXPECT_EQ(first->barriers, 3u);
  EXPECT_EQ(first->stackBytes, 16u);
  EXPECT_EQ(first->spillBytes, 32u);
  EXPECT_EQ(first->sharedBytes, 1024u);
  const PtxasReport *second = result.find("second");
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->registers, 8u);
  EXPECT_EQ(second->spillBytes, 0u);
  EXPECT_TRUE(result.advisories.empty());
  EXPECT_EQ(result.find("third"), nullptr);
}

// ptxas calls a serialized wgmma "info".
TEST(PtxasTest, ReportsAdvisoriesThatComeAsInformation) {
  PtxasResult result = parsePtxasOutput(
      "ptxas info    : (C7515) Potential Performance Loss: wgmma.mma_async "
      "instructions are serialized due to insufficient register resources for "
      "the wgmma pipeline in the function 'gemm'\n"
      "ptxas warning : Value of threads per SM for entry gemm is out of range\n"
      "ptxas info    : 0 bytes gmem\n");
  ASSERT_EQ(result.advisories.size(), 2u);
  EXPECT_NE(result.advisories[0].find("C7515"), std::string::npos);
  EXPECT_NE(result.advisories[1].find("warning"), std::string::npos);
}

TEST(PtxasTest, KnowsVersionsThatMiscompile) {
  EXPECT_FALSE(findKnownDefect("12.8.93").empty());
  EXPECT_FALSE(findKnownDefect("13.0.88").empty());
  EXPECT_TRUE(findKnownDefect("13.5.37").empty());
}

namespace {
/// The ptxas of the virtual environment.
class PtxasRunTest : public ::testing::Test {
protected:
  void SetUp() override {
    llvm::Expected<Ptxas> found = Ptxas::find("", "");
    if (!found)
      FAIL() << llvm::toString(found.takeError());
    ptxas = *found;
  }
  Ptxas ptxas;
};
} // namespace

TEST_F(PtxasRunTest, AssemblesInParallelInOrder) {
  std::vector<llvm::StringRef> modules{kEmptyKernel, "not ptx", kEmptyKernel};
  auto results = ptxas.assembleAll(modules, "sm_90a", {}, 2);
  ASSERT_EQ(results.size(), 3u);
  ASSERT_TRUE(bool(results[0]));
  EXPECT_EQ(results[0]->kernels[0].kernel, "nothing");
  EXPECT_EQ(results[0]->cubin.substr(1, 3), "ELF");
  ASSERT_FALSE(bool(results[1]));
  std::string message = llvm::toString(results[1].takeError());
  EXPECT_NE(message.find("rejects the PTX"), std::string::npos) << message;
  ASSERT_TRUE(bool(results[2]));
}

TEST_F(PtxasRunTest, RefusesSpillsOnRequest) {
  // 300 values live across a barrier do not fit into 255 registers.
  std::string ptx = ".version 8.0\n.target sm_90a\n.address_size 64\n"
                    ".visible .entry many(.param .u64 p)\n{\n"
                    ".reg .b32 %r<301>;\n.reg .b64 %rd<2>;\n"
                    "ld.param.u64 %rd1, [p];\n";
  for (int i = 0; i < 300; ++i)
    ptx += "ld.volatile.global.u32 %r" + std::to_string(i) + ", [%rd1+" +
           std::to_string(4 * i) + "];\n";
  ptx += "bar.sync 0;\n";
  for (int i = 0; i < 300; ++i)
    ptx += "st.volatile.global.u32 [%rd1+" + std::to_string(4 * i) + "], %r" +
           std::to_string(i) + ";\n";
  ptx += "ret;\n}\n";
  PtxasOptions options;
  auto allowed = ptxas.assemble(ptx, "sm_90a", options);
  ASSERT_TRUE(bool(allowed)) << llvm::toString(allowed.takeError());
  EXPECT_GT(allowed->kernels[0].spillBytes, 0u);
  options.rejectSpills = true;
  auto refused = ptxas.assemble(ptx, "sm_90a", options);
  ASSERT_FALSE(bool(refused));
  std::string message = llvm::toString(refused.takeError());
  EXPECT_NE(message.find("kernel 'many' spills"), std::string::npos) << message;
}

TEST(PtxasTest, SaysWhatIsWrongWithAPath) {
  auto missing = Ptxas::find("/does/not/exist/ptxas", "");
  ASSERT_FALSE(bool(missing));
  EXPECT_NE(llvm::toString(missing.takeError()).find("not an executable"),
            std::string::npos);
  auto other = Ptxas::find("/bin/true", "");
  ASSERT_FALSE(bool(other));
  EXPECT_NE(llvm::toString(other.takeError()).find("does not answer"),
            std::string::npos);
}

TEST_F(PtxasRunTest, FullDiskIsAnError) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = {kEmptyKernel.size() / 2, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  llvm::Expected<PtxasResult> result =
      ptxas.assemble(kEmptyKernel, "sm_90a", {});
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(bool(result));
  EXPECT_NE(llvm::toString(result.takeError()).find("cannot write"),
            std::string::npos);
}
