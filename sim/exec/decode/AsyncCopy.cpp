//===- AsyncCopy.cpp - Decoding cp.async, bulk and tensor copies ----------===//

#include "sim/exec/decode/Decoder.h"
#include "sim/exec/ops/AsyncOps.h"
#include "sim/exec/ops/Control.h"

namespace tilewright::sim {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

// MemoryAccess.cpp
bool takeCacheHints(InstDecoder &d);

//===----------------------------------------------------------------------===//
// cp.async
//===----------------------------------------------------------------------===//

static void decodeArriveOn(InstDecoder &d) {
  if (!d.take("arrive"))
    d.unsupported();
  bool noinc = d.take("noinc");
  Space space = d.takeSpace(Space::None);
  if (d.needType() != Type::B64)
    d.unsupported();
  d.needOperands(1);
  Inst inst;
  d.address(inst, d.operand(0), space);
  inst.target = noinc;
  inst.flags |= Works;
  d.emit(runAsyncArrive, inst);
}

static void decodeCommit(InstDecoder &d, uint32_t flags) {
  d.needOperands(0);
  Inst inst;
  inst.flags = flags;
  d.emit(runAsyncCommit, inst);
}

static void decodeGroupWait(InstDecoder &d, uint32_t flags) {
  Inst inst;
  inst.flags = flags | Works;
  d.needOperands(flags & asyncAll ? 0 : 1);
  if (!(flags & asyncAll))
    inst.imm = static_cast<int32_t>(d.needConstant(d.operand(0), 0, INT32_MAX));
  d.emit(runAsyncWait, inst);
}

/// cp.async.{ca,cg}.shared.global [dst], [src], size{, src-size}{, policy}, or
/// {, ignore-src}{, policy}
static void decodeSmallCopy(InstDecoder &d) {
  bool onlyL2 = d.take("cg");
  if (!onlyL2 && !d.take("ca"))
    d.unsupported();
  if (d.takeSpace(Space::None) != Space::Shared ||
      d.takeSpace(Space::None) != Space::Global)
    d.unsupported();
  bool policy = takeCacheHints(d);
  d.needOperands(3, 5);
  AsyncCopySpec spec;
  spec.bytes = static_cast<uint32_t>(d.needConstant(d.operand(2), 4, 16));
  if ((spec.bytes != 4 && spec.bytes != 8 && spec.bytes != 16) ||
      (onlyL2 && spec.bytes != 16))
    d.fail(d.operand(2).location, "cp.async copies 4, 8 or 16 bytes, and only "
                                  "16 with .cg");
  size_t extras = d.operandCount() - 3 - (policy ? 1 : 0);
  if (extras > 1)
    d.fail("too many operands");
  if (extras == 1) {
    const Operand &extra = d.operand(3);
    LocalName name;
    bool isPredicate = d.isRegister(extra, name) && name.type == Type::Pred;
    if (isPredicate)
      spec.ignore = d.predicate(extra, &spec.ignoreNegated);
    else
      spec.sourceBytes = d.source(extra, Type::U32);
  }
  if (policy)
    d.source(d.operandCount() - 1, Type::B64);
  Inst inst;
  inst.a = d.addressRow(d.operand(0));
  inst.b = d.addressRow(d.operand(1));
  inst.aux = d.keep(spec);
  inst.flags |= Works;
  d.emit(runAsyncCopy, inst);
}

//===----------------------------------------------------------------------===//
// cp.async.bulk
//===----------------------------------------------------------------------===//

static BulkCompletion takeCompletion(InstDecoder &d) {
  if (d.take("mbarrier::complete_tx::bytes"))
    return BulkCompletion::Mbarrier;
  if (d.take("bulk_group"))
    return BulkCompletion::Group;
  d.fail("expected a completion mechanism");
}

static bool isSharedSpace(Space space) {
  return space == Space::Shared || space == Space::SharedCluster;
}

/// The reduction of cp.reduce and its type.
static void takeReduction(InstDecoder &d, BulkSpec &spec) {
  int op = d.takeOneOf({"and", "or", "xor", "add", "inc", "dec", "min", "max"});
  static constexpr AtomicOp ops[] = {
      AtomicOp::And, AtomicOp::Or,  AtomicOp::Xor, AtomicOp::Add,
      AtomicOp::Inc, AtomicOp::Dec, AtomicOp::Min, AtomicOp::Max};
  if (op < 0)
    d.unsupported();
  spec.op = ops[op];
  spec.reduces = true;
  d.take("noftz");
  spec.type = d.needType();
  // .u64 stands for the 64-bit sum only; bit operations are .b32 and .b64.
  if (!hasAtomic(spec.op, spec.type) || ptx::typeBytes(spec.type) < 2)
    d.unsupported();
}

static void decodeBulkCopy(InstDecoder &d, bool reduces) {
  BulkSpec spec;
  spec.to = d.takeSpace(Space::None);
  spec.from = d.takeSpace(Space::None);
  spec.completion = takeCompletion(d);
  bool multicast = d.take("multicast::cluster");
  bool policy = takeCacheHints(d);
  bool masked = d.take("cp_mask");
  if (reduces)
    takeReduction(d, spec);
  bool mbarrier = spec.completion == BulkCompletion::Mbarrier;
  bool loads = isSharedSpace(spec.to) &&
               (spec.from == Space::Global || spec.from == Space::Shared);
  bool stores = spec.to == Space::Global && spec.from == Space::Shared;
  if (mbarrier ? !loads : !stores)
    d.unsupported();
  if ((multicast && (reduces || spec.from != Space::Global)) ||
      (masked && (mbarrier || reduces)))
    d.unsupported();
  d.needOperands(3 + mbarrier + multicast + policy + masked);
  size_t at = 3;
  spec.destination = d.addressRow(d.operand(0));
  spec.source = d.addressRow(d.operand(1));
  spec.size = d.source(2, Type::U32);
  if (mbarrier)
    spec.mbarrier = d.addressRow(d.operand(at++));
  if (multicast)
    spec.ctaMask = d.source(at++, Type::U16);
  if (policy)
    d.source(at++, Type::B64);
  if (masked)
    spec.byteMask = d.source(at++, Type::B16);
  Inst inst;
  inst.aux = d.keep(spec);
  inst.flags |= Works;
  d.emit(runBulkCopy, inst);
}

/// im2col modes are refused by name.
static void refuseIm2col(const InstDecoder &d) {
  for (const ptx::Modifier &modifier : d.ast.modifiers)
    if (modifier.text.starts_with("im2col"))
      d.fail(modifier.location, "im2col mode is not supported");
}

static void decodeBulkPrefetch(InstDecoder &d) {
  if (d.take("tensor")) {
    refuseIm2col(d);
    if (d.takeOneOf({"1d", "2d", "3d", "4d", "5d"}) < 0 || !d.take("L2"))
      d.unsupported();
    if (d.takeSpace(Space::None) != Space::Global)
      d.unsupported();
    d.take("tile");
    bool policy = takeCacheHints(d);
    d.needOperands(policy ? 2 : 1);
    d.emit(runNothing);
    return;
  }
  if (!d.take("L2") || d.takeSpace(Space::None) != Space::Global)
    d.unsupported();
  bool policy = takeCacheHints(d);
  d.needOperands(policy ? 3 : 2);
  d.addressRow(d.operand(0));
  d.source(1, Type::U32);
  d.emit(runNothing);
}

//===----------------------------------------------------------------------===//
// cp.async.bulk.tensor
//===----------------------------------------------------------------------===//

/// The generic address of a tensor map; a kernel parameter's name stands for
/// its place in param space.
static Ref mapAddress(InstDecoder &d, const Operand &operand) {
  LocalName storage;
  const LocalName *name = d.fn.lookup(operand.name, storage);
  if (name && name->kind == LocalName::Kind::Param)
    return d.fn.program.constants.ref64(paramWindow + name->offset +
                                        static_cast<uint64_t>(operand.offset));
  return d.addressRow(operand);
}

/// [map, {c0, c1, ...}]
static void takeTensorOperand(InstDecoder &d, const Operand &operand,
                              TensorCopySpec &spec) {
  if (operand.kind != Operand::Kind::Address || operand.elements.size() != 2)
    d.fail(operand.location, "expected [tensor map, {coordinates}]");
  const Operand &coordinates = operand.elements[1];
  if (coordinates.kind != Operand::Kind::Vector ||
      coordinates.elements.size() != spec.rank)
    d.fail(coordinates.location,
           "expected " + std::to_string(spec.rank) + " coordinates");
  spec.map = mapAddress(d, operand.elements[0]);
  for (uint32_t i = 0; i < spec.rank; ++i)
    spec.coordinates[i] = d.source(coordinates.elements[i], Type::B32);
}

static void takeTensorReduction(InstDecoder &d, TensorCopySpec &spec) {
  int op = d.takeOneOf({"add", "min", "max", "inc", "dec", "and", "or", "xor"});
  if (op < 0)
    d.unsupported();
  spec.reduces = true;
  spec.reduction = static_cast<TensorReduction>(op);
}

static void decodeTensorCopy(InstDecoder &d, bool reduces) {
  refuseIm2col(d);
  TensorCopySpec spec;
  int rank = d.takeOneOf({"1d", "2d", "3d", "4d", "5d"});
  if (rank < 0)
    d.unsupported();
  spec.rank = static_cast<uint32_t>(rank) + 1;
  Space to = d.takeSpace(Space::None), from = d.takeSpace(Space::None);
  d.take("tile");
  BulkCompletion completion = takeCompletion(d);
  bool multicast = d.take("multicast::cluster");
  bool policy = takeCacheHints(d);
  if (reduces)
    takeTensorReduction(d, spec);
  spec.load = isSharedSpace(to) && from == Space::Global;
  bool stores = to == Space::Global && from == Space::Shared;
  if (!spec.load && !stores)
    d.unsupported();
  if (spec.load != (completion == BulkCompletion::Mbarrier) ||
      (spec.load && reduces) || (stores && multicast))
    d.unsupported();
  d.needOperands(2 + spec.load + multicast + policy);
  size_t at = 2;
  if (spec.load) {
    spec.shared = d.addressRow(d.operand(0));
    takeTensorOperand(d, d.operand(1), spec);
    spec.mbarrier = d.addressRow(d.operand(at++));
  } else {
    takeTensorOperand(d, d.operand(0), spec);
    spec.shared = d.addressRow(d.operand(1));
  }
  if (multicast)
    spec.ctaMask = d.source(at++, Type::U16);
  if (policy)
    d.source(at++, Type::B64);
  Inst inst;
  inst.aux = d.keep(spec);
  inst.flags |= Works;
  d.emit(runTensorCopy, inst);
}

static void decodeBulk(InstDecoder &d) {
  if (d.take("commit_group"))
    return decodeCommit(d, asyncBulk);
  if (d.take("wait_group"))
    return decodeGroupWait(d, d.take("read") ? asyncBulk | asyncReadsOnly
                                             : uint32_t(asyncBulk));
  if (d.take("prefetch"))
    return decodeBulkPrefetch(d);
  if (d.take("tensor"))
    return decodeTensorCopy(d, false);
  decodeBulkCopy(d, false);
}

static void decodeCp(InstDecoder &d) {
  if (d.take("reduce")) {
    if (!d.take("async") || !d.take("bulk"))
      d.unsupported();
    if (d.take("tensor"))
      return decodeTensorCopy(d, true);
    return decodeBulkCopy(d, true);
  }
  if (!d.take("async"))
    d.unsupported();
  if (d.take("bulk"))
    return decodeBulk(d);
  if (d.take("mbarrier"))
    return decodeArriveOn(d);
  if (d.take("commit_group"))
    return decodeCommit(d, 0);
  if (d.take("wait_all"))
    return decodeGroupWait(d, asyncAll);
  if (d.take("wait_group"))
    return decodeGroupWait(d, 0);
  decodeSmallCopy(d);
}

//===----------------------------------------------------------------------===//
// st.async and red.async
//===----------------------------------------------------------------------===//

static void emitStoreAsync(InstDecoder &d, StoreAsyncSpec &spec) {
  d.needOperands(3);
  spec.address = d.addressRow(d.operand(0));
  const Operand &values = d.operand(1);
  bool braces = values.kind == Operand::Kind::Vector;
  if (braces ? values.elements.size() != spec.count : spec.count != 1)
    d.fail(values.location,
           "expected " + std::to_string(spec.count) + " registers");
  for (uint32_t i = 0; i < spec.count; ++i)
    spec.values[i] = d.source(braces ? values.elements[i] : values, spec.type);
  spec.mbarrier = d.addressRow(d.operand(2));
  Inst inst;
  inst.aux = d.keep(spec);
  inst.flags |= Works;
  d.emit(runStoreAsync, inst);
}

/// st.async{.weak}{.shared::cluster}.mbarrier::complete_tx::bytes{.vec}.type
void decodeStAsync(InstDecoder &d) {
  StoreAsyncSpec spec;
  d.takeOneOf({"weak", "cluster"});
  Space space = d.takeSpace(Space::SharedCluster);
  if (space != Space::SharedCluster || !d.take("mbarrier::complete_tx::bytes"))
    d.unsupported();
  int vector = d.takeOneOf({"v2", "v4"});
  spec.count = vector < 0 ? 1 : vector == 0 ? 2 : 4;
  spec.type = d.needType();
  if (ptx::typeBytes(spec.type) < 4 || ptx::typeBytes(spec.type) > 8)
    d.unsupported();
  emitStoreAsync(d, spec);
}

void decodeRedAsync(InstDecoder &d) {
  StoreAsyncSpec spec;
  if (!d.take("relaxed") || !d.take("cluster"))
    d.unsupported();
  Space space = d.takeSpace(Space::SharedCluster);
  if (space != Space::SharedCluster || !d.take("mbarrier::complete_tx::bytes"))
    d.unsupported();
  BulkSpec reduction;
  takeReduction(d, reduction);
  spec.reduces = true;
  spec.op = reduction.op;
  spec.type = reduction.type;
  if (ptx::isFloat(spec.type))
    d.unsupported();
  emitStoreAsync(d, spec);
}

void addAsyncCopyOpcodes(OpcodeTable &table) { table["cp"] = decodeCp; }

} // namespace tilewright::sim
