//===- LowerRowWise.cpp - Row-wise, embedding and elementwise kernels -----===//
// A CTA takes some rows, and either all of their columns, where an op reduces
// whole rows, or one block of columns. Rows stay in registers from the load to
// the store.
//===----------------------------------------------------------------------===//

#include "passes/lower/xf/Families.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tilewright {

namespace {
/// The part of the rows that one CTA holds, and values computed on it.
class RowKernel {
public:
  RowKernel(xf::KernelOp source, KernelBuilder &b) : source(source), b(b) {}

  LogicalResult lower(StringRef name);

private:
  LogicalResult readConfig();
  FailureOr<Value> evaluate(Value value);
  FailureOr<Value> evaluateOp(Operation *op);
  FailureOr<Value> evaluateElementwise(Operation *op);
  FailureOr<Value> evaluateNorm(xf::RmsNormOp op);
  Value evaluateGather(Operation *op);
  Value loadArgument(Value argument);
  Value loadColumn(Value argument, Attribute fill);
  LogicalResult storeOutput(unsigned index);

  xf::KernelOp source;
  KernelBuilder &b;
  const KernelSignature *signature = nullptr;
  llvm::DenseMap<Value, Value> memo;
  // Of a row: all columns, and those of the CTA's block, rounded up to whole
  // accesses of all threads.
  int64_t columns = 0, block = 0, chunk = 0;
  int64_t rows = 0, warps = 0, vector = 0;
  Value row, column; // offsets of the CTA's part
};
} // namespace

static int64_t columnsOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t columns = 1;
  for (int64_t size : type.getShape().drop_front())
    columns *= size;
  return columns;
}

LogicalResult RowKernel::readConfig() {
  FailureOr<int64_t> warpCount = getConfigField(source, "warps"),
                     rowCount = getConfigField(source, "ROWS"),
                     width = getConfigField(source, "vector");
  if (failed(warpCount) || failed(rowCount) || failed(width))
    return failure();
  warps = *warpCount, rows = *rowCount, vector = *width;
  bool wholeRows = false;
  for (Operation &op : source.getBlock()) {
    wholeRows |= isa<xf::RmsNormOp>(op);
    if (auto squares = dyn_cast<xf::SumSquaresOp>(op))
      chunk = squares.getChunk();
    if (!isa<xf::YieldOp, xf::SumSquaresOp>(op))
      columns = std::max(columns, columnsOf(op.getResult(0)));
  }
  if (wholeRows && chunk)
    return source.emitError(
        "reduces whole rows and pieces of them, which has no lowering");
  int64_t access =
      target::getDefaultTarget().threads.threadsPerWarp * warps * vector;
  block = chunk       ? chunk
          : wholeRows ? llvm::alignTo(columns, access)
                      : std::min<int64_t>(access, llvm::PowerOf2Ceil(columns));
  return success();
}

LogicalResult RowKernel::lower(StringRef name) {
  if (failed(readConfig()))
    return failure();
  KernelSignature made(
      source, name,
      [](Value value) {
        return getRowsType(cast<RankedTensorType>(value.getType()));
      },
      b);
  signature = &made;
  tile::KernelOp kernel = made.getKernel();
  kernel.setWarps(warps);
  MLIRContext *context = b.getContext();
  // All results have the same rows.
  auto result = cast<RankedTensorType>(source.getOutputs()[0].getType());
  Attribute rowCount = getSizeExpression(context, xf::getDim(result, 0));
  SmallVector<Attribute> grid = {
      sizeOp("ceildiv", rowCount, sizeConstant(context, rows)),
      sizeConstant(context, llvm::divideCeil(columns, block))};
  kernel.setGridAttr(b.getArrayAttr(grid));

  row = b.mul(tile::ProgramIdOp::create(b, b.getIndexType(), 0), rows);
  column = b.mul(tile::ProgramIdOp::create(b, b.getIndexType(), 1), block);
  for (unsigned index = 0; index < source.getNumResults(); ++index)
    if (failed(storeOutput(index)))
      return failure();
  return success();
}

FailureOr<Value> RowKernel::evaluate(Value value) {
  auto it = memo.find(value);
  if (it != memo.end())
    return it->second;
  Operation *op = value.getDefiningOp();
  FailureOr<Value> result =
      op ? evaluateOp(op) : FailureOr<Value>(loadArgument(value));
  if (failed(result))
    return failure();
  return memo[value] = b.cast(*result, getElementTypeOrSelf(value.getType()));
}

FailureOr<Value> RowKernel::evaluateOp(Operation *op) {
  using Result = FailureOr<Value>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<xf::EmbeddingOp, xf::GatherRowsOp>(
          [&](auto) -> Result { return evaluateGather(op); })
      .Case<xf::CastOp, xf::ReshapeOp>(
          [&](auto) { return evaluate(op->getOperand(0)); })
      .Case<xf::AddOp, xf::MulOp, xf::ScaleOp, xf::ScaleRowsOp,
            xf::ActivationOp>([&](auto) { return evaluateElementwise(op); })
      .Case<xf::RmsNormOp>([&](auto norm) { return evaluateNorm(norm); })
      .Default([](Operation *other) -> Result {
        return other->emitOpError("has no lowering in a row-wise kernel");
      });
}

Value RowKernel::loadArgument(Value argument) {
  auto type = cast<RankedTensorType>(argument.getType());
  KernelBuilder::LoadOptions options;
  options.vector = vector;
  Value memory = signature->getOperand(argument);
  if (type.getRank() > 1)
    return b.load(memory, {row, column}, {rows, block}, options);
  // A vector: one number per row, or one per column.
  if (type.isDynamicDim(0))
    return loadColumn(argument, Attribute());
  return b.load(memory, {column}, {1, block}, options);
}

/// One number for each of the CTA's rows.
Value RowKernel::loadColumn(Value argument, Attribute fill) {
  KernelBuilder::LoadOptions options;
  options.dims = {0, -1};
  options.fill = fill;
  return b.load(signature->getOperand(argument), {row}, {rows, 1}, options);
}

Value RowKernel::evaluateGather(Operation *op) {
  KernelBuilder::LoadOptions options;
  options.vector = vector;
  // Rows beyond the last are skipped.
  options.rows = loadColumn(op->getOperand(1), b.getI32IntegerAttr(-1));
  return b.load(signature->getOperand(op->getOperand(0)), {b.index(0), column},
                {rows, block}, options);
}

FailureOr<Value> RowKernel::evaluateElementwise(Operation *op) {
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    FailureOr<Value> value = evaluate(operand);
    if (failed(value))
      return failure();
    operands.push_back(b.cast(*value, b.getF32Type()));
  }
  return buildElementwise(b, op, operands);
}

FailureOr<Value> RowKernel::evaluateNorm(xf::RmsNormOp op) {
  FailureOr<Value> input = evaluate(op.getInput()),
                   weight = evaluate(op.getWeight());
  if (failed(input) || failed(weight))
    return failure();
  if (op.getType().getRank() != 2)
    return op.emitOpError(
        "is over heads, which has no lowering in a row-wise kernel");
  // Columns beyond the last were loaded as zeros, which a sum does not see.
  Value x = b.cast(*input, b.getF32Type());
  Value sum = b.reduce(tile::ReduceKind::Add, b.mulf(x, x), 1);
  Value mean =
      b.mulf(sum, 1.0f / static_cast<float>(op.getType().getShape().back()));
  Value factor = b.rsqrt(b.addf(mean, op.getEpsilon().convertToFloat()));
  return b.mulf(b.mulf(x, factor), b.cast(*weight, b.getF32Type()));
}

LogicalResult RowKernel::storeOutput(unsigned index) {
  Value value = source.getYield().getValues()[index];
  Value destination = signature->getResult(index);
  if (auto squares = value.getDefiningOp<xf::SumSquaresOp>()) {
    FailureOr<Value> input = evaluate(squares.getInput());
    if (failed(input))
      return failure();
    Value x = b.cast(*input, b.getF32Type());
    Value sum = b.reduce(tile::ReduceKind::Add, b.mulf(x, x), 1);
    b.store(sum, destination, {row, b.div(column, chunk)}, {});
    return success();
  }
  FailureOr<Value> result = evaluate(value);
  if (failed(result))
    return failure();
  b.store(*result, destination, {row, column}, {});
  return success();
}

LogicalResult lowerRowWise(xf::KernelOp source, StringRef name,
                           KernelBuilder &builder) {
  return RowKernel(source, builder).lower(name);
}

} // namespace tilewright
