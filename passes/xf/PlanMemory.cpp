//===- PlanMemory.cpp - Places of activations in one arena ----------------===//

#include "ir/xf/Xf.h"
#include "passes/Passes.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_PLANMEMORY
#include "passes/Passes.h.inc"

namespace {
/// A value in the arena. Positions are those of kernels in the block; it lives
/// from `first` to `last`, both included.
struct Lifetime {
  OpResult value;
  int64_t bytes, first, last;
  int64_t offset = -1;

  bool overlapsInTime(const Lifetime &other) const {
    return first <= other.last && other.first <= last;
  }
};
} // namespace

/// The lowest offset at which `item` overlaps nothing that is placed and alive
/// with it.
static int64_t findOffset(const Lifetime &item, ArrayRef<Lifetime> placed,
                          int64_t alignment) {
  SmallVector<std::pair<int64_t, int64_t>> taken;
  for (const Lifetime &other : placed)
    if (item.overlapsInTime(other))
      taken.push_back({other.offset, other.offset + other.bytes});
  llvm::sort(taken);
  int64_t offset = 0;
  for (auto [begin, end] : taken) {
    if (offset + item.bytes <= begin)
      break;
    offset =
        std::max(offset, static_cast<int64_t>(llvm::alignTo(end, alignment)));
  }
  return offset;
}

namespace {
struct PlanMemory : impl::PlanMemoryBase<PlanMemory> {
  using PlanMemoryBase::PlanMemoryBase;

  void runOnOperation() override {
    FailureOr<SmallVector<Lifetime>> items = findLifetimes();
    if (failed(items))
      return signalPassFailure();
    // Largest first; ties in the order of the results, so that the plan is a
    // function of the graph.
    llvm::sort(*items, [](const Lifetime &a, const Lifetime &b) {
      return std::tuple(-a.bytes, a.first, a.value.getResultNumber()) <
             std::tuple(-b.bytes, b.first, b.value.getResultNumber());
    });

    int64_t peak = 0;
    SmallVector<Lifetime> placed;
    llvm::DenseMap<Value, int64_t> offsets;
    for (Lifetime &item : *items) {
      item.offset = findOffset(item, placed, alignment);
      peak = std::max(peak, item.offset + item.bytes);
      offsets[item.value] = item.offset;
      placed.push_back(item);
    }
    Builder builder(&getContext());
    for (auto kernel : getOperation().getOps<xf::KernelOp>()) {
      SmallVector<int64_t> list;
      for (Value output : kernel.getOutputs())
        list.push_back(offsets.count(output) ? offsets.lookup(output) : -1);
      kernel->setAttr("xf.offsets", builder.getDenseI64ArrayAttr(list));
    }
    getOperation()->setAttr(
        "xf.activation_bytes",
        builder.getI64IntegerAttr(llvm::alignTo(peak, alignment)));
  }

  FailureOr<SmallVector<Lifetime>> findLifetimes() {
    SmallVector<Lifetime> items;
    llvm::DenseMap<Operation *, int64_t> position;
    for (auto [index, kernel] :
         llvm::enumerate(getOperation().getOps<xf::KernelOp>()))
      position[kernel] = index;
    for (auto kernel : getOperation().getOps<xf::KernelOp>())
      for (OpResult output : kernel->getResults()) {
        if (kernel.getInPlaceOperand(output.getResultNumber()) ||
            isReturned(output))
          continue;
        FailureOr<int64_t> bytes = maxBytes(output);
        if (failed(bytes))
          return failure();
        int64_t last = position[kernel];
        for (Operation *user : output.getUsers())
          last = std::max(last, position[user]);
        items.push_back({output, *bytes, position[kernel], last});
      }
    return items;
  }

  static bool isReturned(Value value) {
    return llvm::any_of(value.getUsers(), [](Operation *user) {
      return user->hasTrait<OpTrait::IsTerminator>();
    });
  }

  FailureOr<int64_t> maxBytes(OpResult value) {
    auto type = cast<RankedTensorType>(value.getType());
    int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    for (const xf::Dim &dim : xf::getDims(type)) {
      int64_t size = dim.value;
      if (!dim.isFixed()) {
        int64_t bound = boundOf(dim.name.getValue());
        if (bound <= 0)
          return value.getOwner()->emitOpError("has the size '")
                 << dim.name.getValue()
                 << "', for which 'xf.bounds' has no maximum";
        size += bound;
      }
      if (llvm::MulOverflow(bytes, size, bytes))
        return value.getOwner()->emitOpError(
            "has a result too large to address");
    }
    return bytes;
  }

  /// From the function's `xf.bounds`; 0 where it does not say.
  int64_t boundOf(StringRef name) {
    auto bounds = getOperation()->getAttrOfType<DictionaryAttr>("xf.bounds");
    auto bound = bounds ? bounds.getAs<IntegerAttr>(name) : IntegerAttr();
    return bound ? bound.getInt() : 0;
  }
};
} // namespace
} // namespace tilewright
