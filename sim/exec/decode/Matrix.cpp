//===- Matrix.cpp - Decoding wgmma, mma, ldmatrix and stmatrix ------------===//

#include "sim/exec/decode/MatrixForms.h"
#include "sim/exec/ops/MatrixOps.h"
#include "sim/exec/ops/WmmaOps.h"

#include <charconv>

namespace tilewright::sim {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

MatrixShape takeShape(InstDecoder &d) {
  for (const ptx::Modifier &modifier : d.ast.modifiers) {
    std::string_view text = modifier.text;
    MatrixShape shape;
    const char *at = text.data(), *end = at + text.size();
    auto number = [&](char letter, int &out) {
      if (at == end || *at != letter)
        return false;
      auto [next, error] = std::from_chars(at + 1, end, out);
      at = next;
      return error == std::errc();
    };
    if (number('m', shape.m) && number('n', shape.n) && number('k', shape.k) &&
        at == end && d.take(text))
      return shape;
  }
  d.fail("expected a shape such as .m16n8k16");
}

bool takeLayout(InstDecoder &d) {
  std::string_view layout = d.takeNext();
  if (layout != "row" && layout != "col")
    d.unsupported();
  return layout == "col";
}

std::optional<MatrixType> matrixType(std::string_view name) {
  static constexpr std::pair<std::string_view, MatrixType> types[] = {
      {"f16", MatrixType::F16},   {"bf16", MatrixType::BF16},
      {"tf32", MatrixType::TF32}, {"e4m3", MatrixType::E4M3},
      {"e5m2", MatrixType::E5M2}, {"s8", MatrixType::S8},
      {"u8", MatrixType::U8},     {"s4", MatrixType::S4},
      {"u4", MatrixType::U4},     {"b1", MatrixType::B1},
      {"f64", MatrixType::F64}};
  for (auto [known, type] : types)
    if (known == name)
      return type;
  return std::nullopt;
}

std::optional<AccumulatorType> accumulatorType(std::string_view name) {
  static constexpr std::pair<std::string_view, AccumulatorType> types[] = {
      {"f32", AccumulatorType::F32},
      {"f16", AccumulatorType::F16},
      {"s32", AccumulatorType::S32},
      {"f64", AccumulatorType::F64}};
  for (auto [known, type] : types)
    if (known == name)
      return type;
  return std::nullopt;
}

static MatrixType needMatrixType(InstDecoder &d) {
  std::optional<MatrixType> type = matrixType(d.takeNext());
  if (!type)
    d.unsupported();
  return *type;
}
static AccumulatorType needAccumulator(InstDecoder &d) {
  std::optional<AccumulatorType> type = accumulatorType(d.takeNext());
  if (!type)
    d.unsupported();
  return *type;
}

std::vector<Ref> takeFragment(InstDecoder &d, const Operand &operand, int count,
                              bool isResult, bool row64) {
  std::vector<Ref> refs;
  bool braces = operand.kind == Operand::Kind::Vector;
  size_t given = braces ? operand.elements.size() : 1;
  if (given != static_cast<size_t>(count))
    d.fail(operand.location, "expected " + std::to_string(count) +
                                 " registers, but got " +
                                 std::to_string(given));
  for (int i = 0; i < count; ++i) {
    const Operand &element =
        braces ? operand.elements[static_cast<size_t>(i)] : operand;
    LocalName name;
    if (!d.isRegister(element, name)) {
      if (isResult)
        d.fail(element.location, "expected a register");
      refs.push_back(d.source(element, row64 ? Type::F64 : Type::B32));
      continue;
    }
    if (name.type == Type::Pred || name.bytes != (row64 ? 8u : 4u) ||
        name.vector != 1)
      d.fail(element.location, "register has the wrong size");
    refs.push_back(name.ref);
  }
  return refs;
}

/// Sparse products are refused by name.
static void refuseSparse(const InstDecoder &d) {
  for (const ptx::Modifier &modifier : d.ast.modifiers)
    if (modifier.text == "sp" || modifier.text.starts_with("sp::"))
      d.fail(modifier.location, "sparse matrix products are not supported");
}

//===----------------------------------------------------------------------===//
// wgmma
//===----------------------------------------------------------------------===//

static std::vector<uint32_t> wordOffsets(const std::vector<Ref> &refs) {
  std::vector<uint32_t> offsets;
  for (Ref ref : refs)
    offsets.push_back(ref / 4);
  return offsets;
}

/// imm-scale: 1 or -1.
static bool takeNegation(InstDecoder &d, size_t index) {
  int64_t value = d.needConstant(d.operand(index), -1, 1);
  if (value == 0)
    d.fail(d.operand(index).location, "expected 1 or -1");
  return value < 0;
}

static void takeWgmmaForm(InstDecoder &d, WgmmaOp &op) {
  if (!d.take("sync") || !d.take("aligned"))
    d.unsupported();
  op.saturate = d.take("satfinite");
  MatrixShape shape = takeShape(d);
  op.dType = needAccumulator(d);
  op.aType = needMatrixType(d);
  op.bType = needMatrixType(d);
  op.n = shape.n;
  if (shape.m != WgmmaOp::m || shape.k != op.k())
    d.fail("this wgmma shape does not exist for its element type");
  if (op.aType == MatrixType::B1 && (!d.take("and") || !d.take("popc")))
    d.fail("wgmma multiplies bits with .and.popc only");
}

/// d, a, b-desc, scale-d{, imm-scale-a, imm-scale-b{, imm-trans-a}{,
/// imm-trans-b}}
static void decodeWgmmaMma(InstDecoder &d) {
  WgmmaSpec spec;
  WgmmaOp &op = spec.op;
  takeWgmmaForm(d, op);
  if (d.operandCount() < 4)
    d.needOperands(4);
  op.aInRegisters = d.operand(1).kind == Operand::Kind::Vector;
  bool integer = isInteger(op.aType);
  bool transposes = op.aType == MatrixType::F16 || op.aType == MatrixType::BF16;
  d.needOperands(4 + (integer ? 0 : 2) +
                 (transposes ? (op.aInRegisters ? 1 : 2) : 0));
  if (!integer) {
    op.negateA = takeNegation(d, 4);
    op.negateB = takeNegation(d, 5);
  }
  if (transposes && !op.aInRegisters)
    op.transposeA = d.needConstant(d.operand(6), 0, 1);
  if (transposes)
    op.transposeB = d.needConstant(d.operand(op.aInRegisters ? 6 : 7), 0, 1);
  if (const char *why = checkWgmma(op))
    d.fail(why);
  spec.d = wordOffsets(
      takeFragment(d, d.operand(0), op.accumulatorRegisters(), true, false));
  Inst inst;
  if (op.aInRegisters) {
    for (const Operand &element : d.operand(1).elements) {
      LocalName name;
      if (!d.isRegister(element, name))
        d.fail(element.location, "expected a register");
    }
    spec.a = wordOffsets(
        takeFragment(d, d.operand(1), WgmmaOp::aRegisters, false, false));
  } else {
    inst.a = d.source(1, Type::B64);
  }
  inst.b = d.source(2, Type::B64);
  bool negated = false;
  inst.c = d.predicate(d.operand(3), &negated);
  inst.imm = negated ? 1 : 0;
  inst.aux = d.keep(std::move(spec));
  inst.flags |= Works;
  d.emit(runWgmmaIssue, inst);
}

static void decodeWgmma(InstDecoder &d) {
  int op = d.takeOneOf({"mma_async", "fence", "commit_group", "wait_group"});
  refuseSparse(d);
  if (op == 0)
    return decodeWgmmaMma(d);
  if (op < 0 || !d.take("sync") || !d.take("aligned"))
    d.unsupported();
  d.needOperands(op == 3 ? 1 : 0);
  Inst inst;
  inst.flags |= Works;
  if (op == 3)
    inst.imm = static_cast<int32_t>(d.needConstant(d.operand(0), 0, 7));
  d.emit(op == 1   ? runWgmmaFence
         : op == 2 ? runWgmmaCommit
                   : runWgmmaWait,
         inst);
}

//===----------------------------------------------------------------------===//
// mma.sync
//===----------------------------------------------------------------------===//

TensorArch tensorArch(const InstDecoder &d) {
  const std::string &arch = d.fn.module.config.arch;
  if (arch.starts_with("sm_89"))
    return TensorArch::Ada;
  return arch.starts_with("sm_8") ? TensorArch::Ampere : TensorArch::Hopper;
}

/// mma.sync.aligned.m8n8k4.alayout.blayout.dtype.f16.f16.ctype, its shape
/// taken.
static void decodeQuadMma(InstDecoder &d) {
  QuadMmaSpec spec;
  spec.op.aColumn = takeLayout(d);
  spec.op.bColumn = takeLayout(d);
  spec.op.arch = tensorArch(d);
  spec.op.dType = needAccumulator(d);
  bool halves = needMatrixType(d) == MatrixType::F16 &&
                needMatrixType(d) == MatrixType::F16;
  spec.op.cType = needAccumulator(d);
  auto isFloat = [](AccumulatorType type) {
    return type == AccumulatorType::F16 || type == AccumulatorType::F32;
  };
  bool fits = halves && isFloat(spec.op.dType) && isFloat(spec.op.cType) &&
              (spec.op.dType == AccumulatorType::F32 ||
               spec.op.cType == AccumulatorType::F16);
  if (!fits)
    d.unsupported();
  d.needOperands(4);
  spec.a = takeFragment(d, d.operand(1), quadRegisters, false, false);
  spec.b = takeFragment(d, d.operand(2), quadRegisters, false, false);
  spec.c = takeFragment(d, d.operand(3), quadRegistersOf(spec.op.cType), false,
                        false);
  spec.d = takeFragment(d, d.operand(0), quadRegistersOf(spec.op.dType), true,
                        false);
  Inst inst;
  inst.aux = d.keep(std::move(spec));
  d.emit(runQuadMmaSync, inst);
}

static void decodeMma(InstDecoder &d) {
  refuseSparse(d);
  if (!d.take("sync") || !d.take("aligned"))
    d.unsupported();
  MmaSpec spec;
  MmaSyncOp &op = spec.op;
  MatrixShape shape = takeShape(d);
  if (shape == MatrixShape{8, 8, 4} && d.has("f16"))
    return decodeQuadMma(d);
  op.m = shape.m;
  op.n = shape.n;
  op.k = shape.k;
  if (!d.take("row") || !d.take("col"))
    d.unsupported();
  if (std::optional<RoundingMode> rounding = d.takeRounding())
    op.rounding = *rounding;
  op.saturate = d.take("satfinite");
  if (d.take("popc"))
    op.bitOperation = d.take("and") ? BitOperation::And : BitOperation::Xor;
  d.take("xor");
  op.dType = needAccumulator(d);
  op.aType = needMatrixType(d);
  op.bType = needMatrixType(d);
  op.cType = needAccumulator(d);
  op.arch = tensorArch(d);
  if (const char *why = checkMmaSync(op))
    d.fail(why);
  spec.row64 = op.aType == MatrixType::F64;
  d.needOperands(4);
  spec.a = takeFragment(d, d.operand(1), op.aRegisters(), false, spec.row64);
  spec.b = takeFragment(d, d.operand(2), op.bRegisters(), false, spec.row64);
  spec.c = takeFragment(d, d.operand(3), op.cRegisters(), false, spec.row64);
  spec.d = takeFragment(d, d.operand(0), op.dRegisters(), true, spec.row64);
  Inst inst;
  inst.aux = d.keep(std::move(spec));
  d.emit(runMma, inst);
}

//===----------------------------------------------------------------------===//
// ldmatrix, stmatrix, movmatrix
//===----------------------------------------------------------------------===//

static void decodeMatrixMove(InstDecoder &d, bool isLoad) {
  if (!d.take("sync") || !d.take("aligned") || !d.take("m8n8"))
    d.unsupported();
  MatrixMoveSpec spec;
  int count = d.takeOneOf({"x1", "x2", "x4"});
  if (count < 0)
    d.unsupported();
  spec.count = 1 << count;
  spec.transpose = d.take("trans");
  Space space = d.takeSpace(Space::None);
  if ((space != Space::None && space != Space::Shared) ||
      d.needType() != Type::B16)
    d.unsupported();
  d.needOperands(2);
  Inst inst;
  d.address(inst, d.operand(isLoad ? 1 : 0), space);
  std::vector<Ref> refs =
      takeFragment(d, d.operand(isLoad ? 0 : 1), spec.count, isLoad, false);
  std::copy(refs.begin(), refs.end(), spec.registers);
  inst.aux = d.keep(spec);
  inst.flags |= isLoad ? 0u : uint32_t(Works);
  d.emit(isLoad ? runLoadMatrix : runStoreMatrix, inst);
}
static void decodeLdmatrix(InstDecoder &d) { decodeMatrixMove(d, true); }
static void decodeStmatrix(InstDecoder &d) { decodeMatrixMove(d, false); }

static void decodeMovmatrix(InstDecoder &d) {
  if (!d.take("sync") || !d.take("aligned") || !d.take("m8n8") ||
      !d.take("trans") || d.needType() != Type::B16)
    d.unsupported();
  d.needOperands(2);
  Inst inst;
  inst.a = d.source(1, Type::B32);
  inst.d = d.result(0, Type::B32);
  d.emit(runTransposeMatrix, inst);
}

void addMatrixOpcodes(OpcodeTable &table) {
  table["wgmma"] = decodeWgmma;
  table["mma"] = decodeMma;
  table["ldmatrix"] = decodeLdmatrix;
  table["stmatrix"] = decodeStmatrix;
  table["movmatrix"] = decodeMovmatrix;
}

} // namespace tilewright::sim
