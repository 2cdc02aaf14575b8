//===- TileStructureOps.cpp - Kernels, roles, tile loops ------------------===//

#include "ir/target/Target.h"
#include "ir/tile/Tile.h"

#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;

namespace tilewright::tile {

static const target::ThreadLimits &getThreadLimits() {
  return target::getDefaultTarget().threads;
}

//===----------------------------------------------------------------------===//
// KernelOp
//===----------------------------------------------------------------------===//

ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  SmallVector<OpAsmParser::Argument> arguments;
  if (parser.parseSymbolName(name, "sym_name", result.attributes) ||
      parser.parseArgumentList(arguments, OpAsmParser::Delimiter::Paren,
                               /*allowType=*/true) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  Region *body = result.addRegion();
  if (parser.parseRegion(*body, arguments))
    return failure();
  if (body->empty())
    body->emplaceBlock();
  return success();
}

void KernelOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  printer << '(';
  llvm::interleaveComma(getArguments(), printer, [&](BlockArgument argument) {
    printer.printRegionArgument(argument);
  });
  printer << ')';
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {"sym_name"});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

SmallVector<RoleOp, 4> KernelOp::getRoles() {
  return llvm::to_vector<4>(getBodyBlock()->getOps<RoleOp>());
}

int64_t KernelOp::getClusterSize() {
  int64_t size = 1;
  for (int64_t extent : getCluster().value_or(ArrayRef<int64_t>()))
    size *= extent;
  return size;
}

int64_t KernelOp::getClusterDim(unsigned dim) {
  ArrayRef<int64_t> cluster = getCluster().value_or(ArrayRef<int64_t>());
  return dim < cluster.size() ? cluster[dim] : 1;
}

int64_t KernelOp::getTotalWarps() {
  int64_t warps = 0;
  for (RoleOp role : getRoles())
    warps += role.getOccupiedWarps();
  return warps ? warps : getWarps().value_or(0);
}

/// A size expression: integer, symbol, or [op, a, b].
static bool isSizeExpression(Attribute attr) {
  if (isa<IntegerAttr, StringAttr>(attr))
    return true;
  auto list = dyn_cast<ArrayAttr>(attr);
  if (!list || list.size() != 3)
    return false;
  auto name = dyn_cast<StringAttr>(list[0]);
  static constexpr StringRef operators[] = {"add",     "sub", "mul",
                                            "ceildiv", "min", "max"};
  return name && llvm::is_contained(operators, name.getValue()) &&
         isSizeExpression(list[1]) && isSizeExpression(list[2]);
}

LogicalResult KernelOp::verify() {
  // kernel_c1
  for (Type type : getBody().getArgumentTypes())
    if (!isa<GlobalType>(type) && !type.isInteger(32) && !type.isInteger(64) &&
        !type.isF32())
      return emitOpError("expects arguments to be global tensors, i32, i64 or "
                         "f32, but got ")
             << type;
  // kernel_c4
  if (std::optional<ArrayAttr> grid = getGrid()) {
    if (grid->empty() || grid->size() > 3)
      return emitOpError("expects 1 to 3 grid sizes, but got ") << grid->size();
    for (Attribute size : *grid)
      if (!isSizeExpression(size))
        return emitOpError("expects a size expression in 'grid', but got ")
               << size;
  }
  // kernel_c5
  int64_t limit = target::getDefaultTarget().clusterSize;
  ArrayRef<int64_t> cluster = getCluster().value_or(ArrayRef<int64_t>());
  if (llvm::any_of(cluster, [](int64_t extent) { return extent < 1; }) ||
      getClusterSize() > limit)
    return emitOpError("expects a cluster of 1 to ")
           << limit << " CTAs, but got " << getClusterSize();
  return success();
}

/// Budgets of roles: all or none, within the registers of an SM.
// kernel_c7
static LogicalResult verifyBudgets(KernelOp kernel, ArrayRef<RoleOp> roles) {
  const target::ThreadLimits &limits = getThreadLimits();
  auto hasBudget = [](RoleOp role) { return role.getRegisters().has_value(); };
  if (llvm::none_of(roles, hasBudget))
    return success();
  int64_t total = 0;
  for (RoleOp role : roles) {
    if (!hasBudget(role))
      return role.emitOpError(
          "expects a register budget, since another role has one");
    total +=
        *role.getRegisters() * role.getOccupiedWarps() * limits.threadsPerWarp;
  }
  if (total > limits.registersPerSm)
    return kernel.emitOpError("expects the budgets of all roles to fit ")
           << limits.registersPerSm << " registers, but they are " << total;
  return success();
}

LogicalResult KernelOp::verifyRegions() {
  SmallVector<RoleOp, 4> roles = getRoles();
  // kernel_c2
  if (getWarps().has_value() == !roles.empty())
    return emitOpError("expects either 'warps' or roles");
  // kernel_c3
  for (size_t i = 1; i < roles.size(); ++i)
    if (roles[i]->getPrevNode() != roles[i - 1])
      return roles[i]->getPrevNode()->emitOpError(
          "is not allowed between two roles");
  // kernel_c6
  int64_t threads = getTotalWarps() * getThreadLimits().threadsPerWarp;
  if (threads <= 0 || threads > getThreadLimits().threadsPerCta)
    return emitOpError("expects 1 to ") << getThreadLimits().threadsPerCta
                                        << " threads, but got " << threads;
  return verifyBudgets(*this, roles);
}

//===----------------------------------------------------------------------===//
// RoleOp
//===----------------------------------------------------------------------===//

/// role ::= symbol (`warps` | `warpgroups`) `=` integer
///          (`replicas` `=` integer `(` argument `)`)?
///          (`registers` `=` integer)? (`attributes` dict)? region
ParseResult RoleOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  StringAttr name;
  StringRef unit;
  int64_t warps;
  if (parser.parseSymbolName(name, "sym_name", result.attributes))
    return failure();
  SMLoc loc = parser.getCurrentLocation();
  if (failed(parser.parseOptionalKeyword(&unit, {"warps", "warpgroups"})))
    return parser.emitError(loc, "expects 'warps' or 'warpgroups'");
  if (parser.parseEqual() || parser.parseInteger(warps))
    return failure();
  if (unit == "warpgroups")
    warps *= getThreadLimits().warpsPerGroup;
  result.addAttribute("warps", builder.getI64IntegerAttr(warps));
  SmallVector<OpAsmParser::Argument, 1> arguments;
  int64_t number;
  if (succeeded(parser.parseOptionalKeyword("replicas"))) {
    if (parser.parseEqual() || parser.parseInteger(number) ||
        parser.parseLParen() ||
        parser.parseArgument(arguments.emplace_back()) || parser.parseRParen())
      return failure();
    arguments.back().type = builder.getIndexType();
    result.addAttribute("replicas", builder.getI64IntegerAttr(number));
  }
  if (succeeded(parser.parseOptionalKeyword("registers"))) {
    if (parser.parseEqual() || parser.parseInteger(number))
      return failure();
    result.addAttribute("registers", builder.getI64IntegerAttr(number));
  }
  Region *body = result.addRegion();
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
      parser.parseRegion(*body, arguments))
    return failure();
  if (body->empty())
    body->emplaceBlock();
  return success();
}

void RoleOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  int64_t perGroup = getThreadLimits().warpsPerGroup;
  if (static_cast<int64_t>(getWarps()) % perGroup == 0)
    printer << " warpgroups = " << getWarps() / perGroup;
  else
    printer << " warps = " << getWarps();
  if (!getBody().getArguments().empty()) {
    printer << " replicas = " << getReplicas() << " (";
    printer.printOperand(getBody().getArgument(0));
    printer << ")";
  }
  if (getRegisters())
    printer << " registers = " << *getRegisters();
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {"sym_name", "warps", "replicas", "registers"});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

int64_t RoleOp::getOccupiedWarps() {
  return llvm::alignTo(getWarps() * getReplicas(),
                       getThreadLimits().warpsPerGroup);
}

LogicalResult RoleOp::verify() {
  const target::ThreadLimits &limits = getThreadLimits();
  // role_c1
  int64_t warps = getWarps();
  if (warps < 1 ||
      (warps > limits.warpsPerGroup && warps % limits.warpsPerGroup))
    return emitOpError("expects 1 to ")
           << limits.warpsPerGroup << " warps or whole warpgroups, but got "
           << warps;
  // role_c2
  if (std::optional<int64_t> registers = getRegisters())
    if (*registers % limits.budgetStep || *registers < limits.budgetMin ||
        *registers > limits.budgetMax)
      return emitOpError("expects 'registers' to be a multiple of ")
             << limits.budgetStep << " from " << limits.budgetMin << " to "
             << limits.budgetMax << ", but got " << *registers;
  // role_c3
  int64_t replicas = getReplicas();
  unsigned arguments = getBody().getNumArguments();
  bool hasIndex =
      arguments == 1 && getBody().getArgument(0).getType().isIndex();
  if (replicas < 1 || (replicas > 1 ? !hasIndex : arguments > 1))
    return emitOpError("expects one index argument with replicas");
  return success();
}

//===----------------------------------------------------------------------===//
// ForTilesOp
//===----------------------------------------------------------------------===//

/// for_tiles ::= `(` arguments `)` `in` `(` operands `)` `step` `(` integers
/// `)`
///               (`raster` `(` (`persistent` | `dealt` | `group_m` `=`
///               integer),* `)`)?
///               (`attributes` dict)? region
ParseResult ForTilesOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<OpAsmParser::UnresolvedOperand> extents;
  SmallVector<int64_t> steps;
  auto parseStep = [&] { return parser.parseInteger(steps.emplace_back()); };
  if (parser.parseArgumentList(arguments, OpAsmParser::Delimiter::Paren) ||
      parser.parseKeyword("in") ||
      parser.parseOperandList(extents, OpAsmParser::Delimiter::Paren) ||
      parser.parseKeyword("step") ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, parseStep))
    return failure();
  result.addAttribute("steps", builder.getDenseI64ArrayAttr(steps));
  auto parseRaster = [&]() -> ParseResult {
    for (StringRef flag : {"persistent", "dealt"})
      if (succeeded(parser.parseOptionalKeyword(flag))) {
        result.addAttribute(flag, builder.getUnitAttr());
        return success();
      }
    int64_t group;
    if (parser.parseKeyword("group_m") || parser.parseEqual() ||
        parser.parseInteger(group))
      return failure();
    result.addAttribute("group_m", builder.getI64IntegerAttr(group));
    return success();
  };
  if (succeeded(parser.parseOptionalKeyword("raster")) &&
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, parseRaster))
    return failure();
  for (OpAsmParser::Argument &argument : arguments)
    argument.type = builder.getIndexType();
  Region *body = result.addRegion();
  if (parser.resolveOperands(extents, builder.getIndexType(),
                             result.operands) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
      parser.parseRegion(*body, arguments))
    return failure();
  if (body->empty())
    body->emplaceBlock();
  return success();
}

void ForTilesOp::print(OpAsmPrinter &printer) {
  printer << " (";
  printer.printOperands(getBody().getArguments());
  printer << ") in (";
  printer.printOperands(getExtents());
  printer << ") step (";
  llvm::interleaveComma(getSteps(), printer);
  printer << ")";
  SmallVector<std::string> raster;
  if (getPersistent())
    raster.push_back("persistent");
  if (getDealt())
    raster.push_back("dealt");
  if (getGroupM() != 1)
    raster.push_back("group_m = " + std::to_string(getGroupM()));
  if (!raster.empty())
    printer << " raster(" << llvm::join(raster, ", ") << ")";
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {"steps", "persistent", "dealt", "group_m"});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

LogicalResult ForTilesOp::verify() {
  // for_tiles_c1
  size_t rank = getSteps().size();
  if (rank < 1 || rank > 3 || getExtents().size() != rank ||
      getBody().getNumArguments() != rank)
    return emitOpError("expects 1 to 3 dimensions, with as many steps, extents "
                       "and arguments");
  // for_tiles_c2
  if (llvm::any_of(getSteps(), [](int64_t step) { return step < 1; }) ||
      static_cast<int64_t>(getGroupM()) < 1)
    return emitOpError("expects positive steps and 'group_m'");
  // for_tiles_c3
  auto kernel = (*this)->getParentOfType<KernelOp>();
  if (!kernel)
    return emitOpError("expects to be in a kernel");
  ArrayRef<int64_t> cluster = kernel.getCluster().value_or(ArrayRef<int64_t>());
  for (size_t dim = rank; dim < cluster.size(); ++dim)
    if (cluster[dim] != 1)
      return emitOpError("expects the cluster to have at most ")
             << rank << " dimensions";
  // for_tiles_c4
  auto role = (*this)->getParentOfType<RoleOp>();
  if (getDealt() && (!getPersistent() || !role || role.getReplicas() == 1))
    return emitOpError("deals its tiles out, but is not 'persistent' in a role "
                       "with replicas");
  return success();
}

//===----------------------------------------------------------------------===//
// SizeOp
//===----------------------------------------------------------------------===//

LogicalResult SizeOp::verify() {
  // size_c1
  int64_t dim = getDim(), rank = getSource().getType().getRank();
  if (dim < 0 || dim >= rank)
    return emitOpError("expects a dimension below ")
           << rank << ", but got " << dim;
  return success();
}

OpFoldResult SizeOp::fold(FoldAdaptor) {
  int64_t size = getSource().getType().getShape()[getDim()];
  if (ShapedType::isDynamic(size))
    return {};
  return IntegerAttr::get(IndexType::get(getContext()), size);
}

} // namespace tilewright::tile
