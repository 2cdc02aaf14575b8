//===- Float.cpp - Decoding floating-point instructions and cvt -----------===//

#include "sim/exec/decode/Decoder.h"
#include "sim/exec/ops/Pack.h"
#include "sim/exec/ops/Perturb.h"

namespace tilewright::sim {

using ptx::Type;

static bool isHalf(Type type) {
  return type == Type::F16 || type == Type::BF16 || type == Type::F16x2 ||
         type == Type::BF16x2;
}

static size_t sourceCount(FloatOp op) {
  if (op <= FloatOp::Tanh)
    return 1;
  return op == FloatOp::Fma ? 3 : 2;
}

/// The instruction between a copy of its operands, which it may overwrite, and
/// what makes its result worse.
static void emitPerturbed(InstDecoder &d, FloatOp op, Type type,
                          const FloatOptions &options, Handler handler,
                          const Inst &inst) {
  PerturbSpec spec;
  spec.op = op;
  spec.type = type;
  spec.ftz = options.ftz;
  spec.seed = *d.fn.module.perturbSeed;
  Inst perturb;
  perturb.d = inst.d;
  perturb.aux = d.keep(spec);
  auto copy = [&](Ref row) {
    Inst move;
    move.a = row;
    move.d = d.fn.newRow32();
    d.emit(selectMove(4), move);
    return move.d;
  };
  perturb.a = copy(inst.a);
  if (inst.b != noRef)
    perturb.b = copy(inst.b);
  d.emit(handler, inst);
  d.emit(runPerturb, perturb);
}

static void emitFloat(InstDecoder &d, FloatOp op, Type type,
                      FloatOptions options) {
  size_t sources = sourceCount(op);
  d.needOperands(1 + sources);
  Inst inst;
  inst.a = d.source(1, type);
  if (sources > 1)
    inst.b = d.source(2, type);
  if (sources > 2)
    inst.c = d.source(3, type);
  inst.d = d.result(0, type);
  Handler handler = selectFloat(op, type, options, inst.imm);
  if (d.fn.module.perturbSeed && canPerturb(op, type, options))
    return emitPerturbed(d, op, type, options, handler, inst);
  d.emit(handler, inst);
}

/// add, sub, mul, fma, div, min, max, neg, abs after their type was taken.
void decodeFloatArithmetic(InstDecoder &d, FloatOp op, Type type) {
  FloatOptions options;
  if (std::optional<RoundingMode> rounding = d.takeRounding())
    options.rounding = *rounding;
  options.ftz = d.take("ftz");
  options.sat = d.take("sat");
  bool isMinMax = op == FloatOp::Min || op == FloatOp::Max;
  if (op == FloatOp::Fma && isHalf(type)) {
    options.oob = d.take("oob");
    options.relu = d.take("relu");
  }
  if (isMinMax && d.take("NaN"))
    op = op == FloatOp::Min ? FloatOp::MinNan : FloatOp::MaxNan;
  if (isMinMax && d.take("xorsign")) {
    if (!d.take("abs"))
      d.unsupported();
    options.xorsign = true;
  }
  if (op == FloatOp::Div && type == Type::F32) {
    // .approx and .full are bounds; a correctly rounded quotient keeps both.
    if (d.take("approx"))
      options.approx = true;
    else
      options.full = d.take("full");
  }
  bool shortResult = isMinMax || op == FloatOp::Neg || op == FloatOp::Abs;
  if (shortResult && options.sat)
    d.unsupported();
  // bf16 has no .ftz.
  if (options.ftz &&
      (type == Type::F64 || type == Type::BF16 || type == Type::BF16x2))
    d.unsupported();
  emitFloat(d, op, type, options);
}

static void decodeFma(InstDecoder &d) {
  Type type = d.needType();
  if (!ptx::isFloat(type))
    d.unsupported();
  decodeFloatArithmetic(d, FloatOp::Fma, type);
}

template <FloatOp Op>
static void decodeRcpSqrt(InstDecoder &d) {
  Type type = d.needType();
  if (type != Type::F32 && type != Type::F64)
    d.unsupported();
  FloatOptions options;
  options.approx = d.take("approx");
  if (!options.approx) {
    std::optional<RoundingMode> rounding = d.takeRounding();
    if (!rounding)
      d.unsupported();
    options.rounding = *rounding;
  }
  options.ftz = d.take("ftz");
  if (options.approx && type == Type::F64 &&
      (Op != FloatOp::Rcp || !options.ftz))
    d.unsupported();
  emitFloat(d, Op, type, options);
}

template <FloatOp Op>
static void decodeApprox(InstDecoder &d) {
  Type type = d.needType();
  if (!d.take("approx"))
    d.unsupported();
  FloatOptions options;
  options.approx = true;
  options.ftz = d.take("ftz");
  if (Op == FloatOp::Tanh && options.ftz)
    d.unsupported();
  emitFloat(d, Op, type, options);
}

static void decodeCopysign(InstDecoder &d) {
  Type type = d.needType();
  emitFloat(d, FloatOp::CopySign, type, {});
}

static void decodeTestp(InstDecoder &d) {
  int op = d.takeOneOf(
      {"finite", "infinite", "number", "notanumber", "normal", "subnormal"});
  Type type = d.needType();
  if (op < 0 || (type != Type::F32 && type != Type::F64))
    d.unsupported();
  d.needOperands(2);
  Inst inst;
  inst.a = d.source(1, type);
  inst.d = d.predicateResult(d.operand(0));
  inst.imm = op;
  d.emit(selectTestp(static_cast<TestpOp>(op), type), inst);
}

//===----------------------------------------------------------------------===//
// cvt
//===----------------------------------------------------------------------===//

static bool isFloating(Type type) { return ptx::isFloat(type); }

static void takeConvertRounding(InstDecoder &d, ConvertSpec &spec) {
  static constexpr RoundingMode modes[] = {
      RoundingMode::NearestEven, RoundingMode::Zero, RoundingMode::Down,
      RoundingMode::Up};
  int integral = d.takeOneOf({"rni", "rzi", "rmi", "rpi"});
  if (integral >= 0) {
    spec.rounding = modes[integral];
    spec.toInteger = true;
    spec.hasRounding = true;
    return;
  }
  if (std::optional<RoundingMode> rounding = d.takeRounding()) {
    spec.rounding = *rounding;
    spec.hasRounding = true;
  }
}

static void checkRounding(InstDecoder &d, const ConvertSpec &spec) {
  bool fromFloat = isFloating(spec.from), toFloat = isFloating(spec.to);
  bool toInteger = fromFloat && !toFloat;
  if (toInteger && !spec.toInteger)
    d.fail("'cvt' from a float to an integer needs an integer rounding");
  if (!fromFloat && !toFloat && spec.hasRounding)
    d.fail("'cvt' between integers takes no rounding");
  bool narrows = fromFloat && toFloat &&
                 (ptx::typeBytes(spec.to) < ptx::typeBytes(spec.from) ||
                  spec.to == Type::TF32);
  if ((narrows || (!fromFloat && toFloat)) && !spec.hasRounding)
    d.fail("'cvt' to a narrower type needs a rounding");
}

/// Bits of an integer that cvt.pack makes; 0 for other names.
static uint32_t packedBits(std::string_view name) {
  static constexpr std::string_view sizes[] = {"2", "4", "8", "16"};
  if (name.empty() || (name[0] != 'u' && name[0] != 's'))
    return 0;
  for (uint32_t i = 0; i < std::size(sizes); ++i)
    if (name.substr(1) == sizes[i])
      return 2u << i;
  return 0;
}

/// cvt.pack.sat.{u16,s16}.s32 d, a, b and cvt.pack.sat.{u,s}{2,4,8}.s32.b32 d,
/// a, b, c: b lowest, then a, then the low bits of c.
static void decodeCvtPack(InstDecoder &d) {
  if (!d.take("sat"))
    d.unsupported();
  std::string_view name = d.takeNext();
  uint32_t bits = packedBits(name);
  bool appends = bits < 16;
  if (bits == 0 || d.needType() != Type::S32 ||
      (appends && d.needType() != Type::B32))
    d.unsupported();
  d.needOperands(appends ? 4 : 3);
  Inst inst;
  inst.a = d.source(1, Type::S32);
  inst.b = d.source(2, Type::S32);
  inst.c = appends ? d.source(3, Type::B32) : d.fn.program.constants.ref32(0);
  inst.d = d.result(0, Type::B32);
  inst.imm = static_cast<int32_t>(bits);
  d.emit(name[0] == 's' ? runConvertPackSigned : runConvertPackUnsigned, inst);
}

static void decodeCvt(InstDecoder &d) {
  if (d.take("pack"))
    return decodeCvtPack(d);
  ConvertSpec spec;
  takeConvertRounding(d, spec);
  spec.ftz = d.take("ftz");
  spec.sat = d.take("sat");
  spec.satfinite = d.take("satfinite");
  spec.relu = d.take("relu");
  spec.to = d.needType();
  spec.from = d.needType();
  if (const char *why = checkConvert(spec))
    d.fail(std::string("unsupported 'cvt': ") + why);
  bool twoSources =
      spec.from == Type::F32 &&
      (ptx::typeName(spec.to).find("x2") != std::string_view::npos);
  checkRounding(d, spec);
  d.needOperands(twoSources ? 3 : 2);
  Inst inst;
  inst.a = d.wideSource(d.operand(1), spec.from, spec.from64);
  if (twoSources) {
    bool wide = false;
    inst.b = d.wideSource(d.operand(2), spec.from, wide);
  }
  inst.d = d.wideResult(d.operand(0), spec.to, spec.to64);
  inst.aux = d.keep(spec);
  d.emit(selectConvert(spec), inst);
}

void addFloatOpcodes(OpcodeTable &table) {
  table["fma"] = decodeFma;
  table["rcp"] = decodeRcpSqrt<FloatOp::Rcp>;
  table["sqrt"] = decodeRcpSqrt<FloatOp::Sqrt>;
  table["rsqrt"] = decodeApprox<FloatOp::RsqrtApprox>;
  table["ex2"] = decodeApprox<FloatOp::Ex2>;
  table["lg2"] = decodeApprox<FloatOp::Lg2>;
  table["sin"] = decodeApprox<FloatOp::Sin>;
  table["cos"] = decodeApprox<FloatOp::Cos>;
  table["tanh"] = decodeApprox<FloatOp::Tanh>;
  table["copysign"] = decodeCopysign;
  table["testp"] = decodeTestp;
  table["cvt"] = decodeCvt;
}

} // namespace tilewright::sim
