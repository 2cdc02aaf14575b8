//===- AttributeJson.cpp - Attributes as JSON -----------------------------===//

#include "tools/driver/AttributeJson.h"

using namespace mlir;
using nlohmann::json;

namespace tilewright {

json toJson(Attribute attribute) {
  if (!attribute)
    return nullptr;
  if (auto dictionary = dyn_cast<DictionaryAttr>(attribute)) {
    json object = json::object();
    for (NamedAttribute entry : dictionary)
      object[entry.getName().str()] = toJson(entry.getValue());
    return object;
  }
  if (auto array = dyn_cast<ArrayAttr>(attribute)) {
    json list = json::array();
    for (Attribute element : array)
      list.push_back(toJson(element));
    return list;
  }
  if (auto numbers = dyn_cast<DenseI64ArrayAttr>(attribute))
    return std::vector<int64_t>(numbers.asArrayRef().begin(),
                                numbers.asArrayRef().end());
  if (auto text = dyn_cast<StringAttr>(attribute))
    return text.getValue().str();
  if (auto flag = dyn_cast<BoolAttr>(attribute))
    return flag.getValue();
  if (auto integer = dyn_cast<IntegerAttr>(attribute))
    return integer.getInt();
  if (auto number = dyn_cast<FloatAttr>(attribute))
    return number.getValueAsDouble();
  std::string text;
  llvm::raw_string_ostream(text) << attribute;
  return text;
}

} // namespace tilewright
