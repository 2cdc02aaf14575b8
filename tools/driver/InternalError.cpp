//===- InternalError.cpp - A bug of ours, and how to see it again ---------===//

#include "tools/driver/InternalError.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace tilewright {

char InternalError::ID;

void InternalError::log(raw_ostream &os) const {
  os << headline;
  if (!details.empty())
    os << "\n" << StringRef(details).rtrim();
}

static Error makeError(const Twine &path, std::error_code code) {
  return createStringError(code, path + ": cannot write: " + code.message());
}

static Error writeFile(StringRef path, StringRef text) {
  std::error_code code;
  raw_fd_ostream file(path, code);
  if (code)
    return makeError(path, code);
  file << text;
  file.close();
  code = file.error();
  // The stream's destructor would abort the program.
  file.clear_error();
  return code ? makeError(path, code) : Error::success();
}

/// Puts `made` where an older folder may be, which then is gone.
static Error publish(StringRef made, StringRef directory) {
  SmallString<128> older;
  if (sys::fs::exists(directory)) {
    older = (made + ".old").str();
    if (std::error_code code = sys::fs::rename(directory, older))
      return makeError(directory, code);
  }
  if (std::error_code code = sys::fs::rename(made, directory))
    return makeError(directory, code);
  if (!older.empty())
    (void)sys::fs::remove_directories(older);
  return Error::success();
}

Expected<std::string> writeReproducer(const Reproducer &reproducer,
                                      StringRef directory) {
  SmallString<128> made;
  sys::fs::createUniquePath(directory + ".%%%%%%%%", made,
                            /*MakeAbsolute=*/false);
  if (std::error_code code = sys::fs::create_directory(made))
    return makeError(directory, code);
  auto removeHalf =
      scope_exit([&] { (void)sys::fs::remove_directories(made); });
  for (const auto &[name, text] : reproducer.files) {
    SmallString<128> path(made);
    sys::path::append(path, name);
    if (Error error = writeFile(path, text))
      return std::move(error);
  }
  if (Error error = publish(made, directory))
    return std::move(error);
  removeHalf.release();
  std::string command = reproducer.command;
  static constexpr StringLiteral placeholder = "{dir}";
  for (size_t at; (at = command.find(placeholder)) != std::string::npos;)
    command.replace(at, placeholder.size(), directory);
  return command;
}

} // namespace tilewright
