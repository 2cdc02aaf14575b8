//===- LowerTileToNvvmAccess.cpp - Vector loads and stores ----------------===//

#include "passes/lower/tile/LowerTileToNvvmAccess.h"

#include "passes/lower/tile/InlinePtx.h"

using namespace mlir;

namespace tilewright {

//===----------------------------------------------------------------------===//
// One access
//===----------------------------------------------------------------------===//

namespace {
/// The registers that an access moves: words of 32 bits, or one narrower value.
struct AccessShape {
  int64_t bytes;
  IntegerType word;
  int64_t words;
};
} // namespace

static AccessShape getShape(ImplicitLocOpBuilder &b, Type elementType,
                            int64_t count) {
  int64_t bytes = count * tile::getElementBytes(elementType);
  assert(bytes <= kMaxAccessBytes && llvm::isPowerOf2_64(bytes) &&
         "no access of this width");
  constexpr int64_t wordBytes = 4;
  if (bytes < wordBytes)
    return {bytes, b.getIntegerType(8 * bytes), 1};
  return {bytes, b.getI32Type(), bytes / wordBytes};
}

/// An element in memory: a byte for i1.
static Type getMemoryType(Type elementType) {
  if (elementType.isInteger(1))
    return IntegerType::get(elementType.getContext(), 8);
  return getElementStorage(elementType);
}

/// `value` read as `type`, of the same width; vectors of one are scalars.
static Value reinterpret(ImplicitLocOpBuilder &b, Type type, Value value) {
  if (value.getType() == type)
    return value;
  return LLVM::BitcastOp::create(b, type, value);
}

static SmallVector<Value> splitVector(ImplicitLocOpBuilder &b, Value vector,
                                      int64_t count) {
  if (count == 1)
    return {vector};
  SmallVector<Value> parts;
  for (int64_t i = 0; i < count; ++i)
    parts.push_back(LLVM::ExtractElementOp::create(b, vector, createI32(b, i)));
  return parts;
}

static Value joinVector(ImplicitLocOpBuilder &b, ArrayRef<Value> parts) {
  if (parts.size() == 1)
    return parts[0];
  Value vector = LLVM::PoisonOp::create(
      b, VectorType::get(parts.size(), parts[0].getType()));
  for (auto [i, part] : llvm::enumerate(parts))
    vector = LLVM::InsertElementOp::create(b, vector, part, createI32(b, i));
  return vector;
}

static Type getVectorOrScalar(Type type, int64_t count) {
  return count == 1 ? type : Type(VectorType::get(count, type));
}

/// The bits of `fill`, repeated over a word.
static Value createFillWord(ImplicitLocOpBuilder &b, const AccessShape &shape,
                            Type elementType, TypedAttr fill) {
  uint64_t bits = 0;
  if (auto number = dyn_cast_or_null<FloatAttr>(fill))
    bits = number.getValue().bitcastToAPInt().getZExtValue();
  else if (auto number = dyn_cast_or_null<IntegerAttr>(fill))
    bits = number.getValue().getZExtValue();
  unsigned width = 8 * tile::getElementBytes(elementType);
  uint64_t word = 0;
  for (unsigned at = 0; at < shape.word.getWidth(); at += width)
    word |= bits << at;
  APInt value(shape.word.getWidth(), word, /*isSigned=*/false,
              /*implicitTrunc=*/true);
  return arith::ConstantOp::create(b, b.getIntegerAttr(shape.word, value));
}

static StringRef getSpaceName(Value pointer) {
  return cast<LLVM::LLVMPointerType>(pointer.getType()).getAddressSpace() ==
                 static_cast<unsigned>(NVVM::NVVMMemorySpace::Shared)
             ? "shared"
             : "global";
}

/// ".v4.b32" and its kin.
static std::string getSuffix(const AccessShape &shape) {
  std::string text;
  if (shape.words > 1)
    text = ".v" + std::to_string(shape.words);
  return text + ".b" + std::to_string(shape.word.getWidth());
}

static std::string getOperands(const AccessShape &shape, unsigned first) {
  return shape.words == 1 ? "$" + std::to_string(first)
                          : InlinePtx::list(first, shape.words);
}

/// PTX has no registers of 8 bits.
static Value widenByte(ImplicitLocOpBuilder &b, Value value) {
  if (!value.getType().isInteger(8))
    return value;
  return arith::ExtUIOp::create(b, b.getI16Type(), value);
}

/// LLVM has no predicated loads and would branch around each.
static Value createInlineLoad(ImplicitLocOpBuilder &b, Value pointer,
                              const AccessShape &shape, Value fill,
                              const AccessOptions &options) {
  InlinePtx ptx(b, b.getLoc());
  for (int64_t i = 0; i < shape.words; ++i)
    ptx.addInOut(widenByte(b, fill));
  unsigned address = ptx.addOperand(pointer);
  std::string text;
  if (options.predicate)
    text = "@$" + std::to_string(ptx.addOperand(options.predicate)) + " ";
  text += ("ld." + getSpaceName(pointer)).str();
  if (options.stream)
    text += ".L1::no_allocate";
  text += getSuffix(shape) + " " + getOperands(shape, 0) + ", [$" +
          std::to_string(address) + "];";
  SmallVector<Value> words = ptx.create(text);
  if (shape.word.getWidth() == 8)
    words[0] = arith::TruncIOp::create(b, shape.word, words[0]);
  return joinVector(b, words);
}

SmallVector<Value> createVectorLoad(ImplicitLocOpBuilder &b, Value pointer,
                                    Type elementType, int64_t count,
                                    const AccessOptions &options) {
  AccessShape shape = getShape(b, elementType, count);
  Value loaded;
  if (options.predicate || options.stream) {
    Value fill = createFillWord(b, shape, elementType, options.fill);
    loaded = createInlineLoad(b, pointer, shape, fill, options);
  } else {
    loaded = LLVM::LoadOp::create(b, getVectorOrScalar(shape.word, shape.words),
                                  pointer, shape.bytes);
  }
  Type memory = getMemoryType(elementType);
  SmallVector<Value> elements = splitVector(
      b, reinterpret(b, getVectorOrScalar(memory, count), loaded), count);
  if (elementType.isInteger(1))
    for (Value &element : elements)
      element = arith::TruncIOp::create(b, elementType, element);
  return elements;
}

void createVectorStore(ImplicitLocOpBuilder &b, Value pointer, Type elementType,
                       ArrayRef<Value> elements, const AccessOptions &options) {
  AccessShape shape = getShape(b, elementType, elements.size());
  Type memory = getMemoryType(elementType);
  SmallVector<Value> stored(elements);
  if (elementType.isInteger(1))
    for (Value &element : stored)
      element = arith::ExtUIOp::create(b, memory, element);
  Value value = reinterpret(b, getVectorOrScalar(shape.word, shape.words),
                            joinVector(b, stored));
  if (!options.predicate && !options.stream) {
    LLVM::StoreOp::create(b, value, pointer, shape.bytes);
    return;
  }
  InlinePtx ptx(b, b.getLoc());
  unsigned address = ptx.addOperand(pointer);
  unsigned first = address + 1;
  for (Value word : splitVector(b, value, shape.words))
    ptx.addOperand(widenByte(b, word));
  std::string text;
  if (options.predicate)
    text = "@$" + std::to_string(ptx.addOperand(options.predicate)) + " ";
  text += ("st." + getSpaceName(pointer)).str();
  if (options.stream)
    text += ".L1::no_allocate";
  text += getSuffix(shape) + " [$" + std::to_string(address) + "], " +
          getOperands(shape, first) + ";";
  ptx.create(text);
}

Value createOwnerPredicate(ImplicitLocOpBuilder &b, const tile::Layout &layout,
                           Value thread) {
  Value owner;
  int64_t weight = 1;
  for (const tile::Mode &mode : layout.getThreadModes()) {
    int64_t below = weight;
    weight *= mode.size;
    if (mode.size == 1 || !mode.replicates())
      continue;
    Value digit = arith::DivUIOp::create(b, thread, createI32(b, below));
    digit = arith::RemUIOp::create(b, digit, createI32(b, mode.size));
    Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, digit,
                                        createI32(b, 0));
    owner = createAnd(b, owner, first);
  }
  return owner;
}

//===----------------------------------------------------------------------===//
// Addresses in a shared tile
//===----------------------------------------------------------------------===//

constexpr int64_t kChunkBytes = 16;
constexpr int64_t kLineBytes = 128;

/// Bits of the chunk number that the swizzle flips.
int64_t SharedAddresses::getMask() const {
  return tile.swizzle == 0 ? 0 : tile.swizzle / kChunkBytes - 1;
}

int64_t SharedAddresses::getPlainOffset(ArrayRef<int64_t> coordinate) const {
  int64_t row = coordinate[0], column = coordinate[1];
  int64_t panelColumns = tile.getPanelColumns();
  return ((column / panelColumns * tile.rows + row) * panelColumns +
          column % panelColumns) *
         tile.elementBytes;
}

SharedAddresses::SharedAddresses(ImplicitLocOpBuilder &b, Value pointer,
                                 const tile::SharedLayout &tile,
                                 const tile::Layout &layout, Value thread)
    : b(b), pointer(pointer), tile(tile), layout(layout),
      threadCoordinate(createThreadCoordinate(b, layout, thread)) {
  assert(layout.getRank() == 2 && "a shared tile is a matrix");
  if (isSeparable())
    base = permute(getPlainOffset(threadCoordinate[0], threadCoordinate[1]));
}

std::pair<int64_t, int64_t> SharedAddresses::getConstant(int64_t reg) const {
  int64_t offset = getPlainOffset(layout.getRegisterCoordinate(reg));
  if (getMask() == 0)
    return {0, offset};
  offset ^= (offset / kLineBytes & getMask()) * kChunkBytes;
  return {offset % kLineBytes, offset - offset % kLineBytes};
}

/// Checks `address == (base ^ low) + high` for every thread and register.
bool SharedAddresses::isSeparable() const {
  auto permuteConstant = [&](int64_t offset) {
    return offset ^ ((offset / kLineBytes & getMask()) * kChunkBytes);
  };
  for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg) {
    auto [low, high] = getConstant(reg);
    for (int64_t thread = 0; thread < layout.getNumThreads(); ++thread) {
      int64_t base =
          permuteConstant(getPlainOffset(layout.getThreadCoordinate(thread)));
      int64_t wanted =
          permuteConstant(getPlainOffset(layout.getCoordinate(thread, reg)));
      if (((base ^ low) + high) != wanted)
        return false;
    }
  }
  return true;
}

Value SharedAddresses::getPlainOffset(Value row, Value column) {
  int64_t panelColumns = tile.getPanelColumns();
  int64_t rowBytes = panelColumns * tile.elementBytes;
  Value offset = arith::MulIOp::create(b, row, createI32(b, rowBytes));
  if (tile.getNumPanels() > 1) {
    Value count = createI32(b, panelColumns);
    Value panel = arith::DivUIOp::create(b, column, count);
    column = arith::RemUIOp::create(b, column, count);
    offset = arith::AddIOp::create(
        b, offset,
        arith::MulIOp::create(b, panel, createI32(b, tile.rows * rowBytes)));
  }
  return arith::AddIOp::create(
      b, offset,
      arith::MulIOp::create(b, column, createI32(b, tile.elementBytes)));
}

Value SharedAddresses::permute(Value offset) {
  if (getMask() == 0)
    return offset;
  Value line = arith::DivUIOp::create(b, offset, createI32(b, kLineBytes));
  Value bits = arith::MulIOp::create(
      b, arith::AndIOp::create(b, line, createI32(b, getMask())),
      createI32(b, kChunkBytes));
  return arith::XOrIOp::create(b, offset, bits);
}

Value SharedAddresses::get(int64_t reg) {
  tile::Coordinate at = layout.getRegisterCoordinate(reg);
  if (!base) {
    Value row = addConstant(b, threadCoordinate[0], at[0]);
    Value column = addConstant(b, threadCoordinate[1], at[1]);
    return createOffset(b, pointer, permute(getPlainOffset(row, column)));
  }
  auto [low, high] = getConstant(reg);
  Value bytes = base;
  if (low != 0)
    bytes = arith::XOrIOp::create(b, base, createI32(b, low));
  return createOffset(b, createOffset(b, pointer, bytes), high);
}

} // namespace tilewright
