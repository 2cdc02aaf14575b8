//===- MappedFile.h - A whole file, mapped for reading --------------------===//
#ifndef TILEWRIGHT_RUNTIME_SUPPORT_MAPPEDFILE_H
#define TILEWRIGHT_RUNTIME_SUPPORT_MAPPEDFILE_H

#include "runtime/support/Result.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tilewright::runtime {

/// Owns the mapping; the bytes do not move when the object does.
class MappedFile {
public:
  static Result<MappedFile> open(const std::string &path);

  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {start, length}; }
  std::string_view text() const {
    return {reinterpret_cast<const char *>(start), length};
  }

private:
  MappedFile(const std::byte *start, size_t length)
      : start(start), length(length) {}

  const std::byte *start = nullptr;
  size_t length = 0;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_SUPPORT_MAPPEDFILE_H
