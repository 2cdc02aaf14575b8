//===- BundleWriter.cpp - Writing a bundle --------------------------------===//

#include "tools/driver/BundleWriter.h"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

namespace tilewright {

using runtime::Error;
using runtime::Result;
using runtime::success;

// The first day that a zip archive can name: 1 January 1980, 0:00.
static constexpr uint16_t fixedDate = 1 << 5 | 1;
static constexpr uint16_t fixedTime = 0;
static constexpr uint32_t fixedMode = (S_IFREG | 0644u) << 16;

//===----------------------------------------------------------------------===//
// The archive
//===----------------------------------------------------------------------===//

namespace {

/// An archive that grows in memory.
class Archive {
public:
  ~Archive() {
    if (archive)
      zip_discard(archive);
    if (buffer)
      zip_source_free(buffer);
  }

  Result<void> open();
  Result<void> add(const std::string &name, const std::string &content);
  Result<std::string> finish();

private:
  Error failed(const std::string &what, zip_error_t *error) const {
    return Error(TILEWRIGHT_INTERNAL,
                 "cannot " + what + ": " + zip_error_strerror(error));
  }

  zip_source_t *buffer = nullptr;
  zip_t *archive = nullptr;
};

} // namespace

Result<void> Archive::open() {
  zip_error_t error;
  zip_error_init(&error);
  buffer = zip_source_buffer_create(nullptr, 0, 0, &error);
  if (buffer)
    archive = zip_open_from_source(buffer, ZIP_TRUNCATE, &error);
  if (!archive)
    return failed("make a zip archive", &error);
  // The archive gives its reference back on closing; ours reads the bytes.
  zip_source_keep(buffer);
  return success();
}

Result<void> Archive::add(const std::string &name, const std::string &content) {
  zip_source_t *source =
      zip_source_buffer(archive, content.data(), content.size(), 0);
  zip_int64_t index =
      source ? zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8)
             : -1;
  if (index < 0) {
    if (source)
      zip_source_free(source);
    return failed("add " + name, zip_get_error(archive));
  }
  zip_uint64_t member = zip_uint64_t(index);
  if (zip_set_file_compression(archive, member, ZIP_CM_STORE, 0) != 0 ||
      zip_file_set_dostime(archive, member, fixedTime, fixedDate, 0) != 0 ||
      zip_file_set_external_attributes(archive, member, 0, ZIP_OPSYS_UNIX,
                                       fixedMode) != 0)
    return failed("add " + name, zip_get_error(archive));
  return success();
}

Result<std::string> Archive::finish() {
  if (zip_close(archive) != 0)
    return failed("write the archive", zip_get_error(archive));
  archive = nullptr;
  zip_stat_t info;
  zip_error_t *error = zip_source_error(buffer);
  if (zip_source_stat(buffer, &info) != 0 || zip_source_open(buffer) != 0)
    return failed("read the archive", error);
  std::string bytes(size_t(info.size), '\0');
  zip_int64_t got = zip_source_read(buffer, bytes.data(), bytes.size());
  zip_source_close(buffer);
  if (got != zip_int64_t(bytes.size()))
    return failed("read the archive", error);
  return bytes;
}

Result<std::string> encodeBundle(const nlohmann::json &manifest,
                                 const BundleMembers &members) {
  // Strings of the front end may hold anything; what is not UTF-8 is replaced.
  std::string text =
      manifest.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  BundleMembers all = members;
  if (!all.emplace("manifest.json", std::move(text)).second)
    return Error(TILEWRIGHT_INVALID_ARGUMENT,
                 "a bundle has one manifest.json, and it is made here");
  Archive archive;
  TILEWRIGHT_TRY(archive.open());
  for (const auto &[name, content] : all)
    TILEWRIGHT_TRY(archive.add(name, content));
  return archive.finish();
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

static Error fileError(const std::string &path, const char *what) {
  return Error(TILEWRIGHT_IO_ERROR,
               path + ": " + what + ": " + std::strerror(errno));
}

/// Writes everything and closes; errno says what went wrong.
static bool writeAndClose(int descriptor, const std::string &bytes,
                          bool durable) {
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t count =
        ::write(descriptor, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      break;
    done += size_t(count);
  }
  // A full disk may show up only when the data leaves the cache.
  bool written = done == bytes.size() && (!durable || ::fsync(descriptor) == 0);
  int problem = errno;
  bool closed = ::close(descriptor) == 0;
  if (!written)
    errno = problem;
  return written && closed;
}

static Result<void> writeInPlace(const std::string &path,
                                 const std::string &bytes) {
  int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0)
    return fileError(path, "cannot open for writing");
  if (!writeAndClose(descriptor, bytes, /*durable=*/false))
    return fileError(path, "cannot write");
  return success();
}

/// mkstemp makes files that only their owner can read; a bundle gets what the
/// user's mask allows.
static mode_t ordinaryMode() {
  mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

Result<void> publishFile(const std::string &path, const std::string &bytes) {
  struct stat status;
  bool exists = ::stat(path.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) {
    errno = EISDIR;
    return fileError(path, "cannot write");
  }
  if (exists && !S_ISREG(status.st_mode))
    return writeInPlace(path, bytes);
  // A rename would replace a file that is protected from being written to.
  if (exists && ::access(path.c_str(), W_OK) != 0)
    return fileError(path, "cannot write");
  // Through a link, the file it leads to is replaced, not the link.
  std::unique_ptr<char, decltype(&::free)> resolved(
      exists ? ::realpath(path.c_str(), nullptr) : nullptr, &::free);
  std::string target = resolved ? resolved.get() : path;
  std::string temporary = target + ".XXXXXX";
  int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0)
    return fileError(path, "cannot write");
  if (::fchmod(descriptor, ordinaryMode()) != 0 ||
      !writeAndClose(descriptor, bytes, /*durable=*/true) ||
      ::rename(temporary.c_str(), target.c_str()) != 0) {
    Error error = fileError(path, "cannot write");
    ::unlink(temporary.c_str());
    return error;
  }
  return success();
}

Result<void> writeBundle(const std::string &path,
                         const nlohmann::json &manifest,
                         const BundleMembers &members) {
  TILEWRIGHT_ASSIGN(std::string bytes, encodeBundle(manifest, members));
  return publishFile(path, bytes);
}

} // namespace tilewright
