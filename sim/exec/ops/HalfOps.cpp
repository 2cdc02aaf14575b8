//===- HalfOps.cpp - f16 and bf16 arithmetic, packed forms too ------------===//
//
// Sums, differences and products of 16-bit formats are computed in f32, whose
// 24 bits make the second rounding innocuous; fma goes through fmaToOdd.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/ops/Targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sim/exec/ops/HalfOps.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "sim/exec/ops/FloatMath.h"
#include "sim/exec/ops/LaneLoop.h"
#include "sim/exec/ops/Select.h"

HWY_BEFORE_NAMESPACE();
namespace tilewright::sim {
namespace HWY_NAMESPACE {

using ptx::Type;

template <typename T>
HWY_INLINE T finishHalf(float value, int32_t options) {
  if (options & optionSat)
    value = saturate(value);
  T result = fromFloat<T>(value);
  if (options & optionFtz)
    result = flush(result);
  if ((options & optionRelu) && !isNan(result) && (result.bits & 0x8000))
    result.bits = 0;
  return result;
}
template <typename T>
HWY_INLINE float halfIn(T a, int32_t options) {
  return toFloat(options & optionFtz ? flush(a) : a);
}

struct HalfAdd {
  template <typename T>
  HWY_INLINE static T apply(T a, T b, int32_t options) {
    return finishHalf<T>(halfIn(a, options) + halfIn(b, options), options);
  }
};
struct HalfSub {
  template <typename T>
  HWY_INLINE static T apply(T a, T b, int32_t options) {
    return finishHalf<T>(halfIn(a, options) - halfIn(b, options), options);
  }
};
struct HalfMul {
  template <typename T>
  HWY_INLINE static T apply(T a, T b, int32_t options) {
    return finishHalf<T>(halfIn(a, options) * halfIn(b, options), options);
  }
};
struct HalfFma {
  template <typename T>
  HWY_INLINE static T apply(T a, T b, T c, int32_t options) {
    // What a tensor map's NaN fill writes; see fillOutside.
    constexpr uint16_t oobNan = 0x7fff;
    bool outside = a.bits == oobNan || b.bits == oobNan || c.bits == oobNan;
    T result = finishHalf<T>(
        fmaToOdd(halfIn(a, options), halfIn(b, options), halfIn(c, options)),
        options);
    return outside && (options & optionOob) ? T{0} : result;
  }
};
template <bool IsMax, bool Nan>
struct HalfSelect {
  template <typename T>
  HWY_INLINE static T apply(T a, T b, int32_t options) {
    float x = halfIn(a, options), y = halfIn(b, options);
    uint16_t sign = 0;
    if (options & optionXorSign) {
      sign = (a.bits ^ b.bits) & 0x8000;
      x = std::fabs(x);
      y = std::fabs(y);
    }
    if (isNan(x) || isNan(y)) {
      if (Nan || (isNan(x) && isNan(y)))
        return T{0x7fff};
      T one = fromFloat<T>(isNan(x) ? y : x);
      one.bits |= sign;
      return one;
    }
    bool aBelow = x < y || (x == y && std::signbit(x));
    T result = fromFloat<T>(aBelow != IsMax ? x : y);
    result.bits |= sign;
    return result;
  }
};
struct HalfNeg {
  template <typename T>
  HWY_INLINE static T apply(T a, int32_t options) {
    T value = options & optionFtz ? flush(a) : a;
    return T{static_cast<uint16_t>(value.bits ^ 0x8000)};
  }
};
struct HalfAbs {
  template <typename T>
  HWY_INLINE static T apply(T a, int32_t options) {
    T value = options & optionFtz ? flush(a) : a;
    return T{static_cast<uint16_t>(value.bits & 0x7fff)};
  }
};

//===----------------------------------------------------------------------===//
// Packed
//===----------------------------------------------------------------------===//

template <typename T>
HWY_INLINE T low(uint32_t a) {
  return T{static_cast<uint16_t>(a)};
}
template <typename T>
HWY_INLINE T high(uint32_t a) {
  return T{static_cast<uint16_t>(a >> 16)};
}
template <typename T>
HWY_INLINE uint32_t pack(T lowHalf, T highHalf) {
  return uint32_t(highHalf.bits) << 16 | lowHalf.bits;
}

template <typename Op, typename T>
HWY_INLINE uint32_t packed1(uint32_t a, int32_t options) {
  return pack(Op::template apply<T>(low<T>(a), options),
              Op::template apply<T>(high<T>(a), options));
}
template <typename Op, typename T>
HWY_INLINE uint32_t packed2(uint32_t a, uint32_t b, int32_t options) {
  return pack(Op::template apply<T>(low<T>(a), low<T>(b), options),
              Op::template apply<T>(high<T>(a), high<T>(b), options));
}
template <typename Op, typename T>
HWY_INLINE uint32_t packed3(uint32_t a, uint32_t b, uint32_t c,
                            int32_t options) {
  return pack(
      Op::template apply<T>(low<T>(a), low<T>(b), low<T>(c), options),
      Op::template apply<T>(high<T>(a), high<T>(b), high<T>(c), options));
}

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

template <typename Op>
static Handler unary(Type type) {
  switch (type) {
  case Type::F16:
    return mapImm<&Op::template apply<F16>>;
  case Type::BF16:
    return mapImm<&Op::template apply<BF16>>;
  case Type::F16x2:
    return mapImm<&packed1<Op, F16>>;
  case Type::BF16x2:
    return mapImm<&packed1<Op, BF16>>;
  default:
    return nullptr;
  }
}
template <typename Op>
static Handler binary(Type type) {
  switch (type) {
  case Type::F16:
    return mapImm<&Op::template apply<F16>>;
  case Type::BF16:
    return mapImm<&Op::template apply<BF16>>;
  case Type::F16x2:
    return mapImm<&packed2<Op, F16>>;
  case Type::BF16x2:
    return mapImm<&packed2<Op, BF16>>;
  default:
    return nullptr;
  }
}
template <typename Op>
static Handler ternary(Type type) {
  switch (type) {
  case Type::F16:
    return mapImm<&Op::template apply<F16>>;
  case Type::BF16:
    return mapImm<&Op::template apply<BF16>>;
  case Type::F16x2:
    return mapImm<&packed3<Op, F16>>;
  case Type::BF16x2:
    return mapImm<&packed3<Op, BF16>>;
  default:
    return nullptr;
  }
}

Handler selectHalf(FloatOp op, Type type, FloatOptions options, int32_t &imm) {
  if (options.rounding != RoundingMode::NearestEven)
    return nullptr;
  imm = (options.ftz ? optionFtz : 0) | (options.sat ? optionSat : 0) |
        (options.relu ? optionRelu : 0) |
        (options.xorsign ? optionXorSign : 0) | (options.oob ? optionOob : 0);
  switch (op) {
  case FloatOp::Neg:
    return unary<HalfNeg>(type);
  case FloatOp::Abs:
    return unary<HalfAbs>(type);
  case FloatOp::Add:
    return binary<HalfAdd>(type);
  case FloatOp::Sub:
    return binary<HalfSub>(type);
  case FloatOp::Mul:
    return binary<HalfMul>(type);
  case FloatOp::Min:
    return binary<HalfSelect<false, false>>(type);
  case FloatOp::Max:
    return binary<HalfSelect<true, false>>(type);
  case FloatOp::MinNan:
    return binary<HalfSelect<false, true>>(type);
  case FloatOp::MaxNan:
    return binary<HalfSelect<true, true>>(type);
  case FloatOp::Fma:
    return ternary<HalfFma>(type);
  default:
    return nullptr;
  }
}

} // namespace HWY_NAMESPACE
} // namespace tilewright::sim
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tilewright::sim {
HWY_EXPORT(selectHalf);

Handler selectHalf(FloatOp op, ptx::Type type, FloatOptions options,
                   int32_t &imm) {
  return HWY_DYNAMIC_DISPATCH(selectHalf)(op, type, options, imm);
}
} // namespace tilewright::sim
#endif
