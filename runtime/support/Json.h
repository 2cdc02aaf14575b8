//===- Json.h - JSON text from files that may be hostile ------------------===//
#ifndef TILEWRIGHT_RUNTIME_SUPPORT_JSON_H
#define TILEWRIGHT_RUNTIME_SUPPORT_JSON_H

#include "runtime/support/Result.h"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace tilewright::runtime {

struct JsonLimits {
  int depth = 64;
};

/// Parses `text`. Refuses what a plain parser would let pass: a key that
/// appears twice in an object (its meaning would hang on the reader) and
/// nesting beyond the limit (whoever walks it by recursion could be made to
/// overflow the stack).
Result<nlohmann::json> parseJson(std::string_view text,
                                 tilewright_status failure,
                                 JsonLimits limits = {});

/// `text` in quotes, cut to a length that fits a message, without control
/// characters: names from a file are shown in messages.
std::string inQuotes(std::string_view text);

/// A shape as "[2, 3]".
std::string shapeText(const std::vector<int64_t> &shape);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_SUPPORT_JSON_H
