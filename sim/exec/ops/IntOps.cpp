//===- IntOps.cpp - Integer arithmetic, logic and shifts ------------------===//

#include "sim/exec/ops/Targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sim/exec/ops/IntOps.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "sim/exec/ops/LaneLoop.h"
#include "sim/exec/ops/Select.h"

HWY_BEFORE_NAMESPACE();
namespace tilewright::sim {
namespace HWY_NAMESPACE {

using ptx::Type;

template <typename T>
using Unsigned = std::make_unsigned_t<T>;
/// Wide enough that arithmetic on T neither overflows nor promotes to int.
template <typename T>
using Modular = std::conditional_t<(sizeof(T) > 4), uint64_t, uint32_t>;
template <typename T>
using Wide = std::conditional_t<
    sizeof(T) == 2, std::conditional_t<std::is_signed_v<T>, int32_t, uint32_t>,
    std::conditional_t<
        sizeof(T) == 4,
        std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>,
        std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>>>;

//===----------------------------------------------------------------------===//
// One source
//===----------------------------------------------------------------------===//

struct Neg {
  template <typename T>
  HWY_INLINE static T apply(T a) {
    return static_cast<T>(0 - static_cast<Modular<T>>(a));
  }
};
struct Abs {
  template <typename T>
  HWY_INLINE static T apply(T a) {
    return a < 0 ? Neg::apply(a) : a;
  }
};
struct Not {
  template <typename T>
  HWY_INLINE static T apply(T a) {
    return static_cast<T>(~a);
  }
};
struct Cnot {
  template <typename T>
  HWY_INLINE static T apply(T a) {
    return a == 0 ? 1 : 0;
  }
};
struct Popc {
  template <typename T>
  HWY_INLINE static uint32_t apply(T a) {
    return static_cast<uint32_t>(std::popcount(static_cast<Unsigned<T>>(a)));
  }
};
struct Clz {
  template <typename T>
  HWY_INLINE static uint32_t apply(T a) {
    return static_cast<uint32_t>(std::countl_zero(static_cast<Unsigned<T>>(a)));
  }
};
struct Brev {
  template <typename T>
  HWY_INLINE static T apply(T a) {
    uint64_t v = static_cast<Unsigned<T>>(a);
    v = (v >> 1 & 0x5555555555555555) | (v & 0x5555555555555555) << 1;
    v = (v >> 2 & 0x3333333333333333) | (v & 0x3333333333333333) << 2;
    v = (v >> 4 & 0x0f0f0f0f0f0f0f0f) | (v & 0x0f0f0f0f0f0f0f0f) << 4;
    v = __builtin_bswap64(v);
    return static_cast<T>(v >> (64 - 8 * sizeof(T)));
  }
};
/// Position of the most significant bit that differs from the sign.
struct Bfind {
  template <typename T>
  HWY_INLINE static uint32_t apply(T a) {
    Unsigned<T> v = static_cast<Unsigned<T>>(a < 0 ? ~a : a);
    return v ? static_cast<uint32_t>(8 * sizeof(T) - 1 - std::countl_zero(v))
             : 0xffffffffu;
  }
};
struct BfindShift {
  template <typename T>
  HWY_INLINE static uint32_t apply(T a) {
    uint32_t bit = Bfind::apply(a);
    return bit == 0xffffffffu ? bit
                              : static_cast<uint32_t>(8 * sizeof(T) - 1) - bit;
  }
};

//===----------------------------------------------------------------------===//
// Two sources
//===----------------------------------------------------------------------===//

struct Add {
  template <typename T>
  HWY_INLINE static T apply(T a, T b) {
    return static_cast<T>(static_cast<Modular<T>>(a) +
                          static_cast<Modular<T>>(b));
  }
};
struct Sub {
  template <typename T>
  HWY_INLINE static T apply(T a, T b) {
    return static_cast<T>(static_cast<Modular<T>>(a) -
                          static_cast<Modular<T>>(b));
  }
};
HWY_INLINE int32_t clampToInt32(int64_t value) {
  return static_cast<int32_t>(value > INT32_MAX   ? INT32_MAX
                              : value < INT32_MIN ? INT32_MIN
                                                  : value);
}
HWY_INLINE int32_t addSat(int32_t a, int32_t b) {
  return clampToInt32(int64_t(a) + b);
}
HWY_INLINE int32_t subSat(int32_t a, int32_t b) {
  return clampToInt32(int64_t(a) - b);
}
struct MulLo {
  template <typename T>
  HWY_INLINE static T apply(T a, T b) {
    return static_cast<T>(static_cast<Modular<T>>(a) *
                          static_cast<Modular<T>>(b));
  }
};
struct MulHi {
  template <typename T>
  HWY_INLINE static T apply(T a, T b) {
    return static_cast<T>((static_cast<Wide<T>>(a) * b) >> (8 * sizeof(T)));
  }
};
struct MulWide {
  template <typename T>
  HWY_INLINE static Wide<T> apply(T a, T b) {
    return static_cast<Wide<T>>(a) * static_cast<Wide<T>>(b);
  }
};
// Division by zero is unspecified; all ones is what machines give.
struct Div {
  template <typename T>
  HWY_INLINE static T apply(T a, T b) {
    if (b == 0)
      return static_cast<T>(-1);
    if (std::is_signed_v<T> && b == static_cast<T>(-1))
      return Neg::apply(a);
    return static_cast<T>(a / b);
  }
};
struct Rem {
  template <typename T>
  HWY_INLINE static T apply(T a, T b) {
    if (b == 0)
      return a;
    if (std::is_signed_v<T> && b == static_cast<T>(-1))
      return 0;
    return static_cast<T>(a % b);
  }
};
struct Min {
  template <typename T>
  HWY_INLINE static T apply(T a, T b) {
    return a < b ? a : b;
  }
};
struct Max {
  template <typename T>
  HWY_INLINE static T apply(T a, T b) {
    return a > b ? a : b;
  }
};
struct MinRelu {
  template <typename T>
  HWY_INLINE static T apply(T a, T b) {
    return Max::apply<T>(Min::apply<T>(a, b), 0);
  }
};
struct MaxRelu {
  template <typename T>
  HWY_INLINE static T apply(T a, T b) {
    return Max::apply<T>(Max::apply<T>(a, b), 0);
  }
};
struct And {
  template <typename T>
  HWY_INLINE static T apply(T a, T b) {
    return static_cast<T>(a & b);
  }
};
struct Or {
  template <typename T>
  HWY_INLINE static T apply(T a, T b) {
    return static_cast<T>(a | b);
  }
};
struct Xor {
  template <typename T>
  HWY_INLINE static T apply(T a, T b) {
    return static_cast<T>(a ^ b);
  }
};
// Amounts past the width clamp to it (ISA 9.7.8.8, 9.7.8.9).
struct Shl {
  template <typename T>
  HWY_INLINE static T apply(T a, uint32_t b) {
    constexpr uint32_t bits = 8 * sizeof(T);
    return b < bits ? static_cast<T>(static_cast<Modular<T>>(a) << (b % bits))
                    : T(0);
  }
};
struct Shr {
  template <typename T>
  HWY_INLINE static T apply(T a, uint32_t b) {
    constexpr uint32_t bits = 8 * sizeof(T);
    if constexpr (std::is_signed_v<T>)
      return static_cast<T>(a >> (b < bits ? b : bits - 1));
    else
      return b < bits ? static_cast<T>(a >> (b % bits)) : T(0);
  }
};
template <typename T>
HWY_INLINE int64_t low24(T a) {
  return std::is_signed_v<T>
             ? int64_t(static_cast<int32_t>(uint32_t(a) << 8) >> 8)
             : int64_t(uint32_t(a) & 0xffffff);
}
struct Mul24Lo {
  template <typename T>
  HWY_INLINE static T apply(T a, T b) {
    return static_cast<T>(low24(a) * low24(b));
  }
};
/// Bits 47..16 of the 48-bit product.
struct Mul24Hi {
  template <typename T>
  HWY_INLINE static T apply(T a, T b) {
    return static_cast<T>((low24(a) * low24(b)) >> 16);
  }
};
HWY_INLINE uint32_t bitMask(uint32_t position, uint32_t width) {
  uint64_t ones = width >= 32 ? 0xffffffffu : (uint64_t(1) << width) - 1;
  return position >= 32 ? 0 : static_cast<uint32_t>(ones << position);
}
HWY_INLINE uint32_t bmskClamp(uint32_t a, uint32_t b) { return bitMask(a, b); }
HWY_INLINE uint32_t bmskWrap(uint32_t a, uint32_t b) {
  return bitMask(a & 31, b & 31);
}
template <typename T>
HWY_INLINE T extendFrom(T a, uint32_t bits) {
  if (bits == 0)
    return 0;
  if (bits >= 32)
    return a;
  return static_cast<T>(static_cast<T>(uint32_t(a) << (32 - bits)) >>
                        (32 - bits));
}
struct SzextClamp {
  template <typename T>
  HWY_INLINE static T apply(T a, uint32_t b) {
    return extendFrom(a, b);
  }
};
struct SzextWrap {
  template <typename T>
  HWY_INLINE static T apply(T a, uint32_t b) {
    return extendFrom(a, b & 31);
  }
};

//===----------------------------------------------------------------------===//
// Three and four sources
//===----------------------------------------------------------------------===//

struct MadLo {
  template <typename T>
  HWY_INLINE static T apply(T a, T b, T c) {
    return Add::apply(MulLo::apply(a, b), c);
  }
};
struct MadHi {
  template <typename T>
  HWY_INLINE static T apply(T a, T b, T c) {
    return Add::apply(MulHi::apply(a, b), c);
  }
};
struct MadWide {
  template <typename T>
  HWY_INLINE static Wide<T> apply(T a, T b, Wide<T> c) {
    return Add::apply(MulWide::apply(a, b), c);
  }
};
HWY_INLINE int32_t madHiSat(int32_t a, int32_t b, int32_t c) {
  return clampToInt32(int64_t(MulHi::apply(a, b)) + c);
}
struct Mad24Lo {
  template <typename T>
  HWY_INLINE static T apply(T a, T b, T c) {
    return Add::apply(Mul24Lo::apply(a, b), c);
  }
};
struct Mad24Hi {
  template <typename T>
  HWY_INLINE static T apply(T a, T b, T c) {
    return Add::apply(Mul24Hi::apply(a, b), c);
  }
};
HWY_INLINE int32_t mad24HiSat(int32_t a, int32_t b, int32_t c) {
  return clampToInt32(int64_t(Mul24Hi::apply(a, b)) + c);
}
struct Sad {
  template <typename T>
  HWY_INLINE static T apply(T a, T b, T c) {
    Modular<T> difference =
        a < b ? Modular<T>(b) - Modular<T>(a) : Modular<T>(a) - Modular<T>(b);
    return static_cast<T>(Modular<T>(c) + difference);
  }
};
/// ISA 9.7.1.19: past the field's end the sign (or zero) is repeated.
struct Bfe {
  template <typename T>
  HWY_INLINE static T apply(T a, uint32_t b, uint32_t c) {
    constexpr uint32_t msb = 8 * sizeof(T) - 1;
    uint32_t position = b & 0xff, length = c & 0xff;
    if (length == 0)
      return 0;
    uint32_t last = position + length - 1;
    uint32_t signAt = last < msb ? last : msb;
    bool negative =
        std::is_signed_v<T> && (static_cast<Unsigned<T>>(a) >> signAt & 1);
    Unsigned<T> field =
        position > msb ? 0 : static_cast<Unsigned<T>>(a) >> position;
    uint32_t held = position > msb ? 0 : signAt - position + 1;
    if (held > msb)
      return static_cast<T>(field);
    Unsigned<T> low = (Unsigned<T>(1) << held) - 1;
    return static_cast<T>((field & low) | (negative ? ~low : 0));
  }
};
struct Bfi {
  template <typename T>
  HWY_INLINE static T apply(T a, T b, uint32_t c, uint32_t e) {
    constexpr uint32_t bits = 8 * sizeof(T);
    uint32_t position = c & 0xff, length = e & 0xff;
    if (position >= bits || length == 0)
      return b;
    T ones = length >= bits ? ~T(0) : static_cast<T>((T(1) << length) - 1);
    T field = static_cast<T>(ones << position);
    return static_cast<T>((b & ~field) |
                          (static_cast<T>(a << position) & field));
  }
};
// shf: a holds the low word, b the high one.
HWY_INLINE uint64_t joined(uint32_t a, uint32_t b) {
  return uint64_t(b) << 32 | a;
}
HWY_INLINE uint32_t shfLeftClamp(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t n = c < 32 ? c : 32;
  return static_cast<uint32_t>((joined(a, b) << n) >> 32);
}
HWY_INLINE uint32_t shfLeftWrap(uint32_t a, uint32_t b, uint32_t c) {
  return static_cast<uint32_t>((joined(a, b) << (c & 31)) >> 32);
}
HWY_INLINE uint32_t shfRightClamp(uint32_t a, uint32_t b, uint32_t c) {
  return static_cast<uint32_t>(joined(a, b) >> (c < 32 ? c : 32));
}
HWY_INLINE uint32_t shfRightWrap(uint32_t a, uint32_t b, uint32_t c) {
  return static_cast<uint32_t>(joined(a, b) >> (c & 31));
}
/// The n-th set bit of a, counted from bit `base` up (n > 0) or down (n < 0).
HWY_INLINE uint32_t fns(uint32_t a, uint32_t base, int32_t n) {
  if (n == 0)
    return base < 32 && (a >> base & 1) ? base : 0xffffffffu;
  int32_t step = n > 0 ? 1 : -1;
  uint32_t left =
      n > 0 ? static_cast<uint32_t>(n) : 0u - static_cast<uint32_t>(n);
  for (int32_t bit = static_cast<int32_t>(base & 31); bit >= 0 && bit < 32;
       bit += step)
    if ((a >> bit & 1) && --left == 0)
      return static_cast<uint32_t>(bit);
  return 0xffffffffu;
}
struct Lop3 {
  template <typename T>
  HWY_INLINE static T apply(T a, T b, T c, int32_t table) {
    auto pick = [=](int bit) HWY_ATTR { return T(0) - T(table >> bit & 1); };
    return (~a & ~b & ~c & pick(0)) | (~a & ~b & c & pick(1)) |
           (~a & b & ~c & pick(2)) | (~a & b & c & pick(3)) |
           (a & ~b & ~c & pick(4)) | (a & ~b & c & pick(5)) |
           (a & b & ~c & pick(6)) | (a & b & c & pick(7));
  }
};

/// Selectors of the prmt modes, in nibbles; mode 0 takes c itself.
HWY_INLINE uint32_t prmtSelector(uint32_t c, int32_t mode) {
  uint32_t n = c & 3;
  switch (mode) {
  case 1: // f4e
    return n | (n + 1) << 4 | (n + 2) << 8 | (n + 3) << 12;
  case 2: // b4e
    return n | ((n + 7) & 7) << 4 | ((n + 6) & 7) << 8 | ((n + 5) & 7) << 12;
  case 3: // rc8
    return n * 0x1111;
  case 4: { // ecl
    uint32_t s = 0;
    for (uint32_t i = 0; i < 4; ++i)
      s |= (i > n ? i : n) << (4 * i);
    return s;
  }
  case 5: { // ecr
    uint32_t s = 0;
    for (uint32_t i = 0; i < 4; ++i)
      s |= (i < n ? i : n) << (4 * i);
    return s;
  }
  case 6: // rc16
    return n & 1 ? 0x3232 : 0x1010;
  default:
    return c;
  }
}
HWY_INLINE uint32_t prmt(uint32_t a, uint32_t b, uint32_t c, int32_t mode) {
  uint64_t bytes = joined(a, b);
  uint32_t selector = prmtSelector(c, mode);
  uint32_t result = 0;
  for (int i = 0; i < 4; ++i) {
    uint32_t s = selector >> (4 * i) & 0xf;
    uint32_t byte = static_cast<uint32_t>(bytes >> (8 * (s & 7))) & 0xff;
    // In the default mode a nibble's top bit replicates the byte's sign.
    if (mode == 0 && (s & 8))
      byte = byte & 0x80 ? 0xff : 0;
    result |= byte << (8 * i);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Packed 16-bit halves
//===----------------------------------------------------------------------===//

template <typename Op, typename T>
HWY_INLINE uint32_t packed(uint32_t a, uint32_t b) {
  uint16_t low = static_cast<uint16_t>(
      Op::template apply<T>(static_cast<T>(a), static_cast<T>(b)));
  uint16_t high = static_cast<uint16_t>(
      Op::template apply<T>(static_cast<T>(a >> 16), static_cast<T>(b >> 16)));
  return uint32_t(high) << 16 | low;
}

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

template <typename Op>
static Handler forIntegers(Type type) {
  switch (type) {
  case Type::U16:
  case Type::B16:
    return map<&Op::template apply<uint16_t>>;
  case Type::U32:
  case Type::B32:
    return map<&Op::template apply<uint32_t>>;
  case Type::U64:
  case Type::B64:
    return map<&Op::template apply<uint64_t>>;
  case Type::S16:
    return map<&Op::template apply<int16_t>>;
  case Type::S32:
    return map<&Op::template apply<int32_t>>;
  case Type::S64:
    return map<&Op::template apply<int64_t>>;
  default:
    return nullptr;
  }
}

/// The sign does not matter.
template <typename Op>
static Handler forWidths(Type type) {
  switch (ptx::typeBytes(type)) {
  case 2:
    return map<&Op::template apply<uint16_t>>;
  case 4:
    return map<&Op::template apply<uint32_t>>;
  case 8:
    return map<&Op::template apply<uint64_t>>;
  default:
    return nullptr;
  }
}

/// 32 and 64 bits, with sign.
template <typename Op>
static Handler forWords(Type type) {
  if (ptx::typeBytes(type) == 2)
    return nullptr;
  return forIntegers<Op>(type);
}

/// Products exist up to 32 bits in, 64 bits out.
template <typename Op>
static Handler forWide(Type type) {
  switch (type) {
  case Type::U16:
    return map<&Op::template apply<uint16_t>>;
  case Type::U32:
    return map<&Op::template apply<uint32_t>>;
  case Type::S16:
    return map<&Op::template apply<int16_t>>;
  case Type::S32:
    return map<&Op::template apply<int32_t>>;
  default:
    return nullptr;
  }
}

template <typename Op>
static Handler forSigned(Type type) {
  return ptx::isSigned(type) ? forIntegers<Op>(type) : nullptr;
}

template <typename Op>
static Handler for32(Type type) {
  if (type == Type::U32)
    return map<&Op::template apply<uint32_t>>;
  if (type == Type::S32)
    return map<&Op::template apply<int32_t>>;
  return nullptr;
}

template <typename Op>
static Handler forPacked(Type type) {
  return type == Type::S16x2 ? map<&packed<Op, int16_t>>
                             : map<&packed<Op, uint16_t>>;
}

static Handler selectPacked(IntOp op, Type type) {
  switch (op) {
  case IntOp::Add:
    return forPacked<Add>(type);
  case IntOp::Min:
    return forPacked<Min>(type);
  case IntOp::Max:
    return forPacked<Max>(type);
  case IntOp::MinRelu:
    return type == Type::S16x2 ? forPacked<MinRelu>(type) : nullptr;
  case IntOp::MaxRelu:
    return type == Type::S16x2 ? forPacked<MaxRelu>(type) : nullptr;
  default:
    return nullptr;
  }
}

static Handler selectOneSource(IntOp op, Type type) {
  switch (op) {
  case IntOp::Neg:
    return forWidths<Neg>(type);
  case IntOp::Abs:
    return forSigned<Abs>(type);
  case IntOp::Not:
    return forWidths<Not>(type);
  case IntOp::Cnot:
    return forWidths<Cnot>(type);
  case IntOp::Popc:
    return forWidths<Popc>(type);
  case IntOp::Clz:
    return forWidths<Clz>(type);
  case IntOp::Brev:
    return forWidths<Brev>(type);
  case IntOp::Bfind:
    return forWords<Bfind>(type);
  case IntOp::BfindShift:
    return forWords<BfindShift>(type);
  default:
    return nullptr;
  }
}

static Handler selectTwoSources(IntOp op, Type type) {
  bool is32 = type == Type::S32;
  switch (op) {
  case IntOp::Add:
    return forWidths<Add>(type);
  case IntOp::Sub:
    return forWidths<Sub>(type);
  case IntOp::AddSat:
    return is32 ? map<&addSat> : nullptr;
  case IntOp::SubSat:
    return is32 ? map<&subSat> : nullptr;
  case IntOp::MulLo:
    return forWidths<MulLo>(type);
  case IntOp::MulHi:
    return forIntegers<MulHi>(type);
  case IntOp::MulWide:
    return forWide<MulWide>(type);
  case IntOp::Div:
    return forIntegers<Div>(type);
  case IntOp::Rem:
    return forIntegers<Rem>(type);
  case IntOp::Min:
    return forIntegers<Min>(type);
  case IntOp::Max:
    return forIntegers<Max>(type);
  case IntOp::MinRelu:
    return is32 ? map<&MinRelu::apply<int32_t>> : nullptr;
  case IntOp::MaxRelu:
    return is32 ? map<&MaxRelu::apply<int32_t>> : nullptr;
  case IntOp::And:
    return forWidths<And>(type);
  case IntOp::Or:
    return forWidths<Or>(type);
  case IntOp::Xor:
    return forWidths<Xor>(type);
  case IntOp::Shl:
    return forWidths<Shl>(type);
  case IntOp::Shr:
    return forIntegers<Shr>(type);
  case IntOp::Mul24Lo:
    return for32<Mul24Lo>(type);
  case IntOp::Mul24Hi:
    return for32<Mul24Hi>(type);
  case IntOp::BmskClamp:
    return map<&bmskClamp>;
  case IntOp::BmskWrap:
    return map<&bmskWrap>;
  case IntOp::SzextClamp:
    return for32<SzextClamp>(type);
  case IntOp::SzextWrap:
    return for32<SzextWrap>(type);
  default:
    return nullptr;
  }
}

static Handler selectManySources(IntOp op, Type type) {
  bool is64 = ptx::typeBytes(type) == 8;
  switch (op) {
  case IntOp::MadLo:
    return forWidths<MadLo>(type);
  case IntOp::MadHi:
    return forIntegers<MadHi>(type);
  case IntOp::MadHiSat:
    return type == Type::S32 ? map<&madHiSat> : nullptr;
  case IntOp::MadWide:
    return forWide<MadWide>(type);
  case IntOp::Mad24Lo:
    return for32<Mad24Lo>(type);
  case IntOp::Mad24Hi:
    return for32<Mad24Hi>(type);
  case IntOp::Mad24HiSat:
    return type == Type::S32 ? map<&mad24HiSat> : nullptr;
  case IntOp::Sad:
    return forIntegers<Sad>(type);
  case IntOp::Bfe:
    return forWords<Bfe>(type);
  case IntOp::Bfi:
    return is64 ? map<&Bfi::apply<uint64_t>> : map<&Bfi::apply<uint32_t>>;
  case IntOp::ShfLeftClamp:
    return map<&shfLeftClamp>;
  case IntOp::ShfLeftWrap:
    return map<&shfLeftWrap>;
  case IntOp::ShfRightClamp:
    return map<&shfRightClamp>;
  case IntOp::ShfRightWrap:
    return map<&shfRightWrap>;
  case IntOp::Fns:
    return map<&fns>;
  case IntOp::Lop3:
    return mapImm<&Lop3::apply<uint32_t>>;
  case IntOp::Prmt:
    return mapImm<&prmt>;
  default:
    return nullptr;
  }
}

Handler selectInt(IntOp op, Type type) {
  if (type == Type::U16x2 || type == Type::S16x2)
    return selectPacked(op, type);
  if (Handler handler = selectOneSource(op, type))
    return handler;
  if (Handler handler = selectTwoSources(op, type))
    return handler;
  return selectManySources(op, type);
}

template <typename T>
HWY_INLINE T identity(T a) {
  return a;
}

Handler selectMove(uint32_t bytes) {
  return bytes == 8 ? map<&identity<uint64_t>> : map<&identity<uint32_t>>;
}

} // namespace HWY_NAMESPACE
} // namespace tilewright::sim
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tilewright::sim {
HWY_EXPORT(selectInt);
HWY_EXPORT(selectMove);

Handler selectInt(IntOp op, ptx::Type type) {
  return HWY_DYNAMIC_DISPATCH(selectInt)(op, type);
}
Handler selectMove(uint32_t bytes) {
  return HWY_DYNAMIC_DISPATCH(selectMove)(bytes);
}
} // namespace tilewright::sim
#endif
