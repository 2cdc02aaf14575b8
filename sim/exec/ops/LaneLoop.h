//===- LaneLoop.h - Running a scalar function on a warp ---------*- C++ -*-===//
//
// The one loop over lanes of the arithmetic instructions. A file of handlers is
// compiled once per instruction set of the host (Highway's foreach_target); the
// loop is written so that compilers turn it into vector code.
//
// Include between HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE-guarded code
// only through the pattern that IntOps.cpp shows; there is no include guard on
// purpose, because the file is included once for each target.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Inst.h"
#include "sim/exec/Warp.h"

#include <bit>
#include <type_traits>

#if defined(__clang__)
#define TILEWRIGHT_LANE_LOOP _Pragma("clang loop vectorize(assume_safety)")
#else
#define TILEWRIGHT_LANE_LOOP _Pragma("GCC ivdep")
#endif

HWY_BEFORE_NAMESPACE();
namespace tilewright::sim {
namespace HWY_NAMESPACE {

/// What a lane of T occupies in its register file.
template <typename T>
using Row = std::conditional_t<(sizeof(T) > 4), uint64_t, uint32_t>;

template <typename T>
using BitsOf = std::conditional_t<
    sizeof(T) == 1, uint8_t,
    std::conditional_t<sizeof(T) == 2, uint16_t,
                       std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>>;

template <typename T>
HWY_INLINE T fromRow(Row<T> bits) {
  return std::bit_cast<T>(static_cast<BitsOf<T>>(bits));
}
template <typename T>
HWY_INLINE Row<T> toRow(T value) {
  return std::bit_cast<BitsOf<T>>(value);
}

template <typename T>
HWY_INLINE Row<T> *rowOf(const Warp &warp, Ref ref) {
  if constexpr (sizeof(T) > 4)
    return warp.row64<uint64_t>(ref);
  else
    return warp.row32<uint32_t>(ref);
}

/// d[lane] = value(lane) for the lanes of the write mask.
template <typename R, typename Value>
HWY_INLINE void writeLanes(const Warp &warp, Row<R> *d, Value value) {
  uint32_t lanes = warp.writeMask;
  if (lanes == allLanes) {
    TILEWRIGHT_LANE_LOOP
    for (int l = 0; l < laneCount; ++l)
      d[l] = toRow<R>(value(l));
    return;
  }
  TILEWRIGHT_LANE_LOOP
  for (int l = 0; l < laneCount; ++l) {
    // Both are read first: a choice between addresses becomes a slow gather.
    Row<R> result = toRow<R>(value(l)), old = d[l];
    d[l] = (lanes >> l) & 1 ? result : old;
  }
}

template <auto Fn, typename R, typename A>
HWY_INLINE void mapLanes(const Inst &inst, Warp &warp, R (*)(A)) {
  const Row<A> *a = rowOf<A>(warp, inst.a);
  writeLanes<R>(warp, rowOf<R>(warp, inst.d),
                [=](int l) HWY_ATTR { return Fn(fromRow<A>(a[l])); });
}

template <auto Fn, typename R, typename A, typename B>
HWY_INLINE void mapLanes(const Inst &inst, Warp &warp, R (*)(A, B)) {
  const Row<A> *a = rowOf<A>(warp, inst.a);
  const Row<B> *b = rowOf<B>(warp, inst.b);
  writeLanes<R>(warp, rowOf<R>(warp, inst.d), [=](int l) HWY_ATTR {
    return Fn(fromRow<A>(a[l]), fromRow<B>(b[l]));
  });
}

template <auto Fn, typename R, typename A, typename B, typename C>
HWY_INLINE void mapLanes(const Inst &inst, Warp &warp, R (*)(A, B, C)) {
  const Row<A> *a = rowOf<A>(warp, inst.a);
  const Row<B> *b = rowOf<B>(warp, inst.b);
  const Row<C> *c = rowOf<C>(warp, inst.c);
  writeLanes<R>(warp, rowOf<R>(warp, inst.d), [=](int l) HWY_ATTR {
    return Fn(fromRow<A>(a[l]), fromRow<B>(b[l]), fromRow<C>(c[l]));
  });
}

template <auto Fn, typename R, typename A, typename B, typename C, typename E>
HWY_INLINE void mapLanes(const Inst &inst, Warp &warp, R (*)(A, B, C, E)) {
  const Row<A> *a = rowOf<A>(warp, inst.a);
  const Row<B> *b = rowOf<B>(warp, inst.b);
  const Row<C> *c = rowOf<C>(warp, inst.c);
  const Row<E> *e = rowOf<E>(warp, inst.e);
  writeLanes<R>(warp, rowOf<R>(warp, inst.d), [=](int l) HWY_ATTR {
    return Fn(fromRow<A>(a[l]), fromRow<B>(b[l]), fromRow<C>(c[l]),
              fromRow<E>(e[l]));
  });
}

/// The handler that runs `Fn` on each lane; the signature of `Fn` says which
/// operands there are and what they are.
template <auto Fn>
Status map(const Inst &inst, Warp &warp) {
  mapLanes<Fn>(inst, warp, Fn);
  return Status::Next;
}

/// The same for functions whose last argument is the instruction's immediate.
template <auto Fn, typename R, typename A>
HWY_INLINE void mapLanesImm(const Inst &inst, Warp &warp, R (*)(A, int32_t)) {
  const Row<A> *a = rowOf<A>(warp, inst.a);
  int32_t imm = inst.imm;
  writeLanes<R>(warp, rowOf<R>(warp, inst.d),
                [=](int l) HWY_ATTR { return Fn(fromRow<A>(a[l]), imm); });
}
template <auto Fn, typename R, typename A, typename B>
HWY_INLINE void mapLanesImm(const Inst &inst, Warp &warp,
                            R (*)(A, B, int32_t)) {
  const Row<A> *a = rowOf<A>(warp, inst.a);
  const Row<B> *b = rowOf<B>(warp, inst.b);
  int32_t imm = inst.imm;
  writeLanes<R>(warp, rowOf<R>(warp, inst.d), [=](int l) HWY_ATTR {
    return Fn(fromRow<A>(a[l]), fromRow<B>(b[l]), imm);
  });
}
template <auto Fn, typename R, typename A, typename B, typename C>
HWY_INLINE void mapLanesImm(const Inst &inst, Warp &warp,
                            R (*)(A, B, C, int32_t)) {
  const Row<A> *a = rowOf<A>(warp, inst.a);
  const Row<B> *b = rowOf<B>(warp, inst.b);
  const Row<C> *c = rowOf<C>(warp, inst.c);
  int32_t imm = inst.imm;
  writeLanes<R>(warp, rowOf<R>(warp, inst.d), [=](int l) HWY_ATTR {
    return Fn(fromRow<A>(a[l]), fromRow<B>(b[l]), fromRow<C>(c[l]), imm);
  });
}
template <auto Fn>
Status mapImm(const Inst &inst, Warp &warp) {
  mapLanesImm<Fn>(inst, warp, Fn);
  return Status::Next;
}

/// Lanes for which `test` holds, as a mask.
template <typename Test>
HWY_INLINE uint32_t testLanes(Test test) {
  uint32_t result = 0;
  for (int l = 0; l < laneCount; ++l)
    result |= static_cast<uint32_t>(test(l)) << l;
  return result;
}

HWY_INLINE void writePredicate(const Warp &warp, Ref ref, uint32_t value) {
  uint32_t &row = warp.predicates[ref];
  row = (row & ~warp.writeMask) | (value & warp.writeMask);
}

} // namespace HWY_NAMESPACE
} // namespace tilewright::sim
HWY_AFTER_NAMESPACE();
