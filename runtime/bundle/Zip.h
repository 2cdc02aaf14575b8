//===- Zip.h - Reader of zip archives with stored members -----------------===//
//
// Bundles need one corner of the zip format: no compression, no encryption, no
// zip64. Reading that corner takes less code than guarding a general library
// against hostile files.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_BUNDLE_ZIP_H
#define TILEWRIGHT_RUNTIME_BUNDLE_ZIP_H

#include "runtime/support/Result.h"

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace tilewright::runtime {

/// The members of an archive by name; each points into the archive's bytes.
using ZipMembers = std::map<std::string, std::string_view, std::less<>>;

/// Reads and checks the whole archive:
/// (C1) an end record that fits the end of the file, on a single disk;
/// (C2) a central directory in the file, whose records fill it exactly;
/// (C3) each member stored, not encrypted, its name given once;
/// (C4) each local header agrees with the directory, its data is in the file
///      and overlaps no other member;
/// (C5) the CRC of each member is right.
Result<ZipMembers> readZip(std::span<const std::byte> archive);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_BUNDLE_ZIP_H
