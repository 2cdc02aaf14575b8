//===- Scratch.cpp - Shared memory that ops need for themselves -----------===//

#include "ir/tile/Scratch.h"

#include "ir/target/Target.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tilewright::tile {

static int64_t getWarpThreads() {
  return target::getDefaultTarget().threads.threadsPerWarp;
}

/// Places along `dim` at which warps other than the first have elements.
static int64_t getWarpParts(const Layout &layout, unsigned dim) {
  llvm::SmallDenseSet<int64_t> places;
  for (int64_t thread = 0; thread < layout.getNumThreads();
       thread += getWarpThreads())
    places.insert(layout.getThreadCoordinate(thread)[dim]);
  return places.size();
}

static SharedType getBytesType(MLIRContext *context, int64_t bytes) {
  return SharedType::get(context, {bytes}, IntegerType::get(context, 8), 0);
}

/// A partial result of each part, for each element of the result.
static SharedType getReductionType(FragmentType value, FragmentType result,
                                   unsigned dim, int64_t itemBytes) {
  if (!value.getLayout())
    return {};
  int64_t parts = getWarpParts(value.getLayout().getLayout(), dim);
  if (parts == 1)
    return {};
  return getBytesType(value.getContext(),
                      parts * result.getNumElements() * itemBytes);
}

SharedType getScratchType(Operation *op, int64_t warps) {
  return llvm::TypeSwitch<Operation *, SharedType>(op)
      .Case([](ReduceOp reduce) {
        FragmentType type = reduce.getValue().getType();
        return getReductionType(type, reduce.getResult().getType(),
                                reduce.getDim(),
                                getElementBytes(type.getElementType()));
      })
      .Case([](ArgmaxOp argmax) {
        FragmentType type = argmax.getValue().getType();
        FragmentType index = argmax.getIndex().getType();
        return getReductionType(type, index, argmax.getDim(),
                                getElementBytes(type.getElementType()) +
                                    getElementBytes(index.getElementType()));
      })
      .Case([](ConvertOp convert) -> SharedType {
        FragmentType from = convert.getValue().getType();
        FragmentType to = convert.getResult().getType();
        if (!from.getLayout() || !to.getLayout() ||
            from.getLayout().getLayout().getThreadLocalMap(
                to.getLayout().getLayout()))
          return {};
        return SharedType::get(from.getContext(), from.getShape(),
                               from.getElementType(), 0);
      })
      .Case([&](ClusterSumOp sum) -> SharedType {
        FragmentType type = sum.getValue().getType();
        if (!type.getLayout())
          return {};
        int64_t registers = type.getLayout().getLayout().getNumRegisters();
        return getBytesType(type.getContext(),
                            registers * warps * getWarpThreads() *
                                getElementBytes(type.getElementType()));
      })
      .Default([](Operation *) { return SharedType(); });
}

} // namespace tilewright::tile
