//===- Bundle.h - An opened bundle ----------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_BUNDLE_BUNDLE_H
#define TILEWRIGHT_RUNTIME_BUNDLE_BUNDLE_H

#include "runtime/bundle/Manifest.h"
#include "runtime/support/MappedFile.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tilewright::runtime {

/// Immutable; owns the bytes that its manifest points into.
class Bundle {
public:
  static Result<std::shared_ptr<const Bundle>> open(const std::string &path);
  static Result<std::shared_ptr<const Bundle>> fromMemory(std::string bytes,
                                                          std::string name);

  /// Path or name, for messages.
  const std::string &name() const { return bundleName; }
  const Manifest &manifest() const { return content; }
  std::string_view manifestText() const { return json; }

private:
  explicit Bundle(std::string name) : bundleName(std::move(name)) {}
  Result<void> read(std::span<const std::byte> archive);

  std::string bundleName;
  std::optional<MappedFile> file;
  std::string memory;
  std::string_view json;
  Manifest content;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_BUNDLE_BUNDLE_H
