//===- PlanSharedMemory.cpp - Give every buffer its place -----------------===//
// Runs when all buffers are known: behind the layouts, which say what needs
// scratch, and behind the rings.
//===----------------------------------------------------------------------===//

#include "ir/target/Target.h"
#include "ir/tile/ReplicaBuffer.h"
#include "ir/tile/Scratch.h"
#include "passes/tile/TilePasses.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_PLANSHAREDMEMORY
#include "passes/Passes.h.inc"

// An mbarrier is an opaque 64-bit object (PTX ISA, "mbarrier").
static constexpr int64_t mbarrierBytes = 8;

static int64_t getBytes(tile::AllocOp alloc) {
  Type type = alloc.getResult().getType();
  if (auto barriers = dyn_cast<tile::BarriersType>(type))
    return barriers.getCount() * mbarrierBytes;
  return cast<tile::SharedType>(type).getBytes();
}

static int64_t getAlignment(tile::AllocOp alloc) {
  auto shared = dyn_cast<tile::SharedType>(alloc.getResult().getType());
  return shared ? shared.getAlignment() : mbarrierBytes;
}

//===----------------------------------------------------------------------===//
// Scratch
//===----------------------------------------------------------------------===//

/// Allocates the scratch of an op, overlaid with that of the other ops of its
/// role; each replica has its own.
static void addScratch(tile::KernelOp kernel, Operation *op,
                       MutableOperandRange scratch) {
  tile::SharedType type = tile::getScratchType(op, getWarps(op));
  if (!type || !scratch.empty())
    return;
  tile::RoleOp role = getRole(op);
  OpBuilder builder(op->getContext());
  std::string overlay =
      "scratch" + (role ? "." + role.getSymName().str() : std::string());
  scratch.assign(tile::allocateForReplica(builder, op->getLoc(), kernel, role,
                                          type,
                                          builder.getStringAttr(overlay)));
}

/// In a role the CTAs of a cluster cannot meet at the cluster's barrier, which
/// is for all threads: at one mbarrier all warps tell rank 0 that their part
/// may be read, at another rank 0 tells each CTA that it has been.
static void addBarriers(tile::KernelOp kernel, tile::ClusterSumOp sum) {
  if (!getRole(sum) || sum.getBarriers())
    return;
  ImplicitLocOpBuilder b(sum.getLoc(), sum->getContext());
  b.setInsertionPointToStart(kernel.getBodyBlock());
  Value barriers =
      tile::AllocOp::create(b, tile::BarriersType::get(b.getContext(), 2),
                            IntegerAttr(), StringAttr());
  int64_t writers = kernel.getClusterSize() * getWarps(sum);
  tile::MbarrierInitOp::create(b, barriers, writers);
  sum.getBarriersMutable().assign(barriers);
}

static void addScratches(tile::KernelOp kernel) {
  kernel.walk([&](Operation *op) {
    if (auto reduce = dyn_cast<tile::ReduceOp>(op))
      addScratch(kernel, op, reduce.getScratchMutable());
    else if (auto argmax = dyn_cast<tile::ArgmaxOp>(op))
      addScratch(kernel, op, argmax.getScratchMutable());
    else if (auto convert = dyn_cast<tile::ConvertOp>(op))
      addScratch(kernel, op, convert.getScratchMutable());
    else if (auto sum = dyn_cast<tile::ClusterSumOp>(op)) {
      addScratch(kernel, op, sum.getScratchMutable());
      addBarriers(kernel, sum);
    }
  });
}

//===----------------------------------------------------------------------===//
// Offsets
//===----------------------------------------------------------------------===//

namespace {
/// Allocations that start at the same place.
struct Place {
  SmallVector<tile::AllocOp> allocs;
  int64_t bytes = 0;
  int64_t alignment = 1;
  size_t number = 0; ///< in the order of the allocations
};
} // namespace

static SmallVector<Place> findPlaces(tile::KernelOp kernel) {
  SmallVector<Place> places;
  llvm::StringMap<size_t> overlays;
  for (tile::AllocOp alloc : kernel.getBodyBlock()->getOps<tile::AllocOp>()) {
    size_t index = places.size();
    if (std::optional<StringRef> overlay = alloc.getOverlay())
      index = overlays.try_emplace(*overlay, index).first->second;
    if (index == places.size())
      places.emplace_back().number = index;
    Place &place = places[index];
    place.allocs.push_back(alloc);
    place.bytes = std::max(place.bytes, getBytes(alloc));
    place.alignment = std::max(place.alignment, getAlignment(alloc));
  }
  // No gap lies between places whose sizes are multiples of their alignment.
  llvm::sort(places, [](const Place &a, const Place &b) {
    return a.alignment != b.alignment ? a.alignment > b.alignment
                                      : a.number < b.number;
  });
  return places;
}

static LogicalResult reportTooLarge(tile::KernelOp kernel,
                                    ArrayRef<Place> places, int64_t bytes,
                                    int64_t limit) {
  InFlightDiagnostic error =
      kernel.emitOpError("needs ")
      << bytes << " bytes of shared memory, but a CTA has " << limit;
  for (const Place &place : places)
    for (tile::AllocOp alloc : place.allocs)
      error.attachNote(alloc.getLoc())
          << getBytes(alloc) << " bytes for " << alloc.getResult().getType();
  return error;
}

namespace {
struct PlanSharedMemory : impl::PlanSharedMemoryBase<PlanSharedMemory> {
  void runOnOperation() override {
    tile::KernelOp kernel = getOperation();
    addScratches(kernel);
    SmallVector<Place> places = findPlaces(kernel);
    int64_t bytes = 0;
    for (Place &place : places) {
      bytes = llvm::alignTo(bytes, place.alignment);
      for (tile::AllocOp alloc : place.allocs)
        alloc.setOffset(bytes);
      bytes += place.bytes;
    }
    int64_t limit = target::getDefaultTarget().shared.bytesPerCta;
    if (bytes > limit) {
      (void)reportTooLarge(kernel, places, bytes, limit);
      return signalPassFailure();
    }
    kernel.setSharedBytes(bytes);
  }
};
} // namespace
} // namespace tilewright
