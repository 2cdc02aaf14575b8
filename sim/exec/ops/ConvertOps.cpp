//===- ConvertOps.cpp - cvt -----------------------------------------------===//

#include "sim/exec/ops/Targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sim/exec/ops/ConvertOps.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "sim/exec/ops/FloatMath.h"
#include "sim/exec/ops/LaneLoop.h"
#include "sim/exec/ops/Select.h"

HWY_BEFORE_NAMESPACE();
namespace tilewright::sim {
namespace HWY_NAMESPACE {

using ptx::Type;

//===----------------------------------------------------------------------===//
// Integer to integer: cut to the narrower type, then extend
//===----------------------------------------------------------------------===//

template <typename RowFrom, typename RowTo, bool SignFrom, bool SignTo>
static Status resize(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const ConvertSpec *>(inst.aux);
  const RowFrom *a = rowOf<RowFrom>(warp, inst.a);
  uint32_t cutFrom = 64 - 8 * ptx::typeBytes(spec.from);
  uint32_t cutTo = 64 - 8 * ptx::typeBytes(spec.to);
  writeLanes<RowTo>(warp, rowOf<RowTo>(warp, inst.d), [=](int l) HWY_ATTR {
    uint64_t v = static_cast<uint64_t>(a[l]) << cutFrom;
    v = SignFrom ? static_cast<uint64_t>(static_cast<int64_t>(v) >> cutFrom)
                 : v >> cutFrom;
    v <<= cutTo;
    v = SignTo ? static_cast<uint64_t>(static_cast<int64_t>(v) >> cutTo)
               : v >> cutTo;
    return static_cast<RowTo>(v);
  });
  return Status::Next;
}

template <typename RowFrom, typename RowTo>
static Handler selectResize(bool signFrom, bool signTo) {
  if (signFrom)
    return signTo ? resize<RowFrom, RowTo, true, true>
                  : resize<RowFrom, RowTo, true, false>;
  return signTo ? resize<RowFrom, RowTo, false, true>
                : resize<RowFrom, RowTo, false, false>;
}

static Handler selectResize(const ConvertSpec &spec) {
  bool signFrom = ptx::isSigned(spec.from), signTo = ptx::isSigned(spec.to);
  if (spec.from64)
    return spec.to64 ? selectResize<uint64_t, uint64_t>(signFrom, signTo)
                     : selectResize<uint64_t, uint32_t>(signFrom, signTo);
  return spec.to64 ? selectResize<uint32_t, uint64_t>(signFrom, signTo)
                   : selectResize<uint32_t, uint32_t>(signFrom, signTo);
}

//===----------------------------------------------------------------------===//
// The usual conversions of floats
//===----------------------------------------------------------------------===//

HWY_INLINE float f32FromF16Lane(F16 a) {
  float value = f16ToFloat(a.bits);
  return canonical(value);
}
HWY_INLINE float f32FromBf16Lane(BF16 a) {
  return canonical(f32FromBf16(a.bits));
}
HWY_INLINE F16 f16FromF32Lane(float a) { return {floatToF16(a)}; }
HWY_INLINE BF16 bf16FromF32Lane(float a) { return {bf16FromF32(a)}; }
HWY_INLINE uint32_t f16x2FromF32(float a, float b) {
  return uint32_t(floatToF16(a)) << 16 | floatToF16(b);
}
HWY_INLINE uint32_t bf16x2FromF32(float a, float b) {
  return uint32_t(bf16FromF32(a)) << 16 | bf16FromF32(b);
}
HWY_INLINE double f64FromF32(float a) {
  return canonical(static_cast<double>(a));
}
HWY_INLINE float f32FromF64(double a) {
  return canonical(static_cast<float>(a));
}
HWY_INLINE float f32FromS32(int32_t a) { return static_cast<float>(a); }
HWY_INLINE float f32FromU32(uint32_t a) { return static_cast<float>(a); }
HWY_INLINE double f64FromS32(int32_t a) { return a; }
HWY_INLINE double f64FromU32(uint32_t a) { return a; }
HWY_INLINE int32_t s32FromF32Zero(float a) {
  float clamped = a < -0x1p31f ? -0x1p31f : a;
  bool over = a >= 0x1p31f;
  int32_t value = static_cast<int32_t>(over || isNan(a) ? 0.0f : clamped);
  return over ? INT32_MAX : value;
}

static Handler selectPlainFloat(Type to, Type from) {
  if (to == Type::F32) {
    switch (from) {
    case Type::F16:
      return map<&f32FromF16Lane>;
    case Type::BF16:
      return map<&f32FromBf16Lane>;
    case Type::F64:
      return map<&f32FromF64>;
    case Type::S32:
      return map<&f32FromS32>;
    case Type::U32:
      return map<&f32FromU32>;
    default:
      return nullptr;
    }
  }
  if (from == Type::F32) {
    switch (to) {
    case Type::F16:
      return map<&f16FromF32Lane>;
    case Type::BF16:
      return map<&bf16FromF32Lane>;
    case Type::F16x2:
      return map<&f16x2FromF32>;
    case Type::BF16x2:
      return map<&bf16x2FromF32>;
    case Type::F64:
      return map<&f64FromF32>;
    default:
      return nullptr;
    }
  }
  if (to == Type::F64 && from == Type::S32)
    return map<&f64FromS32>;
  if (to == Type::F64 && from == Type::U32)
    return map<&f64FromU32>;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Everything
//===----------------------------------------------------------------------===//

template <typename RowFrom, typename RowTo>
static Status general(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const ConvertSpec *>(inst.aux);
  const RowFrom *a = rowOf<RowFrom>(warp, inst.a);
  const RowFrom *b = inst.b == noRef ? a : rowOf<RowFrom>(warp, inst.b);
  RowTo *d = rowOf<RowTo>(warp, inst.d);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int l = std::countr_zero(lanes);
    d[l] = static_cast<RowTo>(convertLane(spec, a[l], b[l]));
  }
  return Status::Next;
}

static bool isPlainInteger(Type type) {
  return !ptx::isFloat(type) && type != Type::Pred;
}

Handler selectConvertHere(const ConvertSpec &spec) {
  if (isPlainInteger(spec.from) && isPlainInteger(spec.to) && !spec.sat)
    return selectResize(spec);
  bool sameRows = spec.from64 == (ptx::typeBytes(spec.from) == 8) &&
                  spec.to64 == (ptx::typeBytes(spec.to) == 8);
  bool plain = sameRows && !spec.ftz && !spec.sat && !spec.satfinite &&
               !spec.relu && !spec.toInteger;
  if (plain && spec.rounding == RoundingMode::NearestEven)
    if (Handler handler = selectPlainFloat(spec.to, spec.from))
      return handler;
  if (sameRows && spec.to == Type::S32 && spec.from == Type::F32 &&
      spec.rounding == RoundingMode::Zero && !spec.ftz)
    return map<&s32FromF32Zero>;
  if (spec.from64)
    return spec.to64 ? general<uint64_t, uint64_t>
                     : general<uint64_t, uint32_t>;
  return spec.to64 ? general<uint32_t, uint64_t> : general<uint32_t, uint32_t>;
}

} // namespace HWY_NAMESPACE
} // namespace tilewright::sim
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tilewright::sim {
HWY_EXPORT(selectConvertHere);

Handler selectConvert(const ConvertSpec &spec) {
  return HWY_DYNAMIC_DISPATCH(selectConvertHere)(spec);
}
} // namespace tilewright::sim
#endif
