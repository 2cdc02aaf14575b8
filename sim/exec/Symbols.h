//===- Symbols.h - Names that a module's text declares ----------*- C++ -*-===//
//
// Which register is what, for people who look into a running kernel. The
// decoder keeps it only where the device's configuration asks; what it holds
// points into the program's source.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_SYMBOLS_H
#define TILEWRIGHT_SIM_EXEC_SYMBOLS_H

#include "sim/exec/Inst.h"
#include "sim/ptx/Source.h"
#include "sim/ptx/Types.h"

#include <string_view>
#include <unordered_map>
#include <vector>

namespace tilewright::sim {

struct FunctionInfo;

/// A name in a function's scope.
struct LocalName {
  enum class Kind : uint8_t {
    Register,
    RegisterRange,
    Local,  ///< offset in the frame's local memory
    Shared, ///< absolute shared address
    Param,  ///< offset in the kernel's parameters
  };
  Kind kind = Kind::Register;
  ptx::Type type = ptx::Type::None;
  uint32_t bytes = 0; ///< of a register
  uint32_t vector = 1;
  Ref ref = 0; ///< register, or the first of a range
  uint32_t count = 0;
  uint32_t offset = 0;
  uint64_t size = 0;
};

/// A declaration; of a range, its prefix.
struct Symbol {
  std::string_view name;
  LocalName what;
};

/// Braces, with what is declared between them. A name hides those of the scopes
/// around it.
struct SymbolScope {
  size_t parent = 0; ///< the outermost one is its own
  ptx::Location begin = 0, end = ~ptx::Location(0);
  std::vector<Symbol> symbols;
};

/// One register that an instruction names.
struct NamedRegister {
  enum class Role : uint8_t { Result, Source, Both, Address, Guard };
  std::string_view name;
  std::string_view member; ///< `x` of `%v.x`
  Role role = Role::Source;
  /// How the instruction reads its bits; of the declaration where it says
  /// nothing.
  ptx::Type type = ptx::Type::None;
  LocalName what; ///< one register, not a vector
};

/// What an instruction of the text names.
struct InstructionSymbols {
  ptx::Location begin = 0; ///< of its guard, if it has one
  /// Of the decoded instructions that it became, the one that is it.
  Handler main = nullptr;
  std::vector<NamedRegister> registers;
};

struct FunctionSymbols {
  const FunctionInfo *function = nullptr;
  std::vector<SymbolScope> scopes;

  /// The innermost scope that encloses a place.
  size_t scopeAt(ptx::Location location) const;
  /// Whether `symbol` of `scope` is what its name means at a place inside of
  /// `inner`.
  bool isHidden(std::string_view name, size_t scope, size_t inner) const;
};

/// A variable that belongs to the whole module. Shared ones have no address of
/// their own; every kernel places them.
struct ModuleVariable {
  std::string_view name;
  ptx::Space space = ptx::Space::Global;
  ptx::Type type = ptx::Type::None;
  uint64_t address = 0, size = 0;
};

struct ModuleSymbols {
  std::vector<FunctionSymbols> functions;
  std::unordered_map<ptx::Location, InstructionSymbols> instructions;
  std::vector<ModuleVariable> variables;

  const FunctionSymbols *find(const FunctionInfo &function) const;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_SYMBOLS_H
