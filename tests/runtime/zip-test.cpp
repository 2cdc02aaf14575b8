//===- zip-test.cpp - Archives that are not what they should be -----------===//

#include "runtime/bundle/Bundle.h"
#include "runtime/bundle/Crc32.h"
#include "tests/runtime/TestBundle.h"

#include <gtest/gtest.h>

#include <random>

using namespace tilewright::runtime;
using namespace tilewright::runtime::test;

namespace {

const Members small = {{"a", "first"}, {"b", "second"}};

std::string errorOf(const std::string &archive) {
  auto members = readZip(std::as_bytes(std::span(archive)));
  return members ? "" : members.error().message();
}

/// `archive` with the bytes at `offset` replaced.
template <typename T>
std::string patched(std::string archive, size_t offset, T value) {
  archive.replace(offset, sizeof(T), reinterpret_cast<const char *>(&value),
                  sizeof(T));
  return archive;
}

size_t endOf(const std::string &archive) { return archive.size() - 22; }
size_t directoryOf(const std::string &archive) {
  return archive.find("PK\x01\x02");
}

} // namespace

TEST(Zip, ReadsMembers) {
  std::string archive = makeZip(small);
  auto members = readZip(std::as_bytes(std::span(archive)));
  ASSERT_TRUE(members) << members.error().message();
  EXPECT_EQ(members->size(), 2u);
  EXPECT_EQ(members->find("b")->second, "second");
}

TEST(Zip, EmptyAndNotZip) {
  EXPECT_EQ(errorOf(""), "not a zip archive: only 0 bytes");
  EXPECT_EQ(errorOf(std::string(100, 'x')),
            "not a zip archive, or truncated: no end record");
}

TEST(Zip, EveryTruncationIsRefused) {
  std::string bundle = makeBundle();
  for (size_t size = 0; size < bundle.size(); size += 7)
    EXPECT_NE(errorOf(bundle.substr(0, size)), "") << "cut to " << size;
}

TEST(Zip, EveryBitFlipIsRefusedOrHarmless) {
  std::string archive = makeZip(small);
  for (size_t bit = 0; bit < archive.size() * 8; ++bit) {
    std::string flipped = archive;
    flipped[bit / 8] ^= char(1 << bit % 8);
    auto members = readZip(std::as_bytes(std::span(flipped)));
    if (!members)
      continue;
    // Times, versions and attributes mean nothing to us; contents do.
    for (const auto &[name, content] : *members)
      EXPECT_TRUE(content == "first" || content == "second") << "bit " << bit;
  }
}

TEST(Zip, LyingFields) {
  std::string archive = makeZip(small);
  size_t end = endOf(archive), directory = directoryOf(archive);
  struct Case {
    std::string archive;
    const char *message;
  } cases[] = {
      {patched<uint16_t>(archive, end + 4, 1),
       "archives split over several files are not supported"},
      {patched<uint16_t>(archive, end + 10, 3),
       "archives split over several files are not supported"},
      {patched<uint32_t>(archive, end + 16, 0xffffffff),
       "the zip directory does not end where the end record begins"},
      {patched<uint32_t>(archive, end + 12, 0),
       "the zip directory does not end where the end record begins"},
      {patched<uint16_t>(archive, directory + 28, 0xffff),
       "damaged zip directory"},
      {patched<uint16_t>(archive, directory + 8, 1), "member 'a' is encrypted"},
      {patched<uint16_t>(archive, directory + 8, 8),
       "member 'a' has a data descriptor"},
      {patched<uint16_t>(archive, directory + 10, 8),
       "member 'a' is compressed"},
      {patched<uint32_t>(archive, directory + 24, 0x7fffffff),
       "member 'a' is compressed"},
      {patched<uint32_t>(archive, directory + 42, 0xfffffff0),
       "member 'a': its local header disagrees with the directory"},
      {patched<uint32_t>(archive, directory + 16, 0),
       "member 'a': its local header disagrees with the directory"},
      {patched<char>(archive, 31, 'F'), "member 'a' is damaged (wrong CRC)"},
  };
  for (const Case &each : cases)
    EXPECT_EQ(errorOf(each.archive), each.message);
}

TEST(Zip, MembersMustNotOverlapOrRepeat) {
  std::string archive = makeZip(small);
  // The second record becomes a copy of the first.
  size_t directory = directoryOf(archive);
  std::string twice = archive;
  twice.replace(directory + 47, 47, archive.substr(directory, 47));
  EXPECT_EQ(errorOf(twice), "member 'a' appears twice");
}

TEST(Zip, Crc) {
  EXPECT_EQ(crc32("123456789"), 0xcbf43926u); // the check value of CRC-32
  EXPECT_EQ(crc32(""), 0u);
}

/// Whatever a bundle is turned into, opening it gives a bundle or one line.
TEST(Bundle, MutationsNeverCrash) {
  std::mt19937 random(1);
  auto pick = [&](size_t below) { return size_t(random() % below); };
  for (int round = 0; round < 3000; ++round) {
    Members members = makeMembers();
    std::string manifest = makeManifest().dump();
    // In the manifest, past the CRCs: they would catch almost everything.
    for (size_t i = 0, count = 1 + pick(4); i < count; ++i) {
      size_t at = pick(manifest.size());
      switch (pick(4)) {
      case 0:
        manifest[at] = char(random());
        break;
      case 1:
        manifest.erase(at, 1 + pick(8));
        break;
      case 2:
        manifest.insert(at, std::to_string(random()) + "99999999999");
        break;
      default:
        manifest.insert(at, manifest.substr(pick(manifest.size()), pick(64)));
      }
    }
    members["manifest.json"] = manifest;
    auto bundle = Bundle::fromMemory(makeZip(members), "b");
    if (!bundle) {
      EXPECT_FALSE(bundle.error().message().empty());
    }
  }
}

TEST(Bundle, MissingFile) {
  auto bundle = Bundle::open("/nowhere/model.twb");
  ASSERT_FALSE(bundle);
  EXPECT_EQ(bundle.error().status(), TILEWRIGHT_NOT_FOUND);
  EXPECT_EQ(bundle.error().message(), "/nowhere/model.twb: cannot open: No "
                                      "such file or directory");
  TemporaryFolder folder;
  bundle = Bundle::open(folder.path());
  ASSERT_FALSE(bundle);
  EXPECT_EQ(bundle.error().status(), TILEWRIGHT_IO_ERROR);
}
