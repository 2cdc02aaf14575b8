//===- Bundle.cpp - An opened bundle --------------------------------------===//

#include "runtime/bundle/Bundle.h"

namespace tilewright::runtime {

Result<void> Bundle::read(std::span<const std::byte> archive) {
  Result<ZipMembers> members = readZip(archive);
  if (!members)
    return members.takeError().in(bundleName);
  Result<Manifest> manifest = readManifest(*members);
  if (!manifest)
    return manifest.takeError().in(bundleName);
  content = *std::move(manifest);
  json = members->find("manifest.json")->second;
  return success();
}

Result<std::shared_ptr<const Bundle>> Bundle::open(const std::string &path) {
  std::shared_ptr<Bundle> bundle(new Bundle(path));
  TILEWRIGHT_ASSIGN(bundle->file, MappedFile::open(path));
  TILEWRIGHT_TRY(bundle->read(bundle->file->bytes()));
  return std::shared_ptr<const Bundle>(std::move(bundle));
}

Result<std::shared_ptr<const Bundle>> Bundle::fromMemory(std::string bytes,
                                                         std::string name) {
  std::shared_ptr<Bundle> bundle(new Bundle(std::move(name)));
  bundle->memory = std::move(bytes);
  TILEWRIGHT_TRY(bundle->read(std::as_bytes(std::span(bundle->memory))));
  return std::shared_ptr<const Bundle>(std::move(bundle));
}

} // namespace tilewright::runtime
