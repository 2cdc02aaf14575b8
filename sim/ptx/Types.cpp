//===- Types.cpp - PTX fundamental types and state spaces -----------------===//

#include "sim/ptx/Types.h"

namespace tilewright::sim::ptx {

namespace {
struct TypeFacts {
  std::string_view name;
  Type type;
  uint32_t bytes;
  char kind; // u, s, b, f or p
};
} // namespace

static constexpr TypeFacts facts[] = {
    {"u8", Type::U8, 1, 'u'},         {"u16", Type::U16, 2, 'u'},
    {"u32", Type::U32, 4, 'u'},       {"u64", Type::U64, 8, 'u'},
    {"s8", Type::S8, 1, 's'},         {"s16", Type::S16, 2, 's'},
    {"s32", Type::S32, 4, 's'},       {"s64", Type::S64, 8, 's'},
    {"b8", Type::B8, 1, 'b'},         {"b16", Type::B16, 2, 'b'},
    {"b32", Type::B32, 4, 'b'},       {"b64", Type::B64, 8, 'b'},
    {"b128", Type::B128, 16, 'b'},    {"f16", Type::F16, 2, 'f'},
    {"bf16", Type::BF16, 2, 'f'},     {"f32", Type::F32, 4, 'f'},
    {"f64", Type::F64, 8, 'f'},       {"tf32", Type::TF32, 4, 'f'},
    {"f16x2", Type::F16x2, 4, 'f'},   {"bf16x2", Type::BF16x2, 4, 'f'},
    {"u16x2", Type::U16x2, 4, 'u'},   {"s16x2", Type::S16x2, 4, 's'},
    {"e4m3x2", Type::E4M3x2, 2, 'f'}, {"e5m2x2", Type::E5M2x2, 2, 'f'},
    {"e4m3", Type::E4M3, 1, 'f'},     {"e5m2", Type::E5M2, 1, 'f'},
    {"pred", Type::Pred, 0, 'p'},
};

static const TypeFacts *factsOf(Type type) {
  for (const TypeFacts &entry : facts)
    if (entry.type == type)
      return &entry;
  return nullptr;
}

std::optional<Type> typeFromName(std::string_view name) {
  for (const TypeFacts &entry : facts)
    if (entry.name == name)
      return entry.type;
  return std::nullopt;
}

std::string_view typeName(Type type) {
  const TypeFacts *entry = factsOf(type);
  return entry ? entry->name : "none";
}

uint32_t typeBytes(Type type) {
  const TypeFacts *entry = factsOf(type);
  return entry ? entry->bytes : 0;
}

static char kindOf(Type type) {
  const TypeFacts *entry = factsOf(type);
  return entry ? entry->kind : 0;
}

bool isSigned(Type type) { return kindOf(type) == 's'; }
bool isBits(Type type) { return kindOf(type) == 'b'; }
bool isUnsignedOrBits(Type type) {
  return kindOf(type) == 'u' || kindOf(type) == 'b';
}
bool isFloat(Type type) { return kindOf(type) == 'f'; }

Type widened(Type type) {
  switch (type) {
  case Type::U16:
    return Type::U32;
  case Type::S16:
    return Type::S32;
  case Type::U32:
    return Type::U64;
  case Type::S32:
    return Type::S64;
  default:
    return Type::None;
  }
}

std::optional<Space> spaceFromName(std::string_view name) {
  if (name == "global")
    return Space::Global;
  if (name == "const")
    return Space::Const;
  if (name == "shared" || name == "shared::cta")
    return Space::Shared;
  if (name == "shared::cluster")
    return Space::SharedCluster;
  if (name == "local")
    return Space::Local;
  if (name == "param" || name == "param::entry" || name == "param::func")
    return Space::Param;
  if (name == "reg")
    return Space::Reg;
  return std::nullopt;
}

} // namespace tilewright::sim::ptx
