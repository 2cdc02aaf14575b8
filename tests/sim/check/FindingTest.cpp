//===- FindingTest.cpp - Findings are folded in an order of their own -----===//

#include "sim/check/Finding.h"
#include "sim/check/Report.h"
#include "sim/check/Session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>

using namespace tilewright::sim;
using namespace tilewright::sim::check;

static const char *const kText = ".entry first()\n"
                                 "{\n"
                                 "  .loc 2 17 5\n"
                                 "\tst.global.u32 [%rd1], %r1;\n"
                                 "  .loc 1 4 1, function_name $name, "
                                 "inlined_at 2 20 3\n"
                                 "  ld.global.u32 %r1, [%rd1];\n"
                                 "}\n"
                                 ".entry second()\n"
                                 "{\n"
                                 "  ret;\n"
                                 "}\n"
                                 ".file 1 \"math.h\"\n"
                                 ".file 2 \"dir/a.cu\", 123, 456\n";

namespace {

class FindingTest : public ::testing::Test {
protected:
  Finding at(size_t line, uint32_t block = 0, uint32_t thread = 0) const {
    Finding finding;
    finding.kernel = "first";
    finding.launch = 1;
    finding.place = {&source, location(line)};
    finding.block = Dim3{block, 0, 0};
    finding.thread = Dim3{thread, 0, 0};
    finding.message = "wrong";
    return finding;
  }
  /// Of the first character of a line that is no blank.
  ptx::Location location(size_t line) const {
    size_t begin = 0;
    for (size_t i = 1; i < line; ++i)
      begin = source.text().find('\n', begin) + 1;
    return ptx::Location(source.text().find_first_not_of(" \t", begin));
  }

  ptx::Source source{kText, "module.ptx"};
  Findings findings{4};
};

} // namespace

TEST_F(FindingTest, RepeatsAreCountedAndTheFirstIsKept) {
  findings.add(at(4, 2, 7));
  findings.add(at(4, 1, 9));
  findings.add(at(4, 1, 8));
  std::vector<Record> records = findings.records();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].count, 3u);
  EXPECT_EQ(records[0].finding.block, (Dim3{1, 0, 0}));
  EXPECT_EQ(records[0].finding.thread, (Dim3{8, 0, 0}));
}

TEST_F(FindingTest, PairsKindsAndSeveritiesAreApart) {
  Finding pair = at(4), kind = at(4), formal = at(4);
  pair.other = {&source, location(6)};
  kind.kind = Kind::Race;
  formal.severity = Severity::Formal;
  findings.add(formal);
  EXPECT_FALSE(findings.hasErrors());
  for (const Finding &each : {at(4), pair, kind})
    findings.add(each);
  EXPECT_EQ(findings.records().size(), 4u);
  EXPECT_TRUE(findings.hasErrors());
}

TEST_F(FindingTest, LaunchesComeFirstThenLines) {
  Finding late = at(4), early = at(10);
  late.launch = 2;
  findings.add(late);
  findings.add(early);
  findings.add(at(6));
  std::vector<Record> records = findings.records();
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].place.line, 6u);
  EXPECT_EQ(records[1].place.line, 10u);
  EXPECT_EQ(records[2].place.line, 4u);
}

TEST_F(FindingTest, TheLimitKeepsTheFirstOnesInAnyOrder) {
  std::vector<size_t> lines = {1, 3, 4, 5, 6, 7, 8, 10};
  std::vector<size_t> shuffled = lines;
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    findings.clear();
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    for (size_t line : shuffled)
      findings.add(at(line));
    std::vector<Record> records = findings.records();
    ASSERT_EQ(records.size(), 4u);
    for (size_t i = 0; i < 4; ++i)
      EXPECT_EQ(records[i].place.line, lines[i]);
    EXPECT_EQ(findings.dropped(), 4u);
  }
}

TEST_F(FindingTest, ThreadsDoNotChangeTheReport) {
  std::string expected;
  for (unsigned count : {1u, 2u, 8u}) {
    Findings many;
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < count; ++t)
      threads.emplace_back([&, t] {
        for (uint32_t block = t; block < 400; block += count)
          for (size_t line : {4, 6, 10})
            many.add(at(line, 400 - block, uint32_t(line)));
      });
    for (std::thread &thread : threads)
      thread.join();
    std::string text = renderJson(many.records());
    if (expected.empty())
      expected = text;
    EXPECT_EQ(text, expected);
  }
  EXPECT_NE(expected.find("\"count\":400"), std::string::npos);
}

TEST_F(FindingTest, PlacesNameTheirSource) {
  ResolvedPlace store = resolve({&source, location(4)});
  EXPECT_EQ(store.line, 4u);
  EXPECT_EQ(store.column, 2u);
  EXPECT_EQ(store.text, "\tst.global.u32 [%rd1], %r1;");
  EXPECT_EQ(store.original, "dir/a.cu:17");
  ResolvedPlace load = resolve({&source, location(6)});
  EXPECT_EQ(load.original, "math.h:4");
  EXPECT_EQ(load.inlinedAt, "dir/a.cu:20");
  // Another function's line is not this one's.
  EXPECT_EQ(resolve({&source, location(10)}).original, "");
}

TEST_F(FindingTest, TextOutlivesTheModule) {
  {
    ptx::Source gone{kText, "gone.ptx"};
    Finding finding = at(4);
    finding.place.source = &gone;
    finding.kernel = "_Z5firstPf";
    finding.address = 0x1234;
    finding.object = "4 bytes into table";
    findings.add(finding);
  }
  EXPECT_EQ(renderText(findings.records()[0]),
            "gone.ptx:4:2: error: memory: wrong\n"
            "\tst.global.u32 [%rd1], %r1;\n"
            "\t^\n"
            "  kernel 'first(float*)', block (0,0,0), thread (0,0,0), "
            "dir/a.cu:17\n"
            "  address 0x1234: 4 bytes into table\n");
}

TEST_F(FindingTest, JsonSurvivesAnyBytes) {
  Finding finding;
  finding.message = "quote \" and \xff";
  findings.add(finding);
  EXPECT_EQ(renderJson(findings.records()),
            "{\"schema_version\": 1,\n \"findings\": [\n  "
            "{\"kind\":\"memory\",\"severity\":\"error\",\"kernel\":null,"
            "\"ptx_line\":null,\"other_ptx_line\":null,\"source\":null,"
            "\"address\":null,\"object\":null,\"block\":null,\"thread\":null,"
            "\"other_block\":null,\"other_thread\":null,"
            "\"message\":\"quote \\\" and \xef\xbf\xbd\",\"count\":1}]}\n");
  EXPECT_EQ(renderJson({}), "{\"schema_version\": 1,\n \"findings\": []}\n");
}

TEST(KindSet, NamesOfKinds) {
  std::string error;
  EXPECT_EQ(KindSet::parse("all", error), KindSet::all());
  std::optional<KindSet> two = KindSet::parse("race,wgmma", error);
  ASSERT_TRUE(two);
  EXPECT_TRUE(two->has(Kind::Race) && two->has(Kind::Wgmma));
  EXPECT_FALSE(two->has(Kind::Memory));
  for (const char *wrong : {"", "Race", "race,", ",race", "race wgmma"})
    EXPECT_FALSE(KindSet::parse(wrong, error)) << wrong;
}
