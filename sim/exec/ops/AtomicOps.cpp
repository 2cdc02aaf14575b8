//===- AtomicOps.cpp - Read-modify-write of memory ------------------------===//

#include "sim/exec/ops/AtomicOps.h"

#include "sim/exec/Memory.h"
#include "sim/tensor/Convert.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tilewright::sim {

using ptx::Type;

bool hasAtomic(AtomicOp op, Type type) {
  uint32_t bytes = ptx::typeBytes(type);
  switch (op) {
  case AtomicOp::And:
  case AtomicOp::Or:
  case AtomicOp::Xor:
    return type == Type::B32 || type == Type::B64;
  case AtomicOp::Exch:
    return type == Type::B32 || type == Type::B64 || type == Type::B128;
  case AtomicOp::Cas:
    return ptx::isBits(type) && bytes >= 2;
  case AtomicOp::Inc:
  case AtomicOp::Dec:
    return type == Type::U32;
  case AtomicOp::Add:
    return type == Type::U32 || type == Type::S32 || type == Type::U64 ||
           type == Type::S64 || type == Type::F32 || type == Type::F64 ||
           type == Type::F16 || type == Type::BF16 || type == Type::F16x2 ||
           type == Type::BF16x2;
  case AtomicOp::Min:
  case AtomicOp::Max:
    return type == Type::U32 || type == Type::S32 || type == Type::U64 ||
           type == Type::S64 || type == Type::F16 || type == Type::BF16 ||
           type == Type::F16x2 || type == Type::BF16x2;
  }
  return false;
}

static float halfToFloat(Type type, uint16_t bits) {
  return type == Type::F16 ? f32FromF16(bits) : f32FromBf16(bits);
}
static uint16_t floatToHalf(Type type, float value) {
  return type == Type::F16 ? f16FromF32(value) : bf16FromF32(value);
}

static uint16_t halfValue(AtomicOp op, Type type, uint16_t old, uint16_t b) {
  float x = halfToFloat(type, old), y = halfToFloat(type, b);
  if (op == AtomicOp::Add)
    return floatToHalf(type, x + y);
  if (std::isnan(x) || std::isnan(y))
    return std::isnan(x) ? (std::isnan(y) ? 0x7fff : b) : old;
  bool oldBelow = x < y || (x == y && std::signbit(x));
  return oldBelow == (op == AtomicOp::Min) ? old : b;
}

static uint64_t floatValue(AtomicOp op, Type type, uint64_t old, uint64_t b) {
  auto low = [](uint64_t bits) { return static_cast<uint16_t>(bits); };
  switch (type) {
  case Type::F32: {
    float sum = std::bit_cast<float>(static_cast<uint32_t>(old)) +
                std::bit_cast<float>(static_cast<uint32_t>(b));
    return std::isnan(sum) ? 0x7fffffffu : std::bit_cast<uint32_t>(sum);
  }
  case Type::F64: {
    double sum = std::bit_cast<double>(old) + std::bit_cast<double>(b);
    return std::isnan(sum) ? uint64_t(0xfff8) << 48
                           : std::bit_cast<uint64_t>(sum);
  }
  case Type::F16:
  case Type::BF16:
    return halfValue(op, type, low(old), low(b));
  default: {
    Type half = type == Type::F16x2 ? Type::F16 : Type::BF16;
    return uint32_t(halfValue(op, half, low(old >> 16), low(b >> 16))) << 16 |
           halfValue(op, half, low(old), low(b));
  }
  }
}

template <typename T>
static uint64_t ordered(AtomicOp op, uint64_t old, uint64_t b) {
  T x = static_cast<T>(old), y = static_cast<T>(b);
  return static_cast<std::make_unsigned_t<T>>(
      op == AtomicOp::Min ? std::min(x, y) : std::max(x, y));
}

uint64_t atomicValue(AtomicOp op, Type type, uint64_t old, uint64_t b,
                     uint64_t c) {
  if (ptx::isFloat(type))
    return floatValue(op, type, old, b);
  switch (op) {
  case AtomicOp::And:
    return old & b;
  case AtomicOp::Or:
    return old | b;
  case AtomicOp::Xor:
    return old ^ b;
  case AtomicOp::Exch:
    return b;
  case AtomicOp::Cas:
    return old == b ? c : old;
  case AtomicOp::Add:
    return old + b;
  case AtomicOp::Inc:
    return old >= b ? 0 : old + 1;
  case AtomicOp::Dec:
    return old == 0 || old > b ? b : old - 1;
  case AtomicOp::Min:
  case AtomicOp::Max:
    switch (type) {
    case Type::S32:
      return ordered<int32_t>(op, old, b);
    case Type::S64:
      return ordered<int64_t>(op, old, b);
    case Type::U32:
      return ordered<uint32_t>(op, old, b);
    default:
      return ordered<uint64_t>(op, old, b);
    }
  }
  return old;
}

template <typename T>
static uint64_t exchangeLoop(AtomicOp op, Type type, std::byte *at, uint64_t b,
                             uint64_t c) {
  T *word = reinterpret_cast<T *>(at);
  T old = __atomic_load_n(word, __ATOMIC_SEQ_CST);
  for (;;) {
    T desired = static_cast<T>(
        atomicValue(op, type, old, static_cast<T>(b), static_cast<T>(c)));
    if (__atomic_compare_exchange_n(word, &old, desired, false,
                                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
      return old;
  }
}

uint64_t atomicUpdate(AtomicOp op, Type type, std::byte *at, uint64_t b,
                      uint64_t c) {
  switch (ptx::typeBytes(type)) {
  case 2:
    return exchangeLoop<uint16_t>(op, type, at, b, c);
  case 4:
    return exchangeLoop<uint32_t>(op, type, at, b, c);
  default:
    return exchangeLoop<uint64_t>(op, type, at, b, c);
  }
}

static bool isGlobal(const Warp &warp, const std::byte *at) {
  return warp.launch->memory.contains(reinterpret_cast<uint64_t>(at), 1);
}

uint64_t atomicAddFlushing(std::byte *at, uint32_t b) {
  auto flush = [](uint32_t bits) {
    return bits & 0x7f800000u ? bits : bits & 0x80000000u;
  };
  uint32_t *word = reinterpret_cast<uint32_t *>(at);
  uint32_t old = __atomic_load_n(word, __ATOMIC_SEQ_CST);
  for (;;) {
    uint32_t sum = flush(static_cast<uint32_t>(
        atomicValue(AtomicOp::Add, Type::F32, flush(old), flush(b), 0)));
    if (__atomic_compare_exchange_n(word, &old, sum, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST))
      return old;
  }
}

static uint64_t readRow(const Warp &warp, Ref ref, bool row64, int lane) {
  if (ref == noRef)
    return 0;
  return row64 ? warp.row64<uint64_t>(ref)[lane]
               : warp.row32<uint32_t>(ref)[lane];
}

Status runAtomic(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const AtomicSpec *>(inst.aux);
  uint32_t bytes = ptx::typeBytes(spec.type);
  LanePointers pointers;
  if (!resolve(inst, warp, bytes * spec.count, pointers))
    return Status::Fault;
  bool uniform = pointers.pattern == Pattern::Uniform;
  bool contiguous = pointers.pattern == Pattern::Contiguous;
  bool changed = false;
  bool flushes = spec.op == AtomicOp::Add && spec.type == Type::F32;
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    std::byte *at = uniform      ? pointers.at[0]
                    : contiguous ? pointers.at[0] + lane * bytes * spec.count
                                 : pointers.at[lane];
    for (uint32_t i = 0; i < spec.count; ++i) {
      uint64_t b = readRow(warp, spec.b[i], spec.row64, lane);
      uint64_t c = readRow(warp, spec.c[i], spec.row64, lane);
      uint64_t old =
          flushes && isGlobal(warp, at)
              ? atomicAddFlushing(at + i * bytes, static_cast<uint32_t>(b))
              : atomicUpdate(spec.op, spec.type, at + i * bytes, b, c);
      changed |= atomicValue(spec.op, spec.type, old, b, c) != old;
      if (spec.d[i] == noRef)
        continue;
      if (spec.row64)
        warp.row64<uint64_t>(spec.d[i])[lane] = old;
      else
        warp.row32<uint32_t>(spec.d[i])[lane] = static_cast<uint32_t>(old);
    }
  }
  // An operation that changes nothing may be part of a wait.
  warp.cta->cluster->events += changed;
  return Status::Next;
}

} // namespace tilewright::sim
