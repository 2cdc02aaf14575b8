//===- XfKernelOps.cpp - Regions that become kernels ----------------------===//

#include "ir/xf/XfDialect.h"
#include "ir/xf/XfOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;

namespace tilewright::xf {

void KernelOp::build(OpBuilder &builder, OperationState &state,
                     TypeRange resultTypes, KernelFamily family,
                     ValueRange inputs, ArrayRef<int64_t> inPlace) {
  MLIRContext *context = builder.getContext();
  Properties &properties = state.getOrAddProperties<Properties>();
  SmallVector<int64_t> fresh(resultTypes.size(), -1);
  properties.family = KernelFamilyAttr::get(context, family);
  properties.in_place = DenseI64ArrayAttr::get(
      context, inPlace.empty() ? ArrayRef<int64_t>(fresh) : inPlace);
  state.addOperands(inputs);
  state.addTypes(resultTypes);
  Block &block = state.addRegion()->emplaceBlock();
  for (Value input : inputs)
    block.addArgument(input.getType(), input.getLoc());
}

YieldOp KernelOp::getYield() {
  return cast<YieldOp>(getBlock().getTerminator());
}

std::optional<unsigned> KernelOp::getInPlaceOperand(unsigned index) {
  int64_t operand = getInPlace()[index];
  return operand < 0 ? std::nullopt : std::optional<unsigned>(operand);
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

// argument ::= `%` name `=` operand `:` type
static ParseResult
parseArgument(OpAsmParser &parser,
              SmallVectorImpl<OpAsmParser::Argument> &arguments,
              SmallVectorImpl<OpAsmParser::UnresolvedOperand> &operands) {
  return failure(parser.parseArgument(arguments.emplace_back()) ||
                 parser.parseEqual() ||
                 parser.parseOperand(operands.emplace_back()) ||
                 parser.parseColonType(arguments.back().type));
}

// in-place ::= `in_place` `[` (result `=` operand) (`,` ...)* `]`
static ParseResult parseInPlace(OpAsmParser &parser, size_t results,
                                DenseI64ArrayAttr &attr) {
  SmallVector<int64_t> inPlace(results, -1);
  auto parsePair = [&]() -> ParseResult {
    int64_t result, operand;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseInteger(result) || parser.parseEqual() ||
        parser.parseInteger(operand))
      return failure();
    if (result < 0 || result >= static_cast<int64_t>(results))
      return parser.emitError(loc, "expected a result below ") << results;
    inPlace[result] = operand;
    return success();
  };
  if (succeeded(parser.parseOptionalKeyword("in_place")) &&
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parsePair))
    return failure();
  attr = parser.getBuilder().getDenseI64ArrayAttr(inPlace);
  return success();
}

// choice ::= (`config` dictionary)? (`reason` string)?
static ParseResult parseChoice(OpAsmParser &parser,
                               KernelOp::Properties &properties) {
  if (succeeded(parser.parseOptionalKeyword("config")) &&
      parser.parseAttribute(properties.config))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("reason")) &&
      parser.parseAttribute(properties.reason))
    return failure();
  return success();
}

// kernel ::= family `(` (argument (`,` argument)*)? `)`
//            (`->` `(` types `)`)? in-place? choice
//            (`attributes` dictionary)? region
ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &state) {
  Properties &properties = state.getOrAddProperties<Properties>();
  FailureOr<KernelFamily> family = FieldParser<KernelFamily>::parse(parser);
  if (failed(family))
    return failure();
  properties.family = KernelFamilyAttr::get(parser.getContext(), *family);

  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  auto parseOne = [&] { return parseArgument(parser, arguments, operands); };
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, parseOne))
    return failure();
  auto types = llvm::map_to_vector(
      arguments, [](const OpAsmParser::Argument &arg) { return arg.type; });
  if (parser.resolveOperands(operands, types, loc, state.operands) ||
      parser.parseOptionalArrowTypeList(state.types) ||
      parseInPlace(parser, state.types.size(), properties.in_place) ||
      parseChoice(parser, properties) ||
      parser.parseOptionalAttrDictWithKeyword(state.attributes) ||
      parser.parseRegion(*state.addRegion(), arguments))
    return failure();
  ensureTerminator(*state.regions.front(), parser.getBuilder(), state.location);
  return success();
}

static void printInPlace(OpAsmPrinter &printer, ArrayRef<int64_t> inPlace) {
  if (llvm::all_of(inPlace, [](int64_t operand) { return operand < 0; }))
    return;
  SmallVector<std::pair<size_t, int64_t>> pairs;
  for (auto [result, operand] : llvm::enumerate(inPlace))
    if (operand >= 0)
      pairs.push_back({result, operand});
  printer << " in_place [";
  llvm::interleaveComma(pairs, printer, [&](auto pair) {
    printer << pair.first << " = " << pair.second;
  });
  printer << "]";
}

void KernelOp::print(OpAsmPrinter &printer) {
  printer << " " << stringifyKernelFamily(getFamily()) << " (";
  auto pairs = llvm::zip_equal(getBlock().getArguments(), getInputs());
  llvm::interleaveComma(pairs, printer, [&](auto pair) {
    auto [argument, input] = pair;
    printer << argument << " = " << input << " : " << input.getType();
  });
  printer << ")";
  printer.printOptionalArrowTypeList(getResultTypes());
  printInPlace(printer, getInPlace());
  if (getConfigAttr())
    printer << " config " << getConfigAttr();
  if (getReasonAttr())
    printer << " reason " << getReasonAttr();
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {"family", "in_place", "config", "reason"});
  printer << " ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

//===----------------------------------------------------------------------===//
// Verifier
//===----------------------------------------------------------------------===//

/// The argument that `value` comes from through one or more cache appends.
static BlockArgument getAppendedArgument(Value value) {
  auto append = value.getDefiningOp<CacheAppendOp>();
  while (append) {
    if (auto argument = dyn_cast<BlockArgument>(append.getCache()))
      return argument;
    append = append.getCache().getDefiningOp<CacheAppendOp>();
  }
  return nullptr;
}

static LogicalResult verifyInPlaceList(KernelOp op) {
  int64_t inputs = op.getInputs().size();
  if (op.getInPlace().size() != op.getNumResults())
    return op.emitOpError("expects 'in_place' to have ")
           << op.getNumResults() << " entries, but got "
           << op.getInPlace().size();
  SmallVector<bool> used(inputs, false);
  for (int64_t operand : op.getInPlace()) {
    if (operand < -1 || operand >= inputs)
      return op.emitOpError("expects 'in_place' to name operands below ")
             << inputs << ", but got " << operand;
    if (operand >= 0 && std::exchange(used[operand], true))
      return op.emitOpError("expects 'in_place' to name operand ")
             << operand << " only once";
  }
  return success();
}

static LogicalResult verifyAppended(KernelOp op) {
  for (auto [index, yielded] : llvm::enumerate(op.getYield().getValues())) {
    BlockArgument argument = getAppendedArgument(yielded);
    int64_t expected = argument ? int64_t(argument.getArgNumber()) : -1;
    int64_t got = op.getInPlace()[index];
    if (got != expected)
      return op.emitOpError("expects 'in_place' of result ")
             << index << " to be " << expected
             << ", as its cache appends are, but got " << got;
  }
  return success();
}

static LogicalResult verifyBody(KernelOp op) {
  for (Operation &nested : op.getBlock()) {
    if (!isa<XfDialect>(nested.getDialect()) || isa<KernelOp>(nested)) {
      InFlightDiagnostic diagnostic =
          op.emitOpError("expects only xf ops, and no kernel, in its region");
      diagnostic.attachNote(nested.getLoc())
          << "but got '" << nested.getName() << "'";
      return diagnostic;
    }
  }
  return success();
}

static LogicalResult verifyNoLaterUser(KernelOp op) {
  for (unsigned index = 0; index < op.getNumResults(); ++index) {
    std::optional<unsigned> operand = op.getInPlaceOperand(index);
    if (!operand)
      continue;
    for (Operation *user : op.getInputs()[*operand].getUsers()) {
      if (user->getBlock() != op->getBlock() || user == op ||
          user->isBeforeInBlock(op))
        continue;
      InFlightDiagnostic diagnostic = op.emitOpError("overwrites operand ")
                                      << *operand << ", which is used later";
      diagnostic.attachNote(user->getLoc()) << "by this op";
      return diagnostic;
    }
  }
  return success();
}

LogicalResult KernelOp::verify() {
  // kernel_c1
  TypeRange arguments = getBlock().getArgumentTypes();
  if (arguments != getInputs().getTypes())
    return emitOpError("expects region arguments of types (")
           << getInputs().getTypes() << "), but got (" << arguments << ")";

  // kernel_c6
  if (failed(verifyBody(*this)))
    return failure();

  // kernel_c2
  TypeRange yielded = getYield().getValues().getTypes();
  if (yielded != getResultTypes())
    return emitOpError("expects 'xf.yield' to have types (")
           << getResultTypes() << "), but got (" << yielded << ")";

  // kernel_c3
  if (failed(verifyInPlaceList(*this)))
    return failure();

  // kernel_c4
  for (unsigned index = 0; index < getNumResults(); ++index) {
    std::optional<unsigned> operand = getInPlaceOperand(index);
    if (operand && getInputs()[*operand].getType() != getResultTypes()[index])
      return emitOpError("expects result ")
             << index << " to have the type of operand " << *operand
             << ", whose place it takes";
  }

  // kernel_c5
  if (failed(verifyAppended(*this)))
    return failure();

  // kernel_c7
  return verifyNoLaterUser(*this);
}

} // namespace tilewright::xf
