//===- ControlFlow.cpp - Decoding branches, calls and the like ------------===//

#include "sim/exec/decode/Decoder.h"
#include "sim/exec/ops/Control.h"

namespace tilewright::sim {

using ptx::Operand;
using ptx::Type;

static void decodeBra(InstDecoder &d) {
  d.take("uni");
  d.needOperands(1);
  Inst inst;
  inst.target = d.fn.labelNumber(d.operand(0));
  inst.flags = EndsBlock | HasTarget;
  Inst &emitted = d.emit(runBranch, inst);
  if (emitted.guard != noGuard)
    emitted.flags |= FallsThrough;
}

static void decodeBrx(InstDecoder &d) {
  if (!d.take("idx"))
    d.unsupported();
  d.take("uni");
  d.needOperands(2);
  const Operand &name = d.operand(1);
  const ptx::TargetList *list = d.fn.targetList(name.name);
  if (!list || list->isCall)
    d.fail(name.location, "unknown list of branch targets");
  BranchTable table;
  for (const Operand &target : list->targets)
    table.targets.push_back(d.fn.labelNumber(target));
  Inst inst;
  inst.a = d.source(0, Type::U32);
  inst.aux = d.keep(std::move(table));
  inst.flags = EndsBlock | HasTable;
  Inst &emitted = d.emit(runBranchIndexed, inst);
  if (emitted.guard != noGuard)
    emitted.flags |= FallsThrough;
}

static void emitEnd(InstDecoder &d, Handler handler) {
  d.needOperands(0);
  Inst &inst = d.emit(handler);
  inst.flags = EndsBlock;
  if (inst.guard != noGuard)
    inst.flags |= FallsThrough;
}

static void decodeRet(InstDecoder &d) {
  d.take("uni");
  emitEnd(d, runReturn);
}
static void decodeExit(InstDecoder &d) { emitEnd(d, runExit); }
static void decodeTrap(InstDecoder &d) { emitEnd(d, runTrap); }

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// Where the caller keeps an argument or a result: its own .param variable, or
/// a fresh slot that a register or constant is copied to.
static FormalParam callSlot(InstDecoder &d, const Operand &operand,
                            bool isResult) {
  LocalName storage;
  const LocalName *name = operand.kind == Operand::Kind::Name
                              ? d.fn.lookup(operand.name, storage)
                              : nullptr;
  if (name && name->kind == LocalName::Kind::Local)
    return {name->offset, static_cast<uint32_t>(name->size)};
  if (isResult || (name && name->kind != LocalName::Kind::Register))
    d.fail(operand.location, "expected a .param variable");
  d.fail(operand.location,
         "arguments in registers are not supported; use .param variables");
}

static std::vector<FormalParam>
callSlots(InstDecoder &d, const Operand &operand, bool isResult) {
  if (operand.kind != Operand::Kind::List)
    d.fail(operand.location, "expected '('");
  std::vector<FormalParam> slots;
  for (const Operand &element : operand.elements)
    slots.push_back(callSlot(d, element, isResult));
  return slots;
}

static void checkSlots(InstDecoder &d, const std::vector<FormalParam> &slots,
                       const std::vector<ptx::Variable> &formals) {
  bool matches = slots.size() == formals.size();
  for (size_t i = 0; matches && i < slots.size(); ++i)
    matches = slots[i].size == formals[i].bytes();
  if (!matches)
    d.fail("the call does not match its prototype");
}

static void emitBuiltin(InstDecoder &d, Builtin builtin, const CallInfo &info) {
  Inst inst;
  inst.aux = d.keep(info);
  size_t expected = builtin == Builtin::Printf ? 2 : 5;
  if (info.params.size() < expected - (builtin == Builtin::Printf ? 0 : 1))
    d.fail("wrong number of arguments");
  d.emit(builtin == Builtin::Printf ? runPrintf : runAssertFail, inst);
}

/// call{.uni} {(results),} callee {, (arguments)} {, prototype or targets};
static void decodeCall(InstDecoder &d) {
  d.take("uni");
  d.needOperands(1, 4);
  size_t at = 0;
  CallInfo info;
  if (d.operand(0).kind == Operand::Kind::List && d.operandCount() > 1 &&
      d.operand(1).kind == Operand::Kind::Name) {
    info.returns = callSlots(d, d.operand(0), true);
    at = 1;
  }
  const Operand &callee = d.operand(at++);
  if (at < d.operandCount() && d.operand(at).kind == Operand::Kind::List)
    info.params = callSlots(d, d.operand(at++), false);

  LocalName target;
  if (d.isRegister(callee, target)) {
    if (at >= d.operandCount())
      d.fail("an indirect call needs a prototype");
    const Operand &name = d.operand(at);
    if (const ptx::CallPrototype *proto = d.fn.prototype(name.name)) {
      checkSlots(d, info.params, proto->params);
      checkSlots(d, info.returns, proto->returns);
    } else if (!d.fn.targetList(name.name)) {
      d.fail(name.location, "unknown prototype");
    }
    Inst inst;
    inst.a = d.source(callee, Type::U64);
    inst.aux = d.keep(std::move(info));
    d.fn.info.mayRecurse = true;
    d.emit(runIndirectCall, inst);
    return;
  }
  auto found = d.fn.module.functions.find(callee.name);
  if (found == d.fn.module.functions.end())
    d.fail(callee.location,
           "unknown function '" + std::string(callee.name) + "'");
  FunctionInfo &function = *found->second;
  if (function.builtin != Builtin::None)
    return emitBuiltin(d, function.builtin, info);
  info.callee = &function;
  d.fn.info.callees.push_back(&function);
  d.fn.calls.push_back(
      {&function, d.ast.location, info.params.size(), info.returns.size()});
  Inst inst;
  inst.aux = d.keep(std::move(info));
  d.emit(runCall, inst);
}

//===----------------------------------------------------------------------===//
// Fences and the like
//===----------------------------------------------------------------------===//

/// Every access is performed in order and at once, proxies included, so a fence
/// only has to keep the host from reordering.
static void decodeMembar(InstDecoder &d) {
  if (d.take("proxy")) {
    if (d.takeOneOf({"alias", "async", "async.global", "async.shared::cta"}) <
        0)
      d.unsupported();
    d.takeSpace(ptx::Space::None);
  } else if (d.takeOneOf({"cta", "gl", "sys"}) < 0) {
    d.unsupported();
  }
  d.needOperands(0);
  d.emit(runFence);
}

static void decodeFence(InstDecoder &d) {
  if (d.take("proxy")) {
    if (d.take("tensormap::generic")) {
      bool acquire = d.take("acquire");
      if (!acquire && !d.take("release"))
        d.unsupported();
      d.takeOneOf({"cta", "cluster", "gpu", "sys"});
      d.needOperands(acquire ? 2 : 0);
    } else if (d.take("async::generic")) {
      if (d.takeOneOf({"acquire", "release"}) < 0)
        d.unsupported();
      d.takeOneOf(
          {"sync_restrict::shared::cluster", "sync_restrict::shared::cta"});
      d.takeOneOf({"cluster", "cta"});
      d.needOperands(0);
    } else {
      if (d.takeOneOf({"alias", "async"}) < 0)
        d.unsupported();
      d.takeSpace(ptx::Space::None);
      d.needOperands(0);
    }
    d.emit(runFence);
    return;
  }
  if (d.take("mbarrier_init")) {
    if (!d.take("release") || !d.take("cluster"))
      d.unsupported();
  } else {
    d.takeOneOf({"sc", "acq_rel", "acquire", "release"});
    d.takeOneOf(
        {"sync_restrict::shared::cluster", "sync_restrict::shared::cta"});
    if (d.takeOneOf({"cta", "cluster", "gpu", "sys"}) < 0)
      d.unsupported();
  }
  d.needOperands(0);
  d.emit(runFence);
}

static void decodeNanosleep(InstDecoder &d) {
  if (d.needType() != Type::U32)
    d.unsupported();
  d.needOperands(1);
  d.source(0, Type::U32);
  d.emit(runNanosleep);
}

/// Programmatic dependent launch: launches run one after another, so what a
/// dependent waits for is always complete.
static void decodeGriddepcontrol(InstDecoder &d) {
  if (d.takeOneOf({"launch_dependents", "wait"}) < 0)
    d.unsupported();
  d.needOperands(0);
  d.emit(runNothing);
}

static void decodeSetmaxnreg(InstDecoder &d) {
  if (d.takeOneOf({"inc", "dec"}) < 0 || !d.take("sync") ||
      !d.take("aligned") || d.needType() != Type::U32)
    d.unsupported();
  d.needOperands(1);
  int64_t count = d.needConstant(d.operand(0), 24, 256);
  if (count % 8)
    d.fail(d.operand(0).location, "expected a multiple of 8");
  d.emit(runAligned);
}

static void decodePmevent(InstDecoder &d) {
  d.take("mask");
  d.needOperands(1);
  d.emit(runNothing);
}

void addControlOpcodes(OpcodeTable &table) {
  table["bra"] = decodeBra;
  table["brx"] = decodeBrx;
  table["ret"] = decodeRet;
  table["exit"] = decodeExit;
  table["trap"] = decodeTrap;
  table["call"] = decodeCall;
  table["membar"] = decodeMembar;
  table["fence"] = decodeFence;
}

void addMiscOpcodes(OpcodeTable &table) {
  table["nanosleep"] = decodeNanosleep;
  table["griddepcontrol"] = decodeGriddepcontrol;
  table["setmaxnreg"] = decodeSetmaxnreg;
  table["pmevent"] = decodePmevent;
}

} // namespace tilewright::sim
