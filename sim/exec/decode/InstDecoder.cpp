//===- InstDecoder.cpp - Modifiers and operands of an instruction ---------===//

#include "sim/exec/decode/Decoder.h"
#include "sim/exec/ops/Control.h"

#include <bit>

namespace tilewright::sim {

using ptx::Operand;
using ptx::Space;
using ptx::SyntaxError;
using ptx::Type;

const OpcodeTable &opcodeTable() {
  static const OpcodeTable table = [] {
    OpcodeTable all;
    addIntegerOpcodes(all);
    addFloatOpcodes(all);
    addCompareOpcodes(all);
    addMoveOpcodes(all);
    addMemoryOpcodes(all);
    addAtomicOpcodes(all);
    addControlOpcodes(all);
    addWarpOpcodes(all);
    addBarrierOpcodes(all);
    addMbarrierOpcodes(all);
    addAsyncCopyOpcodes(all);
    addMatrixOpcodes(all);
    addWmmaOpcodes(all);
    addVideoOpcodes(all);
    addCallOpcodes(all);
    addStackOpcodes(all);
    addTensorMapOpcodes(all);
    addRefusedOpcodes(all);
    addMiscOpcodes(all);
    return all;
  }();
  return table;
}

InstDecoder::InstDecoder(FunctionDecoder &function, const ptx::Instruction &ast)
    : fn(function), ast(ast) {}

void InstDecoder::decode() {
  auto entry = opcodeTable().find(ast.opcode);
  if (entry == opcodeTable().end())
    fail("unsupported instruction '" + std::string(ast.opcode) + "'");
  if (ast.modifiers.size() > 32)
    fail("too many modifiers");
  if (!ast.guard.empty()) {
    LocalName storage;
    const LocalName *name = fn.lookup(ast.guard, storage);
    if (!name || name->type != Type::Pred)
      fail(ast.guardLocation,
           "'" + std::string(ast.guard) + "' is not a predicate register");
    guard = name->ref * 2 + (ast.guardNegated ? 1 : 0);
    announceUndefinedGuard();
  }
  entry->second(*this);
  finishModifiers();
  annotate();
  if (fn.program.symbols)
    keepSymbols();
}

//===----------------------------------------------------------------------===//
// Modifiers
//===----------------------------------------------------------------------===//

bool InstDecoder::take(std::string_view modifier) {
  for (size_t i = 0; i < ast.modifiers.size(); ++i)
    if (!(taken >> i & 1) && ast.modifiers[i].text == modifier) {
      taken |= 1u << i;
      return true;
    }
  return false;
}

bool InstDecoder::has(std::string_view modifier) const {
  for (size_t i = 0; i < ast.modifiers.size(); ++i)
    if (!(taken >> i & 1) && ast.modifiers[i].text == modifier)
      return true;
  return false;
}

int InstDecoder::takeOneOf(std::initializer_list<std::string_view> modifiers) {
  int index = 0;
  for (std::string_view modifier : modifiers) {
    if (take(modifier))
      return index;
    ++index;
  }
  return -1;
}

std::optional<Type> InstDecoder::takeType() {
  for (size_t i = 0; i < ast.modifiers.size(); ++i)
    if (!(taken >> i & 1))
      if (std::optional<Type> type = ptx::typeFromName(ast.modifiers[i].text)) {
        taken |= 1u << i;
        return type;
      }
  return std::nullopt;
}

Type InstDecoder::needType() {
  if (std::optional<Type> type = takeType())
    return *type;
  fail("expected a type on '" + std::string(ast.opcode) + "'");
}

std::optional<RoundingMode> InstDecoder::takeRounding() {
  switch (takeOneOf({"rn", "rna", "rz", "rm", "rp"})) {
  case 0:
    return RoundingMode::NearestEven;
  case 1:
    return RoundingMode::NearestAway;
  case 2:
    return RoundingMode::Zero;
  case 3:
    return RoundingMode::Down;
  case 4:
    return RoundingMode::Up;
  default:
    return std::nullopt;
  }
}

Space InstDecoder::takeSpace(Space otherwise) {
  for (size_t i = 0; i < ast.modifiers.size(); ++i)
    if (!(taken >> i & 1))
      if (std::optional<Space> space =
              ptx::spaceFromName(ast.modifiers[i].text)) {
        taken |= 1u << i;
        return *space;
      }
  return otherwise;
}

std::string_view InstDecoder::nextModifier() const {
  for (size_t i = 0; i < ast.modifiers.size(); ++i)
    if (!(taken >> i & 1))
      return ast.modifiers[i].text;
  return {};
}

std::string_view InstDecoder::takeNext() {
  std::string_view next = nextModifier();
  if (!next.empty())
    take(next);
  return next;
}

void InstDecoder::finishModifiers() {
  for (size_t i = 0; i < ast.modifiers.size(); ++i)
    if (!(taken >> i & 1))
      fail(ast.modifiers[i].location,
           "unsupported modifier '." + std::string(ast.modifiers[i].text) +
               "' on '" + std::string(ast.opcode) + "'");
}

void InstDecoder::fail(std::string message) const {
  throw SyntaxError{ast.location, std::move(message)};
}
void InstDecoder::fail(ptx::Location location, std::string message) const {
  throw SyntaxError{location, std::move(message)};
}
void InstDecoder::unsupported() const {
  std::string name(ast.opcode);
  for (const ptx::Modifier &modifier : ast.modifiers)
    name += "." + std::string(modifier.text);
  fail("unsupported instruction '" + name + "'");
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

void InstDecoder::needOperands(size_t least, size_t most) {
  size_t count = operandCount();
  if (count >= least && count <= most)
    return;
  std::string range =
      least == most ? std::to_string(least)
                    : std::to_string(least) + " to " + std::to_string(most);
  fail("'" + std::string(ast.opcode) + "' expects " + range +
       " operands, but got " + std::to_string(count));
}

const Operand &InstDecoder::operand(size_t index) const {
  if (index >= ast.operands.size())
    fail("missing operand " + std::to_string(index + 1) + " of '" +
         std::string(ast.opcode) + "'");
  return ast.operands[index];
}

bool InstDecoder::isSink(const Operand &operand) const {
  return operand.kind == Operand::Kind::Name && operand.name == "_";
}

bool InstDecoder::isRegister(const Operand &operand, LocalName &out) const {
  if (operand.kind != Operand::Kind::Name || operand.offset != 0)
    return false;
  LocalName storage;
  const LocalName *name = fn.lookup(operand.name, storage);
  if (!name || name->kind != LocalName::Kind::Register)
    return false;
  if (operand.minus)
    fail(operand.location, "'-' is not allowed here");
  out = *name;
  if (operand.member.empty())
    return true;
  // An element of a vector register.
  static constexpr std::string_view names = "xyzw", colors = "rgba";
  size_t element = operand.member.size() == 1
                       ? std::min(names.find(operand.member[0]),
                                  colors.find(operand.member[0]))
                       : std::string_view::npos;
  if (element >= out.vector)
    fail(operand.location, "no such element");
  out.ref +=
      static_cast<Ref>(element) * (out.bytes > 4 ? row64Bytes : row32Bytes);
  out.vector = 1;
  return true;
}

Ref InstDecoder::immediate(const Operand &operand, Type type) {
  uint64_t bits = operand.bits;
  bool floating = ptx::isFloat(type);
  switch (operand.kind) {
  case Operand::Kind::Integer:
    if (floating && (type == Type::F32 || type == Type::F64) && bits != 0)
      fail(operand.location, "expected a floating-point constant");
    break;
  case Operand::Kind::Float32:
    if (type == Type::F64)
      bits = std::bit_cast<uint64_t>(static_cast<double>(
          std::bit_cast<float>(static_cast<uint32_t>(bits))));
    else if (ptx::typeBytes(type) != 4)
      fail(operand.location, "a .f32 constant does not fit the type ." +
                                 std::string(ptx::typeName(type)));
    break;
  case Operand::Kind::Float64:
    if (type == Type::F32 || type == Type::B32)
      bits = std::bit_cast<uint32_t>(
          static_cast<float>(std::bit_cast<double>(bits)));
    else if (ptx::typeBytes(type) != 8)
      fail(operand.location, "a .f64 constant does not fit the type ." +
                                 std::string(ptx::typeName(type)));
    break;
  default:
    fail(operand.location, "expected a constant");
  }
  switch (ptx::typeBytes(type)) {
  case 8:
    return fn.program.constants.ref64(bits);
  case 2:
    return fn.program.constants.ref32(bits & 0xffff);
  default:
    return fn.program.constants.ref32(static_cast<uint32_t>(bits));
  }
}

Ref InstDecoder::source(const Operand &operand, Type type) {
  if (operand.negated)
    fail(operand.location, "'!' needs a predicate");
  if (operand.minus && operand.kind == Operand::Kind::Name)
    fail(operand.location, "'-' is not allowed here");
  if (operand.kind != Operand::Kind::Name)
    return immediate(operand, type);
  LocalName name;
  if (isRegister(operand, name)) {
    if (name.type == Type::Pred || name.vector != 1)
      fail(operand.location,
           "register '" + std::string(operand.name) + "' does not fit here");
    if (name.bytes != ptx::typeBytes(type))
      fail(operand.location, "register '" + std::string(operand.name) +
                                 "' of ." + std::string(typeName(name.type)) +
                                 " does not fit the type ." +
                                 std::string(ptx::typeName(type)));
    return name.ref;
  }
  if (!operand.name.empty() && operand.name[0] == '%')
    return special(operand, type);
  uint32_t bytes = ptx::typeBytes(type);
  if (bytes < 4)
    fail(operand.location, "an address does not fit the type");
  return symbolAddress(operand, bytes == 8);
}

Ref InstDecoder::special(const Operand &operand, Type type) {
  std::optional<SpecialInfo> info = findSpecial(operand.name, operand.member);
  if (!info || info->bytes == 0)
    fail(operand.location,
         "unknown register '" + std::string(operand.name) +
             (operand.member.empty() ? "" : "." + std::string(operand.member)) +
             "'");
  if (ptx::typeBytes(type) < 4)
    fail(operand.location, "special register does not fit the type");
  bool wide = ptx::typeBytes(type) == 8;
  Inst &inst = prelude(runSpecial);
  inst.imm = static_cast<int32_t>(info->id);
  inst.flags = wide ? specialWide : 0;
  inst.d = wide ? fn.newRow64() : fn.newRow32();
  return inst.d;
}

/// The address of a variable or function, in the space it is declared in.
Ref InstDecoder::symbolAddress(const Operand &operand, bool row64) {
  uint64_t offset = static_cast<uint64_t>(operand.offset);
  auto constantRef = [&](uint64_t value) {
    return row64 ? fn.program.constants.ref64(value)
                 : fn.program.constants.ref32(static_cast<uint32_t>(value));
  };
  LocalName storage;
  if (const LocalName *name = fn.lookup(operand.name, storage)) {
    if (name->kind == LocalName::Kind::Shared ||
        name->kind == LocalName::Kind::Param)
      return constantRef(name->offset + offset);
    if (name->kind == LocalName::Kind::Local) {
      Inst &inst = prelude(row64 ? runFrameAddress64 : runFrameAddress32);
      inst.imm = static_cast<int32_t>(name->offset + offset);
      inst.d = row64 ? fn.newRow64() : fn.newRow32();
      return inst.d;
    }
    fail(operand.location,
         "'" + std::string(operand.name) + "' is not a variable");
  }
  if (auto found = fn.module.variables.find(operand.name);
      found != fn.module.variables.end()) {
    const ptx::Variable &variable = *found->second.declaration;
    if (variable.space != Space::Shared)
      return constantRef(found->second.address + offset);
    auto placed = fn.shared.offsets.find(operand.name);
    if (placed != fn.shared.offsets.end())
      return constantRef(placed->second + offset);
    // Dynamic shared memory starts where the launched kernel's static one ends.
    Inst &inst = prelude(row64 ? runDynamicShared64 : runDynamicShared32);
    inst.imm = static_cast<int32_t>(offset);
    inst.target = std::max(variable.alignment(), 16u);
    inst.d = row64 ? fn.newRow64() : fn.newRow32();
    return inst.d;
  }
  if (auto found = fn.module.functions.find(operand.name);
      found != fn.module.functions.end() && offset == 0) {
    if (!found->second->defined)
      fail(operand.location, describeUndefined(operand.name));
    return constantRef(functionWindow + found->second->index);
  }
  fail(operand.location, "unknown name '" + std::string(operand.name) + "'");
}

Ref InstDecoder::result(const Operand &operand, Type type) {
  if (isSink(operand))
    return ptx::typeBytes(type) == 8 ? fn.newRow64() : fn.newRow32();
  LocalName name;
  if (!isRegister(operand, name) || name.type == Type::Pred || name.vector != 1)
    fail(operand.location, "expected a register");
  if (name.bytes != ptx::typeBytes(type))
    fail(operand.location, "register '" + std::string(operand.name) + "' of ." +
                               std::string(typeName(name.type)) +
                               " does not fit the type ." +
                               std::string(ptx::typeName(type)));
  return name.ref;
}

Ref InstDecoder::predicate(const Operand &operand, bool *negated) {
  if (operand.negated && !negated)
    fail(operand.location, "'!' is not allowed here");
  if (negated)
    *negated = operand.negated;
  if (operand.kind == Operand::Kind::Integer && !operand.negated)
    return operand.bits ? truePredicate : falsePredicate;
  LocalName name;
  if (isRegister(operand, name) && name.type == Type::Pred)
    return name.ref;
  if (operand.kind == Operand::Kind::Name)
    if (std::optional<SpecialInfo> info =
            findSpecial(operand.name, operand.member);
        info && info->bytes == 0) {
      Inst &inst = prelude(runSpecialPredicate);
      inst.imm = static_cast<int32_t>(info->id);
      inst.d = fn.newPredicate();
      return inst.d;
    }
  fail(operand.location, "expected a predicate");
}

Ref InstDecoder::predicateResult(const Operand &operand) {
  if (isSink(operand))
    return fn.newPredicate();
  LocalName name;
  if (!isRegister(operand, name) || name.type != Type::Pred)
    fail(operand.location, "expected a predicate register");
  return name.ref;
}

Ref InstDecoder::wideSource(const Operand &operand, Type type, bool &row64) {
  LocalName name;
  if (!isRegister(operand, name)) {
    row64 = ptx::typeBytes(type) == 8;
    return source(operand, type);
  }
  if (name.type == Type::Pred || name.vector != 1 ||
      name.bytes < ptx::typeBytes(type))
    fail(operand.location, "register '" + std::string(operand.name) +
                               "' is too narrow for the type ." +
                               std::string(ptx::typeName(type)));
  row64 = name.bytes > 4;
  return name.ref;
}

Ref InstDecoder::wideResult(const Operand &operand, Type type, bool &row64) {
  if (isSink(operand)) {
    row64 = ptx::typeBytes(type) == 8;
    return row64 ? fn.newRow64() : fn.newRow32();
  }
  LocalName name;
  if (!isRegister(operand, name))
    fail(operand.location, "expected a register");
  return wideSource(operand, type, row64);
}

Ref InstDecoder::anyRow(const Operand &operand, bool &row64) {
  LocalName name;
  if (!isRegister(operand, name)) {
    row64 = true;
    return source(operand, Type::U64);
  }
  if (name.type == Type::Pred || name.vector != 1 || name.bytes < 4 ||
      name.bytes > 8)
    fail(operand.location, "expected a 32-bit or 64-bit register");
  row64 = name.bytes == 8;
  return name.ref;
}

std::optional<int64_t> InstDecoder::constant(const Operand &operand) const {
  if (operand.kind != Operand::Kind::Integer)
    return std::nullopt;
  return static_cast<int64_t>(operand.bits);
}

int64_t InstDecoder::needConstant(const Operand &operand, int64_t least,
                                  int64_t most) {
  std::optional<int64_t> value = constant(operand);
  if (!value || *value < least || *value > most)
    fail(operand.location, "expected a constant from " + std::to_string(least) +
                               " to " + std::to_string(most));
  return *value;
}

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

void InstDecoder::address(Inst &inst, const Operand &operand, Space space) {
  if (operand.kind != Operand::Kind::Address || operand.elements.size() != 1)
    fail(operand.location, "expected an address");
  const Operand &base = operand.elements[0];
  auto setSpace = [&](Space chosen) {
    inst.flags |= static_cast<uint32_t>(chosen) << addressSpaceShift;
  };
  auto setOffset = [&](int64_t offset) {
    if (offset < INT32_MIN || offset > INT32_MAX)
      fail(operand.location, "offset does not fit 32 bits");
    inst.imm = static_cast<int32_t>(offset);
  };
  bool inFunction = !fn.info.isEntry;
  if (base.kind == Operand::Kind::Integer) {
    inst.a = fn.program.constants.ref64(base.bits);
    return setSpace(space);
  }
  if (base.kind != Operand::Kind::Name)
    fail(base.location, "expected a register or a variable");

  Operand plain = base;
  plain.offset = 0;
  LocalName name;
  if (isRegister(plain, name)) {
    if (name.type == Type::Pred || name.vector != 1 || name.bytes < 4 ||
        name.bytes > 8)
      fail(base.location, "an address register has 32 or 64 bits");
    inst.a = name.ref;
    if (name.bytes == 4)
      inst.flags |= address32;
    setOffset(base.offset);
    // A function's parameters are in local memory.
    return setSpace(space == Space::Param && inFunction ? Space::Local : space);
  }
  LocalName storage;
  if (const LocalName *local = fn.lookup(base.name, storage)) {
    setOffset(local->offset + base.offset);
    switch (local->kind) {
    case LocalName::Kind::Local:
      if (space != Space::Local && space != Space::Param)
        fail(base.location, "variable is in another state space");
      inst.flags |= addressInFrame;
      return setSpace(Space::Local);
    case LocalName::Kind::Param:
      if (space != Space::Param)
        fail(base.location, "variable is in another state space");
      return setSpace(Space::Param);
    case LocalName::Kind::Shared:
      if (space != Space::Shared && space != Space::SharedCluster)
        fail(base.location, "variable is in another state space");
      return setSpace(space);
    default:
      fail(base.location, "expected a register or a variable");
    }
  }
  if (auto found = fn.module.variables.find(base.name);
      found != fn.module.variables.end()) {
    Space declared = found->second.declaration->space;
    bool shared = space == Space::Shared || space == Space::SharedCluster;
    if (declared == Space::Shared ? !shared : declared != space)
      fail(base.location, "variable is in another state space");
  }
  inst.a = symbolAddress(base, true);
  setSpace(space);
}

Ref InstDecoder::addressRow(const Operand &operand) {
  const Operand &base =
      operand.kind == Operand::Kind::Address ? operand.elements.at(0) : operand;
  Operand plain = base;
  plain.offset = 0;
  LocalName name;
  if (base.kind == Operand::Kind::Name && isRegister(plain, name)) {
    bool row64 = false;
    Ref row = anyRow(plain, row64);
    if (!row64) {
      ConvertSpec spec;
      spec.to = Type::U64;
      spec.from = Type::U32;
      spec.to64 = true;
      Inst &inst = prelude(selectConvert(spec));
      inst.aux = keep(spec);
      inst.a = row;
      inst.d = row = fn.newRow64();
    }
    if (base.offset) {
      Inst &inst = prelude(selectInt(IntOp::Add, Type::U64));
      inst.a = row;
      inst.b = fn.program.constants.ref64(static_cast<uint64_t>(base.offset));
      inst.d = row = fn.newRow64();
    }
    return row;
  }
  return source(base, Type::U64);
}

Ref InstDecoder::sharedAddressRow(const Operand &operand) {
  Ref wide = addressRow(operand);
  ConvertSpec spec;
  spec.to = Type::U32;
  spec.from = Type::U64;
  spec.from64 = true;
  Inst &inst = prelude(selectConvert(spec));
  inst.aux = keep(spec);
  inst.a = wide;
  inst.d = fn.newRow32();
  return inst.d;
}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

Inst &InstDecoder::emit(Handler handler, Inst inst) {
  if (!handler)
    unsupported();
  inst.run = handler;
  inst.guard = guard;
  inst.location = ast.location;
  fn.code.push_back(inst);
  return fn.code.back();
}

Inst &InstDecoder::prelude(Handler handler) {
  Inst &inst = emit(handler);
  inst.guard = noGuard;
  return inst;
}

} // namespace tilewright::sim
