//===- CollectParameters.cpp - What a kernel is passed at launch ----------===//
// The last pass on tile: what is left on the kernel is its entry in the
// manifest.
//===----------------------------------------------------------------------===//

#include "ir/target/Target.h"
#include "passes/tile/TilePasses.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_COLLECTPARAMETERS
#include "passes/Passes.h.inc"

namespace {
/// The parameters found so far; equal ones are one.
class Parameters {
public:
  explicit Parameters(MLIRContext *context) : builder(context) {}

  int64_t add(StringRef kind, ArrayRef<NamedAttribute> fields) {
    SmallVector<NamedAttribute> all = {
        builder.getNamedAttr("kind", builder.getStringAttr(kind))};
    llvm::append_range(all, fields);
    Attribute param = builder.getDictionaryAttr(all);
    auto *it = llvm::find(params, param);
    int64_t index = it - params.begin();
    if (it == params.end())
      params.push_back(param);
    return index;
  }
  void addOfArgument(StringRef kind, BlockArgument argument) {
    add(kind, {field("arg", argument.getArgNumber())});
  }
  NamedAttribute field(StringRef name, int64_t value) {
    return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
  }
  ArrayAttr get() { return builder.getArrayAttr(params); }

  Builder builder;

private:
  SmallVector<Attribute> params;
};

/// What a copy in either direction has in common.
struct TensorCopy {
  Operation *op;
  Value global;
  tile::SharedType shared;
  std::optional<ArrayRef<int64_t>> dims;
  /// CTAs that each copy a part of the rows.
  int64_t sharers = 1;
};
} // namespace

//===----------------------------------------------------------------------===//
// Tensor maps
//===----------------------------------------------------------------------===//

/// The largest part of an extent that divides it and that a box may have.
static int64_t getBoxExtent(int64_t extent, int64_t limit, int64_t multiple) {
  for (int64_t parts = llvm::divideCeil(extent, limit); parts <= extent;
       ++parts)
    if (extent % parts == 0 && extent / parts % multiple == 0)
      return extent / parts;
  return 0;
}

/// The shape of one transfer in the dimensions of the tensor.
static FailureOr<SmallVector<int64_t>> getBox(const TensorCopy &copy) {
  const target::CopyLimits &limits = target::getDefaultTarget().copies;
  tile::SharedLayout layout = copy.shared.getLayout();
  int64_t granule =
      std::max<int64_t>(1, limits.granuleBytes / layout.elementBytes);
  int64_t columns =
      layout.swizzle ? layout.getPanelColumns()
                     : getBoxExtent(layout.columns, limits.boxExtent, granule);
  int64_t rows = layout.rows / copy.sharers;
  // The pattern of a swizzle repeats every 8 rows.
  int64_t boxRows =
      getBoxExtent(rows, limits.boxExtent, layout.swizzle ? 8 : 1);
  if (columns == 0 || boxRows == 0)
    return copy.op->emitOpError("cannot be cut into boxes of at most ")
           << limits.boxExtent << " elements a side";
  // Without a swizzle, a narrower box would not be stored as rows of the tile.
  if (columns != layout.columns && !layout.swizzle)
    boxRows = 1;
  int64_t rank = cast<tile::GlobalType>(copy.global.getType()).getRank();
  int64_t tileRank = copy.shared.getRank();
  SmallVector<int64_t> dims = tile::getAccessDims(copy.dims, tileRank, rank);
  SmallVector<int64_t> box(rank, 1);
  box[dims[tileRank - 1]] = columns;
  if (tileRank >= 2)
    box[dims[tileRank - 2]] = boxRows;
  return box;
}

/// Strides of a tensor map are multiples of 16 bytes.
static LogicalResult checkStrides(const TensorCopy &copy) {
  const target::CopyLimits &limits = target::getDefaultTarget().copies;
  auto type = cast<tile::GlobalType>(copy.global.getType());
  int64_t stride = tile::getElementBytes(type.getElementType());
  for (int64_t size : llvm::reverse(type.getShape().drop_front())) {
    if (ShapedType::isDynamic(size))
      return copy.op->emitOpError("expects only the first dimension of the "
                                  "tensor to be dynamic, but got ")
             << type;
    stride *= size;
    if (stride % limits.granuleBytes)
      return copy.op->emitOpError("expects strides of a multiple of ")
             << limits.granuleBytes << " bytes, but got " << stride << " in "
             << type;
  }
  return success();
}

static FailureOr<int64_t> addTensorMap(Parameters &params,
                                       const TensorCopy &copy,
                                       ArrayRef<int64_t> box) {
  auto argument = dyn_cast<BlockArgument>(copy.global);
  if (!argument)
    return copy.op->emitOpError("expects a tensor that is an argument");
  auto type = cast<tile::GlobalType>(copy.global.getType());
  Builder &builder = params.builder;
  SmallVector<Attribute> view;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    view.push_back(builder.getArrayAttr({type.getSize(dim)}));
  return params.add("tensor_map",
                    {params.field("arg", argument.getArgNumber()),
                     builder.getNamedAttr("view", builder.getArrayAttr(view)),
                     builder.getNamedAttr("box", builder.getI64ArrayAttr(box)),
                     params.field("swizzle", copy.shared.getSwizzle())});
}

static int64_t getSharers(tile::CopyOp copy) {
  auto kernel = copy->getParentOfType<tile::KernelOp>();
  int64_t sharers = 1;
  for (int64_t dim : copy.getMulticast().value_or(ArrayRef<int64_t>()))
    sharers *= kernel.getClusterDim(dim);
  return sharers;
}

template <typename CopyOpType>
static LogicalResult collectCopy(Parameters &params, CopyOpType op,
                                 const TensorCopy &copy) {
  if (failed(checkStrides(copy)))
    return failure();
  FailureOr<SmallVector<int64_t>> box = getBox(copy);
  if (failed(box))
    return failure();
  FailureOr<int64_t> param = addTensorMap(params, copy, *box);
  if (failed(param))
    return failure();
  op.setBox(*box);
  op.setParam(*param);
  return success();
}

static LogicalResult collectCopies(tile::KernelOp kernel, Parameters &params) {
  auto result = kernel.walk([&](Operation *op) {
    LogicalResult status = success();
    if (auto copy = dyn_cast<tile::CopyOp>(op))
      status =
          collectCopy(params, copy,
                      {op, copy.getSource(), copy.getDestination().getType(),
                       copy.getDims(), getSharers(copy)});
    else if (auto copy = dyn_cast<tile::CopyOutOp>(op))
      status = collectCopy(params, copy,
                           {op, copy.getDestination(),
                            copy.getSource().getType(), copy.getDims()});
    return failed(status) ? WalkResult::interrupt() : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

//===----------------------------------------------------------------------===//
// Pointers, sizes, scalars
//===----------------------------------------------------------------------===//

static bool isPointerUse(OpOperand &use) {
  return isa<tile::LoadOp, tile::StoreOp, tile::LoadScalarOp,
             tile::StoreScalarOp>(use.getOwner());
}

/// Sizes that an access needs for its bounds and strides, or that the kernel
/// asks for.
static void collectSizes(Parameters &params, BlockArgument argument) {
  auto type = cast<tile::GlobalType>(argument.getType());
  auto add = [&](int64_t dim) {
    if (ShapedType::isDynamic(type.getShape()[dim]))
      params.add("size",
                 {params.builder.getNamedAttr("value", type.getSize(dim))});
  };
  for (OpOperand &use : argument.getUses()) {
    if (isPointerUse(use))
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        add(dim);
    if (auto size = dyn_cast<tile::SizeOp>(use.getOwner()))
      add(size.getDim());
  }
}

static void collectArguments(tile::KernelOp kernel, Parameters &params) {
  for (BlockArgument argument : kernel.getArguments()) {
    if (!isa<tile::GlobalType>(argument.getType()))
      params.addOfArgument("scalar", argument);
    else if (llvm::any_of(argument.getUses(), isPointerUse))
      params.addOfArgument("pointer", argument);
  }
  for (BlockArgument argument : kernel.getArguments())
    if (isa<tile::GlobalType>(argument.getType()))
      collectSizes(params, argument);
}

//===----------------------------------------------------------------------===//
// Threads and registers
//===----------------------------------------------------------------------===//

/// Registers that each thread starts with where roles then take and give: as
/// many as there are for all, in the granule of budgets.
static LogicalResult setLaunchRegisters(tile::KernelOp kernel,
                                        MutableArrayRef<tile::RoleOp> roles) {
  if (roles.empty() || !roles.front().getRegisters())
    return success();
  const target::ThreadLimits &limits = target::getDefaultTarget().threads;
  int64_t threads = kernel.getTotalWarps() * limits.threadsPerWarp;
  int64_t registers =
      std::min(limits.registersPerSm / threads, limits.registersPerThread);
  registers = llvm::alignDown(registers, limits.budgetStep);
  int64_t wanted = 0;
  for (tile::RoleOp role : roles)
    wanted += *role.getRegisters() * role.getOccupiedWarps();
  if (wanted > registers * kernel.getTotalWarps())
    return kernel.emitOpError("starts with ")
           << registers << " registers a thread, "
           << registers * kernel.getTotalWarps()
           << " for a thread of each warp, but the roles want " << wanted;
  kernel.setLaunchRegisters(registers);
  return success();
}

namespace {
struct CollectParameters : impl::CollectParametersBase<CollectParameters> {
  void runOnOperation() override {
    tile::KernelOp kernel = getOperation();
    Parameters params(&getContext());
    if (failed(collectCopies(kernel, params)))
      return signalPassFailure();
    collectArguments(kernel, params);
    kernel.setParamsAttr(params.get());

    SmallVector<tile::RoleOp, 4> roles = kernel.getRoles();
    int64_t warp = 0;
    for (tile::RoleOp role : roles) {
      role.setFirstWarp(warp);
      warp += role.getOccupiedWarps();
    }
    int64_t warpThreads = target::getDefaultTarget().threads.threadsPerWarp;
    kernel.setBlock(
        SmallVector<int64_t>{kernel.getTotalWarps() * warpThreads, 1, 1});
    if (failed(setLaunchRegisters(kernel, roles)))
      signalPassFailure();
  }
};
} // namespace
} // namespace tilewright
