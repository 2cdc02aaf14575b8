//===- LowerTileToNvvmClusterSum.cpp - Sums over the CTAs of a cluster ----===//
// In the order of ranks, so that the bits do not depend on timing. The CTAs
// meet at barriers of the cluster, or in a role, whose warps are not all of the
// CTA's, at mbarriers.
//===----------------------------------------------------------------------===//

#include "passes/lower/tile/InlinePtx.h"
#include "passes/lower/tile/LowerTileToNvvmAccess.h"

using namespace mlir;

namespace tilewright {

namespace {
/// Every CTA leaves its fragment in its own scratch, in the order of registers
/// and threads; rank 0 reads them all, its own too, in the order of ranks.
struct ClusterSumLowering : TilePattern<tile::ClusterSumOp> {
  using TilePattern::TilePattern;

  /// The exchange of one op: where the parts lie, and how the CTAs meet.
  struct Exchange {
    const ThreadGroup &threads;
    int64_t clusterSize;
    Value base;     ///< this thread's first word
    Value barriers; ///< null outside of roles
    Value phase;    ///< slot of the barriers' parity, in a role
    Value isFirst;  ///< whether this CTA is rank 0
  };

  static constexpr int64_t kWordBytes = 4;
  static constexpr int64_t kBarrierBytes = 8;

  static void createClusterSync(ImplicitLocOpBuilder &b) {
    NVVM::ClusterArriveOp::create(b, b.getUnitAttr());
    NVVM::ClusterWaitOp::create(b, b.getUnitAttr());
  }

  static Value loadRemote(ImplicitLocOpBuilder &b, Value address, int64_t rank,
                          Type type) {
    InlinePtx ptx(b, b.getLoc());
    ptx.addResult(type);
    ptx.addOperand(address);
    ptx.addOperand(createI32(b, rank));
    return ptx.create("{ .reg .b32 remote; mapa.shared::cluster.u32 remote, "
                      "$1, $2; ld.shared::cluster.b32 $0, [remote]; }")[0];
  }

  /// `count` arrivals at a barrier of the CTA of a rank.
  static void arriveAt(ImplicitLocOpBuilder &b, Value barrier, int64_t rank,
                       int64_t count) {
    InlinePtx ptx(b, b.getLoc());
    ptx.addOperand(barrier);
    ptx.addOperand(createI32(b, rank));
    ptx.addOperand(createI32(b, count));
    ptx.create("{ .reg .b32 remote; mapa.shared::cluster.u32 remote, $0, $1; "
               "mbarrier.arrive.release.cluster.shared::cluster.b64 _, "
               "[remote], $2; }");
  }

  static void createIf(ImplicitLocOpBuilder &b, Value condition,
                       function_ref<void(ImplicitLocOpBuilder &)> body) {
    scf::IfOp::create(b, condition, [&](OpBuilder &builder, Location loc) {
      ImplicitLocOpBuilder inner(loc, builder);
      body(inner);
      scf::YieldOp::create(inner);
    });
  }

  /// A slot for the parity, zero where the kernel starts: each op has barriers
  /// of its own, that complete one phase each time it runs.
  static Value createPhase(ImplicitLocOpBuilder &b, LLVM::LLVMFuncOp function) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&function.getBody().front());
    Value slot =
        LLVM::AllocaOp::create(b, LLVM::LLVMPointerType::get(b.getContext()),
                               b.getI32Type(), createI32(b, 1));
    LLVM::StoreOp::create(b, createI32(b, 0), slot);
    return slot;
  }

  /// All parts are written: rank 0 may read.
  static void createWritten(ImplicitLocOpBuilder &b, const Exchange &exchange) {
    if (!exchange.barriers) {
      createClusterSync(b);
      return;
    }
    NVVM::SyncWarpOp::create(b, createI32(b, -1));
    createIf(b, exchange.threads.speaker, [&](ImplicitLocOpBuilder &b) {
      arriveAt(b, exchange.barriers, /*rank=*/0, /*count=*/1);
    });
  }

  /// Rank 0 has read: the others may write again, or leave.
  static void createRead(ImplicitLocOpBuilder &b, const Exchange &exchange) {
    int64_t all = exchange.clusterSize * exchange.threads.warps;
    createSync(b, exchange.threads);
    createIf(b, exchange.threads.leader, [&](ImplicitLocOpBuilder &b) {
      Value free = createOffset(b, exchange.barriers, kBarrierBytes);
      for (int64_t rank = 1; rank < exchange.clusterSize; ++rank)
        arriveAt(b, free, rank, all);
    });
  }

  static SmallVector<Value> createSums(ImplicitLocOpBuilder &b,
                                       const Exchange &exchange,
                                       tile::FragmentType type) {
    int64_t stride = exchange.threads.warps * getWarpThreads() * kWordBytes;
    SmallVector<Value> sums;
    for (int64_t i = 0; i < getNumRegisters(type); ++i) {
      Value address = createOffset(b, exchange.base, i * stride);
      Value total;
      for (int64_t rank = 0; rank < exchange.clusterSize; ++rank) {
        Value part = loadRemote(b, address, rank, type.getElementType());
        total =
            total ? combineValues(b, tile::ReduceKind::Add, total, part) : part;
      }
      sums.push_back(total);
    }
    return sums;
  }

  LogicalResult checkScratch(tile::ClusterSumOp op, int64_t warps) const {
    auto type = op.getValue().getType();
    if (type.getElementType().getIntOrFloatBitWidth() != 8 * kWordBytes)
      return op.emitOpError("expects elements of 32 bits");
    int64_t bytes =
        kWordBytes * warps * getWarpThreads() * getNumRegisters(type);
    if (!op.getScratch() || op.getScratch().getType().getBytes() < bytes)
      return op.emitOpError("needs ")
             << bytes << " bytes of scratch; run tile-plan-shared-memory first";
    if (op->getParentOfType<tile::RoleOp>() && !op.getBarriers())
      return op.emitOpError(
          "needs barriers; run tile-plan-shared-memory first");
    return success();
  }

  LogicalResult
  matchAndRewrite(tile::ClusterSumOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = op.getValue().getType();
    const ThreadGroup &threads = kernel.getThreads(op);
    if (failed(checkScratch(op, threads.warps)))
      return failure();
    ValueRange words = adaptor.getValue();
    Exchange exchange{threads, kernel.clusterSize, {}, {}, {}, {}};
    exchange.base = createOffset(
        b, adaptor.getScratch().front(),
        arith::MulIOp::create(b, threads.thread, createI32(b, kWordBytes)));
    exchange.isFirst = arith::CmpIOp::create(
        b, arith::CmpIPredicate::eq, NVVM::ClusterId::create(b, b.getI32Type()),
        createI32(b, 0));
    Value parity;
    if (threads.role) {
      exchange.barriers = adaptor.getBarriers().front();
      exchange.phase = createPhase(b, kernel.function);
      parity = LLVM::LoadOp::create(b, b.getI32Type(), exchange.phase);
      LLVM::StoreOp::create(
          b, arith::XOrIOp::create(b, parity, createI32(b, 1)), exchange.phase);
    }

    // Whoever used the scratch last must be done.
    createSync(b, threads);
    int64_t stride = threads.warps * getWarpThreads() * kWordBytes;
    for (auto [i, word] : llvm::enumerate(words))
      createVectorStore(b, createOffset(b, exchange.base, i * stride),
                        type.getElementType(), {word}, {});
    createWritten(b, exchange);
    auto sum = scf::IfOp::create(b, getWordTypes(type), exchange.isFirst,
                                 /*addThenBlock=*/true, /*addElseBlock=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(sum.thenBlock());
      if (exchange.barriers)
        createBarrierWait(b, exchange.barriers, parity, /*cluster=*/true);
      SmallVector<Value> sums = createSums(b, exchange, type);
      if (exchange.barriers)
        createRead(b, exchange);
      scf::YieldOp::create(b, sums);
      b.setInsertionPointToStart(sum.elseBlock());
      if (exchange.barriers)
        createBarrierWait(b, createOffset(b, exchange.barriers, kBarrierBytes),
                          parity, /*cluster=*/true);
      scf::YieldOp::create(b, words);
    }
    if (!exchange.barriers)
      createClusterSync(b);
    rewriter.replaceOpWithMultiple(op, {SmallVector<Value>(sum.getResults())});
    return success();
  }
};
} // namespace

void populateTileClusterSumPatterns(const TypeConverter &converter,
                                    RewritePatternSet &patterns,
                                    const KernelContext &kernel) {
  patterns.add<ClusterSumLowering>(converter, patterns.getContext(), kernel);
}

} // namespace tilewright
