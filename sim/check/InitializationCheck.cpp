//===- InitializationCheck.cpp - What is read was written -----------------===//
//
// A byte counts as written once anybody has written it: kernels, asynchronous
// operations, copies and fills of the host. A copy hands on what is unwritten
// at its source; a finding is made where a thread, a tensor core or a transfer
// out of shared memory reads such bytes.
//
//===----------------------------------------------------------------------===//

#include "sim/check/AccessCheck.h"
#include "sim/exec/Memory.h"
#include "sim/exec/ops/MatrixOps.h"

#include <algorithm>
#include <bit>
#include <deque>

namespace tilewright::sim::check {

using ptx::Space;

//===----------------------------------------------------------------------===//
// Bits
//===----------------------------------------------------------------------===//

void WrittenBits::set(uint64_t at, bool value) {
  uint64_t bit = uint64_t(1) << (at % 64);
  words[at / 64] = value ? words[at / 64] | bit : words[at / 64] & ~bit;
}

/// Calls `visit(word, mask)` for the words of bits [at, at + bits).
template <typename Visit>
static void eachWord(uint64_t at, uint64_t bits, const Visit &visit) {
  while (bits) {
    uint64_t taken = std::min(bits, 64 - at % 64);
    uint64_t mask = taken == 64 ? ~uint64_t(0) : (uint64_t(1) << taken) - 1;
    visit(at / 64, mask << (at % 64));
    at += taken;
    bits -= taken;
  }
}

void WrittenBits::mark(uint64_t at, uint64_t bytes) {
  bytes = std::min(bytes, words.size() * 64 - std::min(at, words.size() * 64));
  eachWord(at, bytes,
           [&](uint64_t word, uint64_t mask) { words[word] |= mask; });
}

bool WrittenBits::all(uint64_t at, uint64_t bytes) const {
  bool result = true;
  eachWord(at, bytes, [&](uint64_t word, uint64_t mask) {
    result &= (words[word] & mask) == mask;
  });
  return result;
}

/// Local memory of a lane; its size may have grown since the last call.
WrittenBits &AccessCheck::localBits(const Warp &warp, uint32_t lane) {
  std::vector<WrittenBits> &lanes = local[&warp];
  lanes.resize(laneCount);
  lanes[lane].grow(warp.localBytes);
  return lanes[lane];
}

bool AccessCheck::isWritten(const Warp &warp, const Span &span, uint64_t offset,
                            uint64_t bytes) {
  uint64_t at = span.address + offset;
  switch (span.space) {
  case Space::Global:
    return memory.writtenBytes()->allWritten(at, bytes);
  case Space::Shared:
    return sharedBits(*span.cta).all(at, bytes);
  default:
    return localBits(warp, span.laneAt(offset)).all(at, bytes);
  }
}

void AccessCheck::mark(const Warp &warp, const Span &span) {
  if (span.bytes == 0)
    return;
  if (span.space == Space::Global)
    memory.written(span.address, span.bytes);
  else if (span.space == Space::Shared)
    sharedBits(*span.cta).mark(span.address, span.bytes);
  else
    localBits(warp, span.lane).mark(span.address, span.bytes);
}

void AccessCheck::set(const Warp &warp, const Span &span, uint64_t offset,
                      bool value) {
  if (span.space == Space::Shared)
    sharedBits(*span.cta).set(span.address + offset, value);
  else if (span.space == Space::Local)
    localBits(warp, span.lane).set(span.address + offset, value);
  else if (value)
    memory.written(span.address + offset, 1);
  else
    memory.unwritten(span.address + offset, 1);
}

//===----------------------------------------------------------------------===//
// Reads
//===----------------------------------------------------------------------===//

/// Parameters of functions lie in local memory; calls write them.
bool AccessCheck::isParameter(Warp &warp, const Span &span) const {
  for (const Frame *frame = &warp.frame(); frame; frame = frame->parent)
    for (const auto *list :
         {&frame->function->params, &frame->function->returns})
      for (const FormalParam &param : *list)
        if (span.address - (frame->localBase + param.offset) < param.size)
          return true;
  return false;
}

static const char *spaceText(Space space) {
  switch (space) {
  case Space::Shared:
    return "shared";
  case Space::Local:
    return "local";
  default:
    return "global";
  }
}

/// Element `column` of the row that lane `giver` gives to ldmatrix: who gets it
/// (ISA 9.7.14.5.15).
static uint32_t fragmentLane(const MatrixMoveSpec &spec, uint32_t giver,
                             uint32_t column) {
  uint32_t row = giver % 8;
  return spec.transpose ? column * 4 + row / 2 : row * 4 + column / 2;
}

/// What a thread reads from the memory of its block may be thrown away again:
/// pipelines load the fragments of a tile behind the last one.
void AccessCheck::found(const Inst &inst, const Effect &effect, Warp &warp,
                        const Span &span, uint64_t offset, Finding finding) {
  if (effect.kind == EffectKind::LoadMatrix) {
    uint32_t giver = span.laneAt(offset);
    auto column =
        static_cast<uint32_t>(offset % span.laneBytes / span.elementBytes);
    const auto &spec = *static_cast<const MatrixMoveSpec *>(inst.aux);
    return values.load(effect, warp, fragmentLane(spec, giver, column),
                       giver / 8, std::move(finding));
  }
  if (effect.kind != EffectKind::Load || span.space == Space::Global ||
      span.laneBytes == 0)
    return report(std::move(finding));
  uint64_t inLane = offset % span.laneBytes;
  uint64_t last = span.space == Space::Local ? span.laneBytes - 1 : inLane;
  for (; inLane <= last; inLane += span.elementBytes)
    values.load(effect, warp, span.laneAt(offset),
                static_cast<uint32_t>(inLane / span.elementBytes), finding);
}

void AccessCheck::checkRead(const Inst &inst, const Effect &effect, Warp &warp,
                            const Span &span, const char *what) {
  if (span.bytes == 0 || isWritten(warp, span, 0, span.bytes))
    return;
  if (span.space == Space::Local && isParameter(warp, span))
    return;
  // Structures with padding are copied through local memory as a whole.
  uint64_t step =
      span.space == Space::Local ? span.bytes : uint64_t(span.elementBytes);
  for (uint64_t at = 0; at + step <= span.bytes; at += step) {
    bool any = false;
    for (uint64_t byte = 0; byte < step && !any; ++byte)
      any = isWritten(warp, span, at + byte, 1);
    // What lies in no object is an error of another kind.
    if (any ||
        (span.space == Space::Global && !isLive(span.address + at, step)))
      continue;
    Finding finding =
        findingAt(Kind::Initialization, inst, warp, span.laneAt(at),
                  std::string(what) + " reads " + spaceText(span.space) +
                      " memory that nobody has written");
    finding.address = span.address + at;
    if (span.space == Space::Global)
      finding.object = memory.describe(span.address + at, step);
    else if (span.space == Space::Shared)
      finding.object = describeShared(*span.cta, span.address + at);
    found(inst, effect, warp, span, at, std::move(finding));
    // One finding is enough where nobody knows the thread.
    if (span.laneBytes == 0)
      return;
  }
}

static const char *readerOf(EffectKind kind) {
  switch (kind) {
  case EffectKind::WgmmaIssue:
    return "wgmma";
  case EffectKind::BulkCopy:
    return "the bulk copy";
  case EffectKind::LoadMatrix:
    return "ldmatrix";
  case EffectKind::TensormapReplace:
    return "tensormap.replace";
  default:
    return "the access";
  }
}

void AccessCheck::checkReads(const Inst &inst, const Effect &effect,
                             Warp &warp) {
  for (const Span &span : footprint.spans)
    if (span.reads)
      checkRead(inst, effect, warp, span, readerOf(effect.kind));
  for (const CopySpans &copy : footprint.copies)
    if (copy.to.reads)
      checkRead(inst, effect, warp, copy.to, "the reduction");
}

//===----------------------------------------------------------------------===//
// Writes and copies
//===----------------------------------------------------------------------===//

void AccessCheck::copy(const CopySpans &copy, Warp &warp) {
  if (isWritten(warp, copy.from, 0, copy.from.bytes))
    return mark(warp, copy.to);
  for (uint64_t at = 0; at < copy.to.bytes; ++at)
    set(warp, copy.to, at,
        at >= copy.from.bytes || isWritten(warp, copy.from, at, 1));
}

namespace {

/// Stands for global memory in a transfer of a box of marks: a byte is zero
/// where the real one is written, as the fill of elements outside is.
struct MarkedMemory {
  struct Run {
    uint64_t address = 0;
    std::vector<uint8_t> marks;
  };
  const WrittenBytes *written = nullptr; ///< null: nothing is known, all zero
  std::deque<Run> runs;

  static uint8_t *translate(void *context, uint64_t address, uint64_t bytes,
                            bool) {
    auto &self = *static_cast<MarkedMemory *>(context);
    Run &run = self.runs.emplace_back();
    run.address = address;
    run.marks.assign(bytes, 0);
    for (uint64_t i = 0; self.written && i < bytes; ++i)
      run.marks[i] = self.written->allWritten(address + i, 1) ? 0 : 0xff;
    return run.marks.data();
  }
};

} // namespace

namespace {
/// All bytes of a tensor's box in global memory.
struct BoxRuns {
  MemoryState &memory;
  bool allWritten = true;

  void visit(const BoxTransfer &box, void (*each)(void *, uint64_t, uint32_t)) {
    visitGlobalRuns(box.map, box.coordinates, each, this);
  }
};
} // namespace

static void testRun(void *context, uint64_t address, uint32_t bytes) {
  auto &runs = *static_cast<BoxRuns *>(context);
  runs.allWritten =
      runs.allWritten && runs.memory.writtenBytes()->allWritten(address, bytes);
}

static void markRun(void *context, uint64_t address, uint32_t bytes) {
  static_cast<BoxRuns *>(context)->memory.written(address, bytes);
}

/// The common case: everything at the source is written.
bool AccessCheck::transferWritten(const BoxTransfer &box) {
  WrittenBits &bits = sharedBits(*box.shared.cta);
  BoxRuns runs{memory};
  if (box.load) {
    runs.visit(box, testRun);
    if (runs.allWritten)
      bits.mark(box.shared.address, box.shared.bytes);
    return runs.allWritten;
  }
  if (!bits.all(box.shared.address, box.shared.bytes))
    return false;
  runs.visit(box, markRun);
  return true;
}

/// Moves marks in place of data, by the very code that moves data.
void AccessCheck::transfer(const Inst &inst, const Effect &effect, Warp &warp,
                           const BoxTransfer &box) {
  WrittenBits &bits = sharedBits(*box.shared.cta);
  MarkedMemory global;
  if (box.load)
    global.written = memory.writtenBytes();
  std::vector<uint8_t> marks(box.shared.cta->sharedSize, 0);
  uint64_t first = box.shared.address, bytes = box.shared.bytes;
  for (uint64_t i = 0; !box.load && i < bytes; ++i)
    marks[first + i] = bits.get(first + i) ? 0 : 0xff;
  TensorMap map = box.map;
  map.fillNan = false;
  // Types that are converted on the way would change the marks.
  if (map.elementBytes() == 4)
    map.type = TensorDataType::UInt32;
  SharedSpan span{marks.data(), static_cast<uint32_t>(marks.size())};
  GlobalAccess access{&global, MarkedMemory::translate};
  if (box.load) {
    loadTensorBox(map, box.coordinates, static_cast<uint32_t>(first), span,
                  access);
    for (uint64_t i = 0; i < bytes; ++i)
      bits.set(first + i, marks[first + i] == 0);
    return;
  }
  storeTensorBox(map, box.coordinates, static_cast<uint32_t>(first), span,
                 access);
  bool whole = true;
  for (const MarkedMemory::Run &run : global.runs) {
    whole &= std::all_of(run.marks.begin(), run.marks.end(),
                         [](uint8_t mark) { return mark == 0; });
    memory.written(run.address, run.marks.size());
  }
  if (!whole)
    checkRead(inst, effect, warp, box.shared, "the tensor store");
}

/// A store of such a value to shared or local memory hands it on.
void AccessCheck::unmarkTaintedStores(const Inst &inst, const Effect &effect,
                                      Warp &warp) {
  uint32_t count =
      inst.aux ? static_cast<const VectorRefs *>(inst.aux)->count : 1;
  uint32_t bytes = effect.bytes / count;
  for (uint32_t element = 0; element < count; ++element)
    for (uint32_t lanes = values.storedLanes(effect, warp, element); lanes;
         lanes &= lanes - 1) {
      uint32_t lane = static_cast<uint32_t>(std::countr_zero(lanes));
      uint64_t address = laneAddress(inst, warp, static_cast<int>(lane));
      Span span;
      span.laneBytes = bytes;
      if (!locate(inst, warp, lane, spaceOf(inst), address + element * bytes,
                  bytes, span) ||
          span.space == Space::Global)
        continue;
      for (uint64_t at = 0; at < bytes; ++at)
        set(warp, span, at, false);
    }
}

void AccessCheck::markWrites(const Inst &inst, const Effect &effect,
                             Warp &warp) {
  for (const Span &span : footprint.spans)
    if (effect.kind == EffectKind::Discard)
      memory.unwritten(span.address, span.bytes);
    else if (span.writes)
      mark(warp, span);
  if (effect.kind == EffectKind::Store && effect.use && warp.followsValues)
    unmarkTaintedStores(inst, effect, warp);
  for (const CopySpans &each : footprint.copies)
    copy(each, warp);
  for (const BoxTransfer &box : footprint.boxes)
    if (!transferWritten(box))
      transfer(inst, effect, warp, box);
}

} // namespace tilewright::sim::check
