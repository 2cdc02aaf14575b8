//===- LowerTileToNvvmSupport.cpp - Registers, coordinates, small values --===//

#include "passes/lower/tile/LowerTileToNvvm.h"

#include "ir/target/Target.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;

namespace tilewright {

int64_t getWarpThreads() {
  return target::getDefaultTarget().threads.threadsPerWarp;
}

constexpr int64_t kWordBits = 32;

const ThreadGroup &KernelContext::getThreads(Operation *op) const {
  if (auto role = op->getParentOfType<tile::RoleOp>())
    return roles.find(role)->second;
  return cta;
}

int64_t KernelContext::getPanelRows(Value shared) const {
  auto it = panelRows.find(shared);
  if (it != panelRows.end())
    return it->second;
  return cast<tile::SharedType>(shared.getType()).getLayout().rows;
}

//===----------------------------------------------------------------------===//
// Fragments and their registers
//===----------------------------------------------------------------------===//

tile::Layout getLayout(tile::FragmentType type) {
  return type.getLayout().getLayout();
}

int64_t getNumRegisters(tile::FragmentType type) {
  return getLayout(type).getNumRegisters();
}

int64_t getPacking(tile::FragmentType type) {
  unsigned bits = type.getElementType().getIntOrFloatBitWidth();
  if (bits != 8 && bits != 16)
    return 1;
  int64_t packing = kWordBits / bits;
  return getNumRegisters(type) % packing == 0 ? packing : 1;
}

Type getElementStorage(Type elementType) {
  if (isa<FloatType>(elementType) && elementType.getIntOrFloatBitWidth() == 8)
    return IntegerType::get(elementType.getContext(), 8);
  return elementType;
}

SmallVector<Type> getWordTypes(tile::FragmentType type) {
  int64_t packing = getPacking(type);
  Type word = packing == 1 ? getElementStorage(type.getElementType())
                           : IntegerType::get(type.getContext(), kWordBits);
  return SmallVector<Type>(getNumRegisters(type) / packing, word);
}

SmallVector<Value> unpackWords(ImplicitLocOpBuilder &b, tile::FragmentType type,
                               ValueRange words) {
  int64_t packing = getPacking(type);
  if (packing == 1)
    return llvm::to_vector(words);
  auto vector =
      VectorType::get(packing, getElementStorage(type.getElementType()));
  SmallVector<Value> elements;
  for (Value word : words) {
    Value parts = LLVM::BitcastOp::create(b, vector, word);
    for (int64_t i = 0; i < packing; ++i)
      elements.push_back(
          LLVM::ExtractElementOp::create(b, parts, createI32(b, i)));
  }
  return elements;
}

SmallVector<Value> packWords(ImplicitLocOpBuilder &b, tile::FragmentType type,
                             ArrayRef<Value> elements) {
  int64_t packing = getPacking(type);
  if (packing == 1)
    return llvm::to_vector(elements);
  auto vector =
      VectorType::get(packing, getElementStorage(type.getElementType()));
  SmallVector<Value> words;
  for (size_t first = 0; first < elements.size(); first += packing) {
    Value parts = LLVM::PoisonOp::create(b, vector);
    for (int64_t i = 0; i < packing; ++i)
      parts = LLVM::InsertElementOp::create(b, parts, elements[first + i],
                                            createI32(b, i));
    words.push_back(LLVM::BitcastOp::create(b, b.getI32Type(), parts));
  }
  return words;
}

SmallVector<Value> createThreadCoordinate(ImplicitLocOpBuilder &b,
                                          const tile::Layout &layout,
                                          Value thread) {
  SmallVector<Value> coordinate(layout.getRank());
  int64_t weight = 1, threads = layout.getNumThreads();
  for (const tile::Mode &mode : layout.getThreadModes()) {
    int64_t below = weight;
    weight *= mode.size;
    if (mode.replicates())
      continue;
    Value digit = thread;
    if (below != 1)
      digit = arith::DivUIOp::create(b, digit, createI32(b, below));
    if (weight != threads)
      digit = arith::RemUIOp::create(b, digit, createI32(b, mode.size));
    for (auto [sum, step] : llvm::zip(coordinate, mode.steps)) {
      if (step == 0)
        continue;
      Value part =
          step == 1
              ? digit
              : Value(arith::MulIOp::create(b, digit, createI32(b, step)));
      sum = sum ? Value(arith::AddIOp::create(b, sum, part)) : part;
    }
  }
  for (Value &value : coordinate)
    if (!value)
      value = createI32(b, 0);
  return coordinate;
}

/// `layout` with the dimensions in which `shape` has size 1 collapsed; unlike
/// Layout::reduced, every register keeps its number.
static tile::Layout collapse(const tile::Layout &layout,
                             ArrayRef<int64_t> shape) {
  auto collapseModes = [&](ArrayRef<tile::Mode> modes) {
    SmallVector<tile::Mode> result(modes);
    for (tile::Mode &mode : result)
      for (auto [step, size] : llvm::zip(mode.steps, shape))
        if (size == 1)
          step = 0;
    return result;
  };
  return tile::Layout(layout.getRank(), collapseModes(layout.getThreadModes()),
                      collapseModes(layout.getRegisterModes()));
}

std::optional<SmallVector<int64_t>> getBroadcastMap(tile::FragmentType from,
                                                    tile::FragmentType to) {
  return getLayout(from).getThreadLocalMap(
      collapse(getLayout(to), from.getShape()));
}

//===----------------------------------------------------------------------===//
// Small values
//===----------------------------------------------------------------------===//

Value createI32(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantOp::create(
      b, b.getIntegerAttr(b.getI32Type(), static_cast<int32_t>(value)));
}

Value createI64(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
}

Value createI1(ImplicitLocOpBuilder &b, bool value) {
  return arith::ConstantOp::create(b, b.getBoolAttr(value));
}

static Value toInteger(ImplicitLocOpBuilder &b, Value value, IntegerType type) {
  if (value.getType() == type)
    return value;
  if (value.getType().isIndex())
    return arith::IndexCastOp::create(b, type, value);
  if (value.getType().getIntOrFloatBitWidth() < type.getWidth())
    return arith::ExtSIOp::create(b, type, value);
  return arith::TruncIOp::create(b, type, value);
}

Value toI32(ImplicitLocOpBuilder &b, Value value) {
  return toInteger(b, value, b.getI32Type());
}

Value toI64(ImplicitLocOpBuilder &b, Value value) {
  // Indices are 32 bits wide in the end; a cast to i64 would lose the sign.
  if (value.getType().isIndex())
    value = toI32(b, value);
  return toInteger(b, value, b.getI64Type());
}

Value addConstant(ImplicitLocOpBuilder &b, Value value, int64_t offset) {
  if (offset == 0)
    return value;
  Value constant =
      arith::ConstantOp::create(b, b.getIntegerAttr(value.getType(), offset));
  return arith::AddIOp::create(b, value, constant);
}

Value createOffset(ImplicitLocOpBuilder &b, Value pointer, Value bytes) {
  return LLVM::GEPOp::create(b, pointer.getType(), b.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{bytes});
}

Value createOffset(ImplicitLocOpBuilder &b, Value pointer, int64_t bytes) {
  if (bytes == 0)
    return pointer;
  return LLVM::GEPOp::create(
      b, pointer.getType(), b.getI8Type(), pointer,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)});
}

Value createAnd(ImplicitLocOpBuilder &b, Value a, Value c) {
  if (!a || !c)
    return a ? a : c;
  return arith::AndIOp::create(b, a, c);
}

std::optional<int64_t> getConstant(Value value) {
  return getConstantIntValue(OpFoldResult(value));
}

/// Lowest set bit; zero is divisible by everything.
static int64_t getPowerOfTwo(int64_t value) {
  constexpr int64_t everything = int64_t(1) << 30;
  return value == 0 ? everything : (value & -value);
}

int64_t getKnownDivisor(Value value) {
  if (std::optional<int64_t> constant = getConstant(value))
    return getPowerOfTwo(*constant);
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop =
        dyn_cast_or_null<scf::ForOp>(argument.getOwner()->getParentOp());
    if (!loop || loop.getInductionVar() != argument)
      return 1;
    return std::min(getKnownDivisor(loop.getLowerBound()),
                    getKnownDivisor(loop.getStep()));
  }
  Operation *op = value.getDefiningOp();
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp,
          arith::ExtUIOp>(op))
    return getKnownDivisor(op->getOperand(0));
  if (isa<arith::AddIOp, arith::SubIOp, arith::MinSIOp, arith::MaxSIOp,
          arith::MinUIOp, arith::MaxUIOp>(op))
    return std::min(getKnownDivisor(op->getOperand(0)),
                    getKnownDivisor(op->getOperand(1)));
  if (isa<arith::SelectOp>(op))
    return std::min(getKnownDivisor(op->getOperand(1)),
                    getKnownDivisor(op->getOperand(2)));
  if (isa<arith::MulIOp>(op))
    return std::min(getKnownDivisor(op->getOperand(0)) *
                        getKnownDivisor(op->getOperand(1)),
                    getPowerOfTwo(0));
  return 1;
}

} // namespace tilewright
