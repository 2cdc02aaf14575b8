//===- ConfigReader.h - Fields of a config, each accounted for --*- C++ -*-===//
//
// A field of a config that nobody looks at may change what the model computes.
// So every field is asked for, named as harmless, or refused: the reader keeps
// the books.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_FRONTEND_HF_CONFIGREADER_H
#define TILEWRIGHT_FRONTEND_HF_CONFIGREADER_H

#include "frontend/Json.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"

#include <optional>

namespace tilewright::frontend {

/// Reads one JSON object. Getters return nothing for a field that is missing or
/// null, and also, after an error, for one of the wrong kind: reading goes on,
/// and the sink knows in the end.
class ConfigReader {
public:
  /// `prefix` goes before field names in messages: "rope_scaling.".
  ConfigReader(const SourceText &source, const JsonValue &object,
               DiagnosticSink &sink, llvm::StringRef prefix = "")
      : source(source), object(object), sink(sink), prefix(prefix.str()) {}

  std::optional<int64_t> integer(llvm::StringRef name);
  std::optional<double> real(llvm::StringRef name);
  std::optional<bool> boolean(llvm::StringRef name);
  std::optional<llvm::StringRef> string(llvm::StringRef name);
  /// The value whatever its kind; null if missing or null.
  const JsonValue *value(llvm::StringRef name);
  /// True if the field is there, be it null.
  bool has(llvm::StringRef name) const { return object.find(name) != nullptr; }

  /// A size in [1, max]; 1, after an error, if it is not one or is missing and
  /// there is no `fallback`.
  int64_t size(llvm::StringRef name, int64_t max,
               std::optional<int64_t> fallback = std::nullopt);

  /// The field may only be missing, null or `expected`: anything else is a
  /// feature that the graph does not have.
  void expect(llvm::StringRef name, bool expected, const llvm::Twine &hint);
  void expect(llvm::StringRef name, double expected, const llvm::Twine &hint);

  /// These fields say nothing about what the model computes.
  void ignore(llvm::ArrayRef<llvm::StringRef> names);
  /// Refuses every field that was neither asked for nor ignored, unless its
  /// value says that there is nothing to it: null, false, "", [] or {}.
  void refuseRest(llvm::StringRef family);

  /// An error at the value of a field, or at the object if it has none.
  void error(llvm::StringRef name, const llvm::Twine &message,
             const llvm::Twine &hint = "");
  void warning(llvm::StringRef name, const llvm::Twine &message,
               const llvm::Twine &hint = "");
  /// A reader of an object that is the value of a field.
  ConfigReader nested(llvm::StringRef name, const JsonValue &value) const;
  /// How the user knows the field: "rope_scaling.factor", in quotes.
  std::string quoted(llvm::StringRef name) const;

  DiagnosticSink &diagnostics() { return sink; }
  const SourceText &text() const { return source; }

private:
  /// The value of a field of this kind; reports one of another kind.
  const JsonValue *typed(llvm::StringRef name, JsonValue::Kind kind);
  void expectFailed(llvm::StringRef name, const JsonValue &value,
                    llvm::StringRef expected, const llvm::Twine &hint);

  const SourceText &source;
  const JsonValue &object;
  DiagnosticSink &sink;
  std::string prefix;
  llvm::StringSet<> known;
};

} // namespace tilewright::frontend

#endif // TILEWRIGHT_FRONTEND_HF_CONFIGREADER_H
