//===- Diagnostics.h - Errors that point into a user's text -----*- C++ -*-===//
//
// Everything a user hands to a front end is text or names a file. An error says
// where (file, line, column, the line itself with a caret), what is wrong in
// one line, and what to do about it.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_FRONTEND_DIAGNOSTICS_H
#define TILEWRIGHT_FRONTEND_DIAGNOSTICS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/raw_ostream.h"

#include <cstddef>
#include <string>
#include <vector>

namespace tilewright::frontend {

/// A text and the name under which messages speak of it.
struct SourceText {
  std::string name;
  std::string text;
};

struct Diagnostic {
  enum class Severity { Warning, Error };

  Severity severity = Severity::Error;
  std::string file;
  /// 1-based; 0 where the message is about the file as a whole.
  unsigned line = 0;
  unsigned column = 0;
  /// The part of the line that is shown, and where in it the caret goes.
  std::string excerpt;
  unsigned caret = 0;
  std::string message;
  /// What the user can do; may be empty.
  std::string hint;

  void print(llvm::raw_ostream &os) const;
};

/// Collects the diagnostics of one import. Several errors may be found in one
/// go: a user with three bad fields should not need three attempts.
class DiagnosticSink {
public:
  /// An error at a byte offset of `source`.
  void error(const SourceText &source, size_t offset,
             const llvm::Twine &message, const llvm::Twine &hint = "");
  /// An error about a file or directory as a whole.
  void error(llvm::StringRef file, const llvm::Twine &message,
             const llvm::Twine &hint = "");
  void warning(const SourceText &source, size_t offset,
               const llvm::Twine &message, const llvm::Twine &hint = "");

  bool hasErrors() const { return errors != 0; }
  size_t errorCount() const { return errors; }
  const std::vector<Diagnostic> &all() const { return diagnostics; }
  void print(llvm::raw_ostream &os) const;

private:
  void add(Diagnostic diagnostic);

  std::vector<Diagnostic> diagnostics;
  size_t errors = 0;
};

} // namespace tilewright::frontend

#endif // TILEWRIGHT_FRONTEND_DIAGNOSTICS_H
