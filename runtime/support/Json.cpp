//===- Json.cpp - JSON text from files that may be hostile ----------------===//

#include "runtime/support/Json.h"

#include <set>
#include <vector>

namespace tilewright::runtime {

using nlohmann::json;

namespace {
/// Watches a parse: nesting, and keys that appear twice.
class Guard {
public:
  explicit Guard(int maxDepth) : maxDepth(maxDepth) {}

  bool operator()(int depth, json::parse_event_t event, json &value) {
    // The parser keeps going after a `false`, so the first problem is kept.
    if (!problem.empty())
      return false;
    if (depth > maxDepth)
      problem = "nested deeper than " + std::to_string(maxDepth) + " levels";
    else if (event == json::parse_event_t::object_start)
      keys.emplace_back();
    else if (event == json::parse_event_t::object_end)
      keys.pop_back();
    else if (event == json::parse_event_t::key &&
             !keys.back().insert(value.get<std::string>()).second)
      problem = "key " + inQuotes(value.get<std::string>()) + " appears twice";
    return problem.empty();
  }

  std::string problem;

private:
  int maxDepth;
  std::vector<std::set<std::string>> keys;
};
} // namespace

Result<json> parseJson(std::string_view text, tilewright_status failure,
                       JsonLimits limits) {
  Guard guard(limits.depth);
  try {
    json value = json::parse(
        text.begin(), text.end(),
        [&guard](int depth, json::parse_event_t event, json &parsed) {
          return guard(depth, event, parsed);
        });
    if (!guard.problem.empty())
      return Error(failure, "JSON: " + guard.problem);
    return value;
  } catch (const json::exception &problem) {
    if (!guard.problem.empty())
      return Error(failure, "JSON: " + guard.problem);
    // "[json.exception.parse_error.101] parse error at line 1, ...".
    std::string message = problem.what();
    if (size_t end = message.find("] "); end != std::string::npos)
      message.erase(0, end + 2);
    return Error(failure, "JSON: " + message);
  }
}

std::string inQuotes(std::string_view text) {
  constexpr size_t longest = 120;
  std::string result = "'";
  for (char c : text.substr(0, longest)) {
    bool plain = static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
    result += plain ? c : '?';
  }
  if (text.size() > longest)
    result += "...";
  return result + "'";
}

std::string shapeText(const std::vector<int64_t> &shape) {
  std::string result = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    result += (i ? ", " : "") + std::to_string(shape[i]);
  return result + "]";
}

} // namespace tilewright::runtime
