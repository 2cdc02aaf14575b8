//===- InlinePtx.cpp - One PTX instruction as an LLVM operation -----------===//

#include "passes/lower/tile/InlinePtx.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace tilewright {

/// The register class of a type, as the NVPTX backend names it.
static char getRegisterClass(Type type) {
  if (type.isF32())
    return 'f';
  if (type.isF64())
    return 'd';
  if (auto pointer = dyn_cast<LLVM::LLVMPointerType>(type)) {
    unsigned space = pointer.getAddressSpace();
    return space == 3 || space == 7 ? 'r' : 'l';
  }
  switch (type.getIntOrFloatBitWidth()) {
  case 1:
    return 'b';
  case 16:
    return 'h';
  case 32:
    return 'r';
  default:
    return 'l';
  }
}

unsigned InlinePtx::addResult(Type type) {
  assert(operands.empty() && "results come first");
  resultTypes.push_back(type);
  return resultTypes.size() - 1;
}

unsigned InlinePtx::addInOut(Value value) {
  unsigned number = addResult(value.getType());
  tied.push_back({number, value});
  return number;
}

unsigned InlinePtx::addOperand(Value value) {
  operands.push_back(value);
  return resultTypes.size() + operands.size() - 1;
}

std::string InlinePtx::list(unsigned first, unsigned count) {
  std::string text = "{";
  for (unsigned i = 0; i < count; ++i)
    text += (i ? ", $" : "$") + std::to_string(first + i);
  return text + "}";
}

SmallVector<Value> InlinePtx::create(StringRef text) {
  SmallVector<std::string> constraints;
  for (Type type : resultTypes)
    constraints.push_back(std::string("=") + getRegisterClass(type));
  for (Value value : operands)
    constraints.push_back(std::string(1, getRegisterClass(value.getType())));
  // Tied operands have numbers too; they come last so that the text, which does
  // not mention them, need not know.
  SmallVector<Value> all(operands);
  for (auto [number, value] : tied) {
    constraints.push_back(std::to_string(number));
    all.push_back(value);
  }
  constraints.push_back("~{memory}");

  MLIRContext *context = builder.getContext();
  Type result;
  if (resultTypes.size() == 1)
    result = resultTypes[0];
  else if (resultTypes.size() > 1)
    result = LLVM::LLVMStructType::getLiteral(context, resultTypes);
  auto op = LLVM::InlineAsmOp::create(
      builder, loc, result ? TypeRange(result) : TypeRange(), all, text,
      llvm::join(constraints, ","), /*has_side_effects=*/true,
      /*is_align_stack=*/false, LLVM::TailCallKind::None,
      LLVM::AsmDialectAttr::get(context, LLVM::AsmDialect::AD_ATT),
      /*operand_attrs=*/ArrayAttr());
  SmallVector<Value> values;
  if (resultTypes.size() == 1)
    values.push_back(op.getRes());
  for (unsigned i = 0; resultTypes.size() > 1 && i < resultTypes.size(); ++i)
    values.push_back(
        LLVM::ExtractValueOp::create(builder, loc, op.getRes(), i));
  return values;
}

} // namespace tilewright
