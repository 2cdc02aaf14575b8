//===- Json.cpp - JSON whose values know where they were written ----------===//
//
// nlohmann/json does the lexing and the grammar and calls back once per token,
// before it reads on. Its events carry no position, so the text is fed through
// an iterator that counts: a token starts where the separators after the one
// before it end.
//
//===----------------------------------------------------------------------===//

#include "frontend/Json.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <iterator>
#include <limits>

using namespace llvm;

namespace tilewright::frontend {

// Deeper than any published config, shallow enough for recursion over the tree.
static constexpr size_t maxDepth = 32;

namespace {
/// Reads the text and shares how far reading has come.
struct CountingIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char *;
  using reference = const char &;

  const char *at = nullptr;
  size_t *consumed = nullptr;

  reference operator*() const { return *at; }
  CountingIterator &operator++() {
    ++at;
    ++*consumed;
    return *this;
  }
  bool operator==(const CountingIterator &other) const {
    return at == other.at;
  }
  bool operator!=(const CountingIterator &other) const {
    return at != other.at;
  }
};

/// Receives nlohmann's events and grows the tree.
class TreeBuilder {
public:
  using Sax = nlohmann::json_sax<nlohmann::json>;
  using number_integer_t = Sax::number_integer_t;
  using number_unsigned_t = Sax::number_unsigned_t;
  using number_float_t = Sax::number_float_t;
  using string_t = Sax::string_t;
  using binary_t = Sax::binary_t;

  TreeBuilder(const SourceText &source, DiagnosticSink &sink)
      : source(source), sink(sink) {}

  size_t consumed = 0;
  JsonValue root;

  bool null() { return add({}); }
  bool boolean(bool value) {
    JsonValue result;
    result.kind = JsonValue::Kind::Boolean;
    result.boolean = value;
    return add(std::move(result));
  }
  bool number_integer(number_integer_t value) {
    JsonValue result;
    result.kind = JsonValue::Kind::Integer;
    result.integer = value;
    result.real = static_cast<double>(value);
    return add(std::move(result));
  }
  bool number_unsigned(number_unsigned_t value) {
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      return refuse("number is too large");
    return number_integer(static_cast<int64_t>(value));
  }
  bool number_float(number_float_t value, const string_t &) {
    // nlohmann hands an integer of more than 64 bits over as a float.
    JsonValue result;
    result.kind = JsonValue::Kind::Real;
    result.real = value;
    return std::isfinite(value) ? add(std::move(result))
                                : refuse("number is too large");
  }
  bool string(string_t &value) {
    JsonValue result;
    result.kind = JsonValue::Kind::String;
    result.string = value;
    return add(std::move(result));
  }
  bool binary(binary_t &) { return false; } // not part of the text format
  bool start_object(size_t) { return open(JsonValue::Kind::Object); }
  bool start_array(size_t) { return open(JsonValue::Kind::Array); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(string_t &name);
  bool parse_error(size_t position, const std::string &token,
                   const nlohmann::detail::exception &error);

private:
  size_t tokenStart() const {
    return std::min(
        StringRef(source.text).find_first_not_of(" \t\r\n,:]}", last),
        source.text.size());
  }
  bool refuse(const Twine &message, const Twine &hint = "") {
    sink.error(source, tokenStart(), message, hint);
    return false;
  }
  bool add(JsonValue value);
  bool open(JsonValue::Kind kind);
  bool close() {
    stack.pop_back();
    names.pop_back();
    last = consumed;
    return true;
  }

  const SourceText &source;
  DiagnosticSink &sink;
  std::vector<JsonValue *> stack;
  /// Names seen so far in each open object: an index of weights has 100,000.
  std::vector<StringSet<>> names;
  JsonMember pending;
  /// End of the last token that made an event.
  size_t last = 0;
};
} // namespace

bool TreeBuilder::add(JsonValue value) {
  value.offset = tokenStart();
  last = consumed;
  if (stack.empty()) {
    root = std::move(value);
    return true;
  }
  JsonValue &parent = *stack.back();
  if (parent.kind == JsonValue::Kind::Array) {
    parent.elements.push_back(std::move(value));
    return true;
  }
  pending.value = std::move(value);
  parent.members.push_back(std::move(pending));
  pending = {};
  return true;
}

bool TreeBuilder::open(JsonValue::Kind kind) {
  if (stack.size() == maxDepth)
    return refuse("nesting is deeper than " + Twine(maxDepth));
  JsonValue value;
  value.kind = kind;
  add(std::move(value));
  names.emplace_back();
  // Stable until this value is closed: its parent gets no sibling before then.
  if (stack.empty())
    stack.push_back(&root);
  else if (stack.back()->kind == JsonValue::Kind::Array)
    stack.push_back(&stack.back()->elements.back());
  else
    stack.push_back(&stack.back()->members.back().value);
  return true;
}

bool TreeBuilder::key(string_t &name) {
  if (!names.back().insert(name).second)
    return refuse("field \"" + name + "\" occurs twice");
  pending.name = name;
  pending.nameOffset = tokenStart();
  last = consumed;
  return true;
}

bool TreeBuilder::parse_error(size_t position, const std::string &,
                              const nlohmann::detail::exception &error) {
  // "[json.exception.parse_error.101] parse error at line 2, column 4: syntax
  // error while parsing value - unexpected end of input; ..."
  StringRef what = error.what();
  size_t colon = what.find(": ");
  if (colon != StringRef::npos)
    what = what.drop_front(colon + 2);
  what.consume_front("syntax error ");
  // The position is that of the last character read: the culprit, where a token
  // is malformed, but the end of it, where a good token is in the wrong place.
  size_t offset = position == 0 ? 0 : position - 1;
  if (what.contains("unexpected"))
    offset = std::min(offset, tokenStart());
  sink.error(source, offset, "not valid JSON: " + what.take_front(200));
  return false;
}

const JsonValue *JsonValue::find(StringRef name) const {
  for (const JsonMember &member : members)
    if (member.name == name)
      return &member.value;
  return nullptr;
}

std::string JsonValue::summary() const {
  switch (kind) {
  case Kind::Null:
    return "null";
  case Kind::Boolean:
    return boolean ? "true" : "false";
  case Kind::Integer:
    return std::to_string(integer);
  case Kind::Real: {
    std::string result;
    raw_string_ostream(result) << format("%g", real);
    return result;
  }
  case Kind::String:
    return "\"" + StringRef(string).take_front(60).str() + "\"";
  case Kind::Array:
    return "[...]";
  case Kind::Object:
    return "{...}";
  }
  return "";
}

StringRef describe(JsonValue::Kind kind) {
  switch (kind) {
  case JsonValue::Kind::Null:
    return "null";
  case JsonValue::Kind::Boolean:
    return "a boolean";
  case JsonValue::Kind::Integer:
    return "an integer";
  case JsonValue::Kind::Real:
    return "a number";
  case JsonValue::Kind::String:
    return "a string";
  case JsonValue::Kind::Array:
    return "a list";
  case JsonValue::Kind::Object:
    return "an object";
  }
  return "";
}

std::optional<JsonValue> parseJson(const SourceText &source,
                                   DiagnosticSink &sink) {
  TreeBuilder builder(source, sink);
  const char *begin = source.text.data();
  CountingIterator first{begin, &builder.consumed};
  CountingIterator end{begin + source.text.size(), &builder.consumed};
  if (!nlohmann::json::sax_parse(first, end, &builder))
    return std::nullopt;
  return std::move(builder.root);
}

std::optional<SourceText> readTextFile(StringRef path, uint64_t maxBytes,
                                       DiagnosticSink &sink) {
  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(path, status)) {
    sink.error(path, "cannot be read: " + code.message());
    return std::nullopt;
  }
  if (status.type() != sys::fs::file_type::regular_file) {
    sink.error(path, "is not a file");
    return std::nullopt;
  }
  if (status.getSize() > maxBytes) {
    sink.error(path, "has " + Twine(status.getSize()) + " bytes; at most " +
                         Twine(maxBytes) + " are plausible");
    return std::nullopt;
  }
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  if (!buffer) {
    sink.error(path, "cannot be read: " + buffer.getError().message());
    return std::nullopt;
  }
  return SourceText{path.str(), (*buffer)->getBuffer().str()};
}

} // namespace tilewright::frontend
