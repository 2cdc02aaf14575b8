//===- XfAttrs.cpp - Attributes and symbolic sizes of xf ------------------===//

#include "ir/xf/XfAttrs.h"
#include "ir/xf/XfDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;

namespace tilewright::xf {

//===----------------------------------------------------------------------===//
// Dim
//===----------------------------------------------------------------------===//

llvm::hash_code hash_value(const Dim &dim) {
  return llvm::hash_combine(dim.name, dim.value);
}

raw_ostream &operator<<(raw_ostream &os, const Dim &dim) {
  if (dim.isFixed())
    return os << dim.value;
  os << dim.name.getValue();
  return dim.value ? os << " + " << dim.value : os;
}

bool hasNamedSizes(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && (tensor.hasStaticShape() ||
                    isa_and_present<SizesAttr>(tensor.getEncoding()));
}

SmallVector<Dim> getDims(RankedTensorType type) {
  SmallVector<Dim> dims;
  auto sizes = dyn_cast_or_null<SizesAttr>(type.getEncoding());
  unsigned named = 0;
  for (int64_t size : type.getShape())
    dims.push_back(ShapedType::isDynamic(size) ? sizes.getDims()[named++]
                                               : Dim::fixed(size));
  return dims;
}

Dim getDim(RankedTensorType type, int64_t index) {
  return getDims(type)[index];
}

RankedTensorType getTensorType(ArrayRef<Dim> dims, Type elementType) {
  SmallVector<int64_t> shape;
  SmallVector<Dim> named;
  for (const Dim &dim : dims) {
    shape.push_back(dim.isFixed() ? dim.value : ShapedType::kDynamic);
    if (!dim.isFixed())
      named.push_back(dim);
  }
  Attribute encoding;
  if (!named.empty())
    encoding = SizesAttr::get(elementType.getContext(), named);
  return RankedTensorType::get(shape, elementType, encoding);
}

//===----------------------------------------------------------------------===//
// SizesAttr
//===----------------------------------------------------------------------===//

// size ::= identifier (`+` integer)?
static ParseResult parseSize(AsmParser &parser, SmallVectorImpl<Dim> &dims) {
  std::string name;
  int64_t offset = 0;
  if (parser.parseKeywordOrString(&name))
    return failure();
  if (succeeded(parser.parseOptionalPlus()) && parser.parseInteger(offset))
    return failure();
  dims.push_back(Dim::named(parser.getContext(), name, offset));
  return success();
}

Attribute SizesAttr::parse(AsmParser &parser, Type) {
  SmallVector<Dim> dims;
  auto parseOne = [&] { return parseSize(parser, dims); };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater,
                                     parseOne))
    return {};
  return parser.getChecked<SizesAttr>(parser.getContext(), dims);
}

void SizesAttr::print(AsmPrinter &printer) const {
  printer << "<";
  llvm::interleaveComma(getDims(), printer, [&](const Dim &dim) {
    printer.printKeywordOrString(dim.name);
    if (dim.value)
      printer << " + " << dim.value;
  });
  printer << ">";
}

LogicalResult SizesAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                ArrayRef<Dim> dims) {
  if (dims.empty())
    return emitError() << "expects at least one size";
  for (const Dim &dim : dims) {
    if (!dim.name || dim.name.empty())
      return emitError() << "expects every size to have a name";
    if (dim.value < 0)
      return emitError() << "expects no negative number in the size '"
                         << dim.name.getValue() << "'";
  }
  return success();
}

LogicalResult
SizesAttr::verifyEncoding(ArrayRef<int64_t> shape, Type elementType,
                          function_ref<InFlightDiagnostic()> emitError) const {
  size_t dynamic = llvm::count_if(shape, ShapedType::isDynamic);
  if (dynamic != getDims().size())
    return emitError() << "expects one size per dynamic dimension, but got "
                       << getDims().size() << " sizes for " << dynamic
                       << " dimensions";
  return success();
}

//===----------------------------------------------------------------------===//
// Rope scaling
//===----------------------------------------------------------------------===//

static ParseResult parseF64(AsmParser &parser, FloatAttr &attr) {
  double value;
  if (parser.parseFloat(value))
    return failure();
  attr = parser.getBuilder().getF64FloatAttr(value);
  return success();
}

static void printF64(AsmPrinter &printer, FloatAttr attr) {
  printer << attr.getValue();
}

static bool isPositive(FloatAttr attr) {
  double value = attr.getValueAsDouble();
  return value > 0.0 && std::isfinite(value);
}

LogicalResult
LinearScalingAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                          FloatAttr factor) {
  if (!isPositive(factor))
    return emitError() << "expects 'factor' to be positive";
  return success();
}

LogicalResult
Llama3ScalingAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                          FloatAttr factor, FloatAttr lowFreqFactor,
                          FloatAttr highFreqFactor,
                          int64_t originalMaxPositions) {
  if (!isPositive(factor) || !isPositive(lowFreqFactor) ||
      !isPositive(highFreqFactor))
    return emitError() << "expects factors to be positive";
  if (lowFreqFactor.getValueAsDouble() >= highFreqFactor.getValueAsDouble())
    return emitError()
           << "expects 'low_freq_factor' to be below 'high_freq_factor'";
  if (originalMaxPositions <= 0)
    return emitError() << "expects 'original_max_positions' to be positive";
  return success();
}

} // namespace tilewright::xf

#include "ir/xf/XfEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "ir/xf/XfAttrs.cpp.inc"

void tilewright::xf::XfDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "ir/xf/XfAttrs.cpp.inc"
      >();
}
