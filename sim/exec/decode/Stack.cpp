//===- Stack.cpp - Decoding alloca, stacksave and stackrestore ------------===//

#include "sim/exec/decode/Decoder.h"
#include "sim/exec/ops/StackOps.h"

namespace tilewright::sim {

using ptx::Type;

/// .u32 or .u64; true for the latter.
static bool takeWide(InstDecoder &d) {
  Type type = d.needType();
  if (type != Type::U32 && type != Type::U64)
    d.unsupported();
  return type == Type::U64;
}
static Type typeOf(bool wide) { return wide ? Type::U64 : Type::U32; }

static void decodeStacksave(InstDecoder &d) {
  bool wide = takeWide(d);
  d.needOperands(1);
  Inst inst;
  inst.d = d.result(0, typeOf(wide));
  d.emit(wide ? runStackSave64 : runStackSave32, inst);
}

static void decodeStackrestore(InstDecoder &d) {
  bool wide = takeWide(d);
  d.needOperands(1);
  Inst inst;
  inst.a = d.source(0, typeOf(wide));
  d.emit(wide ? runStackRestore64 : runStackRestore32, inst);
}

/// alloca.type ptr, size{, alignment}
static void decodeAlloca(InstDecoder &d) {
  constexpr int64_t leastAlignment = 8, mostAlignment = 1 << 23;
  bool wide = takeWide(d);
  d.needOperands(2, 3);
  int64_t align = leastAlignment;
  if (d.operandCount() == 3)
    align = d.needConstant(d.operand(2), 1, mostAlignment);
  if (align & (align - 1))
    d.fail(d.operand(2).location, "alignment must be a power of two");
  Inst inst;
  inst.a = d.source(1, typeOf(wide));
  inst.d = d.result(0, typeOf(wide));
  inst.imm = static_cast<int32_t>(std::max(align, leastAlignment));
  d.emit(wide ? runAlloca64 : runAlloca32, inst);
}

void addStackOpcodes(OpcodeTable &table) {
  table["stacksave"] = decodeStacksave;
  table["stackrestore"] = decodeStackrestore;
  table["alloca"] = decodeAlloca;
}

} // namespace tilewright::sim
