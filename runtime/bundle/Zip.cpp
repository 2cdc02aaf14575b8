//===- Zip.cpp - Reader of zip archives with stored members ---------------===//
//
// Field offsets are those of PKWARE's APPNOTE 6.3, sections 4.3.7 (local file
// header), 4.3.12 (central directory) and 4.3.16 (end record).
//
//===----------------------------------------------------------------------===//

#include "runtime/bundle/Zip.h"

#include "runtime/bundle/Crc32.h"
#include "runtime/support/Json.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace tilewright::runtime {

static constexpr uint32_t localSignature = 0x04034b50;
static constexpr uint32_t directorySignature = 0x02014b50;
static constexpr uint32_t endSignature = 0x06054b50;
static constexpr size_t localBytes = 30;
static constexpr size_t directoryBytes = 46;
static constexpr size_t endBytes = 22;
static constexpr size_t maxCommentBytes = 0xffff;
static constexpr uint16_t encryptedFlag = 1 << 0;
static constexpr uint16_t descriptorFlag = 1 << 3;

static Error bad(const std::string &message) {
  return Error(TILEWRIGHT_INVALID_BUNDLE, message);
}

template <typename T>
static T read(std::span<const std::byte> bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

namespace {
struct EndRecord {
  size_t entries;
  size_t directory;
  size_t directorySize;
};
struct Record {
  std::string name;
  uint16_t flags;
  uint16_t method;
  uint32_t crc;
  uint32_t size;
  size_t local;
  size_t recordSize;
};
struct Extent {
  size_t begin;
  size_t end;
  std::string name;
};
} // namespace

/// (C1) The end record is the last thing in the file, but for a comment.
static Result<EndRecord> readEnd(std::span<const std::byte> archive) {
  if (archive.size() < endBytes)
    return bad("not a zip archive: only " + std::to_string(archive.size()) +
               " bytes");
  size_t last = archive.size() - endBytes;
  size_t first = last > maxCommentBytes ? last - maxCommentBytes : 0;
  for (size_t at = last + 1; at-- > first;) {
    if (read<uint32_t>(archive, at) != endSignature ||
        read<uint16_t>(archive, at + 20) != archive.size() - at - endBytes)
      continue;
    uint16_t disk = read<uint16_t>(archive, at + 4);
    uint16_t directoryDisk = read<uint16_t>(archive, at + 6);
    uint16_t diskEntries = read<uint16_t>(archive, at + 8);
    uint16_t entries = read<uint16_t>(archive, at + 10);
    size_t size = read<uint32_t>(archive, at + 12);
    size_t start = read<uint32_t>(archive, at + 16);
    if (disk != 0 || directoryDisk != 0 || diskEntries != entries)
      return bad("archives split over several files are not supported");
    if (start > at || size != at - start)
      return bad("the zip directory does not end where the end record begins");
    return EndRecord{entries, start, size};
  }
  return bad("not a zip archive, or truncated: no end record");
}

/// Reads the record of the central directory at `at`, which ends at `end`.
static Result<Record> readRecord(std::span<const std::byte> archive, size_t at,
                                 size_t end) {
  if (end - at < directoryBytes ||
      read<uint32_t>(archive, at) != directorySignature)
    return bad("damaged zip directory");
  size_t nameSize = read<uint16_t>(archive, at + 28);
  size_t extraSize = read<uint16_t>(archive, at + 30);
  size_t commentSize = read<uint16_t>(archive, at + 32);
  Record record;
  record.recordSize = directoryBytes + nameSize + extraSize + commentSize;
  if (record.recordSize > end - at)
    return bad("damaged zip directory");
  record.name.assign(reinterpret_cast<const char *>(archive.data()) + at +
                         directoryBytes,
                     nameSize);
  record.flags = read<uint16_t>(archive, at + 8);
  record.method = read<uint16_t>(archive, at + 10);
  record.crc = read<uint32_t>(archive, at + 16);
  record.size = read<uint32_t>(archive, at + 24);
  record.local = read<uint32_t>(archive, at + 42);
  if (record.flags & encryptedFlag)
    return bad("member " + inQuotes(record.name) + " is encrypted");
  if (record.flags & descriptorFlag)
    return bad("member " + inQuotes(record.name) + " has a data descriptor");
  if (record.method != 0 || read<uint32_t>(archive, at + 20) != record.size)
    return bad("member " + inQuotes(record.name) + " is compressed");
  return record;
}

/// (C4) Finds the data of a member through its local header.
static Result<std::string_view> readMember(std::span<const std::byte> archive,
                                           const Record &record,
                                           size_t directory) {
  size_t at = record.local;
  Error damaged = bad("member " + inQuotes(record.name) +
                      ": its local header disagrees with the directory");
  if (at > directory || directory - at < localBytes ||
      read<uint32_t>(archive, at) != localSignature)
    return damaged;
  size_t nameSize = read<uint16_t>(archive, at + 26);
  size_t extraSize = read<uint16_t>(archive, at + 28);
  const char *start = reinterpret_cast<const char *>(archive.data());
  if (directory - at - localBytes < nameSize + extraSize ||
      std::string_view(start + at + localBytes, nameSize) != record.name ||
      read<uint16_t>(archive, at + 6) != record.flags ||
      read<uint16_t>(archive, at + 8) != record.method ||
      read<uint32_t>(archive, at + 14) != record.crc ||
      read<uint32_t>(archive, at + 18) != record.size ||
      read<uint32_t>(archive, at + 22) != record.size)
    return damaged;
  size_t data = at + localBytes + nameSize + extraSize;
  if (directory - data < record.size)
    return bad("member " + inQuotes(record.name) + " ends past the directory");
  return std::string_view(start + data, record.size);
}

static Result<void> checkOverlaps(std::vector<Extent> &extents) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent &a, const Extent &b) { return a.begin < b.begin; });
  for (size_t i = 1; i < extents.size(); ++i)
    if (extents[i].begin < extents[i - 1].end)
      return bad("members " + inQuotes(extents[i - 1].name) + " and " +
                 inQuotes(extents[i].name) + " overlap");
  return success();
}

Result<ZipMembers> readZip(std::span<const std::byte> archive) {
  TILEWRIGHT_ASSIGN(EndRecord end, readEnd(archive));
  ZipMembers members;
  std::vector<Extent> extents;
  size_t at = end.directory;
  size_t stop = end.directory + end.directorySize;
  for (size_t i = 0; i < end.entries; ++i) {
    TILEWRIGHT_ASSIGN(Record record, readRecord(archive, at, stop));
    at += record.recordSize;
    TILEWRIGHT_ASSIGN(std::string_view data,
                      readMember(archive, record, end.directory));
    if (crc32(data) != record.crc)
      return bad("member " + inQuotes(record.name) + " is damaged (wrong CRC)");
    size_t dataEnd =
        size_t(data.data() - reinterpret_cast<const char *>(archive.data())) +
        data.size();
    extents.push_back({record.local, dataEnd, record.name});
    if (!members.emplace(record.name, data).second)
      return bad("member " + inQuotes(record.name) + " appears twice");
  }
  if (at != stop)
    return bad("damaged zip directory");
  TILEWRIGHT_TRY(checkOverlaps(extents));
  return members;
}

} // namespace tilewright::runtime
