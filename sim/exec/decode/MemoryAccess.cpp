//===- MemoryAccess.cpp - Decoding ld, st and cache hints -----------------===//

#include "sim/exec/decode/Decoder.h"
#include "sim/exec/ops/Control.h"
#include "sim/exec/ops/WholeOps.h"

namespace tilewright::sim {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

/// Cache operators, eviction priorities and prefetch sizes change no value.
/// Returns true when a cache-policy operand follows.
bool takeCacheHints(InstDecoder &d) {
  for (std::string_view level :
       {"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first",
        "L1::evict_last", "L1::no_allocate", "L2::evict_normal",
        "L2::evict_first", "L2::evict_last", "L2::64B", "L2::128B", "L2::256B"})
    d.take(level);
  return d.take("L2::cache_hint");
}

/// .weak, .volatile, .relaxed, .acquire, .release, .mmio and the scope. Memory
/// is sequentially consistent here, so they only have to be well formed.
/// Returns true for all but weak accesses.
bool takeSemantics(InstDecoder &d) {
  int order = d.takeOneOf(
      {"weak", "volatile", "relaxed", "acquire", "release", "acq_rel", "sc"});
  d.take("mmio");
  d.takeOneOf({"cta", "cluster", "gpu", "sys"});
  return order > 0;
}

/// .v2, .v4 or .v8: the number of elements.
uint32_t takeVector(InstDecoder &d) {
  switch (d.takeOneOf({"v2", "v4", "v8"})) {
  case 0:
    return 2;
  case 1:
    return 4;
  case 2:
    return 8;
  default:
    return 1;
  }
}

namespace {
struct Access {
  Space space = Space::None;
  uint32_t count = 1;
  Type type = Type::None;
  bool strong = false;
};
} // namespace

static Access takeAccess(InstDecoder &d, bool isLoad) {
  Access access;
  access.strong = takeSemantics(d);
  access.space = d.takeSpace(Space::None);
  if (isLoad && d.take("nc") && access.space != Space::Global)
    d.unsupported();
  if (isLoad)
    d.takeOneOf({"ca", "cg", "cs", "lu", "cv"});
  else
    d.takeOneOf({"wb", "cg", "cs", "wt"});
  access.count = takeVector(d);
  access.type = d.needType();
  if (access.type == Type::Pred || access.type == Type::None)
    d.unsupported();
  if (!isLoad && access.space == Space::Const)
    d.unsupported();
  return access;
}

/// Registers of an access; a 128-bit one counts as two of 64 bits.
static MemorySpec takeRegisters(InstDecoder &d, const Operand &operand,
                                Access access, bool isLoad, VectorRefs &refs) {
  MemorySpec spec;
  spec.elementBytes = ptx::typeBytes(access.type);
  spec.isSigned = ptx::isSigned(access.type);
  spec.count = access.count;
  if (access.type == Type::B128) {
    LocalName name;
    if (!d.isRegister(operand, name) || name.bytes != 16 || access.count != 1)
      d.unsupported();
    spec.elementBytes = 8;
    spec.count = 2;
    spec.row64 = true;
    refs.refs[0] = name.ref;
    refs.refs[1] = name.ref + row64Bytes;
    return spec;
  }
  const Operand *elements = &operand;
  LocalName name;
  if (access.count > 1 && d.isRegister(operand, name) &&
      name.vector == access.count) {
    spec.row64 = name.bytes > 4;
    for (uint32_t i = 0; i < access.count; ++i)
      refs.refs[i] = name.ref + i * (spec.row64 ? row64Bytes : row32Bytes);
    return spec;
  }
  bool braces = operand.kind == Operand::Kind::Vector;
  if (braces ? operand.elements.size() != access.count : access.count != 1)
    d.fail(operand.location,
           "expected " + std::to_string(access.count) + " registers");
  if (braces)
    elements = operand.elements.data();
  for (uint32_t i = 0; i < access.count; ++i) {
    bool row64 = false;
    refs.refs[i] = isLoad ? d.wideResult(elements[i], access.type, row64)
                          : d.wideSource(elements[i], access.type, row64);
    if (i > 0 && row64 != spec.row64 && !d.isSink(elements[i]))
      d.fail(elements[i].location, "registers of a vector differ in width");
    spec.row64 = row64;
  }
  return spec;
}

static void emitAccess(InstDecoder &d, const Access &access, bool isLoad) {
  bool policy = takeCacheHints(d);
  d.needOperands(policy ? 3 : 2);
  const Operand &data = d.operand(isLoad ? 0 : 1);
  VectorRefs refs;
  MemorySpec spec = takeRegisters(d, data, access, isLoad, refs);
  Inst inst;
  d.address(inst, d.operand(isLoad ? 1 : 0), access.space);
  if (policy)
    d.source(2, Type::B64);
  inst.d = refs.refs[0];
  bool whole = access.strong && isWhole(spec);
  if (spec.count > 1) {
    refs.count = spec.count;
    inst.aux = whole ? static_cast<const void *>(d.keep(WholeSpec{refs, spec}))
                     : d.keep(refs);
  }
  if (!isLoad)
    inst.flags |= Works;
  else if (access.strong)
    inst.flags |= Polls;
  else
    inst.flags |= Reads;
  if (whole)
    d.emit(isLoad ? runWholeLoad : runWholeStore, inst);
  else
    d.emit(isLoad ? selectLoad(spec) : selectStore(spec), inst);
}

static void decodeLd(InstDecoder &d) {
  emitAccess(d, takeAccess(d, true), true);
}
void decodeStAsync(InstDecoder &d); // AsyncCopy.cpp

static void decodeSt(InstDecoder &d) {
  if (d.take("async"))
    return decodeStAsync(d);
  emitAccess(d, takeAccess(d, false), false);
}
static void decodeLdu(InstDecoder &d) {
  Access access;
  access.space = d.takeSpace(Space::None);
  access.count = takeVector(d);
  access.type = d.needType();
  emitAccess(d, access, true);
}

//===----------------------------------------------------------------------===//
// Hints
//===----------------------------------------------------------------------===//

static void decodePrefetch(InstDecoder &d) {
  Space space = d.takeSpace(Space::None);
  if (d.take("tensormap")) {
    d.needOperands(1);
    Inst inst;
    d.address(inst, d.operand(0), space);
    d.emit(runNothing);
    return;
  }
  if (d.takeOneOf({"L1", "L2", "L2::evict_last", "L2::evict_normal"}) < 0)
    d.unsupported();
  d.needOperands(1);
  Inst inst;
  d.address(inst, d.operand(0), space);
  d.emit(runNothing);
}

static void decodePrefetchu(InstDecoder &d) {
  if (!d.take("L1"))
    d.unsupported();
  Inst inst;
  d.address(inst, d.operand(0), Space::None);
  d.emit(runNothing);
}

/// discard and applypriority: the value of discarded bytes is undefined, so
/// leaving them is right. Checks look at the address.
static void decodeLineHint(InstDecoder &d) {
  Space space = d.takeSpace(Space::None);
  if (d.takeOneOf({"L2", "L2::evict_normal"}) < 0)
    d.unsupported();
  d.needOperands(2);
  Inst inst;
  d.address(inst, d.operand(0), space);
  d.needConstant(d.operand(1), 128, 128);
  d.emit(runNothing, inst);
}

/// createpolicy: the policy's bits mean nothing but to cache hints.
static void decodeCreatepolicy(InstDecoder &d) {
  if (d.take("cvt")) {
    if (!d.take("L2") || d.needType() != Type::B64)
      d.unsupported();
    d.needOperands(2);
    Inst inst;
    inst.a = d.source(1, Type::B64);
    inst.d = d.result(0, Type::B64);
    d.emit(selectMove(8), inst);
    return;
  }
  bool range = d.take("range");
  if (!range && !d.take("fractional"))
    d.unsupported();
  d.takeSpace(Space::None);
  while (d.nextModifier().starts_with("L2::evict_"))
    d.takeNext();
  if (d.needType() != Type::B64)
    d.unsupported();
  d.needOperands(1, 4);
  Inst inst;
  inst.a = d.fn.program.constants.ref64(0);
  inst.d = d.result(0, Type::B64);
  d.emit(selectMove(8), inst);
}

void addMemoryOpcodes(OpcodeTable &table) {
  table["ld"] = decodeLd;
  table["st"] = decodeSt;
  table["ldu"] = decodeLdu;
  table["prefetch"] = decodePrefetch;
  table["prefetchu"] = decodePrefetchu;
  table["discard"] = decodeLineHint;
  table["applypriority"] = decodeLineHint;
  table["createpolicy"] = decodeCreatepolicy;
}

} // namespace tilewright::sim
