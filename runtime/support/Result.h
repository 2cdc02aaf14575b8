//===- Result.h - A value or an error with a message ----------------------===//
//
// The runtime links no LLVM and throws nothing across a library edge, so it
// carries its own small `Error` and `Result<T>`. The status is the one of the
// C API, so that an error reaches the caller as it was made.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_SUPPORT_RESULT_H
#define TILEWRIGHT_RUNTIME_SUPPORT_RESULT_H

#include "runtime/tilewright.h"

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace tilewright::runtime {

/// Why something failed: a status of the C API and one line for a person.
class [[nodiscard]] Error {
public:
  Error(tilewright_status status, std::string message)
      : code(status), text(std::move(message)) {
    assert(status != TILEWRIGHT_OK && "an error needs a status");
  }

  tilewright_status status() const { return code; }
  const std::string &message() const { return text; }

  /// The same error with its place in front: "model.twb: kernels[2]: ...".
  Error in(const std::string &place) && {
    return Error(code, place + ": " + text);
  }

private:
  tilewright_status code;
  std::string text;
};

/// A `T`, or the error that kept us from having one.
template <typename T>
class [[nodiscard]] Result {
public:
  Result(T value) : content(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return content.index() == 0; }
  T &operator*() & { return std::get<0>(content); }
  const T &operator*() const & { return std::get<0>(content); }
  T &&operator*() && { return std::get<0>(std::move(content)); }
  T *operator->() { return &std::get<0>(content); }
  const T *operator->() const { return &std::get<0>(content); }
  const Error &error() const { return std::get<1>(content); }
  Error takeError() { return std::get<1>(std::move(content)); }

private:
  std::variant<T, Error> content;
};

/// Success, or an error.
template <>
class [[nodiscard]] Result<void> {
public:
  Result() = default;
  Result(Error error) : failure(std::move(error)) {}

  explicit operator bool() const { return !failure; }
  const Error &error() const { return *failure; }
  Error takeError() { return *std::move(failure); }

private:
  std::optional<Error> failure;
};

inline Result<void> success() { return {}; }

} // namespace tilewright::runtime

/// Leaves the function with the error of `expression`, if it has one.
#define TILEWRIGHT_TRY(expression)                                             \
  do {                                                                         \
    if (auto tilewrightResult = (expression); !tilewrightResult)               \
      return tilewrightResult.takeError();                                     \
  } while (false)

#define TILEWRIGHT_CONCAT_(a, b) a##b
#define TILEWRIGHT_CONCAT(a, b) TILEWRIGHT_CONCAT_(a, b)

/// Declares or assigns `target` from a `Result`, or leaves with its error.
#define TILEWRIGHT_ASSIGN(target, expression)                                  \
  TILEWRIGHT_ASSIGN_(TILEWRIGHT_CONCAT(tilewrightResult, __LINE__), target,    \
                     expression)
#define TILEWRIGHT_ASSIGN_(temporary, target, expression)                      \
  auto temporary = (expression);                                               \
  if (!temporary)                                                              \
    return temporary.takeError();                                              \
  target = *std::move(temporary)

#endif // TILEWRIGHT_RUNTIME_SUPPORT_RESULT_H
