//===- Readers.h - Readers of the parts of a manifest ---------------------===//
//
// Internal to runtime/bundle: each throws `FieldError`.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_BUNDLE_READERS_H
#define TILEWRIGHT_RUNTIME_BUNDLE_READERS_H

#include "runtime/bundle/Field.h"
#include "runtime/bundle/Manifest.h"

#include <map>
#include <string>

namespace tilewright::runtime {

/// Index by name, to resolve references.
using NameIndex = std::map<std::string, size_t, std::less<>>;

/// Adds `name` with the next index; refuses one that is there.
void addName(NameIndex &names, const Field &name);
/// Index of the name that `field` holds; refuses an unknown one.
size_t findName(const NameIndex &names, const Field &field, const char *what);

/// `inputs`, `outputs`, `caches`: TensorReader.cpp.
void readInputs(const Field &list, Manifest &manifest);
void readOutputs(const Field &list, Manifest &manifest);
void readCaches(const Field &list, Manifest &manifest);

/// `weights`: ValueReader.cpp.
void readWeights(const Field &list, Manifest &manifest);

/// `kernels`: KernelReader.cpp.
void readKernels(const Field &list, const ZipMembers &members,
                 Manifest &manifest);

/// `entry_points`: PlanReader.cpp; needs all of the above.
void readEntryPoints(const Field &object, Manifest &manifest);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_BUNDLE_READERS_H
