//===- Field.h - One value of a manifest, and where it is -----------------===//
//
// The readers of manifests are written as if every field were right: whatever
// is missing, of another type or out of range leaves through an exception that
// names the field, and `readManifest` turns it into an error.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_BUNDLE_FIELD_H
#define TILEWRIGHT_RUNTIME_BUNDLE_FIELD_H

#include "runtime/bundle/SizeExpr.h"
#include "runtime/support/DType.h"
#include "runtime/support/Result.h"

#include <nlohmann/json_fwd.hpp>

#include <initializer_list>
#include <string>
#include <string_view>

namespace tilewright::runtime {

/// What a reader of a field throws; never leaves runtime/bundle.
struct FieldError {
  Error error;
};

/// A view of a JSON value. It refers to the field it lies in, which must stay
/// alive: hence no lookups on a temporary.
class Field {
public:
  explicit Field(const nlohmann::json &root) : value(root) {}
  /// A size that never bounds an honest file, but keeps sums in 64 bits.
  static constexpr int64_t largest = int64_t(1) << 48;

  /// The member `key`, which must be there.
  Field operator[](std::string_view key) const &;
  Field operator[](std::string_view key) const && = delete;
  bool has(std::string_view key) const;
  /// Refuses a member that is not one of `keys`.
  void allowOnly(std::initializer_list<std::string_view> keys) const;

  /// Number of elements of a list, which must have at most `most`.
  size_t listSize(size_t most) const;
  Field at(size_t index) const &;
  Field at(size_t index) const && = delete;

  bool isString() const;
  bool isNull() const;
  bool isInteger() const;
  bool isObject() const;
  const std::string &text() const;
  int64_t integer(int64_t least, int64_t most) const;
  double number() const;
  bool boolean() const;
  DType dtype() const;
  SizeExpr size() const;
  Shape shape() const;
  std::vector<int64_t> staticShape() const;
  std::string dump() const;

  [[noreturn]] void
  fail(const std::string &problem,
       tilewright_status status = TILEWRIGHT_INVALID_BUNDLE) const;
  std::string path() const;

private:
  Field(const nlohmann::json &value, const Field *parent, std::string_view key,
        size_t index)
      : value(value), parent(parent), key(key), index(index) {}
  SizeExpr size(int depth) const;

  const nlohmann::json &value;
  const Field *parent = nullptr;
  std::string_view key; ///< empty in a list
  size_t index = 0;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_BUNDLE_FIELD_H
