//===- LowerTileToNvvm.cpp - Kernels of the tile dialect to NVVM ----------===//
// The last pass that knows tiles. A kernel becomes an LLVM function whose
// arguments are the kernel's parameters; its ops become registers and
// instructions by the patterns of the other files; its roles become branches on
// the number of the warp.
//===----------------------------------------------------------------------===//

#include "passes/lower/tile/LowerTileToNvvm.h"
#include "passes/Passes.h"

#include "ir/target/Target.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_LOWERTILETONVVM
#include "passes/Passes.h.inc"

/// The symbol of dynamic shared memory. PTX sees one for all kernels of a
/// module; each launch says how long it is.
static constexpr llvm::StringLiteral kSharedName = "tilewright_shared";
/// Enough for the widest swizzle pattern.
static constexpr int64_t kSharedAlignment = 1024;
static constexpr int64_t kTensorMapBytes = 128;
static constexpr int64_t kTensorMapAlignment = 64;

static const target::ThreadLimits &getThreadLimits() {
  return target::getDefaultTarget().threads;
}

static Type getPointer(MLIRContext *context, NVVM::NVVMMemorySpace space) {
  return LLVM::LLVMPointerType::get(context, static_cast<unsigned>(space));
}

namespace {
/// One kernel on its way to a function.
class KernelLowering {
public:
  explicit KernelLowering(tile::KernelOp kernel)
      : kernel(kernel), b(kernel.getLoc(), kernel) {}
  LogicalResult run();

private:
  LogicalResult check();
  LogicalResult checkFragments();
  void noteIndices();
  LogicalResult createFunction();
  LogicalResult bindArguments();
  void createSharedBase();
  void createThreads();
  void bindRole(tile::RoleOp role);
  LogicalResult convert();
  void dispatchRoles();
  void lowerRole(tile::RoleOp role);
  LogicalResult cleanUp();

  tile::KernelOp kernel;
  ImplicitLocOpBuilder b;
  KernelContext context;
  SmallVector<tile::RoleOp> roles;
  SmallVector<Operation *> standIns;
};
} // namespace

//===----------------------------------------------------------------------===//
// What earlier passes must have left
//===----------------------------------------------------------------------===//

LogicalResult KernelLowering::checkFragments() {
  auto check = [&](Operation *op, Type type) -> LogicalResult {
    auto fragment = dyn_cast<tile::FragmentType>(type);
    if (!fragment)
      return success();
    if (!fragment.getLayout())
      return op->emitOpError("has a fragment without a layout; run "
                             "tile-assign-layouts first");
    auto role = op->getParentOfType<tile::RoleOp>();
    int64_t warps = role ? int64_t(role.getWarps()) : kernel.getTotalWarps();
    int64_t threads = getLayout(fragment).getNumThreads();
    if (threads != warps * getThreadLimits().threadsPerWarp)
      return op->emitOpError("has a fragment over ")
             << threads << " threads in code that " << warps << " warps run";
    return success();
  };
  WalkResult result = kernel.walk([&](Operation *op) {
    for (Type type : op->getResultTypes())
      if (failed(check(op, type)))
        return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult KernelLowering::check() {
  if (!kernel.getParams() || !kernel.getBlock())
    return kernel.emitOpError(
        "has no parameters; run tile-collect-parameters first");
  return checkFragments();
}

/// The conversion replaces the ops that indices and slices come from, so what
/// can be read off them is noted before.
void KernelLowering::noteIndices() {
  auto note = [&](Operation *op, OperandRange indices) {
    SmallVector<int64_t> &divisors = context.indexDivisors[op];
    for (Value index : indices)
      divisors.push_back(getKnownDivisor(index));
  };
  kernel.walk([&](Operation *op) {
    if (auto load = dyn_cast<tile::LoadOp>(op))
      note(op, load.getIndices());
    else if (auto store = dyn_cast<tile::StoreOp>(op))
      note(op, store.getIndices());
    else if (auto slice = dyn_cast<tile::SliceOp>(op))
      context.panelRows[slice.getResult()] =
          context.getPanelRows(slice.getSource());
  });
}

//===----------------------------------------------------------------------===//
// The function and its arguments
//===----------------------------------------------------------------------===//

/// What a parameter is, as `tile-collect-parameters` left it.
static StringRef getKind(Attribute param) {
  auto kind = cast<DictionaryAttr>(param).getAs<StringAttr>("kind");
  return kind ? kind.getValue() : StringRef();
}

static int64_t getArgument(Attribute param) {
  auto index = cast<DictionaryAttr>(param).getAs<IntegerAttr>("arg");
  return index ? index.getInt() : -1;
}

/// The type of a parameter; null for an unknown kind.
static Type getParamType(tile::KernelOp kernel, Attribute param) {
  MLIRContext *context = kernel.getContext();
  StringRef kind = getKind(param);
  if (kind == "tensor_map")
    return getPointer(context, NVVM::NVVMMemorySpace::Generic);
  if (kind == "pointer")
    return getPointer(context, NVVM::NVVMMemorySpace::Global);
  int64_t index = getArgument(param);
  if (kind == "scalar" && index >= 0)
    return kernel.getBody().getArgument(index).getType();
  if (kind != "size")
    return {};
  auto dtype = cast<DictionaryAttr>(param).getAs<StringAttr>("dtype");
  return IntegerType::get(context, dtype && dtype == "i64" ? 64 : 32);
}

static void setTensorMapAttributes(LLVM::LLVMFuncOp function, unsigned index) {
  MLIRContext *context = function.getContext();
  Builder builder(context);
  Type bytes = LLVM::LLVMArrayType::get(builder.getI8Type(), kTensorMapBytes);
  function.setArgAttr(index, LLVM::LLVMDialect::getByValAttrName(),
                      TypeAttr::get(bytes));
  function.setArgAttr(index, LLVM::LLVMDialect::getAlignAttrName(),
                      builder.getI64IntegerAttr(kTensorMapAlignment));
  function.setArgAttr(index, NVVM::NVVMDialect::getGridConstantAttrName(),
                      builder.getUnitAttr());
}

LogicalResult KernelLowering::createFunction() {
  SmallVector<Type> types;
  ArrayAttr params = *kernel.getParams();
  for (Attribute param : params) {
    types.push_back(getParamType(kernel, param));
    if (!types.back())
      return kernel.emitOpError("has a parameter of unknown kind: ") << param;
  }
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), types);
  LLVM::LLVMFuncOp function =
      LLVM::LLVMFuncOp::create(b, kernel.getSymName(), type);
  context.function = function;
  function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(),
                    b.getUnitAttr());
  auto set = [&](StringRef name, ArrayRef<int32_t> values) {
    function->setAttr(name, b.getDenseI32ArrayAttr(values));
  };
  set(NVVM::NVVMDialect::getReqntidAttrName(),
      SmallVector<int32_t>(kernel.getBlock()->begin(),
                           kernel.getBlock()->end()));
  context.clusterSize = kernel.getClusterSize();
  context.cluster =
      llvm::to_vector(kernel.getCluster().value_or(ArrayRef<int64_t>()));
  if (context.clusterSize > 1)
    set(NVVM::NVVMDialect::getClusterDimAttrName(),
        {static_cast<int32_t>(context.clusterSize), 1, 1});
  // ptxas honours setmaxnreg only where it knows what the kernel starts with.
  if (std::optional<int64_t> registers = kernel.getLaunchRegisters())
    function->setAttr(NVVM::NVVMDialect::getMaxnregAttrName(),
                      b.getI32IntegerAttr(*registers));
  for (auto [index, param] : llvm::enumerate(*kernel.getParams()))
    if (getKind(param) == "tensor_map")
      setTensorMapAttributes(function, index);
  Block *entry = function.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  return success();
}

/// The value of a dimension of a tensor: a constant, a parameter, or null.
static Value findSize(ImplicitLocOpBuilder &b, Attribute size, ArrayAttr params,
                      Block *entry) {
  if (auto constant = dyn_cast<IntegerAttr>(size))
    return createI32(b, constant.getInt());
  for (auto [index, param] : llvm::enumerate(params))
    if (getKind(param) == "size" &&
        cast<DictionaryAttr>(param).get("value") == size)
      return toI32(b, entry->getArgument(index));
  return {};
}

LogicalResult KernelLowering::bindArguments() {
  Block *entry = b.getInsertionBlock();
  SmallVector<Value> pointers(kernel.getBody().getNumArguments());
  for (auto [index, param] : llvm::enumerate(*kernel.getParams())) {
    StringRef kind = getKind(param);
    if (kind == "tensor_map")
      context.tensorMaps[index] = entry->getArgument(index);
    else if (kind == "pointer" || kind == "scalar")
      pointers[getArgument(param)] = entry->getArgument(index);
  }
  for (BlockArgument argument : kernel.getBody().getArguments()) {
    Value passed = pointers[argument.getArgNumber()];
    auto type = dyn_cast<tile::GlobalType>(argument.getType());
    if (!type) {
      if (!passed && !argument.use_empty())
        return kernel.emitOpError("has no parameter for argument ")
               << argument.getArgNumber();
      if (passed)
        argument.replaceAllUsesWith(passed);
      continue;
    }
    // Patterns look tensors up by value, so each gets one that outlives the
    // kernel op.
    auto standIn = UnrealizedConversionCastOp::create(b, type, ValueRange());
    standIns.push_back(standIn);
    argument.replaceAllUsesWith(standIn.getResult(0));
    GlobalTensor &tensor = context.globals[standIn.getResult(0)];
    tensor.pointer = passed;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      tensor.sizes.push_back(
          findSize(b, type.getSize(dim), *kernel.getParams(), entry));
  }
  return success();
}

void KernelLowering::createSharedBase() {
  auto module = kernel->getParentOfType<ModuleOp>();
  Type bytes = LLVM::LLVMArrayType::get(b.getI8Type(), 0);
  auto global = module.lookupSymbol<LLVM::GlobalOp>(kSharedName);
  if (!global) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    global = LLVM::GlobalOp::create(
        b, bytes, /*isConstant=*/false, LLVM::Linkage::External, kSharedName,
        Attribute(), kSharedAlignment,
        static_cast<unsigned>(NVVM::NVVMMemorySpace::Shared));
  }
  context.shared = LLVM::AddressOfOp::create(b, global);
}

//===----------------------------------------------------------------------===//
// Threads and roles
//===----------------------------------------------------------------------===//

void KernelLowering::createThreads() {
  Type i32 = b.getI32Type();
  int64_t warpThreads = getThreadLimits().threadsPerWarp;
  ThreadGroup &cta = context.cta;
  cta.warps = kernel.getTotalWarps();
  cta.thread = NVVM::ThreadIdXOp::create(b, i32);
  cta.lane =
      arith::AndIOp::create(b, cta.thread, createI32(b, warpThreads - 1));
  // Read off one lane, the number is known to be the same in all of them.
  Value warp = arith::DivUIOp::create(b, cta.thread, createI32(b, warpThreads));
  cta.warp = NVVM::ShflOp::create(
      b, i32, createI32(b, -1), warp, createI32(b, 0),
      createI32(b, warpThreads - 1), NVVM::ShflKind::idx, UnitAttr());
  cta.speaker = NVVM::ElectSyncOp::create(b, b.getI1Type(), Value());
  Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, cta.warp,
                                        createI32(b, 0));
  cta.leader = arith::AndIOp::create(b, isFirst, cta.speaker);
  cta.barrier = createI32(b, 0);
}

/// Numbers within a replica, computed where the role starts.
void KernelLowering::bindRole(tile::RoleOp role) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(role.getBodyBlock());
  int64_t warps = role.getWarps();
  ThreadGroup group = context.cta;
  group.role = role;
  group.warps = warps;
  Value first = createI32(b, role.getFirstWarp().value_or(0));
  Value replica = createI32(b, 0);
  if (role.getReplicas() > 1) {
    Value warp = arith::SubIOp::create(b, context.cta.warp, first);
    replica = arith::DivUIOp::create(b, warp, createI32(b, warps));
    first = arith::AddIOp::create(
        b, first, arith::MulIOp::create(b, replica, createI32(b, warps)));
  }
  if (role.getBody().getNumArguments() == 1) {
    Value index = arith::IndexCastOp::create(b, b.getIndexType(), replica);
    role.getBody().getArgument(0).replaceAllUsesWith(index);
    role.getBody().eraseArgument(0);
  }
  Value firstThread = arith::MulIOp::create(
      b, first, createI32(b, getThreadLimits().threadsPerWarp));
  group.thread = arith::SubIOp::create(b, context.cta.thread, firstThread);
  group.warp = arith::SubIOp::create(b, context.cta.warp, first);
  Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, group.warp,
                                        createI32(b, 0));
  group.leader = arith::AndIOp::create(b, isFirst, group.speaker);
  group.barrier = arith::AddIOp::create(
      b, createI32(b, role.getBarrier().value_or(0)), replica);
  context.roles[role] = group;
}

/// A role's code, behind the change of its register budget. Warps that only
/// complete the warpgroup change theirs too, for all four have to.
void KernelLowering::lowerRole(tile::RoleOp role) {
  if (std::optional<int64_t> budget = role.getRegisters()) {
    int64_t start = kernel.getLaunchRegisters().value_or(*budget);
    if (*budget != start)
      NVVM::SetMaxRegisterOp::create(
          b, *budget,
          *budget > start ? NVVM::SetMaxRegisterAction::increase
                          : NVVM::SetMaxRegisterAction::decrease);
  }
  int64_t working = role.getWarps() * role.getReplicas();
  OpBuilder::InsertionGuard guard(b);
  if (working != role.getOccupiedWarps()) {
    int64_t end = role.getFirstWarp().value_or(0) + working;
    Value works = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                        context.cta.warp, createI32(b, end));
    auto guarded = scf::IfOp::create(b, works, /*withElseRegion=*/false);
    b.setInsertionPointToStart(guarded.thenBlock());
  }
  Block *block = b.getInsertionBlock();
  block->getOperations().splice(b.getInsertionPoint(),
                                role.getBodyBlock()->getOperations());
}

/// Branches on the number of the warp, which roles divide among themselves from
/// first to last.
void KernelLowering::dispatchRoles() {
  OpBuilder::InsertionGuard guard(b);
  for (auto [index, role] : llvm::enumerate(roles)) {
    if (index == 0)
      b.setInsertionPoint(role);
    b.setLoc(role.getLoc());
    if (index + 1 == roles.size()) {
      lowerRole(role);
      break;
    }
    int64_t end = role.getFirstWarp().value_or(0) + role.getOccupiedWarps();
    Value isMember = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                           context.cta.warp, createI32(b, end));
    auto branch = scf::IfOp::create(b, isMember, /*withElseRegion=*/true);
    b.setInsertionPointToStart(branch.thenBlock());
    lowerRole(role);
    b.setInsertionPointToStart(branch.elseBlock());
  }
  for (tile::RoleOp role : roles)
    role.erase();
}

//===----------------------------------------------------------------------===//
// Conversion
//===----------------------------------------------------------------------===//

namespace {
/// What values of the tile dialect become.
struct TileTypeConverter : TypeConverter {
  explicit TileTypeConverter(MLIRContext *context) {
    Type shared = getPointer(context, NVVM::NVVMMemorySpace::Shared);
    Type slot = getPointer(context, NVVM::NVVMMemorySpace::Generic);
    addConversion([](Type type) { return type; });
    addConversion([=](tile::SharedType) { return shared; });
    addConversion([=](tile::BarriersType) { return shared; });
    addConversion([=](tile::VariableType) { return slot; });
    addConversion([](tile::FragmentType type, SmallVectorImpl<Type> &words) {
      llvm::append_range(words, getWordTypes(type));
      return success();
    });
  }
};
} // namespace

LogicalResult KernelLowering::convert() {
  MLIRContext *mlir = b.getContext();
  TileTypeConverter converter(mlir);
  RewritePatternSet patterns(mlir);
  populateTileControlPatterns(converter, patterns, context);
  populateTileSyncPatterns(converter, patterns, context);
  populateTileCopyPatterns(converter, patterns, context);
  populateTileGlobalAccessPatterns(converter, patterns, context);
  populateTileSharedAccessPatterns(converter, patterns, context);
  populateTileMmaPatterns(converter, patterns, context);
  populateTileFragmentPatterns(converter, patterns, context);
  populateTileElementwisePatterns(converter, patterns, context);
  populateTileReducePatterns(converter, patterns, context);
  populateTileClusterSumPatterns(converter, patterns, context);

  ConversionTarget target(*mlir);
  scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                       target);
  target.addIllegalDialect<tile::TileDialect>();
  target.addLegalOp<tile::RoleOp, UnrealizedConversionCastOp>();
  target.addLegalDialect<LLVM::LLVMDialect, NVVM::NVVMDialect>();
  target.addDynamicallyLegalDialect<arith::ArithDialect, math::MathDialect>(
      [&](Operation *op) { return converter.isLegal(op); });
  return applyPartialConversion(context.function, target, std::move(patterns));
}

LogicalResult KernelLowering::cleanUp() {
  for (Operation *op : standIns) {
    if (!op->use_empty())
      return (*op->user_begin())->emitOpError("cannot be lowered");
    op->erase();
  }
  // The warp-wide ops of the entry are not pure; drop those that nobody needs.
  for (Value value : {context.cta.leader, context.cta.speaker})
    if (Operation *op = value.getDefiningOp(); op->use_empty())
      op->erase();
  kernel.erase();
  return success();
}

LogicalResult KernelLowering::run() {
  if (failed(check()))
    return failure();
  roles = kernel.getRoles();
  noteIndices();
  if (failed(createFunction()) || failed(bindArguments()))
    return failure();
  if (kernel.getSharedBytes().value_or(0) > 0)
    createSharedBase();
  createThreads();
  Block *entry = b.getInsertionBlock();
  entry->getOperations().splice(entry->end(),
                                kernel.getBodyBlock()->getOperations());
  b.setInsertionPointToEnd(entry);
  LLVM::ReturnOp::create(b, Value());
  for (tile::RoleOp role : roles)
    bindRole(role);
  if (failed(convert()))
    return failure();
  if (!roles.empty())
    dispatchRoles();
  return cleanUp();
}

namespace {
struct LowerTileToNvvm : impl::LowerTileToNvvmBase<LowerTileToNvvm> {
  void runOnOperation() override {
    auto kernels = llvm::to_vector(getOperation().getOps<tile::KernelOp>());
    for (tile::KernelOp kernel : kernels)
      if (failed(KernelLowering(kernel).run()))
        return signalPassFailure();
  }
};
} // namespace
} // namespace tilewright
