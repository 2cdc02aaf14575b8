//===- Json.h - JSON whose values know where they were written --*- C++ -*-===//
//
// A tree of what a JSON text says, each value and key with its byte offset, so
// that an error about a field can point at it.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_FRONTEND_JSON_H
#define TILEWRIGHT_FRONTEND_JSON_H

#include "frontend/Diagnostics.h"

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tilewright::frontend {

struct JsonMember;

struct JsonValue {
  enum class Kind { Null, Boolean, Integer, Real, String, Array, Object };

  Kind kind = Kind::Null;
  /// Where the value starts in its text.
  size_t offset = 0;
  bool boolean = false;
  int64_t integer = 0;
  double real = 0;
  std::string string;
  std::vector<JsonValue> elements;
  /// In the order of the text; a name occurs once.
  std::vector<JsonMember> members;

  bool isNull() const { return kind == Kind::Null; }
  /// The member of that name, or null. Only objects have members.
  const JsonValue *find(llvm::StringRef name) const;
  /// The value as a user knows it, cut short: for messages.
  std::string summary() const;
};

struct JsonMember {
  std::string name;
  size_t nameOffset = 0;
  JsonValue value;
};

/// "a number", "a string", ...: for messages.
llvm::StringRef describe(JsonValue::Kind kind);

/// Parses `source`, or reports one error and returns nothing. Refused besides
/// what JSON refuses: a name twice in one object (readers differ in which one
/// they take), integers beyond int64, nesting deeper than any sane file has.
std::optional<JsonValue> parseJson(const SourceText &source,
                                   DiagnosticSink &sink);

/// Reads a whole file of at most `maxBytes`, or reports why not.
std::optional<SourceText> readTextFile(llvm::StringRef path, uint64_t maxBytes,
                                       DiagnosticSink &sink);

} // namespace tilewright::frontend

#endif // TILEWRIGHT_FRONTEND_JSON_H
