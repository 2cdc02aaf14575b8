//===- TileAttrs.cpp - Attributes of the tile dialect ---------------------===//

#include "ir/tile/Tile.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#define GET_ATTRDEF_CLASSES
#include "ir/tile/TileAttrs.cpp.inc"

namespace tilewright::tile {

void TileDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "ir/tile/TileAttrs.cpp.inc"
      >();
}

static SmallVector<int64_t> flatten(ArrayRef<Mode> modes) {
  SmallVector<int64_t> flat;
  for (const Mode &mode : modes) {
    flat.push_back(mode.size);
    llvm::append_range(flat, mode.steps);
  }
  return flat;
}

static SmallVector<Mode> unflatten(unsigned rank, ArrayRef<int64_t> flat) {
  SmallVector<Mode> modes;
  for (; !flat.empty(); flat = flat.drop_front(1 + rank))
    modes.push_back(Mode{flat.front(), Coordinate(flat.slice(1, rank))});
  return modes;
}

LayoutAttr LayoutAttr::get(MLIRContext *context, const Layout &layout) {
  Layout form = layout.canonical();
  return get(context, form.getRank(), flatten(form.getThreadModes()),
             flatten(form.getRegisterModes()));
}

Layout LayoutAttr::getLayout() const {
  return Layout(getRank(), unflatten(getRank(), getThreadModes()),
                unflatten(getRank(), getRegisterModes()));
}

LogicalResult LayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 unsigned rank, ArrayRef<int64_t> threadModes,
                                 ArrayRef<int64_t> registerModes) {
  for (ArrayRef<int64_t> modes : {threadModes, registerModes}) {
    // layout_c1
    if (rank == 0 || modes.size() % (rank + 1) != 0)
      return emitError() << "expects the same number of steps in every mode";
    // layout_c2
    for (auto [index, value] : llvm::enumerate(modes))
      if (value < (index % (rank + 1) == 0 ? 1 : 0))
        return emitError()
               << "expects positive sizes and no negative steps, but got "
               << value;
  }
  return success();
}

/// modes ::= `[` (integer `:` `(` integer (`,` integer)* `)`)* `]`
static ParseResult parseModes(AsmParser &parser, unsigned &rank,
                              SmallVector<int64_t> &flat) {
  return parser.parseCommaSeparatedList(
      AsmParser::Delimiter::Square, [&]() -> ParseResult {
        int64_t size;
        SMLoc loc = parser.getCurrentLocation();
        if (parser.parseInteger(size) || parser.parseColon())
          return failure();
        flat.push_back(size);
        unsigned steps = 0;
        auto parseStep = [&]() -> ParseResult {
          ++steps;
          return parser.parseInteger(flat.emplace_back());
        };
        if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren,
                                           parseStep))
          return failure();
        if (rank != 0 && steps != rank)
          return parser.emitError(
              loc, "expects the same number of steps in every mode");
        rank = steps;
        return success();
      });
}

Attribute LayoutAttr::parse(AsmParser &parser, Type) {
  unsigned rank = 0;
  SmallVector<int64_t> threads, registers;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseKeyword("thread") ||
      parser.parseEqual() || parseModes(parser, rank, threads) ||
      parser.parseComma() || parser.parseKeyword("register") ||
      parser.parseEqual() || parseModes(parser, rank, registers) ||
      parser.parseGreater())
    return {};
  LayoutAttr attr = parser.getChecked<LayoutAttr>(loc, parser.getContext(),
                                                  rank, threads, registers);
  // Equal layouts are one attribute.
  return attr ? get(parser.getContext(), attr.getLayout()) : attr;
}

void LayoutAttr::print(AsmPrinter &printer) const {
  printer << "<" << getLayout().toString() << ">";
}

} // namespace tilewright::tile
