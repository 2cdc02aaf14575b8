//===- MappedFile.cpp - A whole file, mapped for reading ------------------===//

#include "runtime/support/MappedFile.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tilewright::runtime {

static Error systemError(const std::string &path, const char *what) {
  int code = errno;
  tilewright_status status = code == ENOENT || code == ENOTDIR
                                 ? TILEWRIGHT_NOT_FOUND
                                 : TILEWRIGHT_IO_ERROR;
  return Error(status, path + ": " + what + ": " + std::strerror(code));
}

Result<MappedFile> MappedFile::open(const std::string &path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return systemError(path, "cannot open");
  struct stat status;
  if (fstat(descriptor, &status) != 0) {
    Error error = systemError(path, "cannot read its size");
    ::close(descriptor);
    return error;
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(descriptor);
    return Error(TILEWRIGHT_IO_ERROR, path + ": not a regular file");
  }
  size_t length = size_t(status.st_size);
  // An empty mapping is refused by the kernel; an empty span serves as well.
  if (length == 0) {
    ::close(descriptor);
    return MappedFile(nullptr, 0);
  }
  void *start = mmap(nullptr, length, PROT_READ, MAP_PRIVATE, descriptor, 0);
  ::close(descriptor);
  if (start == MAP_FAILED)
    return systemError(path, "cannot map");
  return MappedFile(static_cast<const std::byte *>(start), length);
}

MappedFile::MappedFile(MappedFile &&other) noexcept
    : start(std::exchange(other.start, nullptr)),
      length(std::exchange(other.length, 0)) {}

MappedFile &MappedFile::operator=(MappedFile &&other) noexcept {
  std::swap(start, other.start);
  std::swap(length, other.length);
  return *this;
}

MappedFile::~MappedFile() {
  if (start)
    munmap(const_cast<std::byte *>(start), length);
}

} // namespace tilewright::runtime
