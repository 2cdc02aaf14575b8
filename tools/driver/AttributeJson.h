//===- AttributeJson.h - Attributes as JSON -------------------------------===//
#ifndef TILEWRIGHT_TOOLS_DRIVER_ATTRIBUTEJSON_H
#define TILEWRIGHT_TOOLS_DRIVER_ATTRIBUTEJSON_H

#include "mlir/IR/BuiltinAttributes.h"

#include <nlohmann/json.hpp>

namespace tilewright {

/// Dictionaries, arrays, strings, numbers, booleans; anything else as its text.
nlohmann::json toJson(mlir::Attribute attribute);

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_DRIVER_ATTRIBUTEJSON_H
