//===- GemmEpilogue.cpp - Values of the epilogue --------------------------===//
// Every op is computed in f32 and rounded to the type of its result, as its
// description says, so that a fused kernel rounds where the graph does.
//===----------------------------------------------------------------------===//

#include "passes/lower/xf/GemmEpilogue.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tilewright {

// Partners of a pair lie this many columns apart (xf-pair-*-columns).
static constexpr int64_t kPairDistance = 8;

xf::SplitOp findOutputSplit(xf::KernelOp kernel) {
  auto splits = kernel.getBlock().getOps<xf::SplitOp>();
  return splits.empty() ? xf::SplitOp() : *splits.begin();
}

Value findSegment(Value value, xf::SplitOp split) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return nullptr;
  if (op == split)
    return value;
  for (Value operand : op->getOperands())
    if (Value found = findSegment(operand, split))
      return found;
  return nullptr;
}

static Type elementTypeOf(Value value) {
  return getElementTypeOrSelf(value.getType());
}

FailureOr<GemmEpilogue::Piece> GemmEpilogue::evaluate(Value value) {
  auto it = memo.find(value);
  if (it != memo.end())
    return it->second;
  Operation *op = value.getDefiningOp();
  if (!op)
    return source.emitOpError(
        "has an epilogue that starts from an operand, not from the product");
  FailureOr<Piece> piece = evaluateOp(op, value);
  if (failed(piece))
    return failure();
  // Rounds once, here, to what the op's result can hold.
  piece->fragment = b.cast(piece->fragment, elementTypeOf(value));
  memo[value] = *piece;
  return piece;
}

FailureOr<GemmEpilogue::Piece> GemmEpilogue::evaluateOp(Operation *op,
                                                        Value value) {
  using Result = FailureOr<Piece>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<xf::MatmulOp>([&](auto) -> Result { return product; })
      .Case<xf::CastOp, xf::ReshapeOp>(
          [&](auto) { return evaluate(op->getOperand(0)); })
      .Case<xf::SplitOp>([&](xf::SplitOp split) -> Result {
        Result whole = evaluate(split.getInput());
        if (failed(whole))
          return whole;
        int64_t start = 0;
        for (auto [piece, size] :
             llvm::zip(split.getPieces(), split.getSizes())) {
          if (piece == value)
            break;
          start += size;
        }
        return Piece{whole->fragment, b.add(whole->column, -start)};
      })
      .Case<xf::AddOp, xf::MulOp, xf::ScaleOp, xf::ScaleRowsOp,
            xf::ActivationOp>([&](auto) { return evaluateElementwise(op); })
      .Case<xf::GatedActivationOp>(
          [&](auto gate) { return evaluateGate(gate); })
      .Case<xf::RmsNormOp>([&](auto norm) { return evaluateNorm(norm); })
      .Case<xf::RopeOp>([&](auto rope) { return evaluateRope(rope); })
      .Default([&](Operation *other) -> Result {
        return other->emitOpError("has no lowering in a GEMM's epilogue");
      });
}

/// Columns of an operand that lie where `piece` lies; a vector is repeated over
/// the tokens.
Value GemmEpilogue::loadLike(Value argument, const Piece &piece) {
  auto type = cast<RankedTensorType>(argument.getType());
  Value memory = signature.getOperand(argument);
  int64_t columns = KernelBuilder::shapeOf(piece.fragment)[tile.columnDim()];
  KernelBuilder::LoadOptions options;
  if (type.getRank() == 1) {
    options.dims = tile.swapped ? SmallVector<int64_t>{0, -1}
                                : SmallVector<int64_t>{-1, 0};
    Value row = b.load(memory, {piece.column}, tile.shape(1, columns), options);
    return b.cast(row, b.getF32Type());
  }
  if (Value turned = loadTurned(memory, piece, columns))
    return b.cast(turned, b.getF32Type());
  options.dims =
      tile.swapped ? SmallVector<int64_t>{1, 0} : SmallVector<int64_t>{0, 1};
  Value rows = b.load(memory, {tile.token, piece.column},
                      tile.shape(tile.blockM, columns), options);
  return b.cast(rows, b.getF32Type());
}

/// Operands that are computed on the tile lie at the same columns; what comes
/// from outside is loaded there.
FailureOr<GemmEpilogue::Piece>
GemmEpilogue::evaluateElementwise(Operation *op) {
  auto inside = llvm::find_if(op->getOperands(), [&](Value value) {
    return !signature.isOperand(value) &&
           cast<RankedTensorType>(value.getType()).getRank() > 1;
  });
  if (inside == op->operand_end())
    return op->emitOpError("has no operand that the matmul's tile gives");
  FailureOr<Piece> piece = evaluate(*inside);
  if (failed(piece))
    return failure();
  SmallVector<Value> operands;
  for (OpOperand &operand : op->getOpOperands()) {
    FailureOr<Value> value = evaluateOperand(operand, *piece);
    if (failed(value))
      return failure();
    operands.push_back(b.cast(*value, b.getF32Type()));
  }
  return Piece{buildElementwise(b, op, operands), piece->column};
}

FailureOr<Value> GemmEpilogue::evaluateOperand(OpOperand &operand,
                                               const Piece &piece) {
  xf::OperandUse use = cast<xf::FusionInterface>(operand.getOwner())
                           .getOperandUse(operand.getOperandNumber());
  if (use == xf::OperandUse::RowScalar)
    return evaluateRowScalar(operand.get());
  if (signature.isOperand(operand.get()))
    return loadLike(operand.get(), piece);
  FailureOr<Piece> value = evaluate(operand.get());
  if (failed(value))
    return failure();
  return value->fragment;
}

FailureOr<GemmEpilogue::Piece>
GemmEpilogue::evaluateGate(xf::GatedActivationOp op) {
  FailureOr<Piece> both = evaluate(op.getInput());
  if (failed(both))
    return failure();
  if (static_cast<int64_t>(op.getPairDistance()) != kPairDistance)
    return op.emitOpError("has partners that lie in different threads");
  Value x = b.cast(both->fragment, b.getF32Type());
  auto [gate, up] = b.deinterleave(x, tile.columnDim(), kPairDistance);
  return Piece{b.mulf(buildActivation(b, op.getKind(), gate), up),
               b.div(both->column, 2)};
}

/// What a norm multiplies the head at hand by, per token. It takes all slices
/// of the head, so it is made with the first of them; what goes into the norm
/// is computed again for each slice, which costs less than registers that would
/// keep a whole head.
FailureOr<Value> GemmEpilogue::getHeadFactor(xf::RmsNormOp op) {
  if (Value factor = headFactors.lookup(op))
    return factor;
  int64_t width = op.getType().getShape().back();
  if (width % tile.slice != 0)
    return op.emitOpError("needs a whole head, which slices of the tile do not "
                          "make up");
  Piece current = product;
  llvm::DenseMap<Value, Piece> saved = memo;
  Value sum;
  for (int64_t offset = 0; offset < width; offset += tile.slice) {
    selectSlice(groupOffset + offset);
    FailureOr<Piece> piece = evaluate(op.getInput());
    if (failed(piece))
      return failure();
    Value x = b.cast(piece->fragment, b.getF32Type());
    Value part =
        b.reduce(tile::ReduceKind::Add, b.mulf(x, x), tile.columnDim());
    sum = sum ? b.addf(sum, part) : part;
  }
  product = current;
  memo = saved;
  Value mean = b.mulf(sum, 1.0f / static_cast<float>(width));
  return headFactors[op] =
             b.rsqrt(b.addf(mean, op.getEpsilon().convertToFloat()));
}

FailureOr<GemmEpilogue::Piece> GemmEpilogue::evaluateNorm(xf::RmsNormOp op) {
  FailureOr<Value> factor = getHeadFactor(op);
  if (failed(factor))
    return failure();
  FailureOr<Piece> piece = evaluate(op.getInput());
  if (failed(piece))
    return failure();
  Value x = b.cast(piece->fragment, b.getF32Type());
  int64_t width = op.getType().getShape().back();
  Piece inHead{x, b.rem(piece->column, width)};
  Value weight = loadLike(op.getWeight(), inHead);
  return Piece{b.mulf(b.mulf(x, *factor), weight), piece->column};
}

/// The numbers of an `[tokens]` operand for this tile's tokens, along dimension
/// 0, or 1 with `swapped`.
Value GemmEpilogue::loadTokens(Value argument, bool swapped, Attribute fill) {
  KernelBuilder::LoadOptions options;
  options.fill = fill;
  options.dims =
      swapped ? SmallVector<int64_t>{-1, 0} : SmallVector<int64_t>{0, -1};
  SmallVector<int64_t> shape = swapped ? SmallVector<int64_t>{1, tile.blockM}
                                       : SmallVector<int64_t>{tile.blockM, 1};
  return b.load(signature.getOperand(argument), {tile.token}, shape, options);
}

FailureOr<Value> GemmEpilogue::evaluateRowScalar(Value value) {
  auto it = rowScalars.find(value);
  if (it != rowScalars.end())
    return it->second;
  if (signature.isOperand(value))
    return rowScalars[value] = loadTokens(value, tile.swapped);
  auto rstd = value.getDefiningOp<xf::RstdOp>();
  if (!rstd || !signature.isOperand(rstd.getPartial()))
    return value.getDefiningOp()->emitOpError(
        "is no number per token that a GEMM can make");
  auto type = rstd.getPartial().getType();
  // Beyond the last partial sum the load gives zeros, which a sum does not see.
  int64_t count = static_cast<int64_t>(
      llvm::PowerOf2Ceil(std::max<int64_t>(type.getShape().back(), 8)));
  KernelBuilder::LoadOptions options;
  options.dims =
      tile.swapped ? SmallVector<int64_t>{1, 0} : SmallVector<int64_t>{0, 1};
  Value partial =
      b.load(signature.getOperand(rstd.getPartial()), {tile.token, b.index(0)},
             tile.shape(tile.blockM, count), options);
  Value sum = b.reduce(tile::ReduceKind::Add, partial, tile.columnDim());
  Value mean = b.mulf(sum, 1.0f / static_cast<float>(rstd.getCount()));
  return rowScalars[value] =
             b.rsqrt(b.addf(mean, rstd.getEpsilon().convertToFloat()));
}

FailureOr<GemmEpilogue::Piece> GemmEpilogue::evaluateRope(xf::RopeOp op) {
  FailureOr<Piece> piece = evaluate(op.getInput());
  if (failed(piece))
    return failure();
  int64_t headDim = op.getInput().getType().getShape().back();
  int64_t columns = KernelBuilder::shapeOf(piece->fragment)[tile.columnDim()];
  if (op.getTable().getType().getDimSize(1) * 2 != headDim)
    return op.emitOpError(
        "rotates a part of a head, which has no lowering in a GEMM's epilogue");
  if (static_cast<int64_t>(op.getPairDistance()) != kPairDistance ||
      headDim % columns != 0)
    return op.emitOpError(
        "has partners that lie in different threads or tiles");

  Value x = b.cast(piece->fragment, b.getF32Type());
  auto [first, second] = b.deinterleave(x, tile.columnDim(), kPairDistance);
  // Pairs of a head are numbered by their frequency, in order.
  Value frequency = b.div(b.rem(piece->column, headDim), 2);
  KernelBuilder::LoadOptions options;
  options.dims =
      tile.swapped ? SmallVector<int64_t>{1, 0} : SmallVector<int64_t>{0, 1};
  options.rows = loadTokens(op.getPositions(), tile.swapped);
  Value table = signature.getOperand(op.getTable());
  SmallVector<int64_t> shape = tile.shape(tile.blockM, columns / 2);
  Value cosine =
      b.load(table, {b.index(0), frequency, b.index(0)}, shape, options);
  Value sine =
      b.load(table, {b.index(0), frequency, b.index(1)}, shape, options);
  Value turned = b.subf(b.mulf(first, cosine), b.mulf(second, sine));
  Value partner = b.addf(b.mulf(second, cosine), b.mulf(first, sine));
  Type element = elementTypeOf(op.getResult());
  return Piece{b.interleave(b.cast(turned, element), b.cast(partner, element),
                            tile.columnDim(), kPairDistance),
               piece->column};
}

} // namespace tilewright
