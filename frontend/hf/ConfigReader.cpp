//===- ConfigReader.cpp - Fields of a config, each accounted for ----------===//

#include "frontend/hf/ConfigReader.h"

using namespace llvm;

namespace tilewright::frontend {

std::string ConfigReader::quoted(StringRef name) const {
  return "\"" + prefix + name.take_front(80).str() + "\"";
}

const JsonValue *ConfigReader::value(StringRef name) {
  known.insert(name);
  const JsonValue *found = object.find(name);
  return found && !found->isNull() ? found : nullptr;
}

const JsonValue *ConfigReader::typed(StringRef name, JsonValue::Kind kind) {
  const JsonValue *found = value(name);
  if (!found || found->kind == kind)
    return found;
  // An integer is a number too; the tree holds both.
  if (kind == JsonValue::Kind::Real && found->kind == JsonValue::Kind::Integer)
    return found;
  error(name, "field " + quoted(name) + " must be " + describe(kind) +
                  ", but is " + describe(found->kind));
  return nullptr;
}

std::optional<int64_t> ConfigReader::integer(StringRef name) {
  const JsonValue *found = typed(name, JsonValue::Kind::Integer);
  return found ? std::optional(found->integer) : std::nullopt;
}

std::optional<double> ConfigReader::real(StringRef name) {
  const JsonValue *found = typed(name, JsonValue::Kind::Real);
  return found ? std::optional(found->real) : std::nullopt;
}

std::optional<bool> ConfigReader::boolean(StringRef name) {
  const JsonValue *found = typed(name, JsonValue::Kind::Boolean);
  return found ? std::optional(found->boolean) : std::nullopt;
}

std::optional<StringRef> ConfigReader::string(StringRef name) {
  const JsonValue *found = typed(name, JsonValue::Kind::String);
  return found ? std::optional<StringRef>(found->string) : std::nullopt;
}

int64_t ConfigReader::size(StringRef name, int64_t max,
                           std::optional<int64_t> fallback) {
  size_t before = sink.errorCount();
  std::optional<int64_t> found = integer(name);
  if (!found) {
    if (!fallback && sink.errorCount() == before)
      error(name, "field " + quoted(name) + " is missing");
    return fallback.value_or(1);
  }
  if (*found >= 1 && *found <= max)
    return *found;
  error(name, "field " + quoted(name) + " must be in [1, " + Twine(max) +
                  "], but is " + Twine(*found));
  return 1;
}

void ConfigReader::expectFailed(StringRef name, const JsonValue &value,
                                StringRef expected, const Twine &hint) {
  error(name,
        "field " + quoted(name) + " is supported only as " + expected +
            ", but is " + value.summary(),
        hint);
}

void ConfigReader::expect(StringRef name, bool expected, const Twine &hint) {
  const JsonValue *found = typed(name, JsonValue::Kind::Boolean);
  if (found && found->boolean != expected)
    expectFailed(name, *found, expected ? "true" : "false", hint);
}

void ConfigReader::expect(StringRef name, double expected, const Twine &hint) {
  const JsonValue *found = typed(name, JsonValue::Kind::Real);
  if (!found || found->real == expected)
    return;
  JsonValue wanted;
  wanted.kind = JsonValue::Kind::Real;
  wanted.real = expected;
  expectFailed(name, *found, wanted.summary(), hint);
}

void ConfigReader::ignore(ArrayRef<StringRef> names) {
  for (StringRef name : names)
    known.insert(name);
}

/// True if the value can only mean that the feature is off.
static bool saysNothing(const JsonValue &value) {
  switch (value.kind) {
  case JsonValue::Kind::Null:
    return true;
  case JsonValue::Kind::Boolean:
    return !value.boolean;
  case JsonValue::Kind::String:
    return value.string.empty();
  case JsonValue::Kind::Array:
    return value.elements.empty();
  case JsonValue::Kind::Object:
    return value.members.empty();
  case JsonValue::Kind::Integer:
  case JsonValue::Kind::Real:
    return false; // 0 may be a factor
  }
  return false;
}

void ConfigReader::refuseRest(StringRef family) {
  for (const JsonMember &member : object.members) {
    if (known.contains(member.name) || saysNothing(member.value))
      continue;
    sink.error(source, member.nameOffset,
               "field " + quoted(member.name) + " is not supported in a " +
                   family + " model",
               "what is not understood may change the result; if this field "
               "does not, pass --ignore-config-field=" +
                   prefix + StringRef(member.name).take_front(80));
  }
}

void ConfigReader::error(StringRef name, const Twine &message,
                         const Twine &hint) {
  const JsonValue *found = object.find(name);
  sink.error(source, found ? found->offset : object.offset, message, hint);
}

void ConfigReader::warning(StringRef name, const Twine &message,
                           const Twine &hint) {
  const JsonValue *found = object.find(name);
  sink.warning(source, found ? found->offset : object.offset, message, hint);
}

ConfigReader ConfigReader::nested(StringRef name,
                                  const JsonValue &value) const {
  ConfigReader inner(source, value, sink, prefix + name.str() + ".");
  // What the user asked to ignore may lie in here: "rope_scaling.factor".
  for (StringRef path : known.keys())
    if (path.consume_front(name) && path.consume_front("."))
      inner.known.insert(path);
  return inner;
}

} // namespace tilewright::frontend
