//===- LowerTileToNvvmMma.cpp - Matrix products to wgmma ------------------===//
// One product is a grid of instructions: blocks of 64 rows, chunks of N, steps
// of K. The accumulator's layout gives the grid and the registers of each
// block; the shared types give the descriptors. PTX ISA 9.7.15 has the formats.
//===----------------------------------------------------------------------===//

#include "passes/lower/tile/InlinePtx.h"
#include "passes/lower/tile/LowerTileToNvvm.h"

#include "ir/target/Target.h"

#include <map>

using namespace mlir;

namespace tilewright {

namespace {
/// Geometry of the swizzled tiles that descriptors describe.
constexpr int64_t kAtomRows = 8;
/// Addresses and strides of a descriptor count chunks of this size.
constexpr int64_t kChunkBytes = 16;
constexpr int64_t kAddressMask = 0x3ffff;
constexpr int64_t kWarpsPerGroup = target::ThreadLimits().warpsPerGroup;

/// The names and extents of the instruction for a pair of operand types.
struct Instruction {
  StringRef operand;
  StringRef accumulator;
  const target::MmaShape *shape = nullptr;
};

/// The blocks of an accumulator that one warpgroup holds.
struct Blocks {
  int64_t rowGroups = 1;
  int64_t groupColumns = 0;
  SmallVector<int64_t> rows; ///< first row of each block, in warpgroup 0
  int64_t chunk = 0;         ///< N of the instruction
  /// Register of an element in thread 0, by coordinate.
  std::map<std::pair<int64_t, int64_t>, int64_t> registers;
};

/// An operand in shared memory, as descriptors see it.
struct OperandTile {
  Value low;        ///< lower word of the descriptor of the tile's start
  int64_t high = 0; ///< upper word
  int64_t elementBytes = 0;
  int64_t swizzle = 0;
  int64_t panelRows = 0;
  bool kMajor = true;

  /// Bytes from the tile's start to an element; inside a panel's row only where
  /// descriptors may point, along K of a K-major tile.
  int64_t getOffset(int64_t mn, int64_t k) const {
    int64_t row = kMajor ? mn : k, column = kMajor ? k : mn;
    int64_t bytes = column * elementBytes;
    return bytes / swizzle * panelRows * swizzle + row * swizzle +
           bytes % swizzle;
  }
};
} // namespace

static std::optional<target::Element> getElement(Type type) {
  if (type.isF16())
    return target::Element::F16;
  if (type.isBF16())
    return target::Element::BF16;
  if (type.isF32())
    return target::Element::TF32;
  if (isa<Float8E4M3FNType>(type))
    return target::Element::E4M3;
  if (isa<Float8E5M2Type>(type))
    return target::Element::E5M2;
  if (type.isInteger(8))
    return target::Element::I8;
  return std::nullopt;
}

static StringRef getName(target::Element element) {
  switch (element) {
  case target::Element::F16:
    return "f16";
  case target::Element::BF16:
    return "bf16";
  case target::Element::TF32:
    return "tf32";
  case target::Element::E4M3:
    return "e4m3";
  case target::Element::E5M2:
    return "e5m2";
  case target::Element::I8:
    return "s8";
  case target::Element::F32:
    return "f32";
  case target::Element::I32:
    return "s32";
  }
  llvm_unreachable("covered switch");
}

static FailureOr<Instruction> findInstruction(tile::MmaOp op) {
  Type operand = op.getB().getType().getElementType();
  Type accumulator = op.getAcc().getType().getElementType();
  std::optional<target::Element> a = getElement(operand), d;
  if (accumulator.isF32())
    d = target::Element::F32;
  else if (accumulator.isF16())
    d = target::Element::F16;
  else if (accumulator.isInteger(32))
    d = target::Element::I32;
  const target::MmaShape *shape =
      a && d ? target::getDefaultTarget().findMma(*a, *d) : nullptr;
  if (!shape)
    return op.emitOpError("has no instruction for ")
           << operand << " operands and an accumulator of " << accumulator;
  return Instruction{getName(*a), getName(*d), shape};
}

/// Reads the blocks off the accumulator's layout.
static FailureOr<Blocks> findBlocks(tile::MmaOp op, int64_t warps,
                                    const target::MmaShape &shape) {
  auto type = op.getAcc().getType();
  int64_t groups = warps / kWarpsPerGroup;
  auto expected = tile::Layout::accumulator(op.getM(), op.getN(), groups);
  tile::Layout layout = getLayout(type);
  if (warps % kWarpsPerGroup || !expected || *expected != layout)
    return op.emitOpError("expects the accumulator of ")
           << warps << " warps, but its layout is " << type.getLayout();

  Blocks blocks;
  int64_t groupThreads = layout.getNumThreads() / groups;
  while (blocks.rowGroups < groups &&
         layout.getThreadCoordinate(blocks.rowGroups * groupThreads)[1] == 0)
    ++blocks.rowGroups;
  blocks.groupColumns = op.getN() / (groups / blocks.rowGroups);
  for (int64_t row = 0; row < op.getM(); row += shape.m * blocks.rowGroups)
    blocks.rows.push_back(row);
  for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg) {
    tile::Coordinate at = layout.getRegisterCoordinate(reg);
    blocks.registers[{at[0], at[1]}] = reg;
  }
  for (int64_t n = blocks.groupColumns; n >= shape.minN; n -= shape.stepN)
    if (blocks.groupColumns % n == 0 && shape.allowsN(n)) {
      blocks.chunk = n;
      return blocks;
    }
  return op.emitOpError("has no instruction for ")
         << blocks.groupColumns << " columns in a warpgroup";
}

/// Registers of an m64 block, in the order of the instruction's operand list.
static SmallVector<int64_t> getBlockRegisters(const Blocks &blocks, int64_t row,
                                              int64_t column, int64_t columns) {
  SmallVector<int64_t> registers;
  for (int64_t j = 0; j < columns; j += kAtomRows)
    for (int64_t half : {0, 8})
      for (int64_t pair : {0, 1})
        registers.push_back(
            blocks.registers.at({row + half, column + j + pair}));
  return registers;
}

/// The descriptor of a shared operand whose elements start at dynamic `mn`.
static FailureOr<OperandTile> describe(ImplicitLocOpBuilder &b, tile::MmaOp op,
                                       Value shared, Value pointer, bool kMajor,
                                       Value mn, int64_t mnStep,
                                       const KernelContext &kernel) {
  auto type = cast<tile::SharedType>(shared.getType());
  if (type.getSwizzle() == 0)
    return op.emitOpError("expects swizzled operands, but got ") << type;
  OperandTile tile;
  tile.elementBytes = tile::getElementBytes(type.getElementType());
  tile.swizzle = type.getSwizzle();
  tile.panelRows = kernel.getPanelRows(shared);
  tile.kMajor = kMajor;

  // A warpgroup's part begins at a multiple of `mnStep`; across a panel that
  // would be no fixed distance.
  if (!kMajor && mn && (mnStep * tile.elementBytes) % tile.swizzle)
    return op.emitOpError("expects the operand of a warpgroup to fill whole "
                          "rows of the swizzle");
  Value address = LLVM::PtrToIntOp::create(b, b.getI32Type(), pointer);
  if (mn)
    address = arith::AddIOp::create(
        b, address,
        arith::MulIOp::create(b, mn, createI32(b, tile.getOffset(mnStep, 0))));
  // K-major tiles repeat along K by address alone; the field is unused then.
  int64_t leading = kMajor ? kChunkBytes : tile.panelRows * tile.swizzle;
  int64_t stride = kAtomRows * tile.swizzle;
  int64_t mode = tile.swizzle == 128 ? 1 : tile.swizzle == 64 ? 2 : 3;
  Value chunks = arith::ShRUIOp::create(
      b, arith::AndIOp::create(b, address, createI32(b, kAddressMask)),
      createI32(b, 4));
  tile.low = arith::OrIOp::create(b, chunks,
                                  createI32(b, (leading / kChunkBytes) << 16));
  tile.high = mode << 30 | stride / kChunkBytes;
  return tile;
}

/// The descriptor `bytes` further. No carry reaches the other fields, because
/// shared memory is smaller than what the field can address.
static Value createDescriptor(ImplicitLocOpBuilder &b, const OperandTile &tile,
                              int64_t bytes) {
  Value low = addConstant(b, tile.low, bytes / kChunkBytes);
  Value wide = arith::ExtUIOp::create(b, b.getI64Type(), low);
  return arith::OrIOp::create(b, wide, createI64(b, tile.high << 32));
}

namespace {
/// Everything that one product's instructions share.
struct Product {
  tile::FragmentType aFragment; ///< null where A is in shared memory
  Instruction instruction;
  Blocks blocks;
  std::optional<OperandTile> a; ///< absent where A is in registers
  OperandTile b;
  ValueRange aWords;
  bool startsAfresh = false;

  int64_t getStepK() const { return instruction.shape->k; }
  SmallVector<Value> getFragmentOperand(int64_t block, int64_t k) const;
  std::string getText(unsigned accumulators, unsigned firstA,
                      unsigned descriptorB) const;
  void issue(ImplicitLocOpBuilder &builder, int64_t block, int64_t column,
             int64_t k, bool isFirst, MutableArrayRef<Value> registers) const;
};
} // namespace

/// The words of A in registers for one block and step of K: the layout is that
/// of the accumulator, so words come in the instruction's own order.
SmallVector<Value> Product::getFragmentOperand(int64_t block, int64_t k) const {
  tile::Layout layout = getLayout(aFragment);
  int64_t packing = getPacking(aFragment);
  std::map<std::pair<int64_t, int64_t>, int64_t> registers;
  for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg) {
    tile::Coordinate at = layout.getRegisterCoordinate(reg);
    registers[{at[0], at[1]}] = reg;
  }
  SmallVector<Value> words;
  int64_t half = getStepK() / 2;
  for (int64_t column : {k, k + half})
    for (int64_t row : {0, 8})
      words.push_back(
          aWords[registers.at({blocks.rows[block] + row, column}) / packing]);
  return words;
}

std::string Product::getText(unsigned accumulators, unsigned firstA,
                             unsigned descriptorB) const {
  std::string text;
  llvm::raw_string_ostream os(text);
  const target::MmaShape &shape = *instruction.shape;
  bool is16Bit = target::getBits(shape.operand) == 16;
  bool isInteger = shape.operand == target::Element::I8;
  os << "{ .reg .pred scale; setp.ne.b32 scale, " << !startsAfresh
     << ", 0; wgmma.mma_async.sync.aligned.m" << shape.m << "n" << blocks.chunk
     << "k" << shape.k << "." << instruction.accumulator << "."
     << instruction.operand << "." << instruction.operand << " "
     << InlinePtx::list(0, accumulators) << ", ";
  if (a)
    os << "$" << firstA;
  else
    os << InlinePtx::list(firstA, descriptorB - firstA);
  os << ", $" << descriptorB << ", scale";
  if (!isInteger)
    os << ", 1, 1";
  if (is16Bit && a)
    os << ", " << !a->kMajor;
  if (is16Bit)
    os << ", " << !b.kMajor;
  os << "; }";
  return text;
}

/// Issues one instruction on `registers`, which it replaces by its results.
void Product::issue(ImplicitLocOpBuilder &builder, int64_t block,
                    int64_t column, int64_t k, bool isFirst,
                    MutableArrayRef<Value> registers) const {
  Product step = *this;
  step.startsAfresh = startsAfresh && isFirst;
  InlinePtx ptx(builder, builder.getLoc());
  for (Value value : registers) {
    // Without an accumulator to read, there is none to keep in registers.
    if (step.startsAfresh)
      ptx.addResult(value.getType());
    else
      ptx.addInOut(value);
  }
  unsigned firstA = registers.size();
  if (a) {
    ptx.addOperand(
        createDescriptor(builder, *a, a->getOffset(blocks.rows[block], k)));
  } else {
    for (Value word : getFragmentOperand(block, k))
      ptx.addOperand(word);
  }
  unsigned descriptorB =
      ptx.addOperand(createDescriptor(builder, b, b.getOffset(column, k)));
  std::string text = step.getText(registers.size(), firstA, descriptorB);
  for (auto [value, result] : llvm::zip_equal(registers, ptx.create(text)))
    value = result;
}

/// Whether an accumulator is the constant zero, whose product starts afresh.
static bool isZero(Value accumulator) {
  auto splat = accumulator.getDefiningOp<tile::SplatOp>();
  if (!splat)
    return false;
  auto constant = splat.getValue().getDefiningOp<arith::ConstantOp>();
  if (!constant)
    return false;
  if (auto number = dyn_cast<FloatAttr>(constant.getValue()))
    return number.getValue().isPosZero();
  return cast<IntegerAttr>(constant.getValue()).getValue().isZero();
}

namespace {
struct MmaLowering : TilePattern<tile::MmaOp> {
  using TilePattern::TilePattern;

  /// The parts of the operands that this warpgroup multiplies.
  LogicalResult describeOperands(ImplicitLocOpBuilder &b, tile::MmaOp op,
                                 OneToNOpAdaptor adaptor, Value warp,
                                 int64_t groups, Product &product) const {
    const Blocks &blocks = product.blocks;
    Value rowGroup, columnGroup;
    if (groups > 1) {
      Value group =
          arith::DivUIOp::create(b, warp, createI32(b, kWarpsPerGroup));
      Value rowGroups = createI32(b, blocks.rowGroups);
      if (blocks.rowGroups > 1)
        rowGroup = arith::RemUIOp::create(b, group, rowGroups);
      if (blocks.rowGroups < groups)
        columnGroup = arith::DivUIOp::create(b, group, rowGroups);
    }
    if (isa<tile::SharedType>(op.getA().getType())) {
      auto a = describe(b, op, op.getA(), adaptor.getA().front(),
                        !op.getTransposeA(), rowGroup,
                        product.instruction.shape->m, kernel);
      if (failed(a))
        return failure();
      product.a = *a;
    } else {
      product.aWords = adaptor.getA();
    }
    auto tile =
        describe(b, op, op.getB(), adaptor.getB().front(), op.getTransposeB(),
                 columnGroup, blocks.groupColumns, kernel);
    if (failed(tile))
      return failure();
    product.b = *tile;
    return success();
  }

  LogicalResult checkFragmentOperand(tile::MmaOp op, int64_t groups) const {
    auto type = dyn_cast<tile::FragmentType>(op.getA().getType());
    if (!type)
      return success();
    auto expected = tile::Layout::accumulator(op.getM(), op.getK(), groups);
    // Only with one column of warpgroups does each hold whole rows of A.
    if (!expected || *expected != getLayout(type) || getPacking(type) != 2)
      return op.emitOpError("expects operand 'a' of 16 bits in the layout of "
                            "an accumulator, but got ")
             << type;
    return success();
  }

  LogicalResult
  matchAndRewrite(tile::MmaOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    const ThreadGroup &threads = kernel.getThreads(op);
    Product product;
    product.aFragment = dyn_cast<tile::FragmentType>(op.getA().getType());
    auto instruction = findInstruction(op);
    if (failed(instruction))
      return failure();
    product.instruction = *instruction;
    auto blocks = findBlocks(op, threads.warps, *instruction->shape);
    if (failed(blocks))
      return failure();
    product.blocks = *blocks;
    int64_t groups = threads.warps / kWarpsPerGroup;
    if (failed(checkFragmentOperand(op, groups)) ||
        failed(describeOperands(b, op, adaptor, threads.warp, groups, product)))
      return failure();
    product.startsAfresh = isZero(op.getAcc());

    SmallVector<Value> registers = llvm::to_vector(adaptor.getAcc());
    for (size_t block = 0; block < blocks->rows.size(); ++block)
      for (int64_t column = 0; column < blocks->groupColumns;
           column += blocks->chunk) {
        SmallVector<int64_t> numbers = getBlockRegisters(
            *blocks, blocks->rows[block], column, blocks->chunk);
        SmallVector<Value> values;
        for (int64_t number : numbers)
          values.push_back(registers[number]);
        for (int64_t k = 0; k < op.getK(); k += product.getStepK())
          product.issue(b, block, column, k, k == 0, values);
        for (auto [number, value] : llvm::zip_equal(numbers, values))
          registers[number] = value;
      }
    rewriter.replaceOpWithMultiple(op, {registers});
    return success();
  }
};

/// The values go through the wait, so that no use of them can come before it.
struct MmaWaitLowering : TilePattern<tile::MmaWaitOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::MmaWaitOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    InlinePtx ptx(b, op.getLoc());
    for (ValueRange words : adaptor.getValues())
      for (Value word : words)
        ptx.addInOut(word);
    SmallVector<Value> results = ptx.create(
        ("wgmma.wait_group.sync.aligned " + Twine(op.getInFlight()) + ";")
            .str());
    SmallVector<SmallVector<Value>> fragments;
    ArrayRef<Value> rest = results;
    for (ValueRange words : adaptor.getValues()) {
      fragments.push_back(llvm::to_vector(rest.take_front(words.size())));
      rest = rest.drop_front(words.size());
    }
    rewriter.replaceOpWithMultiple(op, fragments);
    return success();
  }
};
} // namespace

void populateTileMmaPatterns(const TypeConverter &converter,
                             RewritePatternSet &patterns,
                             const KernelContext &kernel) {
  patterns.add<MmaLowering, MmaWaitLowering>(converter, patterns.getContext(),
                                             kernel);
}

} // namespace tilewright
