//===- Ast.h - A PTX module as written --------------------------*- C++ -*-===//
//
// Names are views into the Source and are resolved by the decoder, which knows
// the scopes. Nothing here is checked beyond the grammar.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_PTX_AST_H
#define TILEWRIGHT_SIM_PTX_AST_H

#include "sim/ptx/Source.h"
#include "sim/ptx/Types.h"

#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace tilewright::sim::ptx {

struct Operand {
  enum class Kind : uint8_t {
    Name,    ///< register, special register, symbol, label or `_`
    Integer, ///< bits
    Float32, ///< bits
    Float64, ///< bits
    Address, ///< [elements[0] + offset, elements[1]...]
    Vector,  ///< { elements }
    List,    ///< ( elements ), of calls
    Pair,    ///< elements[0] | elements[1]
  };
  Kind kind = Kind::Name;
  bool negated = false; ///< `!` before a predicate
  bool minus = false;   ///< written with a sign
  Location location = 0;
  std::string_view name;
  std::string_view member; ///< `x` of `%tid.x`
  uint64_t bits = 0;
  int64_t offset = 0; ///< of `name + offset`, in addresses too
  std::vector<Operand> elements;
};

struct Modifier {
  std::string_view text; ///< without the dot
  Location location;
};

struct Instruction {
  Location location = 0;
  std::string_view guard; ///< predicate name, empty without one
  bool guardNegated = false;
  Location guardLocation = 0;
  std::string_view opcode;
  std::vector<Modifier> modifiers;
  std::vector<Operand> operands;
};

/// An initializer element; a symbol's address when `symbol` is set.
struct Initializer {
  Operand value;
  bool generic = false;          ///< generic(symbol)
  std::vector<Initializer> list; ///< braces
  bool isList = false;
};

struct Variable {
  Location location = 0;
  Space space = Space::None;
  Type type = Type::None;
  uint32_t vector = 1; ///< 2 or 4 of `.v2`, `.v4`
  uint32_t align = 0;  ///< 0: natural
  std::string_view name;
  uint32_t rangeCount = 0; ///< N of `%r<N>`
  bool isArray = false;
  bool isUnsized = false; ///< `name[]`
  uint64_t elements = 1;
  bool isExtern = false;
  bool isVisible = false;
  bool isWeak = false;
  bool isCommon = false;
  bool isManaged = false; ///< `.attribute(.managed)`
  bool isPointer = false; ///< `.ptr` of parameters
  std::optional<Initializer> initializer;

  /// Bytes of the whole variable.
  uint64_t bytes() const {
    return uint64_t(typeBytes(type)) * vector * elements;
  }
  uint32_t alignment() const {
    return align ? align : typeBytes(type) * vector;
  }
};

struct Label {
  Location location;
  std::string_view name;
};
struct ScopeBegin {
  Location location;
};
struct ScopeEnd {
  Location location;
};
/// `name: .branchtargets a, b;` and `name: .calltargets f, g;`
struct TargetList {
  Location location;
  std::string_view name;
  bool isCall = false;
  std::vector<Operand> targets;
};
/// `name: .callprototype (ret) _ (params);`
struct CallPrototype {
  Location location;
  std::string_view name;
  std::vector<Variable> returns;
  std::vector<Variable> params;
};
/// `.loc file line column`
struct SourceLine {
  uint32_t file, line, column;
};

using Statement = std::variant<Instruction, Variable, Label, ScopeBegin,
                               ScopeEnd, TargetList, CallPrototype, SourceLine>;

struct Function {
  Location location = 0;
  std::string_view name;
  bool isEntry = false;
  bool isExtern = false;
  bool isVisible = false;
  bool isWeak = false;
  bool hasBody = false;
  std::vector<Variable> returns;
  std::vector<Variable> params;
  std::optional<std::array<uint32_t, 3>> maxThreads;      ///< .maxntid
  std::optional<std::array<uint32_t, 3>> requiredThreads; ///< .reqntid
  std::optional<std::array<uint32_t, 3>> requiredCluster;
  uint32_t minBlocksPerSm = 0;
  uint32_t maxRegisters = 0;
  uint32_t maxClusterRank = 0;
  bool explicitCluster = false;
  bool blocksAreClusters = false;
  std::vector<Statement> body;
};

struct Alias {
  Location location;
  std::string_view name, target;
};

struct ModuleAst {
  std::string_view version;
  std::string_view target;
  Location targetLocation = 0;
  uint32_t addressSize = 64;
  std::vector<Variable> variables;
  std::vector<Function> functions;
  std::vector<Alias> aliases;
};

} // namespace tilewright::sim::ptx

#endif // TILEWRIGHT_SIM_PTX_AST_H
