//===- RopeConfig.cpp - How positions become angles -----------------------===//

#include "frontend/hf/RopeConfig.h"

using namespace llvm;

namespace tilewright::frontend {

/// A positive, finite factor; 1, after an error, if it is not one.
static double readFactor(ConfigReader &reader, StringRef name,
                         std::optional<double> fallback = std::nullopt) {
  size_t before = reader.diagnostics().errorCount();
  std::optional<double> found = reader.real(name);
  if (found && *found > 0)
    return *found;
  if (!found && fallback)
    return *fallback;
  if (reader.diagnostics().errorCount() != before)
    return 1;
  if (!found)
    reader.error(name, "field " + reader.quoted(name) + " is missing");
  else
    reader.error(name, "field " + reader.quoted(name) +
                           " must be positive, but is " +
                           reader.value(name)->summary());
  return 1;
}

static void readLlama3Scaling(ConfigReader &reader, RopeConfig &rope,
                              int64_t maxPositions) {
  rope.scaling = RopeConfig::Scaling::Llama3;
  rope.factor = readFactor(reader, "factor");
  rope.lowFreqFactor = readFactor(reader, "low_freq_factor");
  rope.highFreqFactor = readFactor(reader, "high_freq_factor");
  rope.originalMaxPositions = reader.size("original_max_position_embeddings",
                                          maxPlausiblePositions, maxPositions);
  if (rope.highFreqFactor <= rope.lowFreqFactor)
    reader.error("high_freq_factor",
                 "\"high_freq_factor\" must be greater than "
                 "\"low_freq_factor\"");
}

/// The object that says how rope is scaled, in either spelling.
static void readScaling(ConfigReader &reader, RopeConfig &rope,
                        int64_t maxPositions) {
  // Transformers before 4.45 wrote "type".
  StringRef field = reader.has("rope_type") ? "rope_type" : "type";
  StringRef type = reader.string(field).value_or("default");
  reader.string("type");
  if (type == "linear") {
    rope.scaling = RopeConfig::Scaling::Linear;
    rope.factor = readFactor(reader, "factor");
  } else if (type == "llama3") {
    readLlama3Scaling(reader, rope, maxPositions);
  } else if (type != "default") {
    reader.error(field,
                 "rope scaling of type \"" + type.take_front(40) +
                     "\" is not supported",
                 "supported are default, linear and llama3");
    // What its other fields mean is not known, so nothing is said of them.
    return;
  }
  reader.expect("partial_rotary_factor", 1.0,
                "rotating only a part of each head is not supported");
  reader.refuseRest("rope scaling of this");
}

RopeConfig readRope(ConfigReader &reader, int64_t maxPositions) {
  // Transformers' default for every family here.
  static constexpr double defaultTheta = 10000.0;
  RopeConfig rope;
  double outer = readFactor(reader, "rope_theta", defaultTheta);
  bool hasOuter = reader.value("rope_theta");
  rope.theta = outer;
  reader.expect("partial_rotary_factor", 1.0,
                "rotating only a part of each head is not supported");
  reader.expect("rope_interleaved", false,
                "only rotation of the halves of a head is supported");

  const JsonValue *newer = reader.value("rope_parameters");
  const JsonValue *older = reader.value("rope_scaling");
  if (newer && older) {
    reader.error("rope_scaling",
                 "field \"rope_scaling\" is given beside "
                 "\"rope_parameters\"",
                 "they are two spellings of one thing; remove one");
    return rope;
  }
  if (!newer && !older)
    return rope;
  StringRef name = newer ? "rope_parameters" : "rope_scaling";
  const JsonValue &value = newer ? *newer : *older;
  if (value.kind != JsonValue::Kind::Object) {
    reader.error(name, "field " + reader.quoted(name) +
                           " must be an object, but is " +
                           describe(value.kind));
    return rope;
  }
  ConfigReader inner = reader.nested(name, value);
  rope.theta = readFactor(inner, "rope_theta", outer);
  if (hasOuter && rope.theta != outer)
    inner.error("rope_theta", "field " + inner.quoted("rope_theta") +
                                  " contradicts \"rope_theta\"");
  readScaling(inner, rope, maxPositions);
  return rope;
}

} // namespace tilewright::frontend
