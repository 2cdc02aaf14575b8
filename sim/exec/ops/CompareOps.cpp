//===- CompareOps.cpp - setp, set, selp and slct --------------------------===//

#include "sim/exec/ops/Targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sim/exec/ops/CompareOps.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "sim/exec/ops/FloatMath.h"
#include "sim/exec/ops/LaneLoop.h"
#include "sim/exec/ops/Select.h"

HWY_BEFORE_NAMESPACE();
namespace tilewright::sim {
namespace HWY_NAMESPACE {

using ptx::Type;

/// imm of setp and set: the Boolean operation and whether c is negated.
static constexpr int32_t boolMask = 3;
static constexpr int32_t negateBit = 4;

template <typename T>
HWY_INLINE T valueOf(T a) {
  return a;
}
HWY_INLINE float valueOf(F16 a) { return f16ToFloat(a.bits); }
HWY_INLINE float valueOf(BF16 a) { return f32FromBf16(a.bits); }

template <CompareOp Op, typename T>
HWY_INLINE bool compare(T a, T b) {
  bool unordered = a != a || b != b;
  switch (Op) {
  case CompareOp::Eq:
    return a == b;
  case CompareOp::Ne:
    return !unordered && a != b;
  case CompareOp::Lt:
    return a < b;
  case CompareOp::Le:
    return a <= b;
  case CompareOp::Gt:
    return a > b;
  case CompareOp::Ge:
    return a >= b;
  case CompareOp::Equ:
    return unordered || a == b;
  case CompareOp::Neu:
    return a != b;
  case CompareOp::Ltu:
    return !(a >= b);
  case CompareOp::Leu:
    return !(a > b);
  case CompareOp::Gtu:
    return !(a <= b);
  case CompareOp::Geu:
    return !(a < b);
  case CompareOp::Num:
    return !unordered;
  case CompareOp::Nan:
    return unordered;
  }
  return false;
}

template <CompareOp Op, typename T, bool Ftz>
HWY_INLINE uint32_t compareLanes(const Inst &inst, const Warp &warp) {
  const Row<T> *a = rowOf<T>(warp, inst.a);
  const Row<T> *b = rowOf<T>(warp, inst.b);
  return testLanes([=](int l) HWY_ATTR {
    T x = fromRow<T>(a[l]), y = fromRow<T>(b[l]);
    if constexpr (Ftz)
      return compare<Op>(valueOf(flush(x)), valueOf(flush(y)));
    else
      return compare<Op>(valueOf(x), valueOf(y));
  });
}

HWY_INLINE uint32_t combine(const Inst &inst, const Warp &warp, uint32_t test) {
  BoolOp op = static_cast<BoolOp>(inst.imm & boolMask);
  if (op == BoolOp::None)
    return test;
  uint32_t c = warp.predicates[inst.c];
  if (inst.imm & negateBit)
    c = ~c;
  return op == BoolOp::And ? test & c : op == BoolOp::Or ? test | c : test ^ c;
}

template <CompareOp Op, typename T, bool Ftz>
static Status setp(const Inst &inst, Warp &warp) {
  uint32_t test = compareLanes<Op, T, Ftz>(inst, warp);
  // The second result first: d may be c.
  uint32_t first = combine(inst, warp, test);
  if (inst.e != noRef)
    writePredicate(warp, inst.e, combine(inst, warp, ~test));
  if (inst.d != noRef)
    writePredicate(warp, inst.d, first);
  return Status::Next;
}

/// set writes all ones, or 1.0 for a float result; that value is in e.
template <CompareOp Op, typename T, bool Ftz>
static Status set(const Inst &inst, Warp &warp) {
  uint32_t test = combine(inst, warp, compareLanes<Op, T, Ftz>(inst, warp));
  uint32_t whenTrue = inst.e;
  writeLanes<uint32_t>(warp, rowOf<uint32_t>(warp, inst.d),
                       [=](int l)
                           HWY_ATTR { return test >> l & 1 ? whenTrue : 0u; });
  return Status::Next;
}

/// Low halves to d, high halves to e.
template <CompareOp Op, typename T, bool Ftz>
static Status setpPacked(const Inst &inst, Warp &warp) {
  const uint32_t *a = rowOf<uint32_t>(warp, inst.a);
  const uint32_t *b = rowOf<uint32_t>(warp, inst.b);
  auto half = [=](int l, int shift) HWY_ATTR {
    T x{static_cast<uint16_t>(a[l] >> shift)};
    T y{static_cast<uint16_t>(b[l] >> shift)};
    if (Ftz) {
      x = flush(x);
      y = flush(y);
    }
    return compare<Op>(valueOf(x), valueOf(y));
  };
  uint32_t low = testLanes([=](int l) HWY_ATTR { return half(l, 0); });
  uint32_t high = testLanes([=](int l) HWY_ATTR { return half(l, 16); });
  low = combine(inst, warp, low);
  high = combine(inst, warp, high);
  if (inst.d != noRef)
    writePredicate(warp, inst.d, low);
  if (inst.e != noRef)
    writePredicate(warp, inst.e, high);
  return Status::Next;
}

//===----------------------------------------------------------------------===//
// Selection by operation, then by type
//===----------------------------------------------------------------------===//

template <CompareOp Op>
struct Setp {
  template <typename T, bool Ftz>
  static Handler get() {
    return setp<Op, T, Ftz>;
  }
};
template <CompareOp Op>
struct Set {
  template <typename T, bool Ftz>
  static Handler get() {
    return set<Op, T, Ftz>;
  }
};
template <CompareOp Op>
struct SetpPacked {
  template <typename T, bool Ftz>
  static Handler get() {
    return setpPacked<Op, T, Ftz>;
  }
};

template <typename Get>
static Handler integers(Type type) {
  switch (type) {
  case Type::U16:
  case Type::B16:
    return Get::template get<uint16_t, false>();
  case Type::S16:
    return Get::template get<int16_t, false>();
  case Type::U32:
  case Type::B32:
    return Get::template get<uint32_t, false>();
  case Type::S32:
    return Get::template get<int32_t, false>();
  case Type::U64:
  case Type::B64:
    return Get::template get<uint64_t, false>();
  case Type::S64:
    return Get::template get<int64_t, false>();
  default:
    return nullptr;
  }
}

template <typename Get>
static Handler floats(Type type, bool ftz) {
  switch (type) {
  case Type::F32:
    return ftz ? Get::template get<float, true>()
               : Get::template get<float, false>();
  case Type::F64:
    return Get::template get<double, false>();
  case Type::F16:
    return ftz ? Get::template get<F16, true>()
               : Get::template get<F16, false>();
  case Type::BF16:
    return Get::template get<BF16, false>();
  default:
    return nullptr;
  }
}

template <typename Get>
static Handler halves(Type type, bool ftz) {
  if (type == Type::F16x2)
    return ftz ? Get::template get<F16, true>()
               : Get::template get<F16, false>();
  return type == Type::BF16x2 ? Get::template get<BF16, false>() : nullptr;
}

template <template <CompareOp> class Get, CompareOp Op>
static Handler byType(Type type, bool ftz, bool packed) {
  if (packed)
    return nullptr;
  if (ptx::isFloat(type))
    return floats<Get<Op>>(type, ftz);
  if constexpr (Op <= CompareOp::Ge)
    return integers<Get<Op>>(type);
  return nullptr;
}

template <template <CompareOp> class Get, bool Packed>
static Handler byOp(CompareOp op, Type type, bool ftz) {
#define TILEWRIGHT_CASE(NAME)                                                  \
  case CompareOp::NAME:                                                        \
    if constexpr (Packed)                                                      \
      return halves<Get<CompareOp::NAME>>(type, ftz);                          \
    else                                                                       \
      return byType<Get, CompareOp::NAME>(type, ftz, false);
  switch (op) {
    TILEWRIGHT_CASE(Eq)
    TILEWRIGHT_CASE(Ne)
    TILEWRIGHT_CASE(Lt)
    TILEWRIGHT_CASE(Le)
    TILEWRIGHT_CASE(Gt)
    TILEWRIGHT_CASE(Ge)
    TILEWRIGHT_CASE(Equ)
    TILEWRIGHT_CASE(Neu)
    TILEWRIGHT_CASE(Ltu)
    TILEWRIGHT_CASE(Leu)
    TILEWRIGHT_CASE(Gtu)
    TILEWRIGHT_CASE(Geu)
    TILEWRIGHT_CASE(Num)
    TILEWRIGHT_CASE(Nan)
  }
#undef TILEWRIGHT_CASE
  return nullptr;
}

Handler selectSetpHere(CompareOp op, Type type, bool ftz) {
  return byOp<Setp, false>(op, type, ftz);
}
Handler selectSetHere(CompareOp op, Type type, bool ftz) {
  return byOp<Set, false>(op, type, ftz);
}
Handler selectPackedHere(CompareOp op, Type type, bool ftz) {
  return byOp<SetpPacked, true>(op, type, ftz);
}

//===----------------------------------------------------------------------===//
// selp and slct
//===----------------------------------------------------------------------===//

template <typename T>
static Status selp(const Inst &inst, Warp &warp) {
  const T *a = rowOf<T>(warp, inst.a);
  const T *b = rowOf<T>(warp, inst.b);
  uint32_t c = warp.predicates[inst.c];
  if (inst.imm)
    c = ~c;
  writeLanes<T>(warp, rowOf<T>(warp, inst.d), [=](int l) HWY_ATTR {
    T x = a[l], y = b[l];
    return c >> l & 1 ? x : y;
  });
  return Status::Next;
}

template <typename T>
HWY_INLINE T slctInt(T a, T b, int32_t c) {
  return c >= 0 ? a : b;
}
template <typename T>
HWY_INLINE T slctFloat(T a, T b, float c) {
  return c >= 0.0f ? a : b;
}
template <typename T>
HWY_INLINE T slctFlushed(T a, T b, float c) {
  return flush(c) >= 0.0f ? a : b;
}

Handler selectSelpHere(uint32_t bytes) {
  return bytes == 8 ? selp<uint64_t> : selp<uint32_t>;
}
template <typename T>
static Handler slctOf(SlctCondition condition) {
  switch (condition) {
  case SlctCondition::Integer:
    return map<&slctInt<T>>;
  case SlctCondition::Float:
    return map<&slctFloat<T>>;
  default:
    return map<&slctFlushed<T>>;
  }
}

Handler selectSlctHere(uint32_t bytes, SlctCondition condition) {
  return bytes == 8 ? slctOf<uint64_t>(condition) : slctOf<uint32_t>(condition);
}

} // namespace HWY_NAMESPACE
} // namespace tilewright::sim
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tilewright::sim {
HWY_EXPORT(selectSetpHere);
HWY_EXPORT(selectSetHere);
HWY_EXPORT(selectPackedHere);
HWY_EXPORT(selectSelpHere);
HWY_EXPORT(selectSlctHere);

Handler selectSetp(CompareOp op, ptx::Type type, bool ftz) {
  return HWY_DYNAMIC_DISPATCH(selectSetpHere)(op, type, ftz);
}
Handler selectSet(CompareOp op, ptx::Type type, bool ftz) {
  return HWY_DYNAMIC_DISPATCH(selectSetHere)(op, type, ftz);
}
Handler selectSetpPacked(CompareOp op, ptx::Type type, bool ftz) {
  return HWY_DYNAMIC_DISPATCH(selectPackedHere)(op, type, ftz);
}
Handler selectSelp(uint32_t bytes) {
  return HWY_DYNAMIC_DISPATCH(selectSelpHere)(bytes);
}
Handler selectSlct(uint32_t bytes, SlctCondition condition) {
  return HWY_DYNAMIC_DISPATCH(selectSlctHere)(bytes, condition);
}
int32_t packBool(BoolOp op, bool negateC) {
  return static_cast<int32_t>(op) | (negateC ? 4 : 0);
}
} // namespace tilewright::sim
#endif
