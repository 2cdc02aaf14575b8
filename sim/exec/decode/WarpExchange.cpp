//===- WarpExchange.cpp - Decoding shfl, vote, match, redux, elect --------===//

#include "sim/exec/decode/Decoder.h"
#include "sim/exec/ops/WarpOps.h"

namespace tilewright::sim {

using ptx::Operand;
using ptx::Type;

/// The result of `d|p` instructions: the row in d, the predicate in target.
static void takePair(InstDecoder &d, Inst &inst, Type type) {
  const Operand &result = d.operand(0);
  inst.target = noRef;
  if (result.kind != Operand::Kind::Pair) {
    inst.d = d.result(result, type);
    return;
  }
  inst.d = d.result(result.elements[0], type);
  inst.target = d.predicateResult(result.elements[1]);
}

static void decodeShfl(InstDecoder &d) {
  if (!d.take("sync"))
    d.unsupported();
  int mode = d.takeOneOf({"up", "down", "bfly", "idx"});
  if (mode < 0 || d.needType() != Type::B32)
    d.unsupported();
  d.needOperands(5);
  Inst inst;
  inst.a = d.source(1, Type::B32);
  inst.b = d.source(2, Type::B32);
  inst.c = d.source(3, Type::B32);
  inst.e = d.source(4, Type::B32);
  inst.imm = mode;
  takePair(d, inst, Type::B32);
  d.emit(runShuffle, inst);
}

static void decodeVote(InstDecoder &d) {
  if (!d.take("sync"))
    d.unsupported();
  int mode = d.takeOneOf({"all", "any", "uni", "ballot"});
  Type type = d.needType();
  if (mode < 0 || type != (mode == 3 ? Type::B32 : Type::Pred))
    d.unsupported();
  d.needOperands(3);
  Inst inst;
  bool negated = false;
  inst.a = d.predicate(d.operand(1), &negated);
  inst.e = d.source(2, Type::B32);
  inst.imm = (mode == 3 ? 0 : mode) | (negated ? 4 : 0);
  if (mode == 3) {
    inst.d = d.result(0, Type::B32);
    d.emit(runBallot, inst);
    return;
  }
  inst.d = d.predicateResult(d.operand(0));
  d.emit(runVote, inst);
}

static void decodeMatch(InstDecoder &d) {
  int mode = d.takeOneOf({"any", "all"});
  if (mode < 0 || !d.take("sync"))
    d.unsupported();
  Type type = d.needType();
  bool wide = type == Type::B64;
  if (!wide && type != Type::B32)
    d.unsupported();
  d.needOperands(3);
  Inst inst;
  inst.a = d.source(1, type);
  inst.e = d.source(2, Type::B32);
  takePair(d, inst, Type::B32);
  if (mode == 0 && inst.target != noRef)
    d.fail("'match.any' has no predicate result");
  if (mode == 0)
    d.emit(wide ? runMatchAny64 : runMatchAny32, inst);
  else
    d.emit(wide ? runMatchAll64 : runMatchAll32, inst);
}

static void decodeRedux(InstDecoder &d) {
  if (!d.take("sync"))
    d.unsupported();
  int op = d.takeOneOf({"add", "min", "max", "and", "or", "xor"});
  Type type = d.needType();
  bool isSigned = type == Type::S32;
  if (op < 0 || (op <= 2 ? type != Type::U32 && !isSigned : type != Type::B32))
    d.unsupported();
  static constexpr ReduxOp ops[] = {ReduxOp::Add, ReduxOp::MinU, ReduxOp::MaxU,
                                    ReduxOp::And, ReduxOp::Or,   ReduxOp::Xor};
  ReduxOp chosen = ops[op];
  if (isSigned && op == 1)
    chosen = ReduxOp::MinS;
  if (isSigned && op == 2)
    chosen = ReduxOp::MaxS;
  d.needOperands(3);
  Inst inst;
  inst.a = d.source(1, type);
  inst.e = d.source(2, Type::B32);
  inst.d = d.result(0, type);
  inst.imm = static_cast<int32_t>(chosen);
  d.emit(runRedux, inst);
}

static void decodeActivemask(InstDecoder &d) {
  if (d.needType() != Type::B32)
    d.unsupported();
  d.needOperands(1);
  Inst inst;
  inst.d = d.result(0, Type::B32);
  d.emit(runActiveMask, inst);
}

static void decodeElect(InstDecoder &d) {
  if (!d.take("sync"))
    d.unsupported();
  d.needOperands(2);
  Inst inst;
  inst.e = d.source(1, Type::B32);
  takePair(d, inst, Type::B32);
  d.emit(runElect, inst);
}

void addWarpOpcodes(OpcodeTable &table) {
  table["shfl"] = decodeShfl;
  table["vote"] = decodeVote;
  table["match"] = decodeMatch;
  table["redux"] = decodeRedux;
  table["activemask"] = decodeActivemask;
  table["elect"] = decodeElect;
}

} // namespace tilewright::sim
