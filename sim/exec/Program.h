//===- Program.h - A module's decoded code ----------------------*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_EXEC_PROGRAM_H
#define TILEWRIGHT_SIM_EXEC_PROGRAM_H

#include "sim/exec/Effect.h"
#include "sim/exec/Engine.h"
#include "sim/exec/Inst.h"
#include "sim/exec/RegisterFile.h"
#include "sim/exec/Symbols.h"
#include "sim/ptx/Source.h"
#include "sim/ptx/Types.h"

#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace tilewright::sim {

/// A formal parameter or return value of a function, in its local memory.
struct FormalParam {
  uint32_t offset = 0; ///< in the frame's local memory
  uint32_t size = 0;
};

enum class Builtin : uint8_t { None, Printf, AssertFail, Free };

struct FunctionInfo {
  std::string name;
  bool isEntry = false;
  bool defined = false;
  Builtin builtin = Builtin::None;
  uint32_t index =
      0; ///< in Program::functions; function pointers are made of it
  uint32_t entryPc = 0;
  uint32_t bytes32 = 0; ///< register rows of a frame
  uint32_t bytes64 = 0;
  uint32_t predicates = 0;
  uint32_t localBytes = 0;
  bool mayRecurse = false;
  std::vector<FormalParam> params, returns;
  /// As declared; None for arrays.
  std::vector<ptx::Type> paramTypes, returnTypes;
  std::vector<const FunctionInfo *> callees;
};

/// What a `call` moves. Offsets are in the caller's local memory.
struct CallInfo {
  const FunctionInfo *callee = nullptr; ///< null: indirect through register a
  std::vector<FormalParam> params, returns;
};

/// Targets of brx.idx: label numbers, after layout instruction numbers.
struct BranchTable {
  std::vector<uint32_t> targets;
};

/// Rows of 32 equal lanes, one for each constant that the code mentions.
class ConstantRows {
public:
  Ref ref32(uint32_t value);
  Ref ref64(uint64_t value);
  std::byte *data32() { return reinterpret_cast<std::byte *>(rows32.data()); }
  std::byte *data64() { return reinterpret_cast<std::byte *>(rows64.data()); }

private:
  AlignedRows<uint32_t> rows32;
  AlignedRows<uint64_t> rows64;
  std::unordered_map<uint32_t, Ref> known32;
  std::unordered_map<uint64_t, Ref> known64;
};

struct Program {
  explicit Program(std::string_view ptx, std::string name)
      : source(ptx, std::move(name)) {}

  ptx::Source source;
  std::vector<Inst> code; ///< all functions
  std::deque<FunctionInfo> functions;
  ConstantRows constants;
  /// What checkers ask; Inst::effect is an index. The first one is empty.
  std::vector<Effect> effects = {Effect()};
  std::vector<Ref> touchedRows;
  /// Operand lists and tables that Inst::aux points to.
  std::vector<std::shared_ptr<const void>> aux;
  /// Null unless the device's configuration asks for them.
  std::unique_ptr<ModuleSymbols> symbols;

  template <typename T>
  const T *keep(T value) {
    auto owned = std::make_shared<const T>(std::move(value));
    const T *pointer = owned.get();
    aux.push_back(std::move(owned));
    return pointer;
  }
};

/// A static variable in a kernel's shared memory.
struct SharedVariable {
  std::string name;
  uint32_t offset = 0;
  uint64_t size = 0;
};

/// What Kernel::code points to.
struct KernelCode {
  Program *program = nullptr;
  const FunctionInfo *entry = nullptr;
  uint32_t sharedEnd = 0; ///< of static shared memory, reserved part included
  uint32_t dynamicAlign = 16;
  std::vector<SharedVariable> sharedVariables;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_PROGRAM_H
