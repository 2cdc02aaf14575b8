//===- Integer.cpp - Decoding integer and logic instructions --------------===//

#include "sim/exec/decode/Decoder.h"
#include "sim/exec/ops/Control.h"

namespace tilewright::sim {

using ptx::Type;

static void emitInt(InstDecoder &d, IntOp op, Type type, Type resultType,
                    std::initializer_list<Type> sources, int32_t imm = 0) {
  d.needOperands(1 + sources.size());
  Inst inst;
  Ref *slots[] = {&inst.a, &inst.b, &inst.c, &inst.e};
  size_t index = 0;
  for (Type source : sources) {
    *slots[index] = d.source(index + 1, source);
    ++index;
  }
  inst.d = d.result(0, resultType);
  inst.imm = imm;
  d.emit(selectInt(op, type), inst);
}

static Type wideType(InstDecoder &d, Type type) {
  Type wide = ptx::widened(type);
  if (wide == Type::None)
    d.unsupported();
  return wide;
}

//===----------------------------------------------------------------------===//
// add, sub, mul, mad and their float namesakes
//===----------------------------------------------------------------------===//

void decodeFloatArithmetic(InstDecoder &d, FloatOp op, Type type);

static void decodeCarry(InstDecoder &d, CarryOp op, bool in) {
  bool out = d.take("cc");
  Type type = d.needType();
  bool mad = op == CarryOp::MadLo;
  if (mad && d.take("hi"))
    op = CarryOp::MadHi;
  else if (mad && !d.take("lo"))
    d.unsupported();
  d.needOperands(mad ? 4 : 3);
  Inst inst;
  inst.a = d.source(1, type);
  inst.b = d.source(2, type);
  if (mad)
    inst.c = d.source(3, type);
  inst.d = d.result(0, type);
  inst.e = d.fn.carryPredicate();
  d.emit(selectCarry(op, type, in, out), inst);
}

static void decodeAddSub(InstDecoder &d, bool isAdd) {
  if (d.has("cc"))
    return decodeCarry(d, isAdd ? CarryOp::Add : CarryOp::Sub, false);
  Type type = d.needType();
  if (ptx::isFloat(type))
    return decodeFloatArithmetic(d, isAdd ? FloatOp::Add : FloatOp::Sub, type);
  IntOp op = isAdd ? IntOp::Add : IntOp::Sub;
  if (d.take("sat"))
    op = isAdd ? IntOp::AddSat : IntOp::SubSat;
  emitInt(d, op, type, type, {type, type});
}
static void decodeAdd(InstDecoder &d) { decodeAddSub(d, true); }
static void decodeSub(InstDecoder &d) { decodeAddSub(d, false); }
static void decodeAddc(InstDecoder &d) { decodeCarry(d, CarryOp::Add, true); }
static void decodeSubc(InstDecoder &d) { decodeCarry(d, CarryOp::Sub, true); }
static void decodeMadc(InstDecoder &d) { decodeCarry(d, CarryOp::MadLo, true); }

static void decodeMul(InstDecoder &d) {
  Type type = d.needType();
  if (ptx::isFloat(type))
    return decodeFloatArithmetic(d, FloatOp::Mul, type);
  switch (d.takeOneOf({"lo", "hi", "wide"})) {
  case 0:
    return emitInt(d, IntOp::MulLo, type, type, {type, type});
  case 1:
    return emitInt(d, IntOp::MulHi, type, type, {type, type});
  case 2:
    return emitInt(d, IntOp::MulWide, type, wideType(d, type), {type, type});
  default:
    d.unsupported();
  }
}

static void decodeMad(InstDecoder &d) {
  if (d.has("cc"))
    return decodeCarry(d, CarryOp::MadLo, false);
  Type type = d.needType();
  if (ptx::isFloat(type))
    return decodeFloatArithmetic(d, FloatOp::Fma, type);
  switch (d.takeOneOf({"lo", "hi", "wide"})) {
  case 0:
    return emitInt(d, IntOp::MadLo, type, type, {type, type, type});
  case 1:
    return emitInt(d, d.take("sat") ? IntOp::MadHiSat : IntOp::MadHi, type,
                   type, {type, type, type});
  case 2: {
    Type wide = wideType(d, type);
    return emitInt(d, IntOp::MadWide, type, wide, {type, type, wide});
  }
  default:
    d.unsupported();
  }
}

static void decodeMul24(InstDecoder &d) {
  Type type = d.needType();
  bool hi = d.take("hi");
  if (!hi && !d.take("lo"))
    d.unsupported();
  emitInt(d, hi ? IntOp::Mul24Hi : IntOp::Mul24Lo, type, type, {type, type});
}

static void decodeMad24(InstDecoder &d) {
  Type type = d.needType();
  bool hi = d.take("hi");
  if (!hi && !d.take("lo"))
    d.unsupported();
  IntOp op = !hi             ? IntOp::Mad24Lo
             : d.take("sat") ? IntOp::Mad24HiSat
                             : IntOp::Mad24Hi;
  emitInt(d, op, type, type, {type, type, type});
}

static void decodeDiv(InstDecoder &d) {
  Type type = d.needType();
  if (ptx::isFloat(type))
    return decodeFloatArithmetic(d, FloatOp::Div, type);
  emitInt(d, IntOp::Div, type, type, {type, type});
}

template <IntOp Op>
static void decodeTwoSame(InstDecoder &d) {
  Type type = d.needType();
  emitInt(d, Op, type, type, {type, type});
}

template <IntOp Int, FloatOp Float>
static void decodeMinMax(InstDecoder &d) {
  Type type = d.needType();
  if (ptx::isFloat(type))
    return decodeFloatArithmetic(d, Float, type);
  IntOp op = Int;
  if (d.take("relu"))
    op = Int == IntOp::Min ? IntOp::MinRelu : IntOp::MaxRelu;
  emitInt(d, op, type, type, {type, type});
}

template <IntOp Int, FloatOp Float>
static void decodeNegAbs(InstDecoder &d) {
  Type type = d.needType();
  if (ptx::isFloat(type))
    return decodeFloatArithmetic(d, Float, type);
  if (!ptx::isSigned(type))
    d.unsupported();
  emitInt(d, Int, type, type, {type});
}

//===----------------------------------------------------------------------===//
// Logic and shifts
//===----------------------------------------------------------------------===//

template <IntOp Op>
static void decodeLogic(InstDecoder &d) {
  Type type = d.needType();
  if (type != Type::Pred) {
    if (!ptx::isBits(type))
      d.unsupported();
    return emitInt(d, Op, type, type, {type, type});
  }
  d.needOperands(3);
  bool notA = false, notB = false;
  Inst inst;
  inst.a = d.predicate(d.operand(1), &notA);
  inst.b = d.predicate(d.operand(2), &notB);
  inst.d = d.predicateResult(d.operand(0));
  inst.imm = (notA ? 1 : 0) | (notB ? 2 : 0);
  d.emit(Op == IntOp::And  ? runPredicateAnd
         : Op == IntOp::Or ? runPredicateOr
                           : runPredicateXor,
         inst);
}

static void decodeNot(InstDecoder &d) {
  Type type = d.needType();
  if (type != Type::Pred) {
    if (!ptx::isBits(type))
      d.unsupported();
    return emitInt(d, IntOp::Not, type, type, {type});
  }
  d.needOperands(2);
  Inst inst;
  bool negated = false;
  inst.a = d.predicate(d.operand(1), &negated);
  inst.d = d.predicateResult(d.operand(0));
  inst.imm = negated ? 0 : 1;
  d.emit(runPredicateMove, inst);
}

static void decodeCnot(InstDecoder &d) {
  Type type = d.needType();
  emitInt(d, IntOp::Cnot, type, type, {type});
}

template <IntOp Op>
static void decodeShift(InstDecoder &d) {
  Type type = d.needType();
  emitInt(d, Op, type, type, {type, Type::U32});
}

static void decodeShf(InstDecoder &d) {
  int direction = d.takeOneOf({"l", "r"});
  int mode = d.takeOneOf({"clamp", "wrap"});
  if (direction < 0 || mode < 0 || d.needType() != Type::B32)
    d.unsupported();
  static constexpr IntOp ops[2][2] = {
      {IntOp::ShfLeftClamp, IntOp::ShfLeftWrap},
      {IntOp::ShfRightClamp, IntOp::ShfRightWrap}};
  emitInt(d, ops[direction][mode], Type::B32, Type::B32,
          {Type::B32, Type::B32, Type::U32});
}

/// lop3.b32 d, a, b, c, table; lop3.{or,and}.b32 d|p, a, b, c, table, q also
/// gives p = (d != 0) BoolOp q.
static void decodeLop3(InstDecoder &d) {
  int boolean = d.takeOneOf({"and", "or"});
  if (d.needType() != Type::B32)
    d.unsupported();
  d.needOperands(boolean < 0 ? 5 : 6);
  Inst inst;
  inst.a = d.source(1, Type::B32);
  inst.b = d.source(2, Type::B32);
  inst.c = d.source(3, Type::B32);
  inst.imm = static_cast<int32_t>(d.needConstant(d.operand(4), 0, 255));
  const ptx::Operand &result = d.operand(0);
  if (boolean < 0) {
    inst.d = d.result(result, Type::B32);
    d.emit(selectInt(IntOp::Lop3, Type::B32), inst);
    return;
  }
  if (result.kind != ptx::Operand::Kind::Pair)
    d.fail(result.location, "expected a register and a predicate");
  inst.d = d.result(result.elements[0], Type::B32);
  Inst test;
  test.a = inst.d;
  test.b = d.fn.program.constants.ref32(0);
  bool negated = false;
  test.c = d.predicate(d.operand(5), &negated);
  test.imm = packBool(boolean == 0 ? BoolOp::And : BoolOp::Or, negated);
  test.d = d.predicateResult(result.elements[1]);
  d.emit(selectInt(IntOp::Lop3, Type::B32), inst);
  d.emit(selectSetp(CompareOp::Ne, Type::B32, false), test);
}

static void decodePrmt(InstDecoder &d) {
  if (d.needType() != Type::B32)
    d.unsupported();
  int mode = d.takeOneOf({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"});
  emitInt(d, IntOp::Prmt, Type::B32, Type::B32,
          {Type::B32, Type::B32, Type::B32}, mode + 1);
}

//===----------------------------------------------------------------------===//
// Bits and fields
//===----------------------------------------------------------------------===//

template <IntOp Op>
static void decodeCount(InstDecoder &d) {
  Type type = d.needType();
  if (type != Type::B32 && type != Type::B64)
    d.unsupported();
  emitInt(d, Op, type, Type::U32, {type});
}

static void decodeBrev(InstDecoder &d) {
  Type type = d.needType();
  emitInt(d, IntOp::Brev, type, type, {type});
}

static void decodeBfind(InstDecoder &d) {
  bool shift = d.take("shiftamt");
  Type type = d.needType();
  emitInt(d, shift ? IntOp::BfindShift : IntOp::Bfind, type, Type::U32, {type});
}

static void decodeBfe(InstDecoder &d) {
  Type type = d.needType();
  emitInt(d, IntOp::Bfe, type, type, {type, Type::U32, Type::U32});
}

static void decodeBfi(InstDecoder &d) {
  Type type = d.needType();
  emitInt(d, IntOp::Bfi, type, type, {type, type, Type::U32, Type::U32});
}

static void decodeFns(InstDecoder &d) {
  if (d.needType() != Type::B32)
    d.unsupported();
  emitInt(d, IntOp::Fns, Type::B32, Type::B32,
          {Type::B32, Type::B32, Type::S32});
}

static void decodeBmsk(InstDecoder &d) {
  int mode = d.takeOneOf({"clamp", "wrap"});
  if (mode < 0 || d.needType() != Type::B32)
    d.unsupported();
  emitInt(d, mode ? IntOp::BmskWrap : IntOp::BmskClamp, Type::B32, Type::B32,
          {Type::U32, Type::U32});
}

static void decodeSzext(InstDecoder &d) {
  int mode = d.takeOneOf({"clamp", "wrap"});
  if (mode < 0)
    d.unsupported();
  Type type = d.needType();
  emitInt(d, mode ? IntOp::SzextWrap : IntOp::SzextClamp, type, type,
          {type, Type::U32});
}

static void decodeSad(InstDecoder &d) {
  Type type = d.needType();
  emitInt(d, IntOp::Sad, type, type, {type, type, type});
}

template <bool Four>
static void decodeDot(InstDecoder &d) {
  int half = Four ? 0 : d.takeOneOf({"lo", "hi"});
  Type a = d.needType(), b = d.needType();
  if (half < 0 || ptx::typeBytes(a) != 4 || ptx::typeBytes(b) != 4)
    d.unsupported();
  d.needOperands(4);
  Inst inst;
  inst.a = d.source(1, a);
  inst.b = d.source(2, b);
  inst.c = d.source(3, Type::B32);
  inst.d = d.result(0, Type::B32);
  inst.imm = half;
  d.emit(selectDot(Four, ptx::isSigned(a), ptx::isSigned(b)), inst);
}

void addIntegerOpcodes(OpcodeTable &table) {
  table["add"] = decodeAdd;
  table["sub"] = decodeSub;
  table["addc"] = decodeAddc;
  table["subc"] = decodeSubc;
  table["madc"] = decodeMadc;
  table["mul"] = decodeMul;
  table["mad"] = decodeMad;
  table["mul24"] = decodeMul24;
  table["mad24"] = decodeMad24;
  table["div"] = decodeDiv;
  table["rem"] = decodeTwoSame<IntOp::Rem>;
  table["min"] = decodeMinMax<IntOp::Min, FloatOp::Min>;
  table["max"] = decodeMinMax<IntOp::Max, FloatOp::Max>;
  table["neg"] = decodeNegAbs<IntOp::Neg, FloatOp::Neg>;
  table["abs"] = decodeNegAbs<IntOp::Abs, FloatOp::Abs>;
  table["and"] = decodeLogic<IntOp::And>;
  table["or"] = decodeLogic<IntOp::Or>;
  table["xor"] = decodeLogic<IntOp::Xor>;
  table["not"] = decodeNot;
  table["cnot"] = decodeCnot;
  table["shl"] = decodeShift<IntOp::Shl>;
  table["shr"] = decodeShift<IntOp::Shr>;
  table["shf"] = decodeShf;
  table["lop3"] = decodeLop3;
  table["prmt"] = decodePrmt;
  table["popc"] = decodeCount<IntOp::Popc>;
  table["clz"] = decodeCount<IntOp::Clz>;
  table["brev"] = decodeBrev;
  table["bfind"] = decodeBfind;
  table["bfe"] = decodeBfe;
  table["bfi"] = decodeBfi;
  table["fns"] = decodeFns;
  table["bmsk"] = decodeBmsk;
  table["szext"] = decodeSzext;
  table["sad"] = decodeSad;
  table["dp4a"] = decodeDot<true>;
  table["dp2a"] = decodeDot<false>;
}

} // namespace tilewright::sim
