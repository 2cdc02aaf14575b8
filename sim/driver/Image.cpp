//===- Image.cpp - Finds PTX text in what a program loads -----------------===//
// The container of nvcc's fat binaries: a header, then entries of PTX text or
// machine code, each for one architecture. Its layout is not documented; this
// reads only what public tools agree on, and checks every length against the
// container's own, which is the only bound that a bare pointer gives.
//===----------------------------------------------------------------------===//

#include "sim/driver/Image.h"

#include "sim/driver/Decompress.h"

#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>

namespace tilewright::sim::driver {
namespace {

constexpr uint32_t kWrapperMagic = 0x466243b1;
constexpr uint32_t kFatbinMagic = 0xba55ed50;
constexpr uint32_t kElfMagic = 0x464c457f;
constexpr uint16_t kPtxKind = 1;
/// Flags of an entry: how its payload is packed.
constexpr uint64_t kCompressedLz4 = 0x2000;
constexpr uint64_t kCompressedZstd = 0x8000;

struct Wrapper {
  uint32_t magic, version;
  const void *data;
  void *file;
};

struct FatbinHeader {
  uint32_t magic;
  uint16_t version, headerSize;
  uint64_t bodySize;
};

struct FatbinEntry {
  uint16_t kind, version;
  uint32_t headerSize;
  uint64_t payloadSize;
  uint32_t compressedSize, optionsOffset;
  uint16_t minorVersion, majorVersion;
  uint32_t arch;
  uint32_t nameOffset, nameSize;
  uint64_t flags;
  uint64_t reserved;
  uint64_t uncompressedSize;
};
static_assert(sizeof(FatbinEntry) == 64);

/// What the entries of a fat binary hold.
struct FatbinContents {
  const char *payload = nullptr; ///< of the best PTX
  FatbinEntry entry;
  bool hasMachineCode = false, hasOtherArch = false;
  std::string error;
};

} // namespace

/// The number in "sm_90a".
static uint32_t archNumber(const std::string &arch) {
  return uint32_t(strtoul(arch.c_str() + arch.find('_') + 1, nullptr, 10));
}

static void readEntry(const FatbinEntry &entry, const char *payload,
                      uint32_t deviceArch, FatbinContents &contents) {
  if (entry.kind != kPtxKind) {
    contents.hasMachineCode = true;
    return;
  }
  if (entry.arch > deviceArch) {
    contents.hasOtherArch = true;
    return;
  }
  // The newest architecture wins; of two equal ones the later, which is what
  // "sm_90a after sm_90" in one file needs.
  if (contents.payload && entry.arch < contents.entry.arch)
    return;
  contents.payload = payload;
  contents.entry = entry;
}

/// The text of an entry, unpacked.
static bool readPtx(const FatbinContents &contents, std::string &text,
                    std::string &log) {
  const FatbinEntry &entry = contents.entry;
  if (!(entry.flags & (kCompressedLz4 | kCompressedZstd))) {
    text.assign(contents.payload, strnlen(contents.payload, entry.payloadSize));
    return true;
  }
  if (entry.compressedSize > entry.payloadSize) {
    log = "fat binary whose packed PTX leaves its entry";
    return false;
  }
  bool isWhole = entry.flags & kCompressedZstd
                     ? decompressZstd(contents.payload, entry.compressedSize,
                                      entry.uncompressedSize, text, log)
                     : decompressLz4(contents.payload, entry.compressedSize,
                                     entry.uncompressedSize, text);
  if (!isWhole && log.empty())
    log = "the fat binary's packed PTX is damaged";
  text.resize(strnlen(text.data(), text.size()));
  return isWhole;
}

static FatbinContents readFatbin(const char *image, uint32_t deviceArch) {
  FatbinContents contents;
  FatbinHeader header;
  memcpy(&header, image, sizeof header);
  if (header.headerSize < sizeof header) {
    contents.error = "fat binary with a header of " +
                     std::to_string(header.headerSize) + " bytes";
    return contents;
  }
  const char *cursor = image + header.headerSize;
  uint64_t left = header.bodySize;
  while (left >= sizeof(FatbinEntry)) {
    FatbinEntry entry;
    memcpy(&entry, cursor, sizeof entry);
    if (entry.headerSize < sizeof entry || entry.headerSize > left ||
        entry.payloadSize > left - entry.headerSize) {
      contents.error = "fat binary whose entry leaves its container";
      return contents;
    }
    readEntry(entry, cursor + entry.headerSize, deviceArch, contents);
    cursor += entry.headerSize + entry.payloadSize;
    left -= entry.headerSize + entry.payloadSize;
  }
  return contents;
}

static CUresult findInFatbin(const char *image, const std::string &arch,
                             PtxText &ptx, std::string &log) {
  FatbinContents contents = readFatbin(image, archNumber(arch));
  if (!contents.error.empty()) {
    log = contents.error;
    return CUDA_ERROR_INVALID_IMAGE;
  }
  if (contents.payload) {
    ptx.name = "fatbin.ptx";
    return readPtx(contents, ptx.text, log) ? CUDA_SUCCESS
                                            : CUDA_ERROR_INVALID_IMAGE;
  }
  if (contents.hasOtherArch)
    log = "the fat binary's PTX is for a newer architecture than " + arch +
          "; build with -gencode arch=compute_90a,code=compute_90a";
  else if (contents.hasMachineCode)
    log = "the fat binary holds machine code only, which a simulator of PTX "
          "cannot run; build with -gencode "
          "arch=compute_90a,code=compute_90a";
  else
    log = "the fat binary is empty";
  return CUDA_ERROR_NO_BINARY_FOR_GPU;
}

/// PTX starts with a directive, a comment or white space.
static bool looksLikeText(const char *image) {
  unsigned char first = static_cast<unsigned char>(image[0]);
  return first == '.' || first == '/' || first == '\t' || first == '\n' ||
         first == '\r' || first == ' ';
}

CUresult findPtx(const void *image, const std::string &arch, PtxText &ptx,
                 std::string &log) {
  const char *bytes = static_cast<const char *>(image);
  if (looksLikeText(bytes)) {
    ptx = {bytes, "image.ptx"};
    return CUDA_SUCCESS;
  }
  uint32_t magic = 0;
  for (int i = 0; i < 4 && (i == 0 || bytes[i - 1] != '\0'); ++i)
    magic |= uint32_t(uint8_t(bytes[i])) << (8 * i);
  switch (magic) {
  case kWrapperMagic: {
    Wrapper wrapper;
    memcpy(&wrapper, bytes, sizeof wrapper);
    uint32_t inner = 0;
    if (wrapper.data)
      memcpy(&inner, wrapper.data, sizeof inner);
    if (inner == kFatbinMagic)
      return findInFatbin(static_cast<const char *>(wrapper.data), arch, ptx,
                          log);
    log = "fat binary wrapper around no fat binary";
    return CUDA_ERROR_INVALID_IMAGE;
  }
  case kFatbinMagic:
    return findInFatbin(bytes, arch, ptx, log);
  case kElfMagic:
    log = "the image is machine code (a cubin), which a simulator of PTX "
          "cannot run; load the PTX text, or a fat binary that holds it";
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  default:
    log = "the image is neither PTX text nor a fat binary nor a cubin";
    return CUDA_ERROR_INVALID_IMAGE;
  }
}

CUresult findPtxInFile(const char *path, const std::string &arch, PtxText &ptx,
                       std::string &log) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file) {
    log = std::string(path) + ": cannot be read";
    return CUDA_ERROR_FILE_NOT_FOUND;
  }
  text << file.rdbuf();
  // A file may claim to be longer than it is: zeros behind it end any text,
  // and a fat binary must fit what was read.
  std::string image = text.str();
  FatbinHeader header{};
  if (image.size() >= sizeof header)
    memcpy(&header, image.data(), sizeof header);
  if (header.magic == kFatbinMagic &&
      (header.headerSize > image.size() ||
       header.bodySize > image.size() - header.headerSize)) {
    log = std::string(path) + ": truncated fat binary";
    return CUDA_ERROR_INVALID_IMAGE;
  }
  if (header.magic == kWrapperMagic) {
    log = std::string(path) + ": a fat binary wrapper only works in memory";
    return CUDA_ERROR_INVALID_IMAGE;
  }
  CUresult result = findPtx(image.c_str(), arch, ptx, log);
  if (result == CUDA_SUCCESS)
    ptx.name = path;
  return result;
}

} // namespace tilewright::sim::driver
