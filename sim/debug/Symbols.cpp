//===- Symbols.cpp - What a place in text or memory is called -------------===//

#include "sim/debug/Symbols.h"

#include "sim/check/Finding.h"

#include <algorithm>
#include <bit>

namespace tilewright::sim::debug {

using ptx::Space;
using Kind = LocalName::Kind;

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

static std::string quoted(std::string_view name) {
  return "'" + check::demangled(std::string(name)) + "'";
}

PlacedName AddressNames::global(uint64_t address) const {
  if (launch.program->symbols)
    for (const ModuleVariable &variable : launch.program->symbols->variables)
      if (variable.space != Space::Shared && variable.address &&
          address - variable.address < std::max<uint64_t>(variable.size, 1))
        return {"variable " + quoted(variable.name), variable.address};
  if (!launch.memory.contains(address, 1))
    return {};
  Host::Object object = host.findObject(address);
  return {object.name, object.address};
}

PlacedName AddressNames::shared(uint64_t offset) const {
  for (const SharedVariable &variable :
       launch.launch->kernel->code->sharedVariables)
    if (offset - variable.offset < variable.size)
      return {"shared " + quoted(variable.name), variable.offset};
  uint64_t dynamic = launch.sharedBytes - launch.launch->dynamicSharedBytes;
  if (offset >= dynamic && offset < launch.sharedBytes)
    return {"dynamic shared memory", dynamic};
  return {"shared memory", 0};
}

PlacedName AddressNames::local(const Frame &frame, uint64_t address) const {
  const FunctionSymbols *symbols =
      launch.program->symbols ? launch.program->symbols->find(*frame.function)
                              : nullptr;
  if (symbols)
    for (const SymbolScope &scope : symbols->scopes)
      for (const auto &[name, what] : scope.symbols)
        if (uint64_t start = uint64_t(frame.localBase) + what.offset;
            what.kind == Kind::Local && address - start < what.size)
          return {"local " + quoted(name), start};
  return {"local memory", 0};
}

PlacedName AddressNames::generic(uint64_t address) const {
  if (address - sharedWindow >= windowSize)
    return global(address);
  uint64_t offset = address - sharedWindow;
  if ((offset & clusterOffsetMask) >= launch.sharedBytes)
    return {};
  PlacedName found = shared(offset & clusterOffsetMask);
  found.start += address - (offset & clusterOffsetMask);
  uint64_t rank = offset >> clusterRankShift;
  if (rank)
    found.name += " of the cluster's block " + std::to_string(rank - 1);
  return found;
}

/// What may be addresses is read more easily in hex.
static std::string renderWide(LaneValues values) {
  for (uint64_t bits : values.bits)
    if (bits >= sharedWindow && bits >> 48 == 0)
      values.type = ptx::Type::B64;
  return renderValues(values);
}

std::string renderNamed(const LaneValues &values, const AddressNames &names) {
  if (ptx::typeBytes(values.type) != 8 || ptx::isFloat(values.type) ||
      values.bits.empty())
    return renderValues(values);
  PlacedName object = names.generic(values.bits[0]);
  if (!object)
    return renderWide(values);
  LaneValues offsets = values;
  offsets.type = ptx::Type::S64;
  for (uint64_t &bits : offsets.bits) {
    PlacedName other = names.generic(bits);
    if (other.start != object.start || other.name != object.name)
      return renderWide(values);
    bits -= object.start;
  }
  return object.name + " + " + renderValues(offsets);
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

const InstructionSymbols *symbolsOf(const Program &program, const Inst &inst) {
  if (!program.symbols)
    return nullptr;
  auto found = program.symbols->instructions.find(inst.location);
  return found != program.symbols->instructions.end() &&
                 found->second.main == inst.run
             ? &found->second
             : nullptr;
}

/// Behind a comment that begins at `at`, or `at` itself.
static size_t skipComment(std::string_view text, size_t at) {
  if (text.substr(at).starts_with("//"))
    return std::min(text.find('\n', at), text.size());
  if (!text.substr(at).starts_with("/*"))
    return at;
  size_t end = text.find("*/", at + 2);
  return end == std::string_view::npos ? text.size() : end + 2;
}

std::string instructionText(const ptx::Source &source,
                            const InstructionSymbols &symbols,
                            ptx::Location location) {
  std::string_view text = source.text();
  std::string folded;
  bool space = false;
  for (size_t at = std::min(symbols.begin, location); at < text.size();) {
    size_t next = skipComment(text, at);
    char c = text[at];
    if (next != at || c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      space = !folded.empty();
      at = std::max(next, at + 1);
      continue;
    }
    if (space && c != ';')
      folded += ' ';
    space = false;
    folded += c;
    if (c == ';')
      break;
    ++at;
  }
  return folded;
}

//===----------------------------------------------------------------------===//
// Scopes
//===----------------------------------------------------------------------===//

static uint32_t rowStep(const LocalName &what) {
  if (what.type == ptx::Type::Pred)
    return 1;
  return what.bytes > 8   ? 2 * row64Bytes
         : what.bytes > 4 ? row64Bytes
                          : row32Bytes;
}

/// The single registers of a declaration.
static void addRegisters(const Symbol &symbol,
                         std::vector<VisibleRegister> &registers) {
  bool isRange = symbol.what.kind == Kind::RegisterRange;
  uint32_t count = isRange ? symbol.what.count : symbol.what.vector;
  for (uint32_t i = 0; i < count; ++i) {
    LocalName one = symbol.what;
    one.kind = Kind::Register;
    one.vector = 1;
    one.ref += i * rowStep(one);
    std::string name(symbol.name);
    if (isRange)
      name += std::to_string(i);
    else if (count > 1)
      name += std::string(".") + "xyzw"[i];
    registers.push_back({std::move(name), one});
  }
}

/// Scopes around a place, the outermost first.
static std::vector<size_t> scopesAround(const FunctionSymbols &function,
                                        size_t inner) {
  std::vector<size_t> chain = {inner};
  while (chain.back() != 0)
    chain.push_back(function.scopes[chain.back()].parent);
  std::reverse(chain.begin(), chain.end());
  return chain;
}

std::vector<VisibleRegister> visibleRegisters(const FunctionSymbols &function,
                                              ptx::Location location) {
  size_t inner = function.scopeAt(location);
  std::vector<VisibleRegister> registers;
  for (size_t scope : scopesAround(function, inner)) {
    std::vector<VisibleRegister> own;
    for (const Symbol &symbol : function.scopes[scope].symbols)
      if (symbol.what.kind == Kind::Register ||
          symbol.what.kind == Kind::RegisterRange)
        addRegisters(symbol, own);
    for (VisibleRegister &each : own)
      if (!function.isHidden(each.name.substr(0, each.name.find('.')), scope,
                             inner))
        registers.push_back(std::move(each));
  }
  return registers;
}

std::vector<Symbol> visibleVariables(const FunctionSymbols &function,
                                     ptx::Location location) {
  size_t inner = function.scopeAt(location);
  std::vector<Symbol> variables;
  for (size_t scope : scopesAround(function, inner))
    for (const Symbol &symbol : function.scopes[scope].symbols)
      if ((symbol.what.kind == Kind::Local ||
           symbol.what.kind == Kind::Param) &&
          !function.isHidden(symbol.name, scope, inner))
        variables.push_back(symbol);
  return variables;
}

} // namespace tilewright::sim::debug
