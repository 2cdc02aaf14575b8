//===- Interpreter.cpp - The reference interpreter of xf ------------------===//
// Walks a block from top to bottom. What an op means is in the *Ops.cpp files
// beside this one; here are only the values' lifetimes and the symbols.
//===----------------------------------------------------------------------===//

#include "ir/reference/Interpreter.h"
#include "ir/reference/Constant.h"
#include "ir/reference/Ops.h"
#include "ir/reference/check/Check.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tilewright::reference {

FailureOr<Tensor> provideNoWeights(xf::WeightOp weight) {
  return weight.emitError("no weights were given");
}

namespace {

using Results = FailureOr<SmallVector<Tensor>>;

/// Evaluates the ops of one block.
class Evaluator {
public:
  explicit Evaluator(const WeightProvider &provider) : provider(provider) {}

  Results evalBlock(Operation *owner, Block &block, ArrayRef<Tensor> args);
  FailureOr<Tensor> evalExpression(Value value);

private:
  LogicalResult bind(Operation *op, Value value, const Tensor &tensor);
  LogicalResult bindResults(Operation *op, ArrayRef<Tensor> results);
  SmallVector<Tensor> takeOperands(Operation *op);
  Results evalOp(Operation *op, ArrayRef<Tensor> operands);
  Results evalWeight(xf::WeightOp op);

  const WeightProvider &provider;
  llvm::DenseMap<Value, Tensor> values;
  /// Uses of a value by ops that have not run yet.
  llvm::DenseMap<Value, int64_t> pendingUses;
  llvm::StringMap<int64_t> symbols;
};

} // namespace

//===----------------------------------------------------------------------===//
// Values and symbols
//===----------------------------------------------------------------------===//

/// Gives `value` its tensor, which must have the type's shape; a symbol that
/// is met for the first time takes its size from it.
LogicalResult Evaluator::bind(Operation *op, Value value,
                              const Tensor &tensor) {
  auto type = cast<RankedTensorType>(value.getType());
  if (getElementType(type.getElementType()) != tensor.getType() ||
      type.getRank() != tensor.getRank())
    return op->emitError("expects a tensor of type ") << type;
  for (auto [index, dim] : llvm::enumerate(xf::getDims(type))) {
    int64_t expected = dim.value;
    if (!dim.isFixed())
      expected += symbols
                      .try_emplace(dim.name.getValue(),
                                   tensor.getDim(index) - dim.value)
                      .first->second;
    if (expected != tensor.getDim(index))
      return op->emitError("expects dimension ")
             << index << " of " << type << " to be " << expected << ", but got "
             << tensor.getDim(index);
  }
  if (int64_t uses = std::distance(value.use_begin(), value.use_end())) {
    values.try_emplace(value, tensor);
    pendingUses[value] = uses;
  }
  return success();
}

LogicalResult Evaluator::bindResults(Operation *op, ArrayRef<Tensor> results) {
  for (auto [value, tensor] : llvm::zip_equal(op->getResults(), results))
    if (failed(bind(op, value, tensor)))
      return failure();
  return success();
}

/// The operands' tensors. A tensor is dropped with its last use.
SmallVector<Tensor> Evaluator::takeOperands(Operation *op) {
  SmallVector<Tensor> operands;
  for (Value operand : op->getOperands())
    operands.push_back(values.find(operand)->second);
  for (Value operand : op->getOperands())
    if (--pendingUses[operand] == 0)
      values.erase(operand);
  return operands;
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

static Results wrap(Tensor tensor) {
  return SmallVector<Tensor>{std::move(tensor)};
}
static Results wrap(FailureOr<Tensor> tensor) {
  if (failed(tensor))
    return failure();
  return SmallVector<Tensor>{std::move(*tensor)};
}
static Results wrap(SmallVector<Tensor> tensors) { return tensors; }

Results Evaluator::evalWeight(xf::WeightOp op) {
  // A rounding of the checkpoint's type to the graph's is none of the graph's.
  RoundingNoise quiet(RoundingNoise::kNone);
  FailureOr<Tensor> tensor = provider(op);
  if (failed(tensor))
    return failure();
  if (!isFloat(tensor->getType()) ||
      tensor->getShape() != op.getType().getShape())
    return op.emitError("weight '")
           << op.getName() << "' does not have the shape of " << op.getType();
  return wrap(tensor->convert(*getElementType(op.getType().getElementType())));
}

Results Evaluator::evalOp(Operation *op, ArrayRef<Tensor> in) {
  return llvm::TypeSwitch<Operation *, Results>(op)
      .Case([&](xf::WeightOp op) { return evalWeight(op); })
      .Case([&](xf::KernelOp op) { return evaluate(op, in, provider); })
      .Case([&](arith::ConstantOp op) { return wrap(evalConstant(op)); })
      .Case([&](xf::RopeTableOp op) { return wrap(eval(op)); })
      .Case<xf::ConcatOp, xf::AttentionOp, xf::SampleOp>(
          [&](auto op) { return wrap(eval(op, in)); })
      .Case([&](xf::AttentionPartialOp op) { return eval(op, in); })
      .Case<xf::RegroupRowsOp, xf::RegroupColumnsOp, xf::CastOp, xf::ReshapeOp,
            xf::SplitOp, xf::ScaleOp, xf::ActivationOp, xf::GatedActivationOp,
            xf::SumSquaresOp, xf::RstdOp, xf::ArgmaxOp>(
          [&](auto op) { return wrap(eval(op, in[0])); })
      .Case<xf::ScaleColumnsOp, xf::MatmulOp, xf::AddOp, xf::MulOp,
            xf::ScaleRowsOp, xf::RmsNormOp, xf::EmbeddingOp, xf::GatherRowsOp,
            xf::AttentionCombineOp>(
          [&](auto op) { return wrap(eval(op, in[0], in[1])); })
      .Case<xf::RopeOp, xf::CacheAppendOp>(
          [&](auto op) { return wrap(eval(op, in[0], in[1], in[2])); })
      .Case<check::ExpectEqOp, check::ExpectCloseOp>([&](auto op) -> Results {
        if (failed(evalCheck(op, in[0], in[1])))
          return failure();
        return SmallVector<Tensor>();
      })
      .Case([&](check::RenameSizesOp) { return wrap(in[0]); })
      .Default([](Operation *op) {
        return op->emitError("the interpreter does not know this op");
      });
}

Results Evaluator::evalBlock(Operation *owner, Block &block,
                             ArrayRef<Tensor> args) {
  if (args.size() != block.getNumArguments())
    return owner->emitError("expects ")
           << block.getNumArguments() << " arguments, but got " << args.size();
  for (auto [value, tensor] : llvm::zip_equal(block.getArguments(), args))
    if (failed(bind(owner, value, tensor)))
      return failure();
  for (Operation &op : block.without_terminator()) {
    Results results = evalOp(&op, takeOperands(&op));
    if (failed(results) || failed(bindResults(&op, *results)))
      return failure();
  }
  return takeOperands(block.getTerminator());
}

FailureOr<Tensor> Evaluator::evalExpression(Value value) {
  Operation *op = value.getDefiningOp();
  SmallVector<Tensor> operands;
  for (Value operand : op->getOperands()) {
    FailureOr<Tensor> tensor = evalExpression(operand);
    if (failed(tensor))
      return failure();
    operands.push_back(std::move(*tensor));
  }
  Results results = evalOp(op, operands);
  if (failed(results))
    return failure();
  return (*results)[cast<OpResult>(value).getResultNumber()];
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

Results evaluate(func::FuncOp func, ArrayRef<Tensor> args,
                 const WeightProvider &provider) {
  if (!func.getBody().hasOneBlock())
    return func.emitError("expects a body of one block");
  for (Type type : func.getArgumentTypes())
    if (!xf::hasNamedSizes(type))
      return func.emitError("expects tensors whose dynamic sizes are named");
  return Evaluator(provider).evalBlock(func, func.getBody().front(), args);
}

Results evaluate(xf::KernelOp kernel, ArrayRef<Tensor> inputs,
                 const WeightProvider &provider) {
  return Evaluator(provider).evalBlock(kernel, kernel.getBlock(), inputs);
}

FailureOr<Tensor> evaluateWeight(Value value, const WeightProvider &provider) {
  assert(xf::isWeightExpression(value) && "an expression of weights alone");
  return Evaluator(provider).evalExpression(value);
}

} // namespace tilewright::reference
