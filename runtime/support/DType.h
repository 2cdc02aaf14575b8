//===- DType.h - Element types of tensors ---------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_SUPPORT_DTYPE_H
#define TILEWRIGHT_RUNTIME_SUPPORT_DTYPE_H

#include <cstdint>
#include <optional>
#include <string_view>

namespace tilewright::runtime {

enum class DType : uint8_t {
  Bool,
  U8,
  I8,
  F8E4M3,
  F8E5M2,
  F8E8M0,
  U16,
  I16,
  F16,
  BF16,
  U32,
  I32,
  F32,
  U64,
  I64,
  F64,
};

/// Bytes of one element.
unsigned byteSize(DType dtype);

/// The name in a manifest: "bf16", "i32", "f8e4m3", ...
std::string_view name(DType dtype);
std::optional<DType> dtypeFromName(std::string_view name);

/// The name in a safetensors header: "BF16", "F8_E4M3", ...
std::string_view safetensorsName(DType dtype);
std::optional<DType> dtypeFromSafetensors(std::string_view name);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_SUPPORT_DTYPE_H
