//===- SharedView.cpp - Shared memory, variable by variable ---------------===//

#include "sim/check/Finding.h"
#include "sim/debug/WarpView.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace tilewright::sim::debug {

using ptx::Type;

static constexpr uint64_t rowBytes = 32;
/// Rows of a variable that are printed, equal ones not counted.
static constexpr size_t rowLimit = 64;

namespace {
struct SharedObject {
  std::string name;
  uint64_t offset = 0, size = 0;
  Type type = Type::None;
};
} // namespace

/// What the declaration says; None of bits.
static Type declaredType(const LaunchContext &launch, const std::string &name,
                         uint64_t offset) {
  const ModuleSymbols &symbols = *launch.program->symbols;
  Type type = Type::None;
  for (const ModuleVariable &variable : symbols.variables)
    if (variable.space == ptx::Space::Shared && variable.name == name)
      type = variable.type;
  for (const FunctionSymbols &function : symbols.functions)
    for (const SymbolScope &scope : function.scopes)
      for (const auto &[own, what] : scope.symbols)
        if (what.kind == LocalName::Kind::Shared && what.offset == offset &&
            own == name)
          type = what.type;
  return ptx::isBits(type) ? Type::None : type;
}

static std::vector<SharedObject> objectsOf(const LaunchContext &launch) {
  std::vector<SharedObject> objects;
  for (const SharedVariable &variable :
       launch.launch->kernel->code->sharedVariables)
    objects.push_back({"'" + check::demangled(variable.name) + "'",
                       variable.offset, variable.size,
                       declaredType(launch, variable.name, variable.offset)});
  if (uint64_t dynamic = launch.launch->dynamicSharedBytes)
    objects.push_back(
        {"dynamic", launch.sharedBytes - dynamic, dynamic, Type::None});
  std::sort(objects.begin(), objects.end(),
            [](const auto &a, const auto &b) { return a.offset < b.offset; });
  return objects;
}

static uint64_t bitsAt(const std::byte *at, uint64_t bytes) {
  uint64_t bits = 0;
  std::memcpy(&bits, at, bytes);
  return bits;
}

/// Words in hex, and what they mean.
static std::string rowText(const std::byte *row, uint64_t bytes, Type type) {
  uint64_t element = std::max(ptx::typeBytes(type), 1u);
  uint64_t word = element == 8 ? 8 : 4;
  std::string hex, meaning;
  for (uint64_t at = 0; at < bytes; at += word) {
    uint64_t size = std::min(word, bytes - at);
    char text[24];
    std::snprintf(text, sizeof text, " %0*llx", static_cast<int>(size * 2),
                  static_cast<unsigned long long>(bitsAt(row + at, size)));
    hex += text;
  }
  if (type != Type::None)
    for (uint64_t at = 0; at + element <= bytes; at += element)
      meaning += " " + renderValue(type, bitsAt(row + at, element));
  if (meaning.empty())
    return hex;
  hex.resize(std::max<size_t>(hex.size(), rowBytes / word * (word * 2 + 1)),
             ' ');
  return hex + "  |" + meaning;
}

static std::string objectText(const Cta &cta, const SharedObject &object) {
  std::string text = "  " + object.name + " at " +
                     std::to_string(object.offset) + ", " +
                     std::to_string(object.size) + " bytes" +
                     (object.type == Type::None
                          ? ""
                          : " of ." + std::string(typeName(object.type))) +
                     "\n";
  const std::byte *data = cta.shared + object.offset;
  uint64_t end =
      std::min<uint64_t>(object.size, cta.sharedSize - object.offset);
  size_t shown = 0;
  bool elided = false;
  for (uint64_t at = 0; at < end; at += rowBytes) {
    uint64_t bytes = std::min(rowBytes, end - at);
    bool isLast = at + rowBytes >= end;
    bool repeats = at && bytes == rowBytes && !isLast &&
                   std::memcmp(data + at, data + at - rowBytes, rowBytes) == 0;
    if (repeats) {
      text += elided ? "" : "         *\n";
      elided = true;
      continue;
    }
    elided = false;
    if (++shown > rowLimit) {
      text += "    ... " + std::to_string(end - at) + " bytes more\n";
      break;
    }
    char head[24];
    std::snprintf(head, sizeof head, "%8s", ("+" + std::to_string(at)).c_str());
    text += head + rowText(data + at, bytes, object.type) + "\n";
  }
  return text;
}

std::string renderShared(const Cta &cta, const LaunchContext &launch,
                         const std::map<uint64_t, ptx::Type> &types) {
  std::string text;
  for (SharedObject &object : objectsOf(launch)) {
    auto used = types.find(object.offset);
    if (object.type == Type::None && used != types.end())
      object.type = used->second;
    text += objectText(cta, object);
  }
  return text.empty() ? "" : "shared memory\n" + text;
}

} // namespace tilewright::sim::debug
