//===- DType.cpp - Element types of tensors -------------------------------===//

#include "runtime/support/DType.h"

namespace tilewright::runtime {

namespace {
struct Row {
  DType dtype;
  unsigned bytes;
  std::string_view name;
  std::string_view safetensors;
};
} // namespace

// In the order of the enumerators.
static constexpr Row rows[] = {
    {DType::Bool, 1, "bool", "BOOL"},
    {DType::U8, 1, "u8", "U8"},
    {DType::I8, 1, "i8", "I8"},
    {DType::F8E4M3, 1, "f8e4m3", "F8_E4M3"},
    {DType::F8E5M2, 1, "f8e5m2", "F8_E5M2"},
    {DType::F8E8M0, 1, "f8e8m0", "F8_E8M0"},
    {DType::U16, 2, "u16", "U16"},
    {DType::I16, 2, "i16", "I16"},
    {DType::F16, 2, "f16", "F16"},
    {DType::BF16, 2, "bf16", "BF16"},
    {DType::U32, 4, "u32", "U32"},
    {DType::I32, 4, "i32", "I32"},
    {DType::F32, 4, "f32", "F32"},
    {DType::U64, 8, "u64", "U64"},
    {DType::I64, 8, "i64", "I64"},
    {DType::F64, 8, "f64", "F64"},
};

static const Row &row(DType dtype) { return rows[unsigned(dtype)]; }

unsigned byteSize(DType dtype) { return row(dtype).bytes; }
std::string_view name(DType dtype) { return row(dtype).name; }
std::string_view safetensorsName(DType dtype) { return row(dtype).safetensors; }

std::optional<DType> dtypeFromName(std::string_view name) {
  for (const Row &row : rows)
    if (row.name == name)
      return row.dtype;
  return std::nullopt;
}

std::optional<DType> dtypeFromSafetensors(std::string_view name) {
  for (const Row &row : rows)
    if (row.safetensors == name)
      return row.dtype;
  return std::nullopt;
}

} // namespace tilewright::runtime
