//===- KernelReproducerTest.cpp - Kernels that cannot be compiled ---------===//
// Written by hand, so that the stages themselves fail and nothing is planted.
//===----------------------------------------------------------------------===//

#include "tools/driver/InternalError.h"
#include "tools/driver/KernelCompiler.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

#include <filesystem>

using namespace mlir;

namespace tilewright {
namespace {

/// The bug that compiling `kernels` runs into.
std::unique_ptr<InternalError> compileToBug(StringRef kernels,
                                            unsigned threads = 1) {
  CompilerContext context;
  auto module = parseSourceString<ModuleOp>(kernels, &context.get());
  EXPECT_TRUE(module) << context.takeDiagnostics();
  CompileOptions options;
  options.threads = threads;
  auto compiled = compileKernels(*module, options);
  EXPECT_FALSE(compiled);
  std::unique_ptr<InternalError> bug;
  llvm::Error rest = compiled.takeError();
  EXPECT_TRUE(rest.isA<InternalError>());
  llvm::handleAllErrors(
      std::move(rest),
      [&](std::unique_ptr<InternalError> error) { bug = std::move(error); });
  return bug;
}

/// An instruction that sm_90a lacks: instruction selection ends the process,
/// if it is let.
constexpr StringLiteral kUnselectable = R"mlir(
  tile.kernel @unselectable(%y: !tile.global<64xf32>) attributes {grid = [1]} {
    tile.role @only warpgroups = 1 {
      nvvm.tcgen05.wait <load>
    }
  }
)mlir";

/// More shared memory than an SM has, which a pass finds.
constexpr StringLiteral kTooLarge = R"mlir(
  tile.kernel @too_large(%x: !tile.global<?x64xbf16, [tokens]>) attributes {grid = [1]} {
    %c0 = arith.constant 0 : index
    %ring = tile.ring : !tile.ring<16, !tile.shared<256x64xbf16, swizzle = 128>>
    tile.role @load warps = 1 {
      %tile = tile.acquire %ring : !tile.ring<16, !tile.shared<256x64xbf16, swizzle = 128>>
      tile.copy %x[%c0, %c0] to %tile : !tile.global<?x64xbf16, [tokens]>, !tile.shared<256x64xbf16, swizzle = 128>
      tile.commit %ring : !tile.ring<16, !tile.shared<256x64xbf16, swizzle = 128>>
    }
    tile.role @math warpgroups = 1 {
      %tile = tile.wait %ring : !tile.ring<16, !tile.shared<256x64xbf16, swizzle = 128>>
      tile.release %ring : !tile.ring<16, !tile.shared<256x64xbf16, swizzle = 128>>
    }
  }
)mlir";

TEST(KernelReproducer, WhatLlvmCannotSelect) {
  std::unique_ptr<InternalError> bug = compileToBug(kUnselectable);
  EXPECT_EQ(bug->headline.find(
                "kernel 'unselectable' cannot be written as PTX: LLVM reports "
                "a fatal error: Cannot select: "),
            0u)
      << bug->headline;
  ASSERT_EQ(bug->reproducer.files.count("unselectable.nvvm.mlir"), 1u);
  EXPECT_NE(bug->reproducer.files["unselectable.nvvm.mlir"].find("llvm.func"),
            std::string::npos);
  EXPECT_EQ(bug->reproducer.command,
            "tilewright-translate --to=ptx --chip=sm_90a "
            "{dir}/unselectable.nvvm.mlir");
}

TEST(KernelReproducer, APassThatFails) {
  std::unique_ptr<InternalError> bug = compileToBug(kTooLarge);
  EXPECT_EQ(bug->headline, "pass 'tile-plan-shared-memory' failed");
  EXPECT_NE(bug->details.find("shared memory"), std::string::npos)
      << bug->details;
  const std::string &text =
      bug->reproducer.files["tile-plan-shared-memory.mlir"];
  EXPECT_NE(text.find("tile.kernel @too_large"), std::string::npos);
  EXPECT_NE(text.find("builtin.module(tile.kernel(tile-plan-shared-memory"),
            std::string::npos);
}

/// Of several, the first in order, however many threads find them.
TEST(KernelReproducer, OneOfSeveral) {
  std::string both = (kTooLarge + kUnselectable).str();
  for (unsigned threads : {1u, 2u})
    EXPECT_EQ(compileToBug(both, threads)->headline,
              "pass 'tile-plan-shared-memory' failed");
}

/// No bug, but nothing that a bundle can launch.
TEST(KernelReproducer, AScalarArgumentIsRefused) {
  CompilerContext context;
  auto module = parseSourceString<ModuleOp>(R"mlir(
    tile.kernel @scaled(%y: !tile.global<64xf32>, %factor: f32) attributes {warps = 1, grid = [1]} {
    })mlir",
                                            &context.get());
  ASSERT_TRUE(module) << context.takeDiagnostics();
  auto compiled = compileKernels(*module, CompileOptions());
  ASSERT_FALSE(compiled);
  llvm::Error error = compiled.takeError();
  EXPECT_FALSE(error.isA<InternalError>());
  EXPECT_EQ(
      llvm::toString(std::move(error)),
      "kernel 'scaled': argument 1 is a scalar, f32, for which a bundle's "
      "launches have no value; pass a tensor of one element, and read it "
      "with tile.load_scalar");
}

TEST(KernelReproducer, IsWrittenWholeOrNotAtAll) {
  SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("reproducer-test", folder));
  std::string place = (folder + "/bug").str();
  Reproducer reproducer{{{"a.txt", "text"}}, "run {dir}/a.txt in {dir}"};
  llvm::Expected<std::string> command = writeReproducer(reproducer, place);
  ASSERT_TRUE(bool(command));
  EXPECT_EQ(*command, "run " + place + "/a.txt in " + place);
  auto file = llvm::MemoryBuffer::getFile(place + "/a.txt");
  ASSERT_TRUE(bool(file));
  EXPECT_EQ((*file)->getBuffer(), "text");

  // A file that cannot be written: the older folder stays as it was.
  reproducer.files["no/such/folder.txt"] = "";
  EXPECT_TRUE(
      llvm::errorToBool(writeReproducer(reproducer, place).takeError()));
  EXPECT_TRUE(llvm::sys::fs::exists(place + "/a.txt"));
  std::filesystem::directory_iterator found(folder.str().str());
  EXPECT_EQ(std::distance(begin(found), end(found)), 1);
  llvm::sys::fs::remove_directories(folder);
}

} // namespace
} // namespace tilewright
