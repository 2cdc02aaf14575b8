//===- Atomic.cpp - Decoding atom and red ---------------------------------===//

#include "sim/exec/decode/Decoder.h"
#include "sim/exec/ops/AtomicOps.h"

namespace tilewright::sim {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

// MemoryAccess.cpp
bool takeCacheHints(InstDecoder &d);
bool takeSemantics(InstDecoder &d);
uint32_t takeVector(InstDecoder &d);

/// One register, or the elements of a braced list.
static void takeElements(InstDecoder &d, const Operand &operand,
                         AtomicSpec &spec, Ref *refs, bool isResult) {
  bool braces = operand.kind == Operand::Kind::Vector;
  if (braces ? operand.elements.size() != spec.count : spec.count != 1)
    d.fail(operand.location,
           "expected " + std::to_string(spec.count) + " registers");
  for (uint32_t i = 0; i < spec.count; ++i) {
    const Operand &element = braces ? operand.elements[i] : operand;
    if (isResult)
      refs[i] = d.isSink(element) ? noRef : d.result(element, spec.type);
    else
      refs[i] = d.source(element, spec.type);
  }
}

/// A .b128 register counts as two rows of 64 bits.
static void takeHalves(InstDecoder &d, const Operand &operand, Ref *refs) {
  LocalName name;
  if (!d.isRegister(operand, name) || name.bytes != 16)
    d.fail(operand.location, "expected a .b128 register");
  refs[0] = name.ref;
  refs[1] = name.ref + row64Bytes;
}

/// atom.exch and atom.cas on .b128, the modifiers taken.
static void emitAtomic128(InstDecoder &d, AtomicSpec &spec, Space space,
                          bool policy) {
  bool isCas = spec.op == AtomicOp::Cas;
  d.needOperands(3 + isCas + policy);
  Inst inst;
  d.address(inst, d.operand(1), space);
  takeHalves(d, d.operand(2), spec.b);
  if (isCas)
    takeHalves(d, d.operand(3), spec.c);
  if (!d.isSink(d.operand(0)))
    takeHalves(d, d.operand(0), spec.d);
  if (policy)
    d.source(d.operandCount() - 1, Type::B64);
  inst.flags |= uint32_t(Polls);
  inst.aux = d.keep(spec);
  d.emit(runAtomic128, inst);
}

static void decodeAtomic(InstDecoder &d, bool hasResult) {
  if (d.has("async"))
    d.unsupported();
  AtomicSpec spec;
  std::fill_n(spec.d, 8, noRef);
  std::fill_n(spec.b, 8, noRef);
  std::fill_n(spec.c, 8, noRef);
  takeSemantics(d);
  Space space = d.takeSpace(Space::None);
  int op = d.takeOneOf(
      {"and", "or", "xor", "exch", "cas", "add", "inc", "dec", "min", "max"});
  if (op < 0 || (!hasResult && (op == 3 || op == 4)))
    d.unsupported();
  spec.op = static_cast<AtomicOp>(op);
  d.take("noftz");
  bool policy = takeCacheHints(d);
  spec.count = takeVector(d);
  spec.type = d.needType();
  if (!hasAtomic(spec.op, spec.type) ||
      (spec.count > 1 && (!ptx::isFloat(spec.type) || space == Space::Shared)))
    d.unsupported();
  if (spec.type == Type::B128)
    return emitAtomic128(d, spec, space, policy);
  spec.row64 = ptx::typeBytes(spec.type) == 8;

  size_t sources = spec.op == AtomicOp::Cas ? 2 : 1;
  size_t at = hasResult ? 1 : 0;
  d.needOperands(at + 1 + sources + (policy ? 1 : 0));
  Inst inst;
  d.address(inst, d.operand(at), space);
  takeElements(d, d.operand(at + 1), spec, spec.b, false);
  if (sources == 2)
    takeElements(d, d.operand(at + 2), spec, spec.c, false);
  if (hasResult)
    takeElements(d, d.operand(0), spec, spec.d, true);
  if (policy)
    d.source(d.operandCount() - 1, Type::B64);
  // A loop around a compare-and-swap waits for others; one around another
  // operation does work.
  inst.flags |= hasResult ? uint32_t(Polls) : uint32_t(Works);
  inst.aux = d.keep(spec);
  d.emit(runAtomic, inst);
}

static void decodeAtom(InstDecoder &d) { decodeAtomic(d, true); }

void decodeRedAsync(InstDecoder &d);

static void decodeRed(InstDecoder &d) {
  if (d.take("async"))
    return decodeRedAsync(d);
  decodeAtomic(d, false);
}

void addAtomicOpcodes(OpcodeTable &table) {
  table["atom"] = decodeAtom;
  table["red"] = decodeRed;
}

} // namespace tilewright::sim
