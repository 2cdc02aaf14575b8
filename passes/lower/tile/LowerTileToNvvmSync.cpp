//===- LowerTileToNvvmSync.cpp - Barriers and fences ----------------------===//

#include "passes/lower/tile/InlinePtx.h"
#include "passes/lower/tile/LowerTileToNvvm.h"

#include "ir/target/Target.h"

using namespace mlir;

namespace tilewright {

constexpr int64_t kBarrierBytes = 8;

void createSync(ImplicitLocOpBuilder &b, const ThreadGroup &threads) {
  if (threads.role && threads.warps == 1) {
    NVVM::SyncWarpOp::create(b, createI32(b, -1));
    return;
  }
  Value count = createI32(b, threads.warps * getWarpThreads());
  NVVM::BarrierOp::create(b, TypeRange(), threads.barrier, count,
                          NVVM::BarrierReductionAttr(), Value());
}

void createBarrierWait(ImplicitLocOpBuilder &b, Value barrier, Value parity,
                       bool cluster) {
  StringRef scope = cluster ? ".acquire.cluster" : "";
  auto test = [&](OpBuilder &builder, Location loc, ValueRange) {
    ImplicitLocOpBuilder b(loc, builder);
    InlinePtx ptx(b, loc);
    ptx.addResult(b.getI32Type());
    ptx.addOperand(barrier);
    ptx.addOperand(parity);
    Value done =
        ptx.create(("{ .reg .pred done; mbarrier.try_wait.parity" + scope +
                    ".shared::cta.b64 done, [$1], $2; "
                    "selp.b32 $0, 1, 0, done; }")
                       .str())[0];
    Value again = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, done,
                                        createI32(b, 0));
    scf::ConditionOp::create(b, again, ValueRange());
  };
  auto nothing = [](OpBuilder &builder, Location loc, ValueRange) {
    scf::YieldOp::create(builder, loc);
  };
  scf::WhileOp::create(b, TypeRange(), ValueRange(), test, nothing);
}

/// The barrier of a slot of an array.
static Value getBarrier(ImplicitLocOpBuilder &b, Value barriers, Value slot) {
  Value bytes = arith::MulIOp::create(b, slot, createI32(b, kBarrierBytes));
  return createOffset(b, barriers, bytes);
}

/// Runs `body` where `condition` holds.
static void createIf(ImplicitLocOpBuilder &b, Value condition,
                     function_ref<void(ImplicitLocOpBuilder &)> body) {
  scf::IfOp::create(b, condition, [&](OpBuilder &builder, Location loc) {
    ImplicitLocOpBuilder inner(loc, builder);
    body(inner);
    scf::YieldOp::create(inner);
  });
}

namespace {
struct SyncLowering : TilePattern<tile::SyncOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::SyncOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    createSync(b, kernel.getThreads(op));
    rewriter.eraseOp(op);
    return success();
  }
};

struct ClusterSyncLowering : TilePattern<tile::ClusterSyncOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::ClusterSyncOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    NVVM::ClusterArriveOp::create(b, b.getUnitAttr());
    NVVM::ClusterWaitOp::create(b, b.getUnitAttr());
    rewriter.eraseOp(op);
    return success();
  }
};

struct FenceAsyncLowering : TilePattern<tile::FenceAsyncOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::FenceAsyncOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    InlinePtx(b, op.getLoc()).create("fence.proxy.async.shared::cta;");
    rewriter.eraseOp(op);
    return success();
  }
};

struct NamedBarrierLowering : TilePattern<tile::NamedBarrierOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::NamedBarrierOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto create = [&](ImplicitLocOpBuilder &b) {
      Value threads = createI32(b, op.getThreads());
      if (op.getArrive())
        NVVM::BarrierArriveOp::create(b, adaptor.getId(), threads);
      else
        NVVM::BarrierOp::create(b, TypeRange(), adaptor.getId(), threads,
                                NVVM::BarrierReductionAttr(), Value());
    };
    if (Value condition = adaptor.getCondition())
      createIf(b, condition, create);
    else
      create(b);
    rewriter.eraseOp(op);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// mbarrier. As inline PTX, since the intrinsics claim to touch no memory but
// the barrier, while they order all of it.
//===----------------------------------------------------------------------===//

struct MbarrierInitLowering : TilePattern<tile::MbarrierInitOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::MbarrierInitOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    int64_t count = op.getBarrier().getType().getCount();
    createIf(b, kernel.getThreads(op).leader, [&](ImplicitLocOpBuilder &b) {
      for (int64_t i = 0; i < count; ++i) {
        InlinePtx ptx(b, b.getLoc());
        ptx.addOperand(
            createOffset(b, adaptor.getBarrier(), i * kBarrierBytes));
        ptx.addOperand(createI32(b, op.getCount()));
        ptx.create("mbarrier.init.shared::cta.b64 [$0], $1;");
      }
    });
    rewriter.eraseOp(op);
    return success();
  }
};

struct MbarrierFenceInitLowering : TilePattern<tile::MbarrierFenceInitOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::MbarrierFenceInitOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    createIf(b, kernel.getThreads(op).leader, [&](ImplicitLocOpBuilder &b) {
      InlinePtx(b, b.getLoc()).create("fence.mbarrier_init.release.cluster;");
    });
    rewriter.eraseOp(op);
    return success();
  }
};

struct MbarrierExpectLowering : TilePattern<tile::MbarrierExpectOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::MbarrierExpectOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    createIf(b, kernel.getThreads(op).leader, [&](ImplicitLocOpBuilder &b) {
      InlinePtx ptx(b, b.getLoc());
      ptx.addOperand(getBarrier(b, adaptor.getBarrier(), adaptor.getSlot()));
      if (op.getBytes() == 0) {
        ptx.create("mbarrier.arrive.shared::cta.b64 _, [$0];");
        return;
      }
      ptx.addOperand(createI32(b, op.getBytes()));
      ptx.create("mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;");
    });
    rewriter.eraseOp(op);
    return success();
  }
};

/// Locally, one thread of each warp arrives. In a cluster, the threads of a
/// warp take one CTA each. Released at the default scope, the CTA: arrivals say
/// that reads are done, and at cluster scope ptxas would put a fence of the
/// whole GPU in front of each.
struct MbarrierArriveLowering : TilePattern<tile::MbarrierArriveOp> {
  using TilePattern::TilePattern;

  static void arriveAtRanks(ImplicitLocOpBuilder &b, Value barrier,
                            Value lane) {
    InlinePtx ptx(b, b.getLoc());
    ptx.addOperand(barrier);
    ptx.addOperand(lane);
    ptx.create("{ .reg .b32 remote; mapa.shared::cluster.u32 remote, $0, $1; "
               "mbarrier.arrive.shared::cluster.b64 _, [remote]; }");
  }

  LogicalResult
  matchAndRewrite(tile::MbarrierArriveOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    const ThreadGroup &threads = kernel.getThreads(op);
    // One thread stands for its warp, whose other threads must be done reading.
    NVVM::SyncWarpOp::create(b, createI32(b, -1));
    Value condition = threads.speaker;
    if (Value ranks = adaptor.getRanks()) {
      Value bit = arith::ShRUIOp::create(b, ranks, threads.lane);
      condition = arith::TruncIOp::create(b, b.getI1Type(), bit);
    }
    condition = createAnd(b, condition, adaptor.getCondition());
    createIf(b, condition, [&](ImplicitLocOpBuilder &b) {
      Value barrier = getBarrier(b, adaptor.getBarrier(), adaptor.getSlot());
      if (adaptor.getRanks()) {
        arriveAtRanks(b, barrier, threads.lane);
        return;
      }
      InlinePtx ptx(b, b.getLoc());
      ptx.addOperand(barrier);
      ptx.create("mbarrier.arrive.shared::cta.b64 _, [$0];");
    });
    rewriter.eraseOp(op);
    return success();
  }
};

struct MbarrierWaitLowering : TilePattern<tile::MbarrierWaitOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::MbarrierWaitOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    createBarrierWait(b, getBarrier(b, adaptor.getBarrier(), adaptor.getSlot()),
                      adaptor.getParity(), op.getCluster());
    rewriter.eraseOp(op);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// wgmma
//===----------------------------------------------------------------------===//

struct MmaFenceLowering : TilePattern<tile::MmaFenceOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::MmaFenceOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<NVVM::WgmmaFenceAlignedOp>(op);
    return success();
  }
};

struct MmaCommitLowering : TilePattern<tile::MmaCommitOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::MmaCommitOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<NVVM::WgmmaGroupSyncAlignedOp>(op);
    return success();
  }
};
} // namespace

void populateTileSyncPatterns(const TypeConverter &converter,
                              RewritePatternSet &patterns,
                              const KernelContext &kernel) {
  patterns.add<SyncLowering, ClusterSyncLowering, FenceAsyncLowering,
               NamedBarrierLowering, MbarrierInitLowering,
               MbarrierFenceInitLowering, MbarrierExpectLowering,
               MbarrierArriveLowering, MbarrierWaitLowering, MmaFenceLowering,
               MmaCommitLowering>(converter, patterns.getContext(), kernel);
}

} // namespace tilewright
