//===- WeightValues.h - Weight expressions as the manifest has them -------===//
#ifndef TILEWRIGHT_TOOLS_DRIVER_WEIGHTVALUES_H
#define TILEWRIGHT_TOOLS_DRIVER_WEIGHTVALUES_H

#include "mlir/IR/Value.h"

#include <nlohmann/json.hpp>

namespace tilewright {

/// Name of an element type in manifests; an empty string if it has none.
std::string getDTypeName(mlir::Type type);

/// The `value` tree of a weight expression (runtime/README.md). Fails with a
/// diagnostic at the op that has no such form.
mlir::FailureOr<nlohmann::json> getWeightValue(mlir::Value value);

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_DRIVER_WEIGHTVALUES_H
