//===- Types.h - PTX fundamental types and state spaces ---------*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_PTX_TYPES_H
#define TILEWRIGHT_SIM_PTX_TYPES_H

#include <cstdint>
#include <optional>
#include <string_view>

namespace tilewright::sim::ptx {

/// The types that instructions and declarations name (ISA 5.2), those that
/// only exist packed or as `cvt` formats included.
enum class Type : uint8_t {
  None,
  U8,
  U16,
  U32,
  U64,
  S8,
  S16,
  S32,
  S64,
  B8,
  B16,
  B32,
  B64,
  B128,
  F16,
  BF16,
  F32,
  F64,
  TF32,
  F16x2,
  BF16x2,
  U16x2,
  S16x2,
  E4M3x2,
  E5M2x2,
  E4M3,
  E5M2,
  Pred,
};

enum class Space : uint8_t {
  None, ///< generic
  Reg,
  Global,
  Const,
  Shared,        ///< shared::cta, also what plain .shared means
  SharedCluster, ///< shared::cluster
  Local,
  Param,
};

/// Without the dot; empty for a word that is not a type.
std::optional<Type> typeFromName(std::string_view name);
std::string_view typeName(Type type);
/// 0 for Pred and None.
uint32_t typeBytes(Type type);
bool isSigned(Type type);
bool isUnsignedOrBits(Type type);
bool isBits(Type type);
/// Any floating-point format, packed ones included.
bool isFloat(Type type);
/// The integer type of twice the width, for products; None without one.
Type widened(Type type);

/// "global", "shared::cta", ...
std::optional<Space> spaceFromName(std::string_view name);

} // namespace tilewright::sim::ptx

#endif // TILEWRIGHT_SIM_PTX_TYPES_H
