//===- Decompress.cpp - Packed payloads of fat binaries -------------------===//

#include "sim/driver/Decompress.h"

#include <cstring>
#include <dlfcn.h>

namespace tilewright::sim::driver {
namespace {

/// The bytes of an LZ4 block, never read past their end.
struct Lz4Reader {
  const uint8_t *cursor, *end;

  uint64_t left() const { return uint64_t(end - cursor); }

  /// A length that goes on while its bytes are 255.
  bool extendLength(uint64_t &length) {
    uint8_t byte;
    do {
      if (cursor == end)
        return false;
      byte = *cursor++;
      length += byte;
    } while (byte == 255);
    return true;
  }
};

} // namespace

bool decompressLz4(const char *packed, uint64_t packedBytes, uint64_t size,
                   std::string &out) {
  // Each packed byte gives at most 255: a larger claim is a lie.
  if (size / 255 > packedBytes)
    return false;
  const auto *first = reinterpret_cast<const uint8_t *>(packed);
  Lz4Reader in{first, first + packedBytes};
  out.clear();
  out.reserve(size);
  while (in.left() != 0) {
    uint8_t token = *in.cursor++;
    uint64_t literals = token >> 4;
    if (literals == 15 && !in.extendLength(literals))
      return false;
    if (literals > in.left() || literals > size - out.size())
      return false;
    out.append(reinterpret_cast<const char *>(in.cursor), literals);
    in.cursor += literals;
    if (in.left() == 0)
      break;
    if (in.left() < 2)
      return false;
    uint64_t distance = in.cursor[0] | uint64_t(in.cursor[1]) << 8;
    in.cursor += 2;
    uint64_t length = token & 15;
    if (length == 15 && !in.extendLength(length))
      return false;
    length += 4;
    if (distance == 0 || distance > out.size() || length > size - out.size())
      return false;
    // Source and target overlap when the distance is short: byte by byte.
    for (uint64_t from = out.size() - distance; length != 0; --length)
      out.push_back(out[from++]);
  }
  return out.size() == size;
}

bool decompressZstd(const char *packed, uint64_t packedBytes, uint64_t size,
                    std::string &out, std::string &error) {
  using Decompress = size_t (*)(void *, size_t, const void *, size_t);
  using ContentSize = unsigned long long (*)(const void *, size_t);
  // Opened where it is needed, so that nobody has to have it: most programs
  // load PTX text.
  static void *library = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
  auto symbol = [](const char *name) {
    return library ? dlsym(library, name) : nullptr;
  };
  static auto decompress =
      reinterpret_cast<Decompress>(symbol("ZSTD_decompress"));
  static auto contentSize =
      reinterpret_cast<ContentSize>(symbol("ZSTD_getFrameContentSize"));
  if (!decompress || !contentSize) {
    error = "the fat binary's PTX is packed with Zstandard and libzstd.so.1 is "
            "not installed; build with --compress-mode=none";
    return false;
  }
  // No PTX is larger, and the claim comes from the file; a block has three
  // bytes at least and gives 128 KiB at most.
  constexpr uint64_t limit = uint64_t(1) << 30, largestBlock = 128 * 1024;
  if (size > limit || size / largestBlock > packedBytes / 3) {
    error = "the fat binary claims " + std::to_string(size) + " bytes of PTX";
    return false;
  }
  // A frame mostly says its size too; then memory is taken only if they agree.
  constexpr unsigned long long unknown = ~0ull;
  unsigned long long frame = contentSize(packed, packedBytes);
  if (frame != size && frame != unknown) {
    error = "the fat binary's packed PTX is damaged";
    return false;
  }
  out.resize(size);
  if (decompress(out.data(), size, packed, packedBytes) == size)
    return true;
  error = "the fat binary's packed PTX is damaged";
  return false;
}

} // namespace tilewright::sim::driver
