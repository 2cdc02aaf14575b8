//===- LowerGemm.cpp - The GEMM family ------------------------------------===//
// A producer warp fills a ring of stages by TMA; one or two math warpgroups
// multiply them. Persistent: the producer runs ahead into the next tile while
// the epilogue of this one is under way. In ping-pong each math warpgroup has
// tiles and a ring of its own, and one's epilogue is under the other's
// products. With few tokens the operands trade places, and a cluster may share
// the K of one tile.
//===----------------------------------------------------------------------===//

#include "passes/lower/xf/Families.h"
#include "passes/lower/xf/GemmEpilogue.h"

#include "autotune/Gemm.h"
#include "ir/target/Target.h"

using namespace mlir;

namespace tilewright {

namespace {
/// A GEMM as its config and region describe it.
struct GemmPlan {
  xf::MatmulOp matmul;
  int64_t n = 0, k = 0;
  int64_t blockM = 0, blockN = 0, blockK = 0, numStages = 0, warpgroups = 0;
  int64_t splitK = 1, multicast = 1, groupM = 1, slice = 0;
  bool swapped = false, pingPong = false;

  /// Math warpgroups with tiles of their own.
  int64_t replicas() const { return pingPong ? warpgroups : 1; }
  int64_t kBlocks() const { return llvm::divideCeil(k, blockK); }
  /// Elements of K that one CTA of a split goes through.
  int64_t kPerCta() const {
    return llvm::divideCeil(kBlocks(), splitK) * blockK;
  }
};
} // namespace

static FailureOr<GemmPlan> readPlan(xf::KernelOp source) {
  GemmPlan plan;
  plan.matmul = *source.getBlock().getOps<xf::MatmulOp>().begin();
  plan.n = plan.matmul.getWeight().getType().getDimSize(0);
  plan.k = plan.matmul.getWeight().getType().getDimSize(1);
  int64_t swapped = 0, pingPong = 0;
  std::pair<StringRef, int64_t *> fields[] = {
      {"BLOCK_M", &plan.blockM},
      {"BLOCK_N", &plan.blockN},
      {"BLOCK_K", &plan.blockK},
      {"num_stages", &plan.numStages},
      {"math_warpgroups", &plan.warpgroups},
      {"swap_ab", &swapped},
      {"pingpong", &pingPong},
      {"split_k", &plan.splitK},
      {"multicast", &plan.multicast},
      {"group_m", &plan.groupM},
      {"slice", &plan.slice}};
  for (auto [name, field] : fields) {
    FailureOr<int64_t> value = getConfigField(source, name);
    if (failed(value))
      return failure();
    *field = *value;
  }
  plan.swapped = swapped;
  plan.pingPong = pingPong;
  return plan;
}

/// Opens the loop over the CTA's tiles and moves the builder into its body.
static tile::ForTilesOp openTileLoop(const GemmPlan &plan, Value tokens,
                                     KernelBuilder &b) {
  SmallVector<Value> extents = {tokens, b.index(plan.n)};
  SmallVector<int64_t> steps = {plan.blockM, plan.blockN};
  if (plan.splitK > 1) {
    extents.push_back(b.index(plan.kPerCta() * plan.splitK));
    steps.push_back(plan.kPerCta());
  }
  auto loop = tile::ForTilesOp::create(b, extents, steps, /*persistent=*/true,
                                       plan.groupM, /*dealt=*/plan.pingPong);
  Block &body = loop.getBody().emplaceBlock();
  for (size_t i = 0; i < extents.size(); ++i)
    body.addArgument(b.getIndexType(), b.getLoc());
  b.setInsertionPointToEnd(&body);
  return loop;
}

/// First and last element of K for this CTA.
static std::pair<Value, Value> kRange(const GemmPlan &plan,
                                      tile::ForTilesOp loop, KernelBuilder &b) {
  if (plan.splitK == 1)
    return {b.index(0), b.index(plan.k)};
  Value begin = loop.getBodyBlock()->getArgument(2);
  return {begin, b.min(b.add(begin, plan.kPerCta()), b.index(plan.k))};
}

static void buildProducer(const GemmPlan &plan, Value x, Value w, Value ring,
                          KernelBuilder &b) {
  Value tokens = b.size(x, 0);
  tile::ForTilesOp tiles = openTileLoop(plan, tokens, b);
  Value token = tiles.getBodyBlock()->getArgument(0),
        column = tiles.getBodyBlock()->getArgument(1);
  auto [begin, end] = kRange(plan, tiles, b);
  auto loop = scf::ForOp::create(b, begin, end, b.index(plan.blockK));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value k = loop.getInductionVar();
  auto stage = tile::AcquireOp::create(
      b, cast<tile::RingType>(ring.getType()).getBuffers(), ring);
  Value weights = stage.getBuffers()[plan.swapped ? 0 : 1];
  Value activations = stage.getBuffers()[plan.swapped ? 1 : 0];
  auto copy = [&](Value source, Value row, Value destination,
                  DenseI64ArrayAttr multicast) {
    tile::CopyOp::create(b, source, ValueRange{row, k}, destination,
                         /*barrier=*/Value(), /*slot=*/Value(),
                         DenseI64ArrayAttr(), multicast, DenseI64ArrayAttr(),
                         IntegerAttr());
  };
  copy(x, token, activations, DenseI64ArrayAttr());
  // CTAs of the cluster that differ in their tokens want the same weights.
  copy(w, column, weights,
       plan.multicast > 1 ? b.getDenseI64ArrayAttr({0}) : DenseI64ArrayAttr());
  tile::CommitOp::create(b, ring);
}

/// The K loop: each stage is released once the products that read it are done,
/// one iteration later, so that the tensor cores never wait for a release.
static Value buildProducts(const GemmPlan &plan, Value ring, Value begin,
                           Value end, KernelBuilder &b) {
  SmallVector<int64_t> shape =
      plan.swapped ? SmallVector<int64_t>{plan.blockN, plan.blockM}
                   : SmallVector<int64_t>{plan.blockM, plan.blockN};
  Value zero = b.splat(0.0f, shape);
  auto loop = scf::ForOp::create(b, begin, end, b.index(plan.blockK), zero);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    auto stage = tile::WaitOp::create(
        b, cast<tile::RingType>(ring.getType()).getBuffers(), ring);
    Value next = tile::MmaOp::create(
        b, zero.getType(), stage.getBuffers()[0], stage.getBuffers()[1],
        loop.getRegionIterArg(0), /*transpose_a=*/false, /*transpose_b=*/true);
    tile::ReleaseOp::create(b, ring, next, /*in_flight=*/1);
    scf::YieldOp::create(b, next);
  }
  return tile::MmaWaitOp::create(b, zero.getType(), loop.getResult(0),
                                 /*in_flight=*/0)
      .getResult(0);
}

/// `order` is that of the products of replicas; null without.
static LogicalResult buildMath(const GemmPlan &plan, xf::KernelOp source,
                               const KernelSignature &signature, Value ring,
                               Value order, KernelBuilder &b) {
  xf::MatmulOp matmul = plan.matmul;
  Value tokens = b.size(signature.getOperand(matmul.getInput()), 0);
  tile::ForTilesOp tiles = openTileLoop(plan, tokens, b);
  auto [begin, end] = kRange(plan, tiles, b);
  if (order)
    tile::TurnOp::create(b, tile::TurnKind::Wait, order);
  Value sum = buildProducts(plan, ring, begin, end, b);
  if (order)
    tile::TurnOp::create(b, tile::TurnKind::Pass, order);
  GemmTile where;
  where.token = tiles.getBodyBlock()->getArgument(0);
  where.column = tiles.getBodyBlock()->getArgument(1);
  where.blockM = plan.blockM;
  where.blockN = plan.blockN;
  where.slice = plan.slice;
  where.swapped = plan.swapped;
  GemmEpilogue epilogue(source, signature, b);
  if (plan.splitK == 1)
    return epilogue.emit(where, sum);

  Value total = tile::ClusterSumOp::create(
      b, sum.getType(), sum, /*scratch=*/Value(), /*barriers=*/Value());
  Value rank = tile::ClusterRankOp::create(b, b.getIndexType());
  auto first = scf::IfOp::create(b, b.compare(Compare::Equal, rank, b.index(0)),
                                 /*withElse=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(first.thenBlock());
  return epilogue.emit(where, total);
}

/// One cluster per tile at most, and never more CTAs than SMs.
static ArrayAttr gridOf(const GemmPlan &plan, Attribute tokens,
                        MLIRContext *context) {
  Attribute tiles = sizeOp(
      "mul", sizeOp("ceildiv", tokens, sizeConstant(context, plan.blockM)),
      sizeConstant(context, llvm::divideCeil(plan.n, plan.blockN)));
  // Whoever takes tiles in turn wants as many of them.
  if (plan.pingPong)
    tiles = sizeOp("ceildiv", tiles, sizeConstant(context, plan.replicas()));
  Attribute sms = sizeSymbol(context, "sms");
  int64_t cluster = plan.splitK * plan.multicast;
  if (cluster == 1)
    return ArrayAttr::get(context, sizeOp("min", tiles, sms));
  // The launch needs whole clusters: of as many as there are tiles (a cluster
  // that multicasts takes several at once), or as fit on the chip.
  Attribute clusters =
      sizeOp("ceildiv", tiles, sizeConstant(context, plan.multicast));
  Attribute fitting =
      sizeOp("ceildiv", sizeOp("sub", sms, sizeConstant(context, cluster - 1)),
             sizeConstant(context, cluster));
  return ArrayAttr::get(context, sizeOp("mul", sizeOp("min", clusters, fitting),
                                        sizeConstant(context, cluster)));
}

LogicalResult lowerGemm(xf::KernelOp source, StringRef name, KernelBuilder &b) {
  FailureOr<GemmPlan> plan = readPlan(source);
  if (failed(plan))
    return failure();
  auto typeOf = [&](Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    bool isCache = llvm::any_of(value.getUsers(), [&](Operation *user) {
      return isa<xf::CacheAppendOp>(user) && user->getOperand(0) == value;
    });
    if (isCache)
      return getCacheRowsType(type);
    return type.hasStaticShape() ? getTensorType(type) : getRowsType(type);
  };
  KernelSignature signature(source, name, typeOf, b);
  tile::KernelOp kernel = signature.getKernel();
  Value x = signature.getOperand(plan->matmul.getInput());
  Value w = signature.getOperand(plan->matmul.getWeight());
  Type element = cast<tile::GlobalType>(x.getType()).getElementType();
  const target::Target &target = target::getDefaultTarget();
  int64_t swizzle = target.copies.swizzles.front();
  tile::SharedType activations =
      b.shared({plan->blockM, plan->blockK}, element, swizzle);
  tile::SharedType weights =
      b.shared({plan->blockN, plan->blockK}, element, swizzle);
  SmallVector<Type> buffers = plan->swapped
                                  ? SmallVector<Type>{weights, activations}
                                  : SmallVector<Type>{activations, weights};
  Value ring = tile::RingOp::create(
      b, tile::RingType::get(b.getContext(), plan->numStages, buffers),
      plan->replicas());
  Value order;
  if (plan->pingPong)
    order = tile::OrderOp::create(b, tile::OrderType::get(b.getContext()));
  if (plan->splitK > 1)
    kernel.setCluster(ArrayRef<int64_t>{1, 1, plan->splitK});
  else if (plan->multicast > 1)
    kernel.setCluster(ArrayRef<int64_t>{plan->multicast, 1});
  kernel.setGridAttr(gridOf(
      *plan, cast<tile::GlobalType>(x.getType()).getSize(0), b.getContext()));

  target::RoleRegisters registers =
      target::getRoleRegisters(target, plan->warpgroups);
  {
    OpBuilder::InsertionGuard guard(b);
    openRole("load", 1, plan->replicas(), registers.producer, b);
    buildProducer(*plan, x, w, ring, b);
  }
  OpBuilder::InsertionGuard guard(b);
  openRole("math",
           plan->warpgroups / plan->replicas() * target.threads.warpsPerGroup,
           plan->replicas(), registers.math, b);
  return buildMath(*plan, source, signature, ring, order, b);
}

} // namespace tilewright
