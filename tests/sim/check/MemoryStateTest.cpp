//===- MemoryStateTest.cpp - Objects and written bytes, against a model ---===//

#include "sim/check/MemoryState.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

using namespace tilewright::sim::check;

static constexpr uint64_t kBase = 0x7f0000000000;
static constexpr uint64_t kPage = 65536;

TEST(WrittenBytes, AgreesWithOneFlagAByte) {
  constexpr uint64_t size = 5 * kPage;
  WrittenBytes bytes;
  ASSERT_TRUE(bytes.open(kBase, size));
  std::vector<bool> model(size);
  std::mt19937_64 random(7);
  // Short ranges, ranges around a page's edge, and whole pages.
  auto range = [&](uint64_t &at, uint64_t &count) {
    switch (random() % 3) {
    case 0:
      at = random() % size;
      count = random() % 200;
      break;
    case 1:
      at = random() % 4 * kPage + kPage - random() % 70;
      count = random() % 140;
      break;
    default:
      at = random() % 5 * kPage;
      count = (1 + random() % 3) * kPage;
    }
    count = std::min(count, size - at);
  };
  for (int step = 0; step < 3000; ++step) {
    uint64_t at = 0, count = 0;
    range(at, count);
    bool value = random() % 2;
    value ? bytes.mark(kBase + at, count) : bytes.clear(kBase + at, count);
    std::fill_n(model.begin() + ptrdiff_t(at), count, value);
    range(at, count);
    bool all = true, any = false;
    for (uint64_t i = at; i < at + count; ++i) {
      all = all && model[i];
      any = any || model[i];
    }
    ASSERT_EQ(bytes.allWritten(kBase + at, count), all) << step;
    ASSERT_EQ(bytes.anyWritten(kBase + at, count), any) << step;
  }
}

TEST(WrittenBytes, WhatLiesOutsideIsNotTouched) {
  WrittenBytes bytes;
  ASSERT_TRUE(bytes.open(kBase, 100));
  bytes.mark(kBase - 1, 50);
  bytes.mark(kBase + 90, 1000);
  bytes.mark(0, ~uint64_t(0));
  EXPECT_FALSE(bytes.anyWritten(kBase, 90));
  EXPECT_TRUE(bytes.allWritten(kBase + 90, 10));
}

namespace {
class MemoryStateTest : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_TRUE(memory.open(kBase, 16 * kPage, true));
    memory.allocated({kBase + 512, 100, "first"}, false);
    memory.allocated({kBase + 1024, 64, "second"}, true);
  }
  MemoryState memory;
};
} // namespace

TEST_F(MemoryStateTest, AddressesBelongToTheNearestObject) {
  auto says = [&](uint64_t offset, uint64_t bytes) {
    return memory.describe(kBase + offset, bytes);
  };
  EXPECT_EQ(says(516, 4), "4 bytes into first");
  EXPECT_EQ(says(513, 4), "1 byte into first");
  EXPECT_EQ(says(610, 4), "2 bytes behind first");
  EXPECT_EQ(says(612, 4), "directly behind first");
  EXPECT_EQ(says(700, 4), "88 bytes behind first");
  EXPECT_EQ(says(1020, 4), "4 bytes before second");
  EXPECT_EQ(says(500, 4), "12 bytes before first");
  EXPECT_EQ(memory.describe(kBase + 15 * kPage * 100, 4), "in no allocation");
}

TEST_F(MemoryStateTest, ObjectsEnd) {
  EXPECT_TRUE(memory.findLive(kBase + 512));
  EXPECT_FALSE(memory.findLive(kBase + 612));
  uint64_t before = memory.generation();
  memory.released(kBase + 512);
  EXPECT_NE(memory.generation(), before);
  EXPECT_FALSE(memory.findLive(kBase + 512));
  EXPECT_EQ(memory.describe(kBase + 520, 4),
            "8 bytes into first, which is freed");
  // A new object takes the place of what is freed there.
  memory.allocated({kBase + 600, 8, "third"}, false);
  EXPECT_EQ(memory.describe(kBase + 600, 4), "0 bytes into third");
  EXPECT_EQ(memory.describe(kBase + 520, 4), "80 bytes before third");
}

TEST_F(MemoryStateTest, FreshMemoryIsUnwrittenAgain) {
  const WrittenBytes &bytes = *memory.writtenBytes();
  EXPECT_FALSE(bytes.anyWritten(kBase + 512, 100));
  EXPECT_TRUE(bytes.allWritten(kBase + 1024, 64));
  memory.written(kBase + 512, 100);
  memory.released(kBase + 512);
  memory.allocated({kBase + 512, 100, "again"}, false);
  EXPECT_FALSE(bytes.anyWritten(kBase + 512, 100));
}

TEST_F(MemoryStateTest, CopiesHandOnWhatIsUnwritten) {
  const WrittenBytes &bytes = *memory.writtenBytes();
  std::mt19937 random(3);
  std::vector<bool> model(2000);
  uint64_t source = kBase + 2 * kPage, target = kBase + 4 * kPage + 13;
  memory.written(target, 2000);
  for (int i = 0; i < 60; ++i) {
    uint64_t at = random() % 1950, count = random() % 50;
    memory.written(source + at, count);
    std::fill_n(model.begin() + ptrdiff_t(at), count, true);
  }
  memory.copied(target, source, 2000);
  for (uint64_t i = 0; i < 2000; ++i)
    ASSERT_EQ(bytes.allWritten(target + i, 1), model[i]) << i;
  // From the host everything is written; overlapping copies are like memmove.
  memory.copied(source + 7, source, 1900);
  for (uint64_t i = 0; i < 1900; ++i)
    ASSERT_EQ(bytes.allWritten(source + 7 + i, 1), model[i]) << i;
  memory.copied(target, 0x1000, 2000);
  EXPECT_TRUE(bytes.allWritten(target, 2000));
}
