//===- ExpandTileLoops.cpp - Loops over tiles to loops over numbers -------===//
// Runs first: the passes behind it see ordinary loops only.
//===----------------------------------------------------------------------===//

#include "passes/tile/TilePasses.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_EXPANDTILELOOPS
#include "passes/Passes.h.inc"

namespace {
/// The iteration space in tiles of clusters.
struct TileSpace {
  SmallVector<Value> counts; ///< clusters' tiles along each dimension
  Value total;
};
} // namespace

static Value add(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return b.createOrFold<arith::AddIOp>(lhs, rhs);
}
static Value sub(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return b.createOrFold<arith::SubIOp>(lhs, rhs);
}
static Value mul(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return b.createOrFold<arith::MulIOp>(lhs, rhs);
}
static Value div(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return b.createOrFold<arith::DivUIOp>(lhs, rhs);
}
static Value rem(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return b.createOrFold<arith::RemUIOp>(lhs, rhs);
}

static TileSpace createSpace(ImplicitLocOpBuilder &b, tile::ForTilesOp loop,
                             tile::KernelOp kernel) {
  TileSpace space;
  for (auto [dim, extent] : llvm::enumerate(loop.getExtents())) {
    int64_t step = loop.getSteps()[dim] * kernel.getClusterDim(dim);
    Value rounded = add(b, extent, createIndex(b, b.getLoc(), step - 1));
    Value count = div(b, rounded, createIndex(b, b.getLoc(), step));
    space.counts.push_back(count);
    space.total = space.total ? mul(b, space.total, count) : count;
  }
  return space;
}

/// The place of a tile in each dimension from its number. The first dimension
/// is walked `group` tiles at a time, the second next, the third last.
static SmallVector<Value> createPlaces(ImplicitLocOpBuilder &b, Value number,
                                       const TileSpace &space, int64_t group) {
  if (space.counts.size() == 1)
    return {number};
  Value rows = space.counts[0], columns = space.counts[1];
  SmallVector<Value> places;
  Value slice = mul(b, rows, columns);
  Value inSlice = space.counts.size() == 3 ? rem(b, number, slice) : number;
  Value wanted = createIndex(b, b.getLoc(), group);
  Value perGroup = mul(b, wanted, columns);
  Value firstRow = mul(b, div(b, inSlice, perGroup), wanted);
  Value inGroup = rem(b, inSlice, perGroup);
  // The last group may be lower than the others.
  Value height =
      group == 1
          ? wanted
          : b.createOrFold<arith::MinUIOp>(sub(b, rows, firstRow), wanted);
  places.push_back(add(b, firstRow, rem(b, inGroup, height)));
  places.push_back(div(b, inGroup, height));
  if (space.counts.size() == 3)
    places.push_back(div(b, number, slice));
  return places;
}

/// Offsets of this CTA's tile: the CTAs of a cluster lie next to one another.
static SmallVector<Value> createOffsets(ImplicitLocOpBuilder &b, Value number,
                                        const TileSpace &space,
                                        tile::ForTilesOp loop,
                                        tile::KernelOp kernel) {
  SmallVector<Value> offsets;
  Value rank;
  if (kernel.getClusterSize() > 1)
    rank = tile::ClusterRankOp::create(b, b.getIndexType());
  for (auto [dim, place] :
       llvm::enumerate(createPlaces(b, number, space, loop.getGroupM()))) {
    if (int64_t extent = kernel.getClusterDim(dim); extent > 1) {
      Value size = createIndex(b, b.getLoc(), extent);
      place = add(b, mul(b, place, size), rem(b, rank, size));
      rank = div(b, rank, size);
    }
    Value step = createIndex(b, b.getLoc(), loop.getSteps()[dim]);
    offsets.push_back(mul(b, place, step));
  }
  return offsets;
}

static void expand(tile::ForTilesOp loop) {
  auto kernel = loop->getParentOfType<tile::KernelOp>();
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  Value clusterSize = createIndex(b, b.getLoc(), kernel.getClusterSize());
  Value cluster =
      div(b, tile::ProgramIdOp::create(b, b.getIndexType(), 0), clusterSize);
  TileSpace space = createSpace(b, loop, kernel);
  Block *body;
  Value number = cluster;
  if (loop.getPersistent()) {
    Value clusters = div(b, tile::NumProgramsOp::create(b, b.getIndexType(), 0),
                         clusterSize);
    Value first = cluster, stride = clusters;
    if (loop.getDealt()) {
      auto role = loop->getParentOfType<tile::RoleOp>();
      first = add(b, cluster, mul(b, role.getBody().getArgument(0), clusters));
      stride = mul(b, clusters, createIndex(b, b.getLoc(), role.getReplicas()));
    }
    auto counted = scf::ForOp::create(b, first, space.total, stride);
    number = counted.getInductionVar();
    body = counted.getBody();
  } else {
    Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, cluster,
                                         space.total);
    body = scf::IfOp::create(b, exists, /*withElseRegion=*/false).thenBlock();
  }
  b.setInsertionPointToStart(body);
  SmallVector<Value> offsets = createOffsets(b, number, space, loop, kernel);
  for (auto [argument, offset] :
       llvm::zip(loop.getBodyBlock()->getArguments(), offsets))
    argument.replaceAllUsesWith(offset);
  body->getOperations().splice(std::prev(body->end()),
                               loop.getBodyBlock()->getOperations());
  loop.erase();
}

namespace {
struct ExpandTileLoops : impl::ExpandTileLoopsBase<ExpandTileLoops> {
  void runOnOperation() override {
    SmallVector<tile::ForTilesOp> loops;
    getOperation().walk([&](tile::ForTilesOp loop) { loops.push_back(loop); });
    for (tile::ForTilesOp loop : loops)
      expand(loop);
  }
};
} // namespace
} // namespace tilewright
