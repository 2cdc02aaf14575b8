//===- Synchronization.cpp - Decoding bar, barrier and mbarrier -----------===//

#include "sim/exec/decode/Decoder.h"
#include "sim/exec/ops/BarrierOps.h"
#include "sim/exec/ops/WarpOps.h"

namespace tilewright::sim {

using ptx::Space;
using ptx::Type;

//===----------------------------------------------------------------------===//
// bar and barrier
//===----------------------------------------------------------------------===//

static void decodeClusterBarrier(InstDecoder &d) {
  int op = d.takeOneOf({"arrive", "wait"});
  if (op < 0)
    d.unsupported();
  if (op == 0)
    d.takeOneOf({"release", "relaxed"});
  else
    d.take("acquire");
  Inst inst;
  inst.imm = d.take("aligned") ? barrierAligned : 0;
  d.needOperands(0);
  d.emit(op == 0 ? runClusterArrive : runClusterWait, inst);
}

static void decodeWarpBarrier(InstDecoder &d) {
  if (!d.take("sync"))
    d.unsupported();
  d.needOperands(1);
  Inst inst;
  inst.e = d.source(0, Type::B32);
  d.emit(runWarpSync, inst);
}

/// red.popc.u32 d, a{, b}, {!}c and red.{and,or}.pred p, a{, b}, {!}c
static void decodeBarrierReduction(InstDecoder &d, int32_t flags) {
  int op = d.takeOneOf({"popc", "and", "or"});
  Type type = d.needType();
  if (op < 0 || type != (op == 0 ? Type::U32 : Type::Pred))
    d.unsupported();
  d.needOperands(3, 4);
  bool counted = d.operandCount() == 4;
  Inst inst;
  inst.a = d.source(1, Type::U32);
  if (counted)
    inst.b = d.source(2, Type::U32);
  bool negated = false;
  inst.c = d.predicate(d.operand(counted ? 3 : 2), &negated);
  inst.imm = flags | (negated ? barrierNegate : 0);
  inst.d = op == 0 ? d.result(0, Type::U32) : d.predicateResult(d.operand(0));
  d.emit(op == 0   ? runBarrierPopc
         : op == 1 ? runBarrierAnd
                   : runBarrierOr,
         inst);
}

static void decodeNamedBarrier(InstDecoder &d, bool aligned) {
  d.take("cta");
  if (d.take("red"))
    return decodeBarrierReduction(d, aligned ? barrierAligned : 0);
  int op = d.takeOneOf({"sync", "arrive"});
  if (op < 0)
    d.unsupported();
  d.needOperands(op == 0 ? 1 : 2, 2);
  Inst inst;
  inst.a = d.source(0, Type::U32);
  if (d.operandCount() == 2)
    inst.b = d.source(1, Type::U32);
  inst.imm = aligned ? barrierAligned : 0;
  d.emit(op == 0 ? runBarrierSync : runBarrierArrive, inst);
}

static void decodeBarrier(InstDecoder &d) {
  if (d.take("cluster"))
    return decodeClusterBarrier(d);
  decodeNamedBarrier(d, d.take("aligned"));
}

/// bar is barrier.aligned.
static void decodeBar(InstDecoder &d) {
  if (d.take("warp"))
    return decodeWarpBarrier(d);
  decodeNamedBarrier(d, true);
}

void addBarrierOpcodes(OpcodeTable &table) {
  table["bar"] = decodeBar;
  table["barrier"] = decodeBarrier;
}

//===----------------------------------------------------------------------===//
// mbarrier
//===----------------------------------------------------------------------===//

/// Semantics, scope, space and .b64 of an mbarrier instruction.
static Space takeMbarrierForm(InstDecoder &d) {
  d.takeOneOf({"release", "acquire", "relaxed"});
  Space space = d.takeSpace(Space::None);
  d.takeOneOf({"cta", "cluster"});
  if (space != Space::None && space != Space::Shared &&
      space != Space::SharedCluster)
    d.unsupported();
  if (d.needType() != Type::B64)
    d.unsupported();
  return space;
}

static void decodeMbarrierInit(InstDecoder &d) {
  Space space = takeMbarrierForm(d);
  d.needOperands(2);
  Inst inst;
  d.address(inst, d.operand(0), space);
  inst.b = d.source(1, Type::U32);
  d.emit(runMbarrierInit, inst);
}

static void decodeMbarrierInval(InstDecoder &d) {
  Space space = takeMbarrierForm(d);
  d.needOperands(1);
  Inst inst;
  d.address(inst, d.operand(0), space);
  d.emit(runMbarrierInval, inst);
}

static void decodeMbarrierTx(InstDecoder &d, Handler handler) {
  Space space = takeMbarrierForm(d);
  d.needOperands(2);
  Inst inst;
  d.address(inst, d.operand(0), space);
  inst.c = d.source(1, Type::U32);
  inst.flags |= Works;
  d.emit(handler, inst);
}

/// mbarrier.arrive{_drop}{.expect_tx | .noComplete} state, [addr]{, operand}
static void decodeMbarrierArrive(InstDecoder &d, bool drop) {
  bool expect = d.take("expect_tx");
  bool noComplete = d.take("noComplete");
  Space space = takeMbarrierForm(d);
  // The state may be left out by hand-written code for remote objects only as
  // the sink `_`.
  d.needOperands(expect || noComplete ? 3 : 2, 3);
  Inst inst;
  d.address(inst, d.operand(1), space);
  if (d.operandCount() == 3) {
    Ref row = d.source(2, Type::U32);
    if (expect)
      inst.c = row;
    else
      inst.b = row;
  }
  if (!d.isSink(d.operand(0)))
    inst.d = d.result(0, Type::B64);
  inst.flags |= Works;
  inst.flags |= drop ? mbarrierDrop : 0;
  inst.flags |= expect ? mbarrierTx : 0;
  d.emit(runMbarrierArrive, inst);
}

/// {test,try}_wait{.parity} p, [addr], state {, suspend time}
static void decodeMbarrierWait(InstDecoder &d, bool isTry) {
  bool parity = d.take("parity");
  Space space = takeMbarrierForm(d);
  d.needOperands(3, isTry ? 4 : 3);
  Inst inst;
  d.address(inst, d.operand(1), space);
  inst.b = parity ? d.source(2, Type::U32) : d.source(2, Type::B64);
  if (d.operandCount() == 4)
    d.source(3, Type::U32);
  inst.d = d.predicateResult(d.operand(0));
  inst.flags |= parity ? mbarrierParity : 0;
  // Where it returns early, a loop around it reads what others change.
  inst.flags |= isTry ? mbarrierTry | uint32_t(Reads) : uint32_t(Polls);
  d.emit(runMbarrierWait, inst);
}

static void decodeMbarrier(InstDecoder &d) {
  // `.expect_tx` is also a modifier of arrivals, so those are looked for first.
  switch (
      d.takeOneOf({"init", "inval", "arrive", "arrive_drop", "expect_tx",
                   "complete_tx", "test_wait", "try_wait", "pending_count"})) {
  case 0:
    return decodeMbarrierInit(d);
  case 1:
    return decodeMbarrierInval(d);
  case 2:
    return decodeMbarrierArrive(d, false);
  case 3:
    return decodeMbarrierArrive(d, true);
  case 4:
    return decodeMbarrierTx(d, runMbarrierExpect);
  case 5:
    return decodeMbarrierTx(d, runMbarrierComplete);
  case 6:
    return decodeMbarrierWait(d, false);
  case 7:
    return decodeMbarrierWait(d, true);
  case 8: {
    if (d.needType() != Type::B64)
      d.unsupported();
    d.needOperands(2);
    Inst inst;
    inst.a = d.source(1, Type::B64);
    inst.d = d.result(0, Type::U32);
    d.emit(runMbarrierPendingCount, inst);
    return;
  }
  default:
    d.unsupported();
  }
}

void addMbarrierOpcodes(OpcodeTable &table) {
  table["mbarrier"] = decodeMbarrier;
}

} // namespace tilewright::sim
