//===- Decoder.h - From AST to decoded instructions -------------*- C++ -*-===//
//
// A FunctionDecoder walks one function's statements and keeps its names; an
// InstDecoder handles one instruction. Modifiers are taken one by one by the
// opcode's decode function, and what is left over is refused, so no modifier is
// ever skipped.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_DECODE_DECODER_H
#define TILEWRIGHT_SIM_EXEC_DECODE_DECODER_H

#include "sim/exec/Memory.h"
#include "sim/exec/Program.h"
#include "sim/exec/Symbols.h"
#include "sim/exec/ops/Select.h"
#include "sim/ptx/Ast.h"

#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace tilewright::sim {

/// A module-scope variable after placement.
struct PlacedVariable {
  const ptx::Variable *declaration = nullptr;
  /// Global and const: the device address. Shared: see sharedOffsets.
  uint64_t address = 0;
};

/// What all functions of a module see.
struct ModuleScope {
  Program &program;
  const DeviceConfig &config;
  std::unordered_map<std::string_view, PlacedVariable> variables;
  std::unordered_map<std::string_view, FunctionInfo *> functions;
  /// Approximations are to spend their error; see ops/Perturb.h.
  std::optional<uint64_t> perturbSeed = std::nullopt;
};

/// Shared memory of one entry, or of all functions that entries may call.
struct SharedLayout {
  std::unordered_map<std::string_view, uint32_t> offsets;
  std::vector<SharedVariable> variables; ///< the same, for reports
  uint32_t end = 0; ///< first byte after the static variables
  uint32_t dynamicAlign = 16;
};

class InstDecoder;
using DecodeFn = void (*)(InstDecoder &);
using OpcodeTable = std::unordered_map<std::string_view, DecodeFn>;

class FunctionDecoder {
public:
  FunctionDecoder(ModuleScope &module, const ptx::Function &function,
                  FunctionInfo &info, SharedLayout &shared);

  /// Appends the function to the program's code.
  void decode();

  ModuleScope &module;
  Program &program;
  const ptx::Function &function;
  FunctionInfo &info;
  SharedLayout &shared;
  std::vector<Inst> code;

  // Registers.
  Ref newRow32();
  Ref newRow64();
  Ref newPredicate();
  Ref carryPredicate();

  const LocalName *lookup(std::string_view name, LocalName &storage) const;
  uint32_t labelNumber(const ptx::Operand &operand);
  uint32_t allocateLocal(uint64_t bytes, uint32_t align,
                         ptx::Location location);
  const ptx::TargetList *targetList(std::string_view name) const;
  const ptx::CallPrototype *prototype(std::string_view name) const;

  std::vector<uint32_t> labels; ///< label number -> instruction

  /// What a return does first: results go from registers to local memory, and
  /// what `alloca` took is given back.
  const std::vector<Inst> &epilogue() const { return epilogueCode; }
  bool usesWgmma = false;
  /// By location; filled when the device's configuration asks for them.
  std::unordered_map<ptx::Location, std::string_view> undefinedReads;

  /// Direct calls, checked when all functions are known.
  struct DirectCall {
    const FunctionInfo *callee;
    ptx::Location location;
    size_t params, returns;
  };
  std::vector<DirectCall> calls;

private:
  struct Scope {
    std::unordered_map<std::string_view, LocalName> names;
    /// `%r<9>` declares %r0 to %r8 and leaves `%r` itself free.
    std::unordered_map<std::string_view, LocalName> ranges;
    std::unordered_map<std::string_view, uint32_t> labels;
    size_t parent = 0;
    uint32_t localMark = 0;
  };
  void findLabels();
  void findWgmma();
  void dropOtherRows();
  void declareParams();
  void declareRegisterParam(const ptx::Variable &variable, uint32_t offset,
                            bool isResult);
  void saveStack();
  void declare(const ptx::Variable &variable);
  void declareRegister(const ptx::Variable &variable);
  void enterScope(ptx::Location location);
  void leaveScope(ptx::Location location);
  void layout();
  void add(std::string_view name, const LocalName &entry,
           ptx::Location location);

  /// Hands what was declared to the program.
  void keepSymbols();

  std::vector<Scope> scopes;
  /// The same in the order of the text, where the configuration asks for it.
  std::vector<SymbolScope> symbolScopes;
  size_t scope = 0;
  size_t nextScope = 1;
  uint32_t localTop = 0;
  Ref carry = noRef;
  std::vector<Inst> epilogueCode;
  std::unordered_map<std::string_view, const ptx::TargetList *> targetLists;
  std::unordered_map<std::string_view, const ptx::CallPrototype *> prototypes;
};

/// Hands a module's variables to its program, for tools of debugging.
void keepVariables(const ModuleScope &scope);

/// Orders a function's blocks and resolves its branches; see Layout.cpp.
void appendLaidOut(std::vector<Inst> &code, const std::vector<uint32_t> &labels,
                   Program &program, FunctionInfo &info);

/// The decode functions of all opcodes.
const OpcodeTable &opcodeTable();

class InstDecoder {
public:
  InstDecoder(FunctionDecoder &function, const ptx::Instruction &ast);
  void decode();

  FunctionDecoder &fn;
  const ptx::Instruction &ast;

  // Modifiers.
  bool take(std::string_view modifier);
  /// Index of the one that is there, or -1.
  int takeOneOf(std::initializer_list<std::string_view> modifiers);
  std::optional<ptx::Type> takeType();
  ptx::Type needType();
  std::optional<RoundingMode> takeRounding();
  ptx::Space takeSpace(ptx::Space otherwise);
  bool has(std::string_view modifier) const;
  /// The next modifier not taken, or an empty view.
  std::string_view nextModifier() const;
  std::string_view takeNext();
  void finishModifiers();

  // Operands.
  size_t operandCount() const { return ast.operands.size(); }
  void needOperands(size_t least, size_t most);
  void needOperands(size_t count) { needOperands(count, count); }
  const ptx::Operand &operand(size_t index) const;
  bool isSink(const ptx::Operand &operand) const;
  bool isRegister(const ptx::Operand &operand, LocalName &out) const;

  /// A row to read as `type`; the register must have the type's size.
  Ref source(const ptx::Operand &operand, ptx::Type type);
  Ref source(size_t index, ptx::Type type) {
    return source(operand(index), type);
  }
  /// A row to write; `_` gives a scratch row.
  Ref result(const ptx::Operand &operand, ptx::Type type);
  Ref result(size_t index, ptx::Type type) {
    return result(operand(index), type);
  }
  /// Predicates; `_` as a result gives a scratch one.
  Ref predicate(const ptx::Operand &operand, bool *negated = nullptr);
  Ref predicateResult(const ptx::Operand &operand);
  /// For ld, st and cvt: registers may be wider than the type.
  Ref wideSource(const ptx::Operand &operand, ptx::Type type, bool &row64);
  Ref wideResult(const ptx::Operand &operand, ptx::Type type, bool &row64);
  std::optional<int64_t> constant(const ptx::Operand &operand) const;
  int64_t needConstant(const ptx::Operand &operand, int64_t least,
                       int64_t most);
  /// Fills a, imm and flags of `inst`.
  void address(Inst &inst, const ptx::Operand &operand, ptx::Space space);
  /// A 64-bit row that holds the address that an operand is or points to.
  Ref addressRow(const ptx::Operand &operand);
  /// A shared address as a 32-bit row, from a register of either width.
  Ref sharedAddressRow(const ptx::Operand &operand);
  /// A row of 32 or 64 bits, whichever the register has.
  Ref anyRow(const ptx::Operand &operand, bool &row64);

  /// Appends an instruction under this one's guard. Operands have to be decoded
  /// before, because they may append preludes.
  Inst &emit(Handler handler, Inst inst = Inst());
  /// Appends a helper that runs before, without the guard.
  Inst &prelude(Handler handler);
  template <typename T>
  const T *keep(T value) {
    return fn.program.keep(std::move(value));
  }

  /// Puts something that checks see in front of an instruction whose guard is
  /// undefined: they would not see it where the guard happens to be false.
  void announceUndefinedGuard();
  /// What it names, for checks that follow values; see RegisterUses.cpp.
  const RegisterUse *findUse();
  /// Gives the emitted instruction its Effect.
  void annotate();
  /// Keeps what it names, for tools of debugging.
  void keepSymbols();

  [[noreturn]] void fail(std::string message) const;
  [[noreturn]] void fail(ptx::Location location, std::string message) const;
  [[noreturn]] void unsupported() const;

private:
  Ref immediate(const ptx::Operand &operand, ptx::Type type);
  Ref symbolAddress(const ptx::Operand &operand, bool row64);
  Ref special(const ptx::Operand &operand, ptx::Type type);

  uint32_t taken = 0; ///< bit mask of the modifiers
  uint32_t guard = noGuard;
};

// The families.
void addIntegerOpcodes(OpcodeTable &table);
void addFloatOpcodes(OpcodeTable &table);
void addCompareOpcodes(OpcodeTable &table);
void addMoveOpcodes(OpcodeTable &table);
void addMemoryOpcodes(OpcodeTable &table);
void addAtomicOpcodes(OpcodeTable &table);
void addControlOpcodes(OpcodeTable &table);
void addWarpOpcodes(OpcodeTable &table);
void addBarrierOpcodes(OpcodeTable &table);
void addMbarrierOpcodes(OpcodeTable &table);
void addAsyncCopyOpcodes(OpcodeTable &table);
void addMatrixOpcodes(OpcodeTable &table);
void addWmmaOpcodes(OpcodeTable &table);
void addVideoOpcodes(OpcodeTable &table);
void addCallOpcodes(OpcodeTable &table);
void addStackOpcodes(OpcodeTable &table);
void addTensorMapOpcodes(OpcodeTable &table);
void addRefusedOpcodes(OpcodeTable &table);
void addMiscOpcodes(OpcodeTable &table);

/// Why a function that the module does not define cannot be called.
std::string describeUndefined(std::string_view name);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_DECODE_DECODER_H
