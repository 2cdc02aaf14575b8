//===- AnnotateTest.cpp - Counts in the margin of small kernels -----------===//

#include "sim/debug/Annotate.h"
#include "tests/sim/debug/ProfileRun.h"

#include <cstdio>
#include <fstream>
#include <sstream>

namespace tilewright::sim::debug {

namespace {
/// Lines of an annotated text.
struct Annotated {
  explicit Annotated(const ProfileRun &run)
      : text(renderAnnotated(run.profile.kernels())) {}

  /// What stands left of the line that ends like this, and its first number;
  /// "missing" if there is no such line or more than one.
  std::string marginOf(const std::string &ending) const {
    std::istringstream lines(text);
    std::string found = "missing";
    for (std::string line; std::getline(lines, line);) {
      size_t bar = line.find('|');
      if (bar == line.npos || !line.ends_with("| " + ending))
        continue;
      if (found != "missing")
        return "twice";
      std::istringstream margin(line.substr(0, bar));
      found.clear();
      margin >> found;
    }
    return found;
  }
  bool has(const std::string &part) const {
    return text.find(part) != text.npos;
  }

  std::string text;
};
} // namespace

TEST(Annotate, ZeroIsNotBlank) {
  ProfileRun run;
  run.block = {96, 1, 1};
  run.runBody("setp.ne.u32 %p1, %r1, %r1;\n"
              "@%p1 bra NEVER;\n"
              "bra DONE;\n"
              "NEVER:\n"
              "add.u32 %r3, %r1, 1;\n"
              "DONE:");
  Annotated annotated(run);
  EXPECT_EQ(annotated.marginOf("setp.ne.u32 %p1, %r1, %r1;"), "3");
  // Issued never, its guard looked at three times; and never reached.
  EXPECT_EQ(annotated.marginOf("@%p1 bra NEVER;"), "0");
  EXPECT_EQ(annotated.marginOf("add.u32 %r3, %r1, 1;"), "0");
  EXPECT_EQ(annotated.marginOf("NEVER:"), "");
  EXPECT_EQ(annotated.marginOf("no such line"), "missing");
}

/// Instructions of one line are summed: two of them, four warps.
TEST(Annotate, InstructionsOfALine) {
  ProfileRun run;
  run.block = {128, 1, 1};
  run.runBody("add.u32 %r3, %r1, 1; add.u32 %r4, %r1, 2;");
  EXPECT_EQ(
      Annotated(run).marginOf("add.u32 %r3, %r1, 1; add.u32 %r4, %r1, 2;"),
      "8");
}

static std::string withFunctions() {
  return ".version 8.5\n.target sm_90a\n.address_size 64\n"
         ".func called() {\n.reg .b32 %c;\nmov.u32 %c, 7;\nret;\n}\n"
         ".func unused() {\n.reg .b32 %u;\nmov.u32 %u, 9;\nret;\n}\n"
         ".visible .entry k(.param .u64 out, .param .u64 in) {\n"
         "call called;\n"
         "ret; // } { in a comment\n"
         "}\n"
         ".visible .entry other() {\n.reg .b32 %o;\nmov.u32 %o, 5;\nret;\n}\n";
}

TEST(Annotate, ShowsWhatTheKernelCalled) {
  ProfileRun run;
  run.run(withFunctions());
  Annotated annotated(run);
  EXPECT_EQ(annotated.marginOf("mov.u32 %c, 7;"), "1");
  EXPECT_EQ(annotated.marginOf("ret; // } { in a comment"), "1");
  EXPECT_FALSE(annotated.has("%u"));
  EXPECT_FALSE(annotated.has("%o"));
}

TEST(Annotate, LinesOfTheSource) {
  std::string path = testing::TempDir() + "/annotated-source.cu";
  std::ofstream(path) << "first line\nsecond line\nthird line\n";
  ProfileRun run;
  run.runBody(".loc 1 1 1\nadd.u32 %r3, %r1, 1;");
  ProfileRun named;
  named.grid = {5, 1, 1};
  std::string text = kernelText(".loc 1 1 1\nadd.u32 %r3, %r1, 1;\n"
                                "add.u32 %r4, %r1, 2;\n"
                                ".loc 1 3 1\nadd.u32 %r5, %r1, 3;\n"
                                ".loc 2 40 1\nadd.u32 %r6, %r1, 4;\n"
                                ".loc 1 1 5\nadd.u32 %r7, %r1, 5;\n"
                                ".loc 2 41 1") +
                     ".file 1 \"" + path + "\"\n.file 2 \"/nowhere/at.all\"\n";
  named.run(text);
  Annotated annotated(named);
  EXPECT_EQ(annotated.marginOf("first line"), "15"); // three times five
  EXPECT_EQ(annotated.marginOf("second line"), "");
  EXPECT_EQ(annotated.marginOf("third line"), "5");
  EXPECT_TRUE(
      annotated.has("-- /nowhere/at.all\n   (the file cannot be read)"));
  // Without `.file` the lines have no name, and no section.
  EXPECT_FALSE(Annotated(run).has("first line"));
  std::remove(path.c_str());
}

TEST(Annotate, AFileThatHasChanged) {
  std::string path = testing::TempDir() + "/annotated-short.cu";
  std::ofstream(path) << "only line\n";
  ProfileRun run;
  run.run(kernelText(".loc 1 30 1\nadd.u32 %r3, %r1, 1;") + ".file 1 \"" +
          path + "\"\n");
  EXPECT_TRUE(Annotated(run).has("(the file has fewer lines than the PTX"));
  std::remove(path.c_str());
}

} // namespace tilewright::sim::debug
