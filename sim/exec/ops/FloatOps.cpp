//===- FloatOps.cpp - f32 and f64 arithmetic ------------------------------===//

#include "sim/exec/ops/Targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sim/exec/ops/FloatOps.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "sim/exec/ops/Directed.h"
#include "sim/exec/ops/FloatMath.h"
#include "sim/exec/ops/LaneLoop.h"
#include "sim/exec/ops/Select.h"

HWY_BEFORE_NAMESPACE();
namespace tilewright::sim {
namespace HWY_NAMESPACE {

using ptx::Type;

//===----------------------------------------------------------------------===//
// Round to nearest: one function per operation, for vector code
//===----------------------------------------------------------------------===//

template <typename T, bool Ftz>
HWY_INLINE T in(T a) {
  return Ftz ? flush(a) : a;
}
template <typename T, bool Ftz>
HWY_INLINE T out(T a) {
  return canonical(Ftz ? flush(a) : a);
}

template <typename T, bool Ftz>
HWY_INLINE T add(T a, T b) {
  return out<T, Ftz>(in<T, Ftz>(a) + in<T, Ftz>(b));
}
template <typename T, bool Ftz>
HWY_INLINE T sub(T a, T b) {
  return out<T, Ftz>(in<T, Ftz>(a) - in<T, Ftz>(b));
}
template <typename T, bool Ftz>
HWY_INLINE T mul(T a, T b) {
  return out<T, Ftz>(in<T, Ftz>(a) * in<T, Ftz>(b));
}
template <typename T, bool Ftz>
HWY_INLINE T fma(T a, T b, T c) {
  return out<T, Ftz>(std::fma(in<T, Ftz>(a), in<T, Ftz>(b), in<T, Ftz>(c)));
}
template <typename T, bool Ftz>
HWY_INLINE T div(T a, T b) {
  return out<T, Ftz>(in<T, Ftz>(a) / in<T, Ftz>(b));
}
template <typename T, bool Ftz>
HWY_INLINE T rcp(T a) {
  return out<T, Ftz>(T(1) / in<T, Ftz>(a));
}
template <typename T, bool Ftz>
HWY_INLINE T sqrt(T a) {
  return out<T, Ftz>(std::sqrt(in<T, Ftz>(a)));
}
template <typename T, bool Ftz>
HWY_INLINE T neg(T a) {
  using Bits = BitsOf<T>;
  T value = in<T, Ftz>(a);
  return std::bit_cast<T>(static_cast<Bits>(std::bit_cast<Bits>(value) ^
                                            Bits(1) << (8 * sizeof(T) - 1)));
}
template <typename T, bool Ftz>
HWY_INLINE T abs(T a) {
  using Bits = BitsOf<T>;
  T value = in<T, Ftz>(a);
  return std::bit_cast<T>(static_cast<Bits>(std::bit_cast<Bits>(value) &
                                            ~(Bits(1) << (8 * sizeof(T) - 1))));
}

/// a below b, with -0 below +0; NaN is above everything.
template <typename T>
HWY_INLINE bool below(T a, T b) {
  using Bits = BitsOf<T>;
  bool negative = std::bit_cast<Bits>(a) >> (8 * sizeof(T) - 1);
  return a < b || (a == b && negative);
}
template <typename T, bool Ftz, bool Nan>
HWY_INLINE T min(T x, T y) {
  T a = in<T, Ftz>(x), b = in<T, Ftz>(y);
  T ordered = below(a, b) ? a : b;
  T one = isNan(a) ? b : isNan(b) ? a : ordered;
  T result = Nan && (isNan(a) || isNan(b)) ? a + b : one;
  return canonical(result);
}
template <typename T, bool Ftz, bool Nan>
HWY_INLINE T max(T x, T y) {
  T a = in<T, Ftz>(x), b = in<T, Ftz>(y);
  T ordered = below(a, b) ? b : a;
  T one = isNan(a) ? b : isNan(b) ? a : ordered;
  T result = Nan && (isNan(a) || isNan(b)) ? a + b : one;
  return canonical(result);
}
/// The sign of a on b.
template <typename T>
HWY_INLINE T copySign(T a, T b) {
  return std::copysign(b, a);
}

//===----------------------------------------------------------------------===//
// Anything else: options at run time
//===----------------------------------------------------------------------===//

template <typename T>
HWY_INLINE T flushIf(T a, int32_t options) {
  return options & optionFtz ? flush(a) : a;
}
template <typename T>
HWY_INLINE T finish(T a, int32_t options) {
  a = flushIf(a, options);
  return options & optionSat ? saturate(a) : canonical(a);
}

template <FloatOp Op, typename T>
static T slow1(T a, int32_t options) {
  return finish(
      directed(Op, roundingOf(options), flushIf(a, options), T(0), T(0)),
      options);
}
template <FloatOp Op, typename T>
static T slow2(T a, T b, int32_t options) {
  T x = flushIf(a, options), y = flushIf(b, options);
  // ISA 9.7.3.8: a divisor in (2^126, 2^128) gives zero, or NaN of infinity.
  if (Op == FloatOp::Div && (options & optionApprox) && sizeof(T) == 4 &&
      std::fabs(y) > T(0x1p126) && std::isfinite(y))
    return std::isinf(x) || isNan(x) ? canonical(T(NAN))
                                     : std::copysign(T(0), x * y);
  return finish(directed(Op, roundingOf(options), x, y, T(0)), options);
}
template <typename T>
static T slowFma(T a, T b, T c, int32_t options) {
  return finish(directed(FloatOp::Fma, roundingOf(options), flushIf(a, options),
                         flushIf(b, options), flushIf(c, options)),
                options);
}
/// min and max with .xorsign.abs.
template <FloatOp Op>
static float xorSign(float a, float b, int32_t options) {
  bool negative = std::signbit(a) != std::signbit(b);
  float x = abs<float, false>(flushIf(a, options));
  float y = abs<float, false>(flushIf(b, options));
  float result = Op == FloatOp::Min      ? min<float, false, false>(x, y)
                 : Op == FloatOp::Max    ? max<float, false, false>(x, y)
                 : Op == FloatOp::MinNan ? min<float, false, true>(x, y)
                                         : max<float, false, true>(x, y);
  return isNan(result) || !negative ? result : -result;
}

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

static int32_t packOptions(FloatOptions options) {
  return (options.ftz ? optionFtz : 0) | (options.sat ? optionSat : 0) |
         (options.relu ? optionRelu : 0) |
         (options.xorsign ? optionXorSign : 0) |
         (options.approx ? optionApprox : 0) |
         static_cast<int32_t>(options.rounding) << optionRoundingShift;
}

template <typename T, bool Ftz>
static Handler selectFast(FloatOp op) {
  switch (op) {
  case FloatOp::Neg:
    return map<&neg<T, Ftz>>;
  case FloatOp::Abs:
    return map<&abs<T, Ftz>>;
  case FloatOp::Rcp:
    return map<&rcp<T, Ftz>>;
  case FloatOp::Sqrt:
    return map<&sqrt<T, Ftz>>;
  case FloatOp::Add:
    return map<&add<T, Ftz>>;
  case FloatOp::Sub:
    return map<&sub<T, Ftz>>;
  case FloatOp::Mul:
    return map<&mul<T, Ftz>>;
  case FloatOp::Div:
    return map<&div<T, Ftz>>;
  case FloatOp::Fma:
    return map<&fma<T, Ftz>>;
  case FloatOp::Min:
    return map<&min<T, Ftz, false>>;
  case FloatOp::Max:
    return map<&max<T, Ftz, false>>;
  case FloatOp::MinNan:
    return map<&min<T, Ftz, true>>;
  case FloatOp::MaxNan:
    return map<&max<T, Ftz, true>>;
  case FloatOp::CopySign:
    return map<&copySign<T>>;
  default:
    return nullptr;
  }
}

template <typename T>
static Handler selectSlow(FloatOp op) {
  switch (op) {
  case FloatOp::Rcp:
    return mapImm<&slow1<FloatOp::Rcp, T>>;
  case FloatOp::Sqrt:
    return mapImm<&slow1<FloatOp::Sqrt, T>>;
  case FloatOp::Add:
    return mapImm<&slow2<FloatOp::Add, T>>;
  case FloatOp::Sub:
    return mapImm<&slow2<FloatOp::Sub, T>>;
  case FloatOp::Mul:
    return mapImm<&slow2<FloatOp::Mul, T>>;
  case FloatOp::Div:
    return mapImm<&slow2<FloatOp::Div, T>>;
  case FloatOp::Fma:
    return mapImm<&slowFma<T>>;
  default:
    return nullptr;
  }
}

static Handler selectXorSign(FloatOp op) {
  switch (op) {
  case FloatOp::Min:
    return mapImm<&xorSign<FloatOp::Min>>;
  case FloatOp::Max:
    return mapImm<&xorSign<FloatOp::Max>>;
  case FloatOp::MinNan:
    return mapImm<&xorSign<FloatOp::MinNan>>;
  case FloatOp::MaxNan:
    return mapImm<&xorSign<FloatOp::MaxNan>>;
  default:
    return nullptr;
  }
}

Handler selectWide(FloatOp op, Type type, FloatOptions options, int32_t &imm) {
  imm = packOptions(options);
  if (options.relu)
    return nullptr;
  if (options.xorsign)
    return type == Type::F32 ? selectXorSign(op) : nullptr;
  bool slow = options.rounding != RoundingMode::NearestEven || options.sat ||
              (options.approx && op == FloatOp::Div);
  if (type == Type::F64)
    return slow ? selectSlow<double>(op) : selectFast<double, false>(op);
  if (slow)
    return selectSlow<float>(op);
  return options.ftz ? selectFast<float, true>(op)
                     : selectFast<float, false>(op);
}

//===----------------------------------------------------------------------===//
// testp
//===----------------------------------------------------------------------===//

template <typename T>
static bool testOne(TestpOp op, T a) {
  switch (op) {
  case TestpOp::Finite:
    return std::isfinite(a);
  case TestpOp::Infinite:
    return std::isinf(a);
  case TestpOp::Number:
    return !isNan(a);
  case TestpOp::NotANumber:
    return isNan(a);
  case TestpOp::Normal:
    // ISA 9.7.3.1: zeros count as normal.
    return std::isnormal(a) || a == 0;
  case TestpOp::Subnormal:
    return std::fpclassify(a) == FP_SUBNORMAL;
  }
  return false;
}

template <typename T>
static Status testp(const Inst &inst, Warp &warp) {
  const Row<T> *a = rowOf<T>(warp, inst.a);
  TestpOp op = static_cast<TestpOp>(inst.imm);
  writePredicate(warp, inst.d, testLanes([=](int l) HWY_ATTR {
                   return testOne<T>(op, fromRow<T>(a[l]));
                 }));
  return Status::Next;
}

Handler selectTestp(TestpOp, Type type) {
  return type == Type::F64 ? testp<double> : testp<float>;
}

} // namespace HWY_NAMESPACE
} // namespace tilewright::sim
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tilewright::sim {
HWY_EXPORT(selectWide);
HWY_EXPORT(selectTestp);

// HalfOps.cpp and ApproxOps.cpp.
Handler selectHalf(FloatOp op, ptx::Type type, FloatOptions options,
                   int32_t &imm);
Handler selectApprox(FloatOp op, ptx::Type type, FloatOptions options);

Handler selectFloat(FloatOp op, ptx::Type type, FloatOptions options,
                    int32_t &imm) {
  switch (op) {
  case FloatOp::RsqrtApprox:
  case FloatOp::Ex2:
  case FloatOp::Lg2:
  case FloatOp::Sin:
  case FloatOp::Cos:
  case FloatOp::Tanh:
    return selectApprox(op, type, options);
  default:
    break;
  }
  if (op == FloatOp::Rcp && type == ptx::Type::F64 && options.approx)
    return selectApprox(op, type, options);
  if (type == ptx::Type::F32 || type == ptx::Type::F64)
    return HWY_DYNAMIC_DISPATCH(selectWide)(op, type, options, imm);
  return selectHalf(op, type, options, imm);
}
Handler selectTestp(TestpOp op, ptx::Type type) {
  return HWY_DYNAMIC_DISPATCH(selectTestp)(op, type);
}
} // namespace tilewright::sim
#endif
