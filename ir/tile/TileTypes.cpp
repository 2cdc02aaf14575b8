//===- TileTypes.cpp - Types of the tile dialect --------------------------===//

#include "ir/tile/Tile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#define GET_TYPEDEF_CLASSES
#include "ir/tile/TileTypes.cpp.inc"

namespace tilewright::tile {

void TileDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "ir/tile/TileTypes.cpp.inc"
      >();
}

int64_t getElementBytes(Type elementType) {
  return llvm::divideCeil(elementType.getIntOrFloatBitWidth(), 8);
}

//===----------------------------------------------------------------------===//
// Shared pieces of syntax
//===----------------------------------------------------------------------===//

static void printShape(AsmPrinter &printer, ArrayRef<int64_t> shape,
                       Type elementType) {
  for (int64_t size : shape) {
    if (ShapedType::isDynamic(size))
      printer << "?";
    else
      printer << size;
    printer << "x";
  }
  printer << elementType;
}

static ParseResult parseShape(AsmParser &parser, SmallVector<int64_t> &shape,
                              Type &elementType, bool allowDynamic) {
  return failure(parser.parseDimensionList(shape, allowDynamic) ||
                 parser.parseType(elementType));
}

static LogicalResult
verifyElementType(function_ref<InFlightDiagnostic()> emitError, Type type) {
  if (!type.isIntOrFloat())
    return emitError() << "expects an integer or float element type, but got "
                       << type;
  return success();
}

//===----------------------------------------------------------------------===//
// GlobalType
//===----------------------------------------------------------------------===//

/// size ::= symbol | attribute
static ParseResult parseSize(AsmParser &parser, Attribute &size) {
  StringRef symbol;
  if (succeeded(parser.parseOptionalKeyword(&symbol))) {
    size = StringAttr::get(parser.getContext(), symbol);
    return success();
  }
  return parser.parseAttribute(size);
}

static bool isIdentifier(StringRef text) {
  return !text.empty() && !llvm::isDigit(text.front()) &&
         llvm::all_of(text,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

static void printSize(AsmPrinter &printer, Attribute size) {
  auto symbol = dyn_cast<StringAttr>(size);
  if (symbol && isIdentifier(symbol.getValue()))
    printer << symbol.getValue();
  else
    printer << size;
}

Type GlobalType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  SmallVector<Attribute> sizes;
  Type elementType;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parseShape(parser, shape, elementType, true))
    return {};
  auto parseOne = [&]() { return parseSize(parser, sizes.emplace_back()); };
  if (succeeded(parser.parseOptionalComma()) &&
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseOne))
    return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<GlobalType>(loc, parser.getContext(), shape,
                                       elementType, sizes);
}

void GlobalType::print(AsmPrinter &printer) const {
  printer << "<";
  printShape(printer, getShape(), getElementType());
  if (!getSizes().empty()) {
    printer << ", [";
    llvm::interleaveComma(getSizes(), printer,
                          [&](Attribute size) { printSize(printer, size); });
    printer << "]";
  }
  printer << ">";
}

LogicalResult GlobalType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> shape, Type elementType,
                                 ArrayRef<Attribute> sizes) {
  // global_c1
  int64_t dynamic = llvm::count_if(shape, ShapedType::isDynamic);
  if (dynamic != static_cast<int64_t>(sizes.size()))
    return emitError() << "expects " << dynamic
                       << " sizes, one per dynamic dimension, but got "
                       << sizes.size();
  // global_c2
  for (int64_t size : shape)
    if (!ShapedType::isDynamic(size) && size <= 0)
      return emitError() << "expects positive dimensions, but got " << size;
  return verifyElementType(emitError, elementType);
}

Attribute GlobalType::getSize(unsigned dim) const {
  int64_t size = getShape()[dim];
  if (!ShapedType::isDynamic(size))
    return IntegerAttr::get(IntegerType::get(getContext(), 64), size);
  return getSizes()[llvm::count_if(getShape().take_front(dim),
                                   ShapedType::isDynamic)];
}

//===----------------------------------------------------------------------===//
// SharedType
//===----------------------------------------------------------------------===//

Type SharedType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  int64_t swizzle = 0;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parseShape(parser, shape, elementType, false))
    return {};
  if (succeeded(parser.parseOptionalComma()) &&
      (parser.parseKeyword("swizzle") || parser.parseEqual() ||
       parser.parseInteger(swizzle)))
    return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<SharedType>(loc, parser.getContext(), shape,
                                       elementType, swizzle);
}

void SharedType::print(AsmPrinter &printer) const {
  printer << "<";
  printShape(printer, getShape(), getElementType());
  if (getSwizzle() != 0)
    printer << ", swizzle = " << getSwizzle();
  printer << ">";
}

LogicalResult SharedType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> shape, Type elementType,
                                 int64_t swizzle) {
  if (failed(verifyElementType(emitError, elementType)))
    return failure();
  // shared_c1
  if (!llvm::is_contained({0, 32, 64, 128}, swizzle))
    return emitError()
           << "expects a swizzle of 0, 32, 64 or 128 bytes, but got "
           << swizzle;
  // shared_c2
  if (shape.empty())
    return emitError() << "expects rank at least 1";
  for (int64_t size : shape)
    if (size <= 0)
      return emitError() << "expects positive static dimensions";
  // shared_c3
  if (swizzle == 0)
    return success();
  if (shape.size() < 2 || shape[shape.size() - 2] % 8 != 0)
    return emitError() << "expects a multiple of 8 rows with a swizzle";
  int64_t rowBytes = shape.back() * getElementBytes(elementType);
  if (rowBytes % swizzle != 0)
    return emitError() << "expects rows of a multiple of " << swizzle
                       << " bytes, but got " << rowBytes;
  return success();
}

SharedLayout SharedType::getLayout() const {
  ArrayRef<int64_t> shape = getShape();
  int64_t rows = shape.size() < 2 ? 1 : shape[shape.size() - 2];
  return SharedLayout{rows, shape.back(), getElementBytes(getElementType()),
                      getSwizzle()};
}

int64_t SharedType::getBytes() const {
  SharedLayout matrix = getLayout();
  int64_t count = 1;
  for (int64_t size : getShape().drop_back(getRank() < 2 ? 1 : 2))
    count *= size;
  // Every matrix of an array starts aligned.
  int64_t bytes = matrix.getBytes();
  return count == 1 ? bytes
                    : count * llvm::alignTo(bytes, matrix.getAlignment());
}

int64_t SharedType::getAlignment() const { return getLayout().getAlignment(); }

SharedType SharedType::dropLeading() const {
  return get(getContext(), getShape().drop_front(), getElementType(),
             getSwizzle());
}

SharedType SharedType::addLeading(int64_t count) const {
  SmallVector<int64_t> shape = {count};
  llvm::append_range(shape, getShape());
  return get(getContext(), shape, getElementType(), getSwizzle());
}

//===----------------------------------------------------------------------===//
// RingType
//===----------------------------------------------------------------------===//

LogicalResult RingType::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t stages, ArrayRef<Type> buffers) {
  // ring_c1
  if (stages < 1 || buffers.empty())
    return emitError() << "expects at least one stage and one buffer";
  for (Type type : buffers) {
    auto shared = dyn_cast<SharedType>(type);
    // ring_c2
    if (!shared || shared.getRank() > 2)
      return emitError() << "expects shared tiles of rank 1 or 2, but got "
                         << type;
    // ring_c3
    if (shared.getRank() == 1 && shared.getBytes() % shared.getAlignment())
      return emitError() << "expects buffers of rank 1 to be a multiple of "
                         << shared.getAlignment() << " bytes, but got " << type;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// FragmentType
//===----------------------------------------------------------------------===//

Type FragmentType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  LayoutAttr layout;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parseShape(parser, shape, elementType, false))
    return {};
  if (succeeded(parser.parseOptionalComma()) && parser.parseAttribute(layout))
    return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<FragmentType>(loc, parser.getContext(), shape,
                                         elementType, layout);
}

void FragmentType::print(AsmPrinter &printer) const {
  printer << "<";
  printShape(printer, getShape(), getElementType());
  if (getLayout())
    printer << ", " << getLayout();
  printer << ">";
}

LogicalResult FragmentType::verify(function_ref<InFlightDiagnostic()> emitError,
                                   ArrayRef<int64_t> shape, Type elementType,
                                   LayoutAttr layout) {
  if (failed(verifyElementType(emitError, elementType)))
    return failure();
  // fragment_c1
  if (shape.empty() || llvm::any_of(shape, [](int64_t n) { return n <= 0; }))
    return emitError() << "expects positive static dimensions";
  // fragment_c2
  if (layout && !layout.getLayout().covers(shape))
    return emitError() << "expects a layout that covers the shape, but got "
                       << layout;
  return success();
}

bool FragmentType::hasRank() const { return true; }

ShapedType FragmentType::cloneWith(std::optional<ArrayRef<int64_t>> shape,
                                   Type elementType) const {
  // A layout belongs to a shape.
  LayoutAttr layout =
      shape && *shape != getShape() ? LayoutAttr() : getLayout();
  return get(shape.value_or(getShape()), elementType, layout);
}

FragmentType FragmentType::withLayout(LayoutAttr layout) const {
  return get(getShape(), getElementType(), layout);
}

FragmentType FragmentType::withElementType(Type elementType) const {
  return get(getShape(), elementType, getLayout());
}

FragmentType FragmentType::withShape(ArrayRef<int64_t> shape) const {
  return get(shape, getElementType(),
             shape == getShape() ? getLayout() : LayoutAttr());
}

} // namespace tilewright::tile
