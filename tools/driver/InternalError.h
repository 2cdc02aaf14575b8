//===- InternalError.h - A bug of ours, and how to see it again -----------===//
#ifndef TILEWRIGHT_TOOLS_DRIVER_INTERNALERROR_H
#define TILEWRIGHT_TOOLS_DRIVER_INTERNALERROR_H

#include "llvm/Support/Error.h"

#include <map>
#include <string>

namespace tilewright {

/// What shows a bug again: files, and the command that runs on one of them.
struct Reproducer {
  std::map<std::string, std::string> files; // by name, without folders
  /// The command, with `{dir}` for the folder in which the files then lie.
  std::string command;
};

/// The input was right as far as checked, and yet a stage failed or crashed.
class InternalError : public llvm::ErrorInfo<InternalError> {
public:
  static char ID;
  /// `headline` is one line; `details` is what the failing stage said, with all
  /// its lines, and may be empty.
  InternalError(std::string headline, std::string details,
                Reproducer reproducer)
      : headline(std::move(headline)), details(std::move(details)),
        reproducer(std::move(reproducer)) {}

  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }

  std::string headline, details;
  Reproducer reproducer;
};

/// Writes the reproducer's files as the folder `directory`, in place of an
/// older one: all of them, or nothing. Returns the command that runs it again.
llvm::Expected<std::string> writeReproducer(const Reproducer &reproducer,
                                            llvm::StringRef directory);

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_DRIVER_INTERNALERROR_H
