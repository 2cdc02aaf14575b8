//===- TensorReduce.cpp - Reductions of the bulk copies -------------------===//
//
// PTX ISA 9.7.9.25: the combinations of operation and element type that
// cp.reduce.async.bulk has towards global memory.
//
//===----------------------------------------------------------------------===//

#include "sim/async/TensorMap.h"
#include "sim/tensor/Convert.h"

#include <cmath>
#include <cstring>
#include <type_traits>

namespace tilewright::sim {

const char *checkTensorReduction(TensorDataType type,
                                 TensorReduction operation) {
  using Type = TensorDataType;
  bool half = type == Type::Float16 || type == Type::BFloat16;
  bool words = type == Type::UInt32 || type == Type::Int32;
  bool longs = type == Type::UInt64 || type == Type::Int64;
  bool has = false;
  switch (operation) {
  case TensorReduction::Add:
    has = half || words || longs || type == Type::Float32 ||
          type == Type::Float32Ftz || type == Type::Float64;
    break;
  case TensorReduction::Min:
  case TensorReduction::Max:
    has = half || words || longs;
    break;
  case TensorReduction::Inc:
  case TensorReduction::Dec:
    has = type == Type::UInt32;
    break;
  case TensorReduction::And:
  case TensorReduction::Or:
  case TensorReduction::Xor:
    has = words || longs;
    break;
  }
  return has ? nullptr : "this reduction does not exist for the element type";
}

template <class T>
static T reduceInteger(TensorReduction operation, T old, T value) {
  using Unsigned = std::make_unsigned_t<T>;
  switch (operation) {
  case TensorReduction::Add:
    return static_cast<T>(static_cast<Unsigned>(old) +
                          static_cast<Unsigned>(value));
  case TensorReduction::Min:
    return old < value ? old : value;
  case TensorReduction::Max:
    return old > value ? old : value;
  case TensorReduction::Inc:
    return old >= value ? T{0} : static_cast<T>(old + 1);
  case TensorReduction::Dec:
    return old == 0 || old > value ? value : static_cast<T>(old - 1);
  case TensorReduction::And:
    return old & value;
  case TensorReduction::Or:
    return old | value;
  case TensorReduction::Xor:
    return old ^ value;
  }
  return old;
}

/// min and max of PTX: a NaN loses against a number, and -0 is below +0.
static double reduceMinMax(bool isMax, double x, double y) {
  if (std::isnan(x))
    return y;
  if (std::isnan(y))
    return x;
  if (x == y)
    return std::signbit(x) == isMax ? y : x;
  return (x < y) == isMax ? y : x;
}

/// Sums of two 16-bit floats are exact in double, so they round once.
static uint16_t reduceHalf(FloatFormat format, TensorReduction operation,
                           uint16_t old, uint16_t value) {
  double x = decodeFloat(format, old), y = decodeFloat(format, value);
  double result = operation == TensorReduction::Add
                      ? x + y
                      : reduceMinMax(operation == TensorReduction::Max, x, y);
  return static_cast<uint16_t>(encodeFloat(format, result, {}));
}

static float flushed(float x) {
  return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x;
}

template <class T, class Function>
static void reduceAll(uint8_t *destination, const uint8_t *source,
                      uint32_t count, Function function) {
  for (uint32_t i = 0; i < count; ++i) {
    T old, value;
    std::memcpy(&old, destination + i * sizeof(T), sizeof(T));
    std::memcpy(&value, source + i * sizeof(T), sizeof(T));
    T result = function(old, value);
    std::memcpy(destination + i * sizeof(T), &result, sizeof(T));
  }
}

void reduceElements(TensorDataType type, TensorReduction operation,
                    uint8_t *destination, const uint8_t *source,
                    uint32_t count) {
  auto integers = [&]<class T>(T) {
    reduceAll<T>(destination, source, count, [&](T old, T value) {
      return reduceInteger(operation, old, value);
    });
  };
  auto halves = [&](FloatFormat format) {
    reduceAll<uint16_t>(destination, source, count,
                        [&](uint16_t old, uint16_t value) {
                          return reduceHalf(format, operation, old, value);
                        });
  };
  switch (type) {
  case TensorDataType::UInt32:
    return integers(uint32_t{});
  case TensorDataType::Int32:
    return integers(int32_t{});
  case TensorDataType::UInt64:
    return integers(uint64_t{});
  case TensorDataType::Int64:
    return integers(int64_t{});
  case TensorDataType::Float16:
    return halves(FloatFormat::F16);
  case TensorDataType::BFloat16:
    return halves(FloatFormat::BF16);
  case TensorDataType::Float64:
    return reduceAll<double>(destination, source, count,
                             [](double x, double y) { return x + y; });
  default:
    return reduceAll<float>(destination, source, count, [](float x, float y) {
      return flushed(flushed(x) + flushed(y));
    });
  }
}

} // namespace tilewright::sim
