//===- ControlFlow.cpp - Decoding branches, calls and the like ------------===//

#include "sim/async/TensorMap.h"
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
  for (Inst inst : d.fn.epilogue())
    d.emit(inst.run, inst);
  emitEnd(d, runReturn);
}
static void decodeExit(InstDecoder &d) { emitEnd(d, runExit); }
static void decodeTrap(InstDecoder &d) { emitEnd(d, runTrap); }

//===----------------------------------------------------------------------===//
// Fences and the like
//===----------------------------------------------------------------------===//

/// Every access is performed in order and at once, proxies included, so a fence
/// only has to keep the host from reordering.
static void decodeMembar(InstDecoder &d) {
  if (d.take("proxy")) {
    if (d.takeOneOf({"alias", "async"}) < 0)
      d.unsupported();
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
      Inst inst;
      if (acquire) {
        inst.a = d.addressRow(d.operand(0)); // for who checks
        d.needConstant(d.operand(1), tensorMapBytes, tensorMapBytes);
      }
      d.emit(runFence, inst);
      return;
    }
    if (d.take("async::generic")) {
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

static void decodeGriddepcontrol(InstDecoder &d) {
  int action = d.takeOneOf({"launch_dependents", "wait"});
  if (action < 0)
    d.unsupported();
  d.needOperands(0);
  d.emit(action == 0 ? runGridTrigger : runGridWait);
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
  bool isMask = d.take("mask");
  d.needOperands(1);
  d.needConstant(d.operand(0), 0, isMask ? 0xffff : 15);
  d.emit(runNothing);
}

/// There is no debugger to stop for.
static void decodeBrkpt(InstDecoder &d) {
  d.needOperands(0);
  d.emit(runNothing);
}

void addControlOpcodes(OpcodeTable &table) {
  table["bra"] = decodeBra;
  table["brx"] = decodeBrx;
  table["ret"] = decodeRet;
  table["exit"] = decodeExit;
  table["trap"] = decodeTrap;
  table["membar"] = decodeMembar;
  table["fence"] = decodeFence;
}

void addMiscOpcodes(OpcodeTable &table) {
  table["nanosleep"] = decodeNanosleep;
  table["griddepcontrol"] = decodeGriddepcontrol;
  table["setmaxnreg"] = decodeSetmaxnreg;
  table["pmevent"] = decodePmevent;
  table["brkpt"] = decodeBrkpt;
}

} // namespace tilewright::sim
