//===- Compare.cpp - Decoding setp, set, selp and slct --------------------===//

#include "sim/exec/decode/Decoder.h"

namespace tilewright::sim {

using ptx::Operand;
using ptx::Type;

/// The comparison of a set or setp; lo, ls, hi and hs are unsigned names.
static CompareOp takeCompare(InstDecoder &d) {
  int op = d.takeOneOf({"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu",
                        "leu", "gtu", "geu", "num", "nan"});
  if (op >= 0)
    return static_cast<CompareOp>(op);
  switch (d.takeOneOf({"lo", "ls", "hi", "hs"})) {
  case 0:
    return CompareOp::Lt;
  case 1:
    return CompareOp::Le;
  case 2:
    return CompareOp::Gt;
  case 3:
    return CompareOp::Ge;
  default:
    d.fail("expected a comparison on '" + std::string(d.ast.opcode) + "'");
  }
}

static BoolOp takeBool(InstDecoder &d) {
  return static_cast<BoolOp>(d.takeOneOf({"and", "or", "xor"}) + 1);
}

/// Sources a, b and, with a Boolean operation, the predicate c.
static void takeSources(InstDecoder &d, Inst &inst, Type type, BoolOp op) {
  d.needOperands(op == BoolOp::None ? 3 : 4);
  inst.a = d.source(1, type);
  inst.b = d.source(2, type);
  bool negated = false;
  if (op != BoolOp::None)
    inst.c = d.predicate(d.operand(3), &negated);
  inst.imm = packBool(op, negated);
}

static bool isPackedHalf(Type type) {
  return type == Type::F16x2 || type == Type::BF16x2;
}

static void decodeSetp(InstDecoder &d) {
  CompareOp compare = takeCompare(d);
  BoolOp op = takeBool(d);
  bool ftz = d.take("ftz");
  Type type = d.needType();
  Inst inst;
  takeSources(d, inst, type, op);
  const Operand &result = d.operand(0);
  if (result.kind == Operand::Kind::Pair) {
    inst.d = d.predicateResult(result.elements[0]);
    inst.e = d.predicateResult(result.elements[1]);
  } else {
    inst.d = d.predicateResult(result);
  }
  bool packed = isPackedHalf(type);
  if (packed && result.kind != Operand::Kind::Pair)
    d.fail("'setp' of packed values needs two results");
  d.emit(packed ? selectSetpPacked(compare, type, ftz)
                : selectSetp(compare, type, ftz),
         inst);
}

/// What `set` writes where the comparison holds: all ones, or 1.0. For packed
/// results, one half of it.
static uint32_t trueValue(InstDecoder &d, Type type, bool packed) {
  switch (type) {
  case Type::U32:
  case Type::S32:
    return packed ? 0xffffu : 0xffffffffu;
  case Type::U16:
  case Type::S16:
    return 0xffffu;
  case Type::F32:
    return 0x3f800000u;
  case Type::F16:
  case Type::F16x2:
    return 0x3c00u;
  case Type::BF16:
  case Type::BF16x2:
    return 0x3f80u;
  default:
    d.unsupported();
  }
}

/// set on packed halves: two comparisons, then one half of the result each.
static void emitPackedSet(InstDecoder &d, Inst compare, Handler handler,
                          Type resultType, uint32_t whenTrue) {
  compare.d = d.fn.newPredicate();
  compare.e = d.fn.newPredicate();
  ConstantRows &constants = d.fn.program.constants;
  Inst low, high, join;
  low.a = constants.ref32(whenTrue);
  low.b = high.b = constants.ref32(0);
  low.c = compare.d;
  high.a = constants.ref32(whenTrue << 16);
  high.c = compare.e;
  join.a = low.d = d.fn.newRow32();
  join.b = high.d = d.fn.newRow32();
  join.d = d.result(0, resultType);
  d.emit(handler, compare);
  d.emit(selectSelp(4), low);
  d.emit(selectSelp(4), high);
  d.emit(selectInt(IntOp::Or, Type::B32), join);
}

static void decodeSet(InstDecoder &d) {
  CompareOp compare = takeCompare(d);
  BoolOp op = takeBool(d);
  bool ftz = d.take("ftz");
  Type resultType = d.needType();
  Type type = d.needType();
  bool packed = isPackedHalf(type);
  if (!packed && isPackedHalf(resultType))
    d.unsupported();
  uint32_t whenTrue = trueValue(d, resultType, packed);
  Inst inst;
  takeSources(d, inst, type, op);
  if (packed)
    return emitPackedSet(d, inst, selectSetpPacked(compare, type, ftz),
                         resultType, whenTrue);
  inst.d = d.result(0, resultType);
  inst.e = whenTrue;
  d.emit(selectSet(compare, type, ftz), inst);
}

static void decodeSelp(InstDecoder &d) {
  Type type = d.needType();
  d.needOperands(4);
  Inst inst;
  inst.a = d.source(1, type);
  inst.b = d.source(2, type);
  bool negated = false;
  inst.c = d.predicate(d.operand(3), &negated);
  inst.imm = negated ? 1 : 0;
  inst.d = d.result(0, type);
  d.emit(selectSelp(ptx::typeBytes(type)), inst);
}

static void decodeSlct(InstDecoder &d) {
  bool ftz = d.take("ftz");
  Type type = d.needType();
  Type condition = d.needType();
  bool isFloat = condition == Type::F32;
  if ((!isFloat && condition != Type::S32) || (ftz && !isFloat))
    d.unsupported();
  d.needOperands(4);
  Inst inst;
  inst.a = d.source(1, type);
  inst.b = d.source(2, type);
  inst.c = d.source(3, condition);
  inst.d = d.result(0, type);
  SlctCondition kind = !isFloat ? SlctCondition::Integer
                       : ftz    ? SlctCondition::FlushedFloat
                                : SlctCondition::Float;
  d.emit(selectSlct(ptx::typeBytes(type), kind), inst);
}

void addCompareOpcodes(OpcodeTable &table) {
  table["setp"] = decodeSetp;
  table["set"] = decodeSet;
  table["selp"] = decodeSelp;
  table["slct"] = decodeSlct;
}

} // namespace tilewright::sim
