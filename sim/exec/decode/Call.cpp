//===- Call.cpp - Decoding calls ------------------------------------------===//

#include "sim/exec/decode/Decoder.h"
#include "sim/exec/ops/Control.h"

namespace tilewright::sim {

using ptx::Operand;
using ptx::Type;

namespace {
/// An argument or result of a call: where it lies in the caller's local memory,
/// and the register or constant that is copied to or from there.
struct CallSlot {
  FormalParam place;
  Inst copy; ///< without a handler where there is nothing to copy
};
} // namespace

/// A scalar formal's type; None for arrays and what is not known.
static Type formalType(const std::vector<Type> &formals, size_t index) {
  return index < formals.size() ? formals[index] : Type::None;
}

/// A copy between a register (or, for arguments, a constant) and a fresh slot.
static CallSlot registerSlot(InstDecoder &d, const Operand &operand,
                             Type formal, bool isResult) {
  if (formal == Type::None || formal == Type::Pred)
    d.fail(operand.location,
           "this parameter cannot be passed in a register or as a constant");
  MemorySpec spec;
  spec.elementBytes = ptx::typeBytes(formal);
  spec.isSigned = ptx::isSigned(formal);
  CallSlot slot;
  slot.copy.d = isResult ? d.wideResult(operand, formal, spec.row64)
                         : d.wideSource(operand, formal, spec.row64);
  slot.place.size = spec.elementBytes;
  slot.place.offset = d.fn.allocateLocal(spec.elementBytes, spec.elementBytes,
                                         operand.location);
  slot.copy.imm = static_cast<int32_t>(slot.place.offset);
  slot.copy.flags = addressInFrame | static_cast<uint32_t>(ptx::Space::Local)
                                         << addressSpaceShift;
  slot.copy.run = isResult ? selectLoad(spec) : selectStore(spec);
  return slot;
}

/// Where the caller keeps an argument or a result: its own .param variable, or
/// a fresh slot.
static CallSlot callSlot(InstDecoder &d, const Operand &operand, Type formal,
                         bool isResult) {
  LocalName storage;
  const LocalName *name = operand.kind == Operand::Kind::Name
                              ? d.fn.lookup(operand.name, storage)
                              : nullptr;
  if (name && name->kind == LocalName::Kind::Local) {
    CallSlot slot;
    slot.place = {name->offset, static_cast<uint32_t>(name->size)};
    return slot;
  }
  bool isValue = name ? name->kind == LocalName::Kind::Register
                      : operand.kind != Operand::Kind::Name;
  if (!isValue || (isResult && !name))
    d.fail(operand.location, "expected a .param variable or a register");
  return registerSlot(d, operand, formal, isResult);
}

static std::vector<CallSlot> callSlots(InstDecoder &d, const Operand &operand,
                                       const std::vector<Type> &formals,
                                       bool isResult) {
  if (operand.kind != Operand::Kind::List)
    d.fail(operand.location, "expected '('");
  std::vector<CallSlot> slots;
  for (const Operand &element : operand.elements)
    slots.push_back(
        callSlot(d, element, formalType(formals, slots.size()), isResult));
  return slots;
}

static std::vector<FormalParam> placesOf(const std::vector<CallSlot> &slots) {
  std::vector<FormalParam> places;
  for (const CallSlot &slot : slots)
    places.push_back(slot.place);
  return places;
}

static void checkSlots(InstDecoder &d, const std::vector<FormalParam> &slots,
                       const std::vector<ptx::Variable> &formals) {
  bool matches = slots.size() == formals.size();
  for (size_t i = 0; matches && i < slots.size(); ++i)
    matches = slots[i].size == formals[i].bytes();
  if (!matches)
    d.fail("the call does not match its prototype");
}

static void emitCopies(InstDecoder &d, const std::vector<CallSlot> &slots) {
  for (const CallSlot &slot : slots)
    if (slot.copy.run)
      d.emit(slot.copy.run, slot.copy);
}

static void emitBuiltin(InstDecoder &d, Builtin builtin, const CallInfo &info) {
  struct Entry {
    size_t arguments; ///< those that are looked at
    Handler run;
  };
  const Entry entry = builtin == Builtin::Printf ? Entry{2, runPrintf}
                      : builtin == Builtin::Free ? Entry{1, runFree}
                                                 : Entry{4, runAssertFail};
  if (info.params.size() < entry.arguments)
    d.fail("wrong number of arguments");
  Inst inst;
  inst.aux = d.keep(info);
  d.emit(entry.run, inst);
}

namespace {
/// What is known of a callee before the arguments are looked at.
struct Callee {
  FunctionInfo *function = nullptr; ///< null for calls through a register
  const ptx::CallPrototype *prototype = nullptr;
  std::vector<Type> params, returns;
};
} // namespace

static std::vector<Type> typesOf(const std::vector<ptx::Variable> &formals) {
  std::vector<Type> types;
  for (const ptx::Variable &formal : formals)
    types.push_back(formal.isArray ? Type::None : formal.type);
  return types;
}

/// The last operand of a call through a register: a prototype or a list of
/// functions.
static Callee indirectCallee(InstDecoder &d, const Operand &name) {
  Callee callee;
  callee.prototype = d.fn.prototype(name.name);
  if (callee.prototype) {
    callee.params = typesOf(callee.prototype->params);
    callee.returns = typesOf(callee.prototype->returns);
    return callee;
  }
  const ptx::TargetList *list = d.fn.targetList(name.name);
  if (!list || !list->isCall || list->targets.empty())
    d.fail(name.location, "unknown prototype");
  for (const Operand &target : list->targets) {
    auto found = d.fn.module.functions.find(target.name);
    if (found == d.fn.module.functions.end())
      d.fail(target.location,
             "unknown function '" + std::string(target.name) + "'");
    callee.params = found->second->paramTypes;
    callee.returns = found->second->returnTypes;
  }
  return callee;
}

static Callee directCallee(InstDecoder &d, const Operand &name) {
  auto found = d.fn.module.functions.find(name.name);
  if (found == d.fn.module.functions.end())
    d.fail(name.location, "unknown function '" + std::string(name.name) + "'");
  Callee callee;
  callee.function = found->second;
  callee.params = found->second->paramTypes;
  callee.returns = found->second->returnTypes;
  return callee;
}

static void emitIndirect(InstDecoder &d, const Operand &address,
                         const Callee &callee, CallInfo info) {
  if (callee.prototype) {
    checkSlots(d, info.params, callee.prototype->params);
    checkSlots(d, info.returns, callee.prototype->returns);
  }
  Inst inst;
  inst.a = d.source(address, Type::U64);
  inst.aux = d.keep(std::move(info));
  d.fn.info.mayRecurse = true;
  d.emit(runIndirectCall, inst);
}

static void emitDirect(InstDecoder &d, FunctionInfo &function, CallInfo info) {
  if (!function.defined && function.builtin != Builtin::None)
    return emitBuiltin(d, function.builtin, info);
  info.callee = &function;
  d.fn.info.callees.push_back(&function);
  d.fn.calls.push_back(
      {&function, d.ast.location, info.params.size(), info.returns.size()});
  Inst inst;
  inst.aux = d.keep(std::move(info));
  d.emit(runCall, inst);
}

/// call{.uni} {(results),} callee {, (arguments)} {, prototype or targets};
static void decodeCall(InstDecoder &d) {
  d.take("uni");
  d.needOperands(1, 4);
  bool hasResults = d.operand(0).kind == Operand::Kind::List &&
                    d.operandCount() > 1 &&
                    d.operand(1).kind == Operand::Kind::Name;
  size_t at = hasResults ? 1 : 0;
  const Operand &name = d.operand(at++);
  const Operand *arguments =
      at < d.operandCount() && d.operand(at).kind == Operand::Kind::List
          ? &d.operand(at++)
          : nullptr;
  LocalName address;
  bool isIndirect = d.isRegister(name, address);
  if (isIndirect != (at < d.operandCount()))
    d.fail(isIndirect ? "an indirect call needs a prototype"
                      : "a direct call has no prototype");
  Callee callee =
      isIndirect ? indirectCallee(d, d.operand(at)) : directCallee(d, name);
  std::vector<CallSlot> params, returns;
  if (hasResults)
    returns = callSlots(d, d.operand(0), callee.returns, true);
  if (arguments)
    params = callSlots(d, *arguments, callee.params, false);
  CallInfo info;
  info.params = placesOf(params);
  info.returns = placesOf(returns);
  emitCopies(d, params);
  if (isIndirect)
    emitIndirect(d, name, callee, std::move(info));
  else
    emitDirect(d, *callee.function, std::move(info));
  emitCopies(d, returns);
}

void addCallOpcodes(OpcodeTable &table) { table["call"] = decodeCall; }

} // namespace tilewright::sim
