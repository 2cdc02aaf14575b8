//===- OrderWgmma.cpp - wgmma: its registers and its operands -------------===//
//
// ISA 9.7.15.7: from its issue until a wait_group that includes it, an
// operation owns its accumulators, its registers of A and the shared memory
// that its descriptors name. wgmma.fence hands registers over to it.
//
//===----------------------------------------------------------------------===//

#include "sim/check/OrderCheck.h"

#include "sim/exec/ops/MatrixOps.h"
#include "sim/tensor/Descriptor.h"

#include <algorithm>
#include <bit>

namespace tilewright::sim::check {

static uint32_t rowOf(uint32_t frameBase, uint32_t word) {
  return frameBase / row32Bytes + word * 4 / row32Bytes;
}

static void reserve(WgmmaRegisters &registers, uint32_t row) {
  if (row < registers.busy.size())
    return;
  registers.busy.resize(row + 1);
  registers.busyPc.resize(row + 1);
  registers.touched.resize(row + 1);
  registers.busyRead.resize(row + 1);
  registers.touchedWrite.resize(row + 1);
}

void OrderCheck::wgmmaIssue(const Inst &inst, const Effect &effect,
                            Warp &warp) {
  if (warp.mask != warp.live() || warp.mask != allLanes)
    return;
  const auto &spec = *static_cast<const WgmmaSpec *>(inst.aux);
  wgmmaUseRegisters(inst, warp, spec);
  wgmmaReadShared(inst, effect, warp, spec);
}

void OrderCheck::wgmmaUseRegisters(const Inst &inst, Warp &warp,
                                   const WgmmaSpec &spec) {
  WgmmaRegisters &registers = stateOf(warp).registers;
  uint32_t base = warp.frame().base32, operation = warp.wgmmaIssued + 1;
  if (!registers.fenced) {
    report(finding(Kind::Wgmma, inst, warp, 0,
                   "no wgmma.fence before the first wgmma.mma_async"));
    registers.fenced = true;
  }
  uint32_t unfenced = 0;
  const uint32_t pc = pcOf(inst);
  auto use = [&](uint32_t word, bool reads) {
    uint32_t row = rowOf(base, word);
    reserve(registers, row);
    // Copies and constants between the fence and the first operation are what
    // nvcc itself schedules there, and ptxas repairs it.
    bool conflicts =
        registers.touched[row] && (!reads || registers.touchedWrite[row]);
    if (conflicts &&
        (!unfenced ||
         launch->program->effects[code(unfenced - 1).effect].constantMove))
      unfenced = registers.touched[row];
    registers.touched[row] = 0;
    registers.busy[row] = operation;
    registers.busyPc[row] = pc;
    registers.busyRead[row] = reads;
  };
  for (uint32_t word : spec.a)
    use(word, true);
  for (uint32_t word : spec.d)
    use(word, false);
  if (!unfenced)
    return;
  const Inst &access = code(unfenced - 1);
  Finding found = finding(Kind::Wgmma, inst, warp, 0,
                          "no wgmma.fence between this access of a register "
                          "and the wgmma.mma_async that uses it");
  if (launch->program->effects[access.effect].constantMove)
    found.severity = Severity::Formal;
  setOther(found, stateOf(*warp.cta->cluster), stateOf(warp).agent, 0,
           unfenced - 1);
  report(std::move(found));
}

/// The operation reads through the async proxy. It belongs to four warps, each
/// of which answers for a quarter of the chunks.
void OrderCheck::wgmmaReadShared(const Inst &inst, const Effect &effect,
                                 Warp &warp, const WgmmaSpec &spec) {
  forgetOldRecords(warp);
  uint32_t group = warp.index / warpgroupWarps;
  uint32_t &agent = ctaOf(warp).wgmmaAgents[group];
  if (!agent)
    agent = newAgent(stateOf(*warp.cta->cluster));
  Accessor who = asyncAccessor(inst, effect, warp, 0, Method::Wgmma);
  who.lanes = who.record.lanes = allLanes;
  for (const LaneGroup &each : stateOf(warp).groups) {
    who.clock.join(each.view.async);
    who.generic.join(each.view.generic);
  }
  setAgent(who, agent, warp.wgmmaIssued + 1);
  uint32_t addresses[maxOperandChunks];
  auto read = [&](uint64_t bits, int rows, bool mnMajor) {
    chunkAddresses(MatrixDescriptor::decode(bits), rows, mnMajor, addresses);
    int first = static_cast<int>(warp.index % warpgroupWarps);
    readChunks(who, addresses + first, operandChunks(rows) - first,
               warpgroupWarps, chunkBytes);
  };
  if (!spec.op.aInRegisters)
    read(warp.row64<uint64_t>(inst.a)[0], WgmmaOp::m, spec.op.transposeA);
  read(warp.row64<uint64_t>(inst.b)[0], spec.op.n, spec.op.transposeB);
}

void OrderCheck::wgmmaFence(Warp &warp) {
  WgmmaRegisters &registers = stateOf(warp).registers;
  registers.fenced = true;
  for (uint32_t row : registers.touchedRows)
    registers.touched[row] = 0;
  registers.touchedRows.clear();
}

void OrderCheck::wgmmaCommit(Warp &warp) {
  WgmmaRegisters &registers = stateOf(warp).registers;
  registers.committed = warp.wgmmaIssued;
  registers.open.push_back(warp.wgmmaIssued);
}

void OrderCheck::wgmmaWait(const Effect &effect, Warp &warp) {
  WgmmaRegisters &registers = stateOf(warp).registers;
  std::vector<uint32_t> &open = registers.open;
  if (open.size() <= effect.pending)
    return;
  size_t finished = open.size() - effect.pending;
  uint32_t done = open[finished - 1];
  open.erase(open.begin(), open.begin() + static_cast<ptrdiff_t>(finished));
  if (done <= registers.done)
    return;
  registers.done = done;
  uint32_t agent = ctaOf(warp).wgmmaAgents[warp.index / warpgroupWarps];
  View learnt;
  learnt.generic.edit().raise(agent, done);
  learnt.async = learnt.generic;
  acquire(warp, allLanes, learnt);
}

void OrderCheck::touchRegisters(const Inst &inst, const Effect &effect,
                                Warp &warp) {
  WgmmaRegisters &registers = stateOf(warp).registers;
  const Ref *rows = launch->program->touchedRows.data() + effect.firstRow;
  uint32_t base = warp.frame().base32;
  for (uint32_t i = 0; i < effect.rowCount; ++i) {
    uint32_t row = (base + (rows[i] & ~touchWrites)) / row32Bytes;
    bool writes = rows[i] & touchWrites;
    reserve(registers, row);
    if (registers.busy[row] > registers.done) {
      bool committed = registers.busy[row] <= registers.committed;
      Finding found = finding(
          Kind::Wgmma, inst, warp,
          static_cast<uint32_t>(std::countr_zero(warp.mask)),
          committed
              ? "no wgmma.wait_group between the wgmma.mma_async and this "
                "access of a register that it uses"
              : "a register is accessed that a wgmma.mma_async uses, "
                "which no wgmma.commit_group made part of a group to "
                "wait for");
      // Two reads cannot disturb each other; only the letter forbids it.
      if (!writes && registers.busyRead[row])
        found.severity = Severity::Formal;
      setOther(found, stateOf(*warp.cta->cluster), stateOf(warp).agent, 0,
               registers.busyPc[row]);
      report(std::move(found));
      registers.busy[row] = 0;
    }
    if (!registers.touched[row]) {
      registers.touchedRows.push_back(row);
      registers.touchedWrite[row] = false;
    }
    if (registers.touchedWrite[row] && !writes)
      continue;
    registers.touchedWrite[row] = writes;
    registers.touched[row] = pcOf(inst) + 1;
  }
}

} // namespace tilewright::sim::check
