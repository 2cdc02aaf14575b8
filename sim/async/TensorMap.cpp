//===- TensorMap.cpp - Encoding and validation of tensor maps -------------===//

#include "sim/async/TensorMap.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace tilewright::sim {

// Limits from the documentation of cuTensorMapEncodeTiled.
static constexpr uint64_t addressAlignment = 16;
static constexpr uint64_t maxDim = uint64_t{1} << 32;
static constexpr uint64_t strideLimit = uint64_t{1} << 40;
static constexpr uint32_t maxBox = 256;
static constexpr uint32_t maxElementStride = 8;
static constexpr uint32_t boxRowMultiple = 16;
static constexpr uint32_t mapAlignment = 64;
/// PTX ISA: the shared-memory side of a tensor copy is aligned to this.
static constexpr uint32_t sharedMemoryAlignment = 128;

// Raw values of the driver's enumerations that are known but refused.
static constexpr uint32_t firstPackedType = 13, lastPackedType = 15;
static constexpr uint32_t firstAtomSwizzle = 4, lastAtomSwizzle = 6;
static constexpr uint32_t lastInterleave = 2;
static constexpr uint32_t lastL2Promotion = 3;

namespace {
/// The content of the 128 bytes. Fields are raw: tensormap.replace rewrites
/// them one by one, so a map may be inconsistent until it is used.
struct RawMap {
  uint32_t magic;
  uint32_t dataType;
  uint32_t rank;
  uint32_t interleave;
  uint32_t swizzle;
  uint32_t l2Promotion;
  uint32_t oobFill;
  uint8_t elementStride[maxTensorRank + 3];
  uint16_t box[maxTensorRank + 1];
  uint32_t lastIndex[maxTensorRank]; ///< globalDim - 1, which fits 32 bits
  uint32_t reserved[3];
  uint64_t address;
  uint64_t stride[maxTensorRank - 1];
  uint64_t checksum;
};
static_assert(sizeof(RawMap) == tensorMapBytes);
static_assert(std::has_unique_object_representations_v<RawMap>,
              "padding would be part of the checksum");
} // namespace

static constexpr uint32_t mapMagic = 0x70616d74; // "tmap"

/// FNV-1a over everything before the checksum.
static uint64_t checksumOf(const RawMap &raw) {
  uint8_t bytes[sizeof(raw)];
  std::memcpy(bytes, &raw, sizeof(raw));
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < offsetof(RawMap, checksum); ++i)
    hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash;
}

static uint32_t bytesOfType(uint32_t type) {
  static constexpr uint8_t sizes[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};
  return type < sizeof(sizes) ? sizes[type] : 0;
}

static bool isFloatType(uint32_t type) {
  return type >= static_cast<uint32_t>(TensorDataType::Float16) &&
         type <= static_cast<uint32_t>(TensorDataType::TFloat32Ftz);
}

/// Bytes of a line of the swizzle pattern.
static uint32_t swizzleSpan(uint32_t swizzle) { return 16u << swizzle; }

/// Values that stand alone: types and modes.
static std::string checkModes(const RawMap &raw) {
  if (raw.dataType >= firstPackedType && raw.dataType <= lastPackedType)
    return "packed 4- and 6-bit tensor data types need sm_100";
  if (bytesOfType(raw.dataType) == 0)
    return "unknown tensor data type " + std::to_string(raw.dataType);
  if (raw.interleave > lastInterleave)
    return "unknown interleave mode " + std::to_string(raw.interleave);
  if (raw.interleave != 0)
    return "interleaved tensor maps are refused, since no manual says which "
           "stride leads from a slice of channels to the next: make the slices "
           "a dimension of their own, without interleave "
           "(docs/interleaved-tensor-maps.md)";
  if (raw.swizzle >= firstAtomSwizzle && raw.swizzle <= lastAtomSwizzle)
    return "128-byte swizzles with atoms of 32 or 64 bytes need sm_100";
  if (raw.swizzle > lastAtomSwizzle)
    return "unknown swizzle mode " + std::to_string(raw.swizzle);
  if (raw.l2Promotion > lastL2Promotion)
    return "unknown L2 promotion " + std::to_string(raw.l2Promotion);
  if (raw.oobFill > 1)
    return "unknown out-of-bounds fill mode " + std::to_string(raw.oobFill);
  if (raw.oobFill == 1 && !isFloatType(raw.dataType))
    return "NaN fill needs a floating-point tensor data type";
  return {};
}

/// The tensor in global memory. Strides are not required to grow with the
/// dimension: the driver accepts permuted tensors, and so do we.
static std::string checkTensor(const RawMap &raw) {
  if (raw.rank == 0 || raw.rank > maxTensorRank)
    return "tensor rank is " + std::to_string(raw.rank) +
           ", but must be from 1 to " + std::to_string(maxTensorRank);
  if (raw.address % addressAlignment != 0)
    return "global address is not a multiple of 16";
  unsigned __int128 last = raw.address;
  last += (static_cast<unsigned __int128>(raw.lastIndex[0]) + 1) *
          bytesOfType(raw.dataType);
  for (uint32_t i = 0; i + 1 < raw.rank; ++i) {
    std::string name = "global stride " + std::to_string(i);
    if (raw.stride[i] % addressAlignment != 0)
      return name + " is not a multiple of 16";
    if (raw.stride[i] >= strideLimit)
      return name + " is not below 2^40";
    last +=
        static_cast<unsigned __int128>(raw.stride[i]) * raw.lastIndex[i + 1];
  }
  if (last >> 64 != 0)
    return "the tensor leaves the address space";
  return {};
}

static std::string checkBox(const RawMap &raw) {
  for (uint32_t i = 0; i < raw.rank; ++i) {
    std::string index = std::to_string(i);
    if (raw.box[i] == 0 || raw.box[i] > maxBox)
      return "box dimension " + index + " is not from 1 to 256";
    if (raw.elementStride[i] == 0 || raw.elementStride[i] > maxElementStride)
      return "element stride " + index + " is not from 1 to 8";
  }
  uint32_t rowBytes = raw.box[0] * bytesOfType(raw.dataType);
  if (rowBytes % boxRowMultiple != 0)
    return "box dimension 0 spans " + std::to_string(rowBytes) +
           " bytes, not a multiple of 16";
  if (raw.swizzle != 0 && rowBytes > swizzleSpan(raw.swizzle))
    return "box dimension 0 spans " + std::to_string(rowBytes) +
           " bytes, more than the swizzle of " +
           std::to_string(swizzleSpan(raw.swizzle));
  return {};
}

static std::string checkRaw(const RawMap &raw) {
  for (auto check : {checkModes, checkTensor, checkBox})
    if (std::string error = check(raw); !error.empty())
      return error;
  return {};
}

static void writeRaw(RawMap &raw, uint8_t out[tensorMapBytes]) {
  raw.magic = mapMagic;
  raw.checksum = checksumOf(raw);
  std::memcpy(out, &raw, sizeof(raw));
}

static std::string readRaw(const uint8_t bytes[tensorMapBytes], RawMap &raw) {
  std::memcpy(&raw, bytes, sizeof(raw));
  if (raw.magic != mapMagic)
    return "these 128 bytes are not a tensor map";
  if (raw.checksum != checksumOf(raw))
    return "the tensor map was overwritten after it was encoded";
  return {};
}

/// Arguments to raw fields; refuses what does not fit them.
static std::string fillRaw(const TensorMapArguments &arguments, RawMap &raw) {
  raw.dataType = arguments.dataType;
  raw.rank = arguments.rank;
  raw.interleave = arguments.interleave;
  raw.swizzle = arguments.swizzle;
  raw.l2Promotion = arguments.l2Promotion;
  raw.oobFill = arguments.oobFill;
  raw.address = arguments.globalAddress;
  if (raw.rank == 0 || raw.rank > maxTensorRank)
    return checkTensor(raw);
  if (!arguments.globalDim || !arguments.boxDim || !arguments.elementStrides ||
      (raw.rank > 1 && !arguments.globalStrides))
    return "an array argument is null";
  for (uint32_t i = 0; i < raw.rank; ++i) {
    if (arguments.globalDim[i] == 0 || arguments.globalDim[i] > maxDim)
      return "global dimension " + std::to_string(i) + " is not from 1 to 2^32";
    if (arguments.boxDim[i] > maxBox)
      return "box dimension " + std::to_string(i) + " is not from 1 to 256";
    if (arguments.elementStrides[i] > maxElementStride)
      return "element stride " + std::to_string(i) + " is not from 1 to 8";
    raw.lastIndex[i] = static_cast<uint32_t>(arguments.globalDim[i] - 1);
    raw.box[i] = static_cast<uint16_t>(arguments.boxDim[i]);
    raw.elementStride[i] = static_cast<uint8_t>(arguments.elementStrides[i]);
  }
  for (uint32_t i = 0; i + 1 < raw.rank; ++i)
    raw.stride[i] = arguments.globalStrides[i];
  return {};
}

std::string encodeTensorMap(const TensorMapArguments &arguments,
                            uint8_t out[tensorMapBytes]) {
  if (reinterpret_cast<uintptr_t>(out) % mapAlignment != 0)
    return "the tensor map is not aligned to 64 bytes";
  RawMap raw = {};
  if (std::string error = fillRaw(arguments, raw); !error.empty())
    return error;
  if (std::string error = checkRaw(raw); !error.empty())
    return error;
  writeRaw(raw, out);
  return {};
}

std::string decodeTensorMap(const uint8_t bytes[tensorMapBytes],
                            TensorMap &out) {
  RawMap raw;
  if (std::string error = readRaw(bytes, raw); !error.empty())
    return error;
  if (std::string error = checkRaw(raw); !error.empty())
    return error;
  TensorMap map;
  map.address = raw.address;
  map.rank = static_cast<uint8_t>(raw.rank);
  map.type = static_cast<TensorDataType>(raw.dataType);
  map.swizzle = static_cast<TensorSwizzle>(raw.swizzle);
  map.l2Promotion = static_cast<uint8_t>(raw.l2Promotion);
  map.fillNan = raw.oobFill == 1;
  for (uint32_t i = 0; i < raw.rank; ++i) {
    map.dim[i] = uint64_t{raw.lastIndex[i]} + 1;
    map.box[i] = raw.box[i];
    map.elementStride[i] = raw.elementStride[i];
    map.stride[i] = i == 0 ? map.elementBytes() : raw.stride[i - 1];
  }
  // Without interleaving the TMA ignores the stride of dimension 0.
  map.elementStride[0] = 1;
  out = map;
  return {};
}

std::string replaceTensorMapAddress(uint8_t bytes[tensorMapBytes],
                                    uint64_t globalAddress) {
  RawMap raw;
  if (std::string error = readRaw(bytes, raw); !error.empty())
    return error;
  raw.address = globalAddress;
  if (std::string error = checkRaw(raw); !error.empty())
    return error;
  writeRaw(raw, bytes);
  return {};
}

/// tensormap.replace numbers three element types unlike the driver.
static uint32_t driverTypeOf(uint32_t elementType) {
  constexpr uint32_t f32Ftz = 8, f64 = 9, bf16 = 10;
  switch (elementType) {
  case f32Ftz:
    return static_cast<uint32_t>(TensorDataType::Float32Ftz);
  case f64:
    return static_cast<uint32_t>(TensorDataType::Float64);
  case bf16:
    return static_cast<uint32_t>(TensorDataType::BFloat16);
  default:
    return elementType;
  }
}

/// Fields with one entry a dimension.
static std::string replaceEntry(RawMap &raw, TensorMapField field,
                                uint32_t ordinal, uint64_t value) {
  uint32_t entries =
      field == TensorMapField::GlobalStride ? maxTensorRank - 1 : maxTensorRank;
  if (ordinal >= entries)
    return "tensormap.replace of entry " + std::to_string(ordinal) +
           " of a field with " + std::to_string(entries);
  switch (field) {
  case TensorMapField::BoxDim:
    if (value > maxBox)
      return "tensormap.replace of a box dimension by more than 256";
    raw.box[ordinal] = static_cast<uint16_t>(value);
    return {};
  case TensorMapField::GlobalDim:
    // A 32-bit operand: 0 cannot be meant, and would be 2^32.
    if (value == 0 || value > maxDim)
      return "tensormap.replace of a global dimension by 0";
    raw.lastIndex[ordinal] = static_cast<uint32_t>(value - 1);
    return {};
  case TensorMapField::GlobalStride:
    raw.stride[ordinal] = value;
    return {};
  default:
    if (value > maxElementStride)
      return "tensormap.replace of an element stride by more than 8";
    raw.elementStride[ordinal] = static_cast<uint8_t>(value);
    return {};
  }
}

/// A program may also make a map from nothing: 128 zero bytes, whose fields it
/// replaces one after the other.
static bool isBlank(const uint8_t bytes[tensorMapBytes]) {
  return std::all_of(bytes, bytes + tensorMapBytes,
                     [](uint8_t byte) { return byte == 0; });
}

std::string replaceTensorMapField(uint8_t bytes[tensorMapBytes],
                                  TensorMapField field, uint32_t ordinal,
                                  uint64_t value) {
  RawMap raw = {};
  bool blank = isBlank(bytes);
  if (std::string error = blank ? "" : readRaw(bytes, raw); !error.empty())
    return error;
  uint32_t narrow = static_cast<uint32_t>(value);
  switch (field) {
  case TensorMapField::GlobalAddress:
    raw.address = value;
    break;
  case TensorMapField::Rank:
    raw.rank = narrow + 1;
    break;
  case TensorMapField::ElementType:
    raw.dataType = driverTypeOf(narrow);
    break;
  case TensorMapField::Interleave:
    raw.interleave = narrow;
    break;
  case TensorMapField::Swizzle:
    if (narrow > static_cast<uint32_t>(TensorSwizzle::Bytes128))
      return "tensormap.replace of the swizzle by a mode of sm_100";
    raw.swizzle = narrow;
    break;
  case TensorMapField::SwizzleAtomicity:
    if (narrow != 0)
      return "tensormap.replace of the swizzle atomicity needs sm_100";
    break;
  case TensorMapField::FillMode:
    raw.oobFill = narrow;
    break;
  default:
    if (std::string error = replaceEntry(raw, field, ordinal, value);
        !error.empty())
      return error;
  }
  writeRaw(raw, bytes);
  return {};
}

uint32_t TensorMap::elementBytes() const {
  return bytesOfType(static_cast<uint32_t>(type));
}

uint32_t TensorMap::boxBytes() const {
  uint32_t bytes = elementBytes();
  for (int i = 0; i < rank; ++i)
    bytes *= boxElements(i);
  return bytes;
}

uint32_t TensorMap::sharedAlignment() const { return sharedMemoryAlignment; }

} // namespace tilewright::sim
