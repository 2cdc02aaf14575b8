//===- Ops.h - The reference value of each op -----------------------------===//
// One function per op, grouped in files as the ops are in ir/xf. Operands are
// in the op's order and have the shapes that its verifier asks for. A failure
// has been reported at the op.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_REFERENCE_OPS_H
#define TILEWRIGHT_IR_REFERENCE_OPS_H

#include "ir/reference/Tensor.h"
#include "ir/xf/Xf.h"

namespace tilewright::reference {

// Weights.
Tensor eval(xf::RopeTableOp op);
Tensor eval(xf::RegroupRowsOp op, const Tensor &input);
Tensor eval(xf::ScaleColumnsOp op, const Tensor &input, const Tensor &scale);

// Movement.
Tensor eval(xf::RegroupColumnsOp op, const Tensor &input);
Tensor eval(xf::CastOp op, const Tensor &input);
Tensor eval(xf::ReshapeOp op, const Tensor &input);
llvm::SmallVector<Tensor> eval(xf::SplitOp op, const Tensor &input);
Tensor eval(xf::ConcatOp op, llvm::ArrayRef<Tensor> inputs);

// Matmul, elementwise, row-wise.
Tensor eval(xf::MatmulOp op, const Tensor &input, const Tensor &weight);
Tensor eval(xf::AddOp op, const Tensor &lhs, const Tensor &rhs);
Tensor eval(xf::MulOp op, const Tensor &lhs, const Tensor &rhs);
Tensor eval(xf::ScaleOp op, const Tensor &input);
Tensor eval(xf::ScaleRowsOp op, const Tensor &input, const Tensor &scale);
Tensor eval(xf::ActivationOp op, const Tensor &input);
Tensor eval(xf::GatedActivationOp op, const Tensor &input);
Tensor eval(xf::RmsNormOp op, const Tensor &input, const Tensor &weight);
Tensor eval(xf::SumSquaresOp op, const Tensor &input);
Tensor eval(xf::RstdOp op, const Tensor &partial);

// Rows by index, rope, cache, attention.
mlir::FailureOr<Tensor> eval(xf::EmbeddingOp op, const Tensor &table,
                             const Tensor &indices);
mlir::FailureOr<Tensor> eval(xf::GatherRowsOp op, const Tensor &input,
                             const Tensor &indices);
mlir::FailureOr<Tensor> eval(xf::RopeOp op, const Tensor &input,
                             const Tensor &table, const Tensor &positions);
mlir::FailureOr<Tensor> eval(xf::CacheAppendOp op, const Tensor &cache,
                             const Tensor &input, const Tensor &slotMapping);
mlir::FailureOr<Tensor> eval(xf::AttentionOp op,
                             llvm::ArrayRef<Tensor> operands);
mlir::FailureOr<llvm::SmallVector<Tensor>>
eval(xf::AttentionPartialOp op, llvm::ArrayRef<Tensor> operands);
Tensor eval(xf::AttentionCombineOp op, const Tensor &partial,
            const Tensor &lse);

// Sampling.
Tensor eval(xf::ArgmaxOp op, const Tensor &logits);
Tensor eval(xf::SampleOp op, llvm::ArrayRef<Tensor> operands);

} // namespace tilewright::reference

#endif // TILEWRIGHT_IR_REFERENCE_OPS_H
