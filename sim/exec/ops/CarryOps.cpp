//===- CarryOps.cpp - Extended-precision arithmetic and dot products ------===//

#include "sim/exec/Warp.h"
#include "sim/exec/ops/Select.h"

#include <bit>
#include <type_traits>

namespace tilewright::sim {

template <typename T>
static T *rowOf(Warp &warp, Ref ref) {
  if constexpr (sizeof(T) == 8)
    return warp.row64<T>(ref);
  else
    return warp.row32<T>(ref);
}

/// a + b + carry; sub is a + ~b + !borrow, its carry the inverted borrow, so
/// that CC.CF means "borrow" to subc as the ISA has it.
template <typename T, CarryOp Op, bool In, bool Out>
static Status carry(const Inst &inst, Warp &warp) {
  const T *a = rowOf<T>(warp, inst.a);
  const T *b = rowOf<T>(warp, inst.b);
  T *d = rowOf<T>(warp, inst.d);
  uint32_t flags = warp.predicates[inst.e], out = 0;
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int l = std::countr_zero(lanes);
    T x = a[l], y = b[l];
    T in = In ? flags >> l & 1 : 0;
    if constexpr (Op != CarryOp::Add && Op != CarryOp::Sub) {
      using Signed = std::make_signed_t<T>;
      unsigned __int128 product = static_cast<unsigned __int128>(x) * y;
      // Only the high half depends on the sign.
      if constexpr (Op == CarryOp::MadHiSigned)
        product = static_cast<unsigned __int128>(
            static_cast<__int128>(static_cast<Signed>(x)) *
            static_cast<Signed>(y));
      x = Op == CarryOp::MadLo ? static_cast<T>(product)
                               : static_cast<T>(product >> (8 * sizeof(T)));
      y = rowOf<T>(warp, inst.c)[l];
    }
    if constexpr (Op == CarryOp::Sub) {
      unsigned __int128 right = static_cast<unsigned __int128>(y) + in;
      d[l] = static_cast<T>(x - y - in);
      out |= uint32_t(right > x) << l;
    } else {
      unsigned __int128 sum = static_cast<unsigned __int128>(x) + y + in;
      d[l] = static_cast<T>(sum);
      out |= uint32_t(sum >> (8 * sizeof(T)) != 0) << l;
    }
  }
  if (Out)
    warp.predicates[inst.e] = (flags & ~warp.mask) | (out & warp.mask);
  return Status::Next;
}

template <typename T, CarryOp Op>
static Handler byFlags(bool in, bool out) {
  if (in)
    return out ? carry<T, Op, true, true> : carry<T, Op, true, false>;
  return out ? carry<T, Op, false, true> : carry<T, Op, false, false>;
}

template <typename T>
static Handler byOp(CarryOp op, bool in, bool out) {
  switch (op) {
  case CarryOp::Add:
    return byFlags<T, CarryOp::Add>(in, out);
  case CarryOp::Sub:
    return byFlags<T, CarryOp::Sub>(in, out);
  case CarryOp::MadLo:
    return byFlags<T, CarryOp::MadLo>(in, out);
  case CarryOp::MadHi:
    return byFlags<T, CarryOp::MadHi>(in, out);
  case CarryOp::MadHiSigned:
    return byFlags<T, CarryOp::MadHiSigned>(in, out);
  }
  return nullptr;
}

Handler selectCarry(CarryOp op, ptx::Type type, bool in, bool out) {
  if (op == CarryOp::MadHi && ptx::isSigned(type))
    op = CarryOp::MadHiSigned;
  switch (ptx::typeBytes(type)) {
  case 4:
    return byOp<uint32_t>(op, in, out);
  case 8:
    return byOp<uint64_t>(op, in, out);
  default:
    return nullptr;
  }
}

static int32_t element(uint32_t word, int index, int bits, bool isSigned) {
  uint32_t value = word >> (bits * index) << (32 - bits);
  return isSigned ? static_cast<int32_t>(value) >> (32 - bits)
                  : static_cast<int32_t>(value >> (32 - bits));
}

template <bool Four, bool ASigned, bool BSigned>
static Status dot(const Inst &inst, Warp &warp) {
  const uint32_t *a = warp.row32<uint32_t>(inst.a);
  const uint32_t *b = warp.row32<uint32_t>(inst.b);
  const uint32_t *c = warp.row32<uint32_t>(inst.c);
  uint32_t *d = warp.row32<uint32_t>(inst.d);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int l = std::countr_zero(lanes);
    uint32_t sum = c[l];
    for (int i = 0; i < (Four ? 4 : 2); ++i) {
      int32_t x =
          Four ? element(a[l], i, 8, ASigned) : element(a[l], i, 16, ASigned);
      int32_t y = element(b[l], Four ? i : i + 2 * inst.imm, 8, BSigned);
      sum += static_cast<uint32_t>(x) * static_cast<uint32_t>(y);
    }
    d[l] = sum;
  }
  return Status::Next;
}

template <bool Four>
static Handler bySigns(bool aSigned, bool bSigned) {
  if (aSigned)
    return bSigned ? dot<Four, true, true> : dot<Four, true, false>;
  return bSigned ? dot<Four, false, true> : dot<Four, false, false>;
}

Handler selectDot(bool four, bool aSigned, bool bSigned) {
  return four ? bySigns<true>(aSigned, bSigned)
              : bySigns<false>(aSigned, bSigned);
}

} // namespace tilewright::sim
