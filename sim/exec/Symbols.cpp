//===- Symbols.cpp - Names that a module's text declares ------------------===//

#include "sim/exec/Symbols.h"

namespace tilewright::sim {

size_t FunctionSymbols::scopeAt(ptx::Location location) const {
  // A scope comes after the one around it.
  size_t found = 0;
  for (size_t i = 0; i < scopes.size(); ++i)
    if (scopes[i].begin <= location && location < scopes[i].end)
      found = i;
  return found;
}

/// Whether a range and a name without a number are two things.
static bool sameName(const Symbol &symbol, std::string_view name) {
  return symbol.what.kind != LocalName::Kind::RegisterRange &&
         symbol.name == name;
}

static bool isInRange(const Symbol &symbol, std::string_view name) {
  if (symbol.what.kind != LocalName::Kind::RegisterRange ||
      !name.starts_with(symbol.name) || name.size() == symbol.name.size() ||
      name.size() - symbol.name.size() > 9)
    return false;
  uint32_t number = 0;
  for (char digit : name.substr(symbol.name.size())) {
    if (digit < '0' || digit > '9')
      return false;
    number = number * 10 + static_cast<uint32_t>(digit - '0');
  }
  return number < symbol.what.count;
}

bool FunctionSymbols::isHidden(std::string_view name, size_t scope,
                               size_t inner) const {
  for (; inner != scope; inner = scopes[inner].parent)
    for (const Symbol &symbol : scopes[inner].symbols)
      if (sameName(symbol, name) || isInRange(symbol, name))
        return true;
  return false;
}

const FunctionSymbols *ModuleSymbols::find(const FunctionInfo &function) const {
  for (const FunctionSymbols &each : functions)
    if (each.function == &function)
      return &each;
  return nullptr;
}

} // namespace tilewright::sim
