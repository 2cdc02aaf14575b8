//===- Move.cpp - Decoding mov, cvta and friends --------------------------===//

#include "sim/exec/decode/Decoder.h"
#include "sim/exec/ops/Control.h"
#include "sim/exec/ops/Pack.h"

namespace tilewright::sim {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

/// The type of a vector's elements of so many bytes.
static Type partOf(uint32_t bytes) {
  return bytes == 8   ? Type::B64
         : bytes == 4 ? Type::B32
         : bytes == 2 ? Type::B16
                      : Type::B8;
}

/// mov d, {a, b, ...}: the vector's elements from the least significant bits.
static void decodePack(InstDecoder &d, Type type) {
  const Operand &vector = d.operand(1);
  uint32_t count = static_cast<uint32_t>(vector.elements.size());
  uint32_t bytes = ptx::typeBytes(type);
  if ((count != 2 && count != 4) || bytes / count == 0)
    d.unsupported();
  uint32_t part = bytes / count;
  Type partType = partOf(part);
  Inst inst;
  if (type == Type::B128) {
    LocalName name;
    if (!d.isRegister(d.operand(0), name) || name.bytes != 16 || count != 2)
      d.unsupported();
    for (uint32_t i = 0; i < 2; ++i) {
      Inst half;
      half.a = d.source(vector.elements[i], Type::B64);
      half.d = name.ref + i * row64Bytes;
      d.emit(selectMove(8), half);
    }
    return;
  }
  VectorRefs refs;
  refs.count = count;
  for (uint32_t i = 0; i < count; ++i)
    refs.refs[i] = d.source(vector.elements[i], partType);
  inst.aux = d.keep(refs);
  inst.imm = static_cast<int32_t>(8 * part);
  inst.d = d.result(0, type);
  d.emit(bytes == 8 ? (part == 4 ? runPack64From32 : runPack64) : runPack32,
         inst);
}

/// mov {a, b, ...}, s
static void decodeUnpack(InstDecoder &d, Type type) {
  const Operand &vector = d.operand(0);
  uint32_t count = static_cast<uint32_t>(vector.elements.size());
  uint32_t bytes = ptx::typeBytes(type);
  if ((count != 2 && count != 4) || bytes / count == 0)
    d.unsupported();
  uint32_t part = bytes / count;
  if (type == Type::B128) {
    LocalName name;
    if (!d.isRegister(d.operand(1), name) || name.bytes != 16 || count != 2)
      d.unsupported();
    for (uint32_t i = 0; i < 2; ++i) {
      Inst half;
      half.d = d.result(vector.elements[i], Type::B64);
      half.a = name.ref + i * row64Bytes;
      d.emit(selectMove(8), half);
    }
    return;
  }
  Type partType = partOf(part);
  Inst inst;
  inst.a = d.source(1, type);
  VectorRefs refs;
  refs.count = count;
  for (uint32_t i = 0; i < count; ++i)
    refs.refs[i] = d.isSink(vector.elements[i])
                       ? noRef
                       : d.result(vector.elements[i], partType);
  inst.aux = d.keep(refs);
  inst.imm = static_cast<int32_t>(8 * part);
  d.emit(bytes == 8 ? runUnpack64 : runUnpack32, inst);
}

static void decodeMovPredicate(InstDecoder &d) {
  Inst inst;
  bool negated = false;
  inst.a = d.predicate(d.operand(1), &negated);
  inst.d = d.predicateResult(d.operand(0));
  inst.imm = negated ? 1 : 0;
  d.emit(runPredicateMove, inst);
}

static void decodeMov(InstDecoder &d) {
  Type type = d.needType();
  d.needOperands(2);
  if (type == Type::Pred)
    return decodeMovPredicate(d);
  if (d.operand(1).kind == Operand::Kind::Vector)
    return decodePack(d, type);
  if (d.operand(0).kind == Operand::Kind::Vector)
    return decodeUnpack(d, type);
  LocalName to, from;
  if (type == Type::B128 && d.isRegister(d.operand(0), to) &&
      d.isRegister(d.operand(1), from) && to.bytes == 16 && from.bytes == 16) {
    for (uint32_t i = 0; i < 2; ++i) {
      Inst half;
      half.a = from.ref + i * row64Bytes;
      half.d = to.ref + i * row64Bytes;
      d.emit(selectMove(8), half);
    }
    return;
  }
  // A vector register moves element by element.
  if (d.isRegister(d.operand(0), to) && to.vector > 1)
    d.unsupported();
  Inst inst;
  inst.a = d.source(1, type);
  inst.d = d.result(0, type);
  d.emit(selectMove(ptx::typeBytes(type)), inst);
}

static uint64_t windowOf(InstDecoder &d, Space space) {
  switch (space) {
  case Space::Global:
  case Space::Const:
    return 0;
  case Space::Shared:
  case Space::SharedCluster:
    return sharedWindow;
  case Space::Local:
    return localWindow;
  case Space::Param:
    // A function's parameters are in local memory.
    return d.fn.info.isEntry ? paramWindow : localWindow;
  default:
    d.fail("'cvta' needs a state space");
  }
}

/// cvta{.to}: windows are added or taken away.
static void decodeCvta(InstDecoder &d) {
  bool to = d.take("to");
  Space space = d.takeSpace(Space::None);
  Type type = d.needType();
  if (type != Type::U64)
    d.unsupported();
  d.needOperands(2);
  uint64_t window = windowOf(d, space);
  Inst inst;
  inst.a = d.source(1, Type::U64);
  inst.d = d.result(0, Type::U64);
  if (window == 0) {
    d.emit(selectMove(8), inst);
    return;
  }
  inst.b = d.fn.program.constants.ref64(to ? 0 - window : window);
  d.emit(selectInt(IntOp::Add, Type::U64), inst);
}

static void decodeIsspacep(InstDecoder &d) {
  Space space = d.takeSpace(Space::None);
  if (space == Space::None)
    d.unsupported();
  d.needOperands(2);
  Inst inst;
  inst.a = d.source(1, Type::U64);
  inst.d = d.predicateResult(d.operand(0));
  inst.imm = static_cast<int32_t>(space);
  ConstantPlaces constants;
  for (const auto &[name, placed] : d.fn.module.variables)
    if (placed.declaration->space == Space::Const)
      constants.places.push_back({placed.address, placed.declaration->bytes()});
  inst.aux = d.keep(std::move(constants));
  d.emit(runIsSpace, inst);
}

/// mapa: the address that another CTA of the cluster has for a shared one.
static void decodeMapa(InstDecoder &d) {
  Space space = d.takeSpace(Space::None);
  Type type = d.needType();
  if (type != Type::U32 && type != Type::U64)
    d.unsupported();
  d.needOperands(3);
  Inst inst;
  inst.a = d.source(1, type);
  inst.b = d.source(2, Type::U32);
  inst.d = d.result(0, type);
  inst.imm = space == Space::None ? 1 : 0;
  d.emit(type == Type::U64 ? runMapa64 : runMapa32, inst);
}

static void decodeGetctarank(InstDecoder &d) {
  Space space = d.takeSpace(Space::None);
  Type type = d.needType();
  if (type != Type::U32 && type != Type::U64)
    d.unsupported();
  d.needOperands(2);
  Inst inst;
  inst.a = d.source(1, type);
  inst.d = d.result(0, Type::U32);
  inst.imm = space == Space::None ? 1 : 0;
  d.emit(type == Type::U64 ? runCtaRank64 : runCtaRank32, inst);
}

void addMoveOpcodes(OpcodeTable &table) {
  table["mov"] = decodeMov;
  table["cvta"] = decodeCvta;
  table["isspacep"] = decodeIsspacep;
  table["mapa"] = decodeMapa;
  table["getctarank"] = decodeGetctarank;
}

} // namespace tilewright::sim
