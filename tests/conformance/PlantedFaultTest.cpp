//===- PlantedFaultTest.cpp - Faults that the harness must see ------------===//
// Breaks a kernel's PTX at one instruction after another and launches it as
// every test does: the launch must fail, with what is wrong. The unbroken
// kernel, and its results, are the other tests'.
//===----------------------------------------------------------------------===//

#include "tests/conformance/KernelHarness.h"

#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

#include <regex>

using namespace tilewright;
using namespace tilewright::conformance;

namespace {
/// The first match of a pattern in the PTX becomes something else, and a
/// finding of this kind says so.
struct Fault {
  const char *name, *pattern, *replacement, *kind;
};
void PrintTo(const Fault &fault, std::ostream *os) { *os << fault.name; }
class PlantedFault : public testing::TestWithParam<Fault> {};
} // namespace

/// A product through a ring of two stages with eight rounds, its result through
/// shared memory: every kind of order that our kernels know.
static const char *const kGemm = R"mlir(
!ring = !tile.ring<2, !tile.shared<64x64xbf16, swizzle = 128>, !tile.shared<64x64xbf16, swizzle = 128>>
!in = !tile.shared<64x64xbf16, swizzle = 128>
!acc = !tile.fragment<64x64xf32>
!result = !tile.fragment<64x64xbf16>
tile.kernel @gemm(%a: !tile.global<?x512xbf16, [tokens]>, %b: !tile.global<64x512xbf16>, %c: !tile.global<?x64xbf16, [tokens]>)
    attributes {grid = [1]} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %k_end = arith.constant 512 : index
  %zero = arith.constant 0.0 : f32
  %ring = tile.ring : !ring
  %staged = tile.alloc : !in
  tile.role @load warps = 1 registers = 40 {
    scf.for %k = %c0 to %k_end step %c64 {
      %sa, %sb = tile.acquire %ring : !ring
      tile.copy %a[%c0, %k] to %sa : !tile.global<?x512xbf16, [tokens]>, !in
      tile.copy %b[%c0, %k] to %sb : !tile.global<64x512xbf16>, !in
      tile.commit %ring : !ring
    }
  }
  tile.role @math warpgroups = 1 registers = 232 {
    %init = tile.splat %zero : f32 to !acc
    %sum = scf.for %k = %c0 to %k_end step %c64 iter_args(%acc = %init) -> (!acc) {
      %sa, %sb = tile.wait %ring : !ring
      %next = tile.mma %sa, %sb, %acc transpose_b : !in, !in, !acc
      tile.release %ring after(%next : !acc) {in_flight = 1} : !ring
      scf.yield %next : !acc
    }
    %rounded = tile.cast %sum : !acc to !result
    tile.store_matrix %rounded to %staged : !result, !in
    tile.copy_out %staged to %c[%c0, %c0] : !in, !tile.global<?x64xbf16, [tokens]>
  }
}
)mlir";

static std::string runBroken(const Fault &fault) {
  bool isThere = true;
  auto kernel = TestKernel::compile(kGemm, [&](std::string ptx) {
    std::regex pattern(fault.pattern);
    isThere = std::regex_search(ptx, pattern);
    return std::regex_replace(ptx, pattern, fault.replacement,
                              std::regex_constants::format_first_only);
  });
  if (!kernel)
    return "does not load: " + llvm::toString(kernel.takeError());
  if (!isThere)
    return std::string("no such instruction: ") + fault.pattern;
  std::vector<HostTensor> arguments = {
      HostTensor(toBf16(makeNumbers(40 * 512, 1))),
      HostTensor(toBf16(makeNumbers(64 * 512, 2))),
      HostTensor::unwritten(40 * 64 * 2)};
  runtime::SymbolValues symbols;
  symbols[runtime::Symbol::Tokens] = 40;
  return llvm::toString(kernel->launch(arguments, symbols));
}

/// In a process of its own: after a fault a context takes no more launches.
static void expectSaid(const Fault &fault,
                       bool (*isRight)(const Fault &, const std::string &)) {
  auto run = [&] {
    std::string said = runBroken(fault);
    llvm::errs() << "the launch says: " << said << "\n";
    std::exit(isRight(fault, said) ? 0 : 1);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(0), "");
}

TEST_P(PlantedFault, IsFound) {
  expectSaid(GetParam(), [](const Fault &fault, const std::string &said) {
    return said.find(fault.kind) != std::string::npos;
  });
}

INSTANTIATE_TEST_SUITE_P(
    Gemm, PlantedFault,
    testing::Values(
        Fault{"BarrierBehindInit", R"(bar\.sync\s+0, 256;)", "",
              "error: barrier: "},
        Fault{"EmptyStageNotWaitedFor", R"(mbarrier\.try_wait[^;]*;)",
              "setp.eq.b32 done, 0, 0;", "error: race: "},
        Fault{"StageNotGivenBack", R"(mbarrier\.arrive\.shared[^;]*;)", "",
              "error: deadlock: "},
        Fault{"BytesNotExpected",
              R"((mbarrier\.arrive)\.expect_tx([^;]*),[^;]*;)", "$1$2;",
              "error: barrier: "},
        Fault{"ProductNotWaitedFor", R"(wgmma\.wait_group[^;]*0;)", "",
              "error: wgmma: "},
        // Only constants stand in the accumulators, which ptxas repairs.
        Fault{"ProductNotFenced", R"(wgmma\.fence[^;]*;)", "",
              "formal: wgmma: "},
        Fault{"ResultNotFenced", R"(fence\.proxy\.async[^;]*;)", "",
              "error: proxy: "},
        Fault{"ResultOfOneThread", R"(bar\.sync\s+1, 128;)", "",
              "error: race: "},
        Fault{"ResultNotWritten", R"(stmatrix[^;]*;)", "",
              "error: initialization: "},
        Fault{
            "ResultElsewhere",
            R"((cp\.async\.bulk\.tensor[^;]*global\.shared[^;]*tilewright_shared)\])",
            "$1+100000]", "error: memory: "},
        Fault{"HalfOfAWarp", R"(bar\.warp\.sync\s+-1;)",
              "@%p1 bar.warp.sync -1;", "error: divergence: "}),
    [](const auto &info) { return std::string(info.param.name); });

/// What is found above is the fault's.
TEST(PlantedFaultTest, WithoutOne) {
  expectSaid(
      {"", "mbarrier.init", "mbarrier.init", ""},
      [](const Fault &, const std::string &said) { return said.empty(); });
}
