//===- LowerMathToNvvm.cpp - Scalar math to the units of the GPU ----------===//
// Transcendental functions of f32 go to the special-function unit, whose error
// of about 2^-22 is far below that of the 16-bit tensors around them. Those it
// lacks come from it or from polynomials.
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_LOWERMATHTONVVM
#include "passes/Passes.h.inc"

static Value createConstant(ImplicitLocOpBuilder &b, double value) {
  return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
}

static Value callUnit(ImplicitLocOpBuilder &b, StringRef intrinsic,
                      Value operand) {
  return LLVM::CallIntrinsicOp::create(b, b.getF32Type(),
                                       b.getStringAttr(intrinsic), operand)
      .getResult(0);
}

namespace {
/// `function(x)` as `scaleResult * unit(x * scaleOperand)`.
struct UnitFunction {
  StringRef intrinsic;
  double scaleOperand = 1;
  double scaleResult = 1;
};

template <typename OpT>
struct UnitPattern : OpRewritePattern<OpT> {
  UnitPattern(MLIRContext *context, UnitFunction function)
      : OpRewritePattern<OpT>(context), function(function) {}

  LogicalResult matchAndRewrite(OpT op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value x = op.getOperand();
    if (function.scaleOperand != 1)
      x = arith::MulFOp::create(b, x, createConstant(b, function.scaleOperand));
    Value y = callUnit(b, function.intrinsic, x);
    if (function.scaleResult != 1)
      y = arith::MulFOp::create(b, y, createConstant(b, function.scaleResult));
    rewriter.replaceOp(op, y);
    return success();
  }

  UnitFunction function;
};

struct LowerMathToNvvm : impl::LowerMathToNvvmBase<LowerMathToNvvm> {
  void runOnOperation() override {
    constexpr double log2E = 1.4426950408889634, ln2 = 0.6931471805599453;
    UnitFunction exp2{"llvm.nvvm.ex2.approx.ftz.f"};
    UnitFunction exp{"llvm.nvvm.ex2.approx.ftz.f", log2E};
    UnitFunction log2{"llvm.nvvm.lg2.approx.ftz.f"};
    UnitFunction log{"llvm.nvvm.lg2.approx.ftz.f", 1, ln2};
    UnitFunction rsqrt{"llvm.nvvm.rsqrt.approx.ftz.f"};
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<UnitPattern<math::Exp2Op>>(context, exp2);
    patterns.add<UnitPattern<math::ExpOp>>(context, exp);
    patterns.add<UnitPattern<math::Log2Op>>(context, log2);
    patterns.add<UnitPattern<math::LogOp>>(context, log);
    patterns.add<UnitPattern<math::RsqrtOp>>(context, rsqrt);
    populatePolynomialApproximateTanhPattern(patterns);
    populatePolynomialApproximateErfPattern(patterns);
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    checkRest();
  }

  /// What the machine has no instruction for would end in a call.
  void checkRest() {
    getOperation()->walk([&](Operation *op) {
      if (!isa_and_nonnull<math::MathDialect>(op->getDialect()) ||
          isa<math::AbsFOp, math::AbsIOp, math::FmaOp, math::SqrtOp,
              math::FloorOp, math::CeilOp, math::RoundEvenOp, math::TruncOp,
              math::CopySignOp, math::CtPopOp, math::CountLeadingZerosOp,
              math::CountTrailingZerosOp>(op))
        return;
      op->emitOpError("has no lowering for ") << op->getResultTypes();
      signalPassFailure();
    });
  }
};
} // namespace
} // namespace tilewright
