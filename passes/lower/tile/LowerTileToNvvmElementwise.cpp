//===- LowerTileToNvvmElementwise.cpp - arith, math and casts per register ===//
// An op of arith or math on fragments becomes the same op on each element, with
// its attributes. Casts work on whole words where the machine has an
// instruction for two elements at once.
//===----------------------------------------------------------------------===//

#include "passes/lower/tile/InlinePtx.h"
#include "passes/lower/tile/LowerTileToNvvm.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace tilewright {

namespace {
/// Any op of arith or math that takes or gives fragments.
class ElementwiseLowering : public ConversionPattern {
public:
  ElementwiseLowering(const TypeConverter &converter, MLIRContext *context)
      : ConversionPattern(converter, MatchAnyOpTypeTag(), /*benefit=*/1,
                          context) {}

  LogicalResult
  matchAndRewrite(Operation *op, ArrayRef<ValueRange> operands,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) ||
        op->getNumResults() != 1 || op->getNumRegions() != 0)
      return rewriter.notifyMatchFailure(op, "not elementwise");
    auto type = dyn_cast<tile::FragmentType>(op->getResult(0).getType());
    if (!type)
      return rewriter.notifyMatchFailure(op, "no fragment");
    ImplicitLocOpBuilder b(op->getLoc(), rewriter);
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      return lowerConstant(b, constant, type, rewriter);

    SmallVector<SmallVector<Value>> columns;
    for (auto [operand, words] : llvm::zip_equal(op->getOperands(), operands)) {
      auto fragment = dyn_cast<tile::FragmentType>(operand.getType());
      columns.push_back(
          fragment ? unpackWords(b, fragment, words)
                   : SmallVector<Value>(getNumRegisters(type), words.front()));
    }
    SmallVector<Value> elements;
    for (int64_t reg = 0, end = getNumRegisters(type); reg < end; ++reg) {
      OperationState state(op->getLoc(), op->getName());
      for (const SmallVector<Value> &column : columns)
        state.operands.push_back(column[reg]);
      state.addTypes(type.getElementType());
      state.addAttributes(op->getAttrs());
      elements.push_back(rewriter.create(state)->getResult(0));
    }
    rewriter.replaceOpWithMultiple(op, {packWords(b, type, elements)});
    return success();
  }

private:
  static LogicalResult lowerConstant(ImplicitLocOpBuilder &b,
                                     arith::ConstantOp op,
                                     tile::FragmentType type,
                                     ConversionPatternRewriter &rewriter) {
    auto splat = dyn_cast<SplatElementsAttr>(op.getValue());
    if (!splat)
      return op.emitOpError("expects a splat");
    Value element = arith::ConstantOp::create(
        b, cast<TypedAttr>(splat.getSplatValue<Attribute>()));
    SmallVector<Value> elements(getNumRegisters(type), element);
    rewriter.replaceOpWithMultiple(op, {packWords(b, type, elements)});
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Casts
//===----------------------------------------------------------------------===//

/// Two f32 to one word of 16-bit floats, `low` in its lower half.
static Value convertPair(ImplicitLocOpBuilder &b, Value low, Value high,
                         Type element) {
  auto vector = VectorType::get(2, element);
  Value pair;
  if (element.isBF16())
    pair = NVVM::ConvertF32x2ToBF16x2Op::create(b, vector, high, low,
                                                /*random_bits=*/Value(),
                                                NVVM::FPRoundingMode::RN);
  else
    pair = NVVM::ConvertF32x2ToF16x2Op::create(b, vector, high, low,
                                               /*random_bits=*/Value(),
                                               NVVM::FPRoundingMode::RN);
  return LLVM::BitcastOp::create(b, b.getI32Type(), pair);
}

/// bf16 is the upper half of f32, so a shift or a mask does it: the integer
/// units have four times the rate of the conversion unit.
static void widenBf16(ImplicitLocOpBuilder &b, Value word,
                      SmallVector<Value> &elements) {
  Value low = LLVM::ShlOp::create(b, word, createI32(b, 16));
  Value high = LLVM::AndOp::create(b, word, createI32(b, 0xffff0000));
  for (Value bits : {low, high})
    elements.push_back(LLVM::BitcastOp::create(b, b.getF32Type(), bits));
}

/// Four f32 to one word of 8-bit floats, saturating.
static Value convertQuad(ImplicitLocOpBuilder &b, ArrayRef<Value> quad,
                         StringRef format) {
  InlinePtx ptx(b, b.getLoc());
  ptx.addResult(b.getI32Type());
  for (Value value : quad)
    ptx.addOperand(value);
  std::string convert = ("cvt.rn.satfinite." + format + "x2.f32 ").str();
  return ptx.create("{ .reg .b16 low, high; " + convert + "low, $2, $1; " +
                    convert + "high, $4, $3; mov.b32 $0, {low, high}; }")[0];
}

/// One word of 8-bit floats to four f32, exactly: through f16.
static void widenQuad(ImplicitLocOpBuilder &b, Value word, StringRef format,
                      SmallVector<Value> &elements) {
  InlinePtx ptx(b, b.getLoc());
  ptx.addResult(b.getI32Type());
  ptx.addResult(b.getI32Type());
  ptx.addOperand(word);
  std::string convert = ("cvt.rn.f16x2." + format + "x2 ").str();
  auto pairs = ptx.create("{ .reg .b16 low, high; mov.b32 {low, high}, $2; " +
                          convert + "$0, low; " + convert + "$1, high; }");
  for (Value pair : pairs) {
    Value halves =
        LLVM::BitcastOp::create(b, VectorType::get(2, b.getF16Type()), pair);
    for (int64_t i : {0, 1}) {
      Value half = LLVM::ExtractElementOp::create(b, halves, createI32(b, i));
      elements.push_back(arith::ExtFOp::create(b, b.getF32Type(), half));
    }
  }
}

static StringRef getFp8Name(Type type) {
  if (isa<Float8E4M3FNType>(type))
    return "e4m3";
  if (isa<Float8E5M2Type>(type))
    return "e5m2";
  return "";
}

/// One element, where no instruction for several applies.
static Value castElement(ImplicitLocOpBuilder &b, Value value, Type from,
                         Type to) {
  bool fromFloat = isa<FloatType>(from), toFloat = isa<FloatType>(to);
  unsigned fromBits = from.getIntOrFloatBitWidth();
  unsigned toBits = to.getIntOrFloatBitWidth();
  if (fromFloat && toFloat) {
    // Between the two 16-bit floats, f32 holds either exactly.
    if (fromBits == toBits)
      return castElement(b, castElement(b, value, from, b.getF32Type()),
                         b.getF32Type(), to);
    if (fromBits < toBits)
      return arith::ExtFOp::create(b, to, value);
    return arith::TruncFOp::create(b, to, value);
  }
  if (fromFloat)
    return arith::FPToSIOp::create(b, to, value);
  if (toFloat && from.isInteger(1))
    return arith::UIToFPOp::create(b, to, value);
  if (toFloat)
    return arith::SIToFPOp::create(b, to, value);
  if (fromBits == toBits)
    return value;
  if (fromBits > toBits)
    return arith::TruncIOp::create(b, to, value);
  if (from.isInteger(1))
    return arith::ExtUIOp::create(b, to, value);
  return arith::ExtSIOp::create(b, to, value);
}

struct CastLowering : TilePattern<tile::CastOp> {
  using TilePattern::TilePattern;

  /// The words of the result, if whole words convert at once.
  static std::optional<SmallVector<Value>> narrow(ImplicitLocOpBuilder &b,
                                                  tile::FragmentType to,
                                                  ArrayRef<Value> elements) {
    Type type = to.getElementType();
    int64_t packing = getPacking(to);
    StringRef fp8 = getFp8Name(type);
    if (!(packing == 2 && (type.isBF16() || type.isF16())) &&
        !(packing == 4 && !fp8.empty()))
      return std::nullopt;
    SmallVector<Value> words;
    for (size_t i = 0; i < elements.size(); i += packing)
      words.push_back(
          packing == 2 ? convertPair(b, elements[i], elements[i + 1], type)
                       : convertQuad(b, ArrayRef(elements).slice(i, 4), fp8));
    return words;
  }

  /// The f32 elements of the operand, if whole words convert at once.
  static std::optional<SmallVector<Value>>
  widen(ImplicitLocOpBuilder &b, tile::FragmentType from, ValueRange words) {
    Type type = from.getElementType();
    StringRef fp8 = getFp8Name(type);
    bool isBf16 = type.isBF16() && getPacking(from) == 2;
    if (!isBf16 && !(getPacking(from) == 4 && !fp8.empty()))
      return std::nullopt;
    SmallVector<Value> elements;
    for (Value word : words)
      if (isBf16)
        widenBf16(b, word, elements);
      else
        widenQuad(b, word, fp8, elements);
    return elements;
  }

  LogicalResult
  matchAndRewrite(tile::CastOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto from = op.getValue().getType(), to = op.getResult().getType();
    Type source = from.getElementType(), target = to.getElementType();
    Type f32 = b.getF32Type();

    // What has a packed form goes through f32, which holds every narrower float
    // exactly and rounds once.
    SmallVector<Value> elements;
    if (auto wide = widen(b, from, adaptor.getValue())) {
      elements = *wide;
      source = f32;
    } else {
      if (!getFp8Name(source).empty())
        return op.emitOpError("expects 8-bit floats in whole words");
      elements = unpackWords(b, from, adaptor.getValue());
    }
    bool viaF32 = !getFp8Name(target).empty() ||
                  (isa<FloatType>(source) && target != source &&
                   isa<BFloat16Type, Float16Type>(target) &&
                   source.getIntOrFloatBitWidth() <= 32);
    if (viaF32) {
      for (Value &element : elements)
        if (source != f32)
          element = castElement(b, element, source, f32);
      if (auto words = narrow(b, to, elements)) {
        rewriter.replaceOpWithMultiple(op, {*words});
        return success();
      }
      if (!getFp8Name(target).empty())
        return op.emitOpError("expects 8-bit floats in whole words");
      source = f32;
    }
    if (source != target)
      for (Value &element : elements)
        element = castElement(b, element, source, target);
    rewriter.replaceOpWithMultiple(op, {packWords(b, to, elements)});
    return success();
  }
};

struct BitcastLowering : TilePattern<tile::BitcastOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::BitcastOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    SmallVector<Value> words;
    SmallVector<Type> types = getWordTypes(op.getResult().getType());
    for (auto [word, type] : llvm::zip_equal(adaptor.getValue(), types))
      words.push_back(word.getType() == type
                          ? word
                          : Value(LLVM::BitcastOp::create(b, type, word)));
    rewriter.replaceOpWithMultiple(op, {words});
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3")
//===----------------------------------------------------------------------===//

/// The 64-bit product of a word and a constant: low and high half.
static std::pair<Value, Value> multiplyWide(ImplicitLocOpBuilder &b, Value word,
                                            uint32_t factor) {
  auto product = arith::MulUIExtendedOp::create(b, word, createI32(b, factor));
  return {product.getLow(), product.getHigh()};
}

static Value createPhilox(ImplicitLocOpBuilder &b, std::array<Value, 4> counter,
                          std::array<Value, 2> key) {
  constexpr int rounds = 10;
  constexpr uint32_t factors[2] = {0xd2511f53, 0xcd9e8d57};
  constexpr uint32_t weyl[2] = {0x9e3779b9, 0xbb67ae85};
  for (int round = 0; round < rounds; ++round) {
    if (round > 0)
      for (int i : {0, 1})
        key[i] = arith::AddIOp::create(b, key[i], createI32(b, weyl[i]));
    auto [low0, high0] = multiplyWide(b, counter[0], factors[0]);
    auto [low1, high1] = multiplyWide(b, counter[2], factors[1]);
    Value x = arith::XOrIOp::create(b, high1, counter[1]);
    Value y = arith::XOrIOp::create(b, high0, counter[3]);
    counter = {arith::XOrIOp::create(b, x, key[0]), low1,
               arith::XOrIOp::create(b, y, key[1]), low0};
  }
  return counter[0];
}

struct PhiloxLowering : TilePattern<tile::PhiloxOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::PhiloxOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value key = adaptor.getKey().front(), zero = createI32(b, 0);
    Value low = arith::TruncIOp::create(b, b.getI32Type(), key);
    Value shifted = arith::ShRUIOp::create(b, key, createI64(b, 32));
    Value high = arith::TruncIOp::create(b, b.getI32Type(), shifted);
    SmallVector<Value> words;
    for (Value counter : adaptor.getCounter())
      words.push_back(createPhilox(
          b, {counter, adaptor.getStream().front(), zero, zero}, {low, high}));
    rewriter.replaceOpWithMultiple(op, {words});
    return success();
  }
};
} // namespace

void populateTileElementwisePatterns(const TypeConverter &converter,
                                     RewritePatternSet &patterns,
                                     const KernelContext &kernel) {
  patterns.add<ElementwiseLowering>(converter, patterns.getContext());
  patterns.add<CastLowering, BitcastLowering, PhiloxLowering>(
      converter, patterns.getContext(), kernel);
}

} // namespace tilewright
