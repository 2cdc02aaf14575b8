//===- LaunchPlan.cpp - The launches of a plan, ready to go ---------------===//

#include "runtime/session/LaunchPlan.h"

#include "runtime/support/Json.h"

#include <cstring>

namespace tilewright::runtime {

// Limits of a CUDA grid, the same for all architectures in question.
static constexpr int64_t maxGrid[3] = {INT32_MAX, 65535, 65535};

static constexpr Symbol stepSymbols[] = {Symbol::Tokens,   Symbol::Seqs,
                                         Symbol::Rows,     Symbol::PagesPerSeq,
                                         Symbol::MaxQuery, Symbol::MaxKeys};

/// Whether the value may differ from step to step of one session.
static bool changes(const SizeExpr &size) {
  for (Symbol symbol : stepSymbols)
    if (size.uses(symbol))
      return true;
  return false;
}

static bool changes(const TensorMapParam &map) {
  for (const Shape &factors : map.view)
    for (const SizeExpr &size : factors)
      if (changes(size))
        return true;
  return false;
}

Error PreparedLaunch::broken(const std::string &problem) const {
  return Error(TILEWRIGHT_INVALID_BUNDLE,
               "kernel " + inQuotes(kernel.name) + ": " + problem);
}

//===----------------------------------------------------------------------===//
// Tensor maps
//===----------------------------------------------------------------------===//

static int mapDataType(DType dtype) {
  switch (dtype) {
  case DType::BF16:
    return abi::MapBfloat16;
  case DType::F16:
    return abi::MapFloat16;
  case DType::F32:
    return abi::MapFloat32;
  case DType::F64:
    return abi::MapFloat64;
  case DType::I32:
    return abi::MapInt32;
  case DType::U32:
    return abi::MapUint32;
  case DType::I64:
    return abi::MapInt64;
  case DType::U64:
    return abi::MapUint64;
  case DType::I16:
  case DType::U16:
    return abi::MapUint16;
  default:
    return abi::MapUint8;
  }
}

// CUtensorMapSwizzle and CUtensorMapL2promotion count their sizes from 0.
static int swizzleCode(uint32_t bytes) {
  return bytes == 0 ? 0 : bytes == 32 ? 1 : bytes == 64 ? 2 : 3;
}
static int promotionCode(uint32_t bytes) {
  return bytes == 0 ? 0 : bytes == 64 ? 1 : bytes == 128 ? 2 : 3;
}

/// The driver lists dimensions innermost first, and strides in bytes of all
/// but the innermost.
static int encode(const Driver &driver, const TensorMapParam &param,
                  DType dtype, abi::DevicePointer address,
                  const std::array<uint64_t, 5> &outermostFirst,
                  abi::TensorMap &map) {
  size_t rank = param.view.size();
  uint64_t sizes[5], strides[5];
  uint32_t box[5], elementStrides[5];
  uint64_t stride = byteSize(dtype);
  for (size_t i = 0; i < rank; ++i) {
    size_t outer = rank - 1 - i;
    sizes[i] = outermostFirst[outer];
    box[i] = param.box[outer];
    elementStrides[i] = param.elementStrides[outer];
    stride *= sizes[i];
    strides[i] = stride;
  }
  return driver.tensorMapEncodeTiled(
      &map, mapDataType(dtype), uint32_t(rank),
      reinterpret_cast<void *>(address), sizes, strides, box, elementStrides,
      abi::mapInterleaveNone, swizzleCode(param.swizzle),
      promotionCode(param.l2Promotion), param.fillNan ? 1 : 0);
}

Result<void> PreparedLaunch::writeMap(const Driver &driver, MapSlot &slot,
                                      const SymbolValues &symbols) {
  const ArgumentType &argument = kernel.arguments[slot.param->argument];
  std::array<uint64_t, 5> sizes{};
  int64_t product = 1;
  for (size_t i = 0; i < slot.param->view.size(); ++i) {
    std::optional<int64_t> size = numElements(slot.param->view[i], symbols);
    if (!size || __builtin_mul_overflow(product, *size, &product))
      return broken("a dimension of a tensor map is not a size");
    sizes[i] = uint64_t(*size);
  }
  if (product != numElements(argument.shape, symbols))
    return broken("a tensor map's view is no reshape of argument " +
                  std::to_string(slot.param->argument));
  if (product == 0)
    return broken("a tensor map has a zero dimension, but the grid has none");
  if (sizes == slot.sizes)
    return success();
  int code = encode(driver, *slot.param, argument.dtype, slot.address, sizes,
                    *slot.map);
  TILEWRIGHT_TRY(
      driver.check(code, TILEWRIGHT_INVALID_BUNDLE,
                   "kernel " + inQuotes(kernel.name) +
                       ": cannot encode the tensor map of argument " +
                       std::to_string(slot.param->argument)));
  slot.sizes = sizes;
  return success();
}

//===----------------------------------------------------------------------===//
// PreparedLaunch
//===----------------------------------------------------------------------===//

Result<void> PreparedLaunch::writeSize(const SizeSlot &slot,
                                       const SymbolValues &symbols) {
  std::optional<int64_t> value = slot.param->value.evaluate(symbols);
  bool isWide = slot.param->dtype == DType::I64;
  if (!value || (!isWide && *value > INT32_MAX))
    return broken("the size " + slot.param->value.text() + " is out of range");
  // Little-endian: the low half of the word is the i32.
  *slot.word = uint64_t(*value);
  return success();
}

Result<void> PreparedLaunch::prepare(const Driver &driver,
                                     const KernelLaunch &launch,
                                     const Resolver &resolve,
                                     const SymbolValues &symbols) {
  for (const Operand &operand : launch.operands)
    addresses.push_back(resolve(operand).address);
  words.resize(kernel.params.size());
  maps.resize(kernel.params.size());
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    const Param &param = kernel.params[i];
    params.push_back(&words[i]);
    if (const auto *pointer = std::get_if<PointerParam>(&param)) {
      words[i] = resolve(launch.operands[pointer->argument]).address;
    } else if (const auto *size = std::get_if<SizeParam>(&param)) {
      SizeSlot slot{size, &words[i]};
      if (changes(size->value))
        sizeSlots.push_back(slot);
      else
        TILEWRIGHT_TRY(writeSize(slot, symbols));
    } else {
      const auto &map = std::get<TensorMapParam>(param);
      params[i] = &maps[i];
      MapSlot slot{&map, resolve(launch.operands[map.argument]).address,
                   &maps[i]};
      if (changes(map))
        mapSlots.push_back(slot);
      else
        TILEWRIGHT_TRY(writeMap(driver, slot, symbols));
    }
  }
  return success();
}

Result<void> PreparedLaunch::updateGrid(const SymbolValues &symbols) {
  isEmpty = false;
  for (size_t i = 0; i < 3; ++i) {
    std::optional<int64_t> blocks = kernel.grid[i].evaluate(symbols);
    if (!blocks || *blocks > maxGrid[i])
      return broken("the grid " + kernel.grid[i].text() + " is out of range");
    if (*blocks % kernel.cluster[i] != 0)
      return broken("a grid of " + std::to_string(*blocks) +
                    " is not divisible by a cluster of " +
                    std::to_string(kernel.cluster[i]));
    grid[i] = uint32_t(*blocks);
    isEmpty |= *blocks == 0;
  }
  return success();
}

Result<void> PreparedLaunch::update(const Driver &driver,
                                    const SymbolValues &symbols) {
  TILEWRIGHT_TRY(updateGrid(symbols));
  if (isEmpty)
    return success();
  for (const SizeSlot &slot : sizeSlots)
    TILEWRIGHT_TRY(writeSize(slot, symbols));
  for (MapSlot &slot : mapSlots)
    TILEWRIGHT_TRY(writeMap(driver, slot, symbols));
  return success();
}

Result<bool> PreparedLaunch::launch(const Driver &driver, abi::Stream stream) {
  if (isEmpty)
    return false;
  abi::LaunchAttribute attribute{};
  attribute.id = abi::launchAttributeClusterDimension;
  attribute.value.clusterDim = {kernel.cluster[0], kernel.cluster[1],
                                kernel.cluster[2]};
  bool hasCluster =
      kernel.cluster[0] * kernel.cluster[1] * kernel.cluster[2] > 1;
  abi::LaunchConfig config{grid[0],
                           grid[1],
                           grid[2],
                           kernel.block[0],
                           kernel.block[1],
                           kernel.block[2],
                           kernel.sharedBytes,
                           stream,
                           hasCluster ? &attribute : nullptr,
                           hasCluster ? 1u : 0u};
  int code = driver.launchKernelEx(&config, function, params.data(), nullptr);
  TILEWRIGHT_TRY(
      driver.check(code, TILEWRIGHT_LAUNCH_FAILED,
                   "kernel " + inQuotes(kernel.name) + " cannot be launched"));
  return true;
}

//===----------------------------------------------------------------------===//
// LaunchPlan
//===----------------------------------------------------------------------===//

static void addUsed(const SizeExpr &size, std::bitset<numSymbols> &used) {
  for (size_t i = 0; i < numSymbols; ++i)
    if (size.uses(Symbol(i)))
      used.set(i);
}

static void addUsed(const Kernel &kernel, std::bitset<numSymbols> &used) {
  for (const SizeExpr &size : kernel.grid)
    addUsed(size, used);
  for (const Param &param : kernel.params) {
    if (const auto *size = std::get_if<SizeParam>(&param))
      addUsed(size->value, used);
    if (const auto *map = std::get_if<TensorMapParam>(&param))
      for (const Shape &factors : map->view)
        for (const SizeExpr &size : factors)
          addUsed(size, used);
  }
}

/// Every argument must lie in its tensor for the sizes of this session: what
/// the reader of the manifest checked with a symbolic number of pages.
static Result<void> checkExtents(const Kernel &kernel,
                                 const KernelLaunch &launch,
                                 const Resolver &resolve,
                                 const SymbolValues &maxima) {
  for (size_t i = 0; i < launch.operands.size(); ++i) {
    const ArgumentType &type = kernel.arguments[i];
    std::optional<uint64_t> bytes = denseBytes(type.dtype, type.shape, maxima);
    if (!bytes || *bytes > resolve(launch.operands[i]).bytes)
      return Error(TILEWRIGHT_INVALID_BUNDLE,
                   "kernel " + inQuotes(kernel.name) + ": argument " +
                       std::to_string(i) + " is larger than what it is given");
  }
  return success();
}

Result<LaunchPlan> LaunchPlan::prepare(const Model &model, const Plan &plan,
                                       const Resolver &resolve,
                                       const SymbolValues &symbols) {
  LaunchPlan result;
  result.plan = &plan;
  SymbolValues maxima = plan.maxima;
  maxima[Symbol::Pages] = symbols[Symbol::Pages];
  for (const Launch &step : plan.launches) {
    if (const auto *fill = std::get_if<ZeroFill>(&step)) {
      addUsed(fill->bytes, result.usedSymbols);
      result.steps.emplace_back(
          std::pair(fill, resolve(fill->destination).address));
      continue;
    }
    const KernelLaunch &launch = std::get<KernelLaunch>(step);
    const Kernel &kernel = model.manifest().kernels[launch.kernel];
    addUsed(kernel, result.usedSymbols);
    TILEWRIGHT_TRY(checkExtents(kernel, launch, resolve, maxima));
    auto prepared =
        std::make_unique<PreparedLaunch>(kernel, model.function(launch.kernel));
    TILEWRIGHT_TRY(
        prepared->prepare(model.device()->driver(), launch, resolve, symbols));
    result.steps.emplace_back(std::move(prepared));
  }
  return result;
}

Result<int64_t> LaunchPlan::run(const Driver &driver, const Stream &stream,
                                const SymbolValues &symbols,
                                LaunchObserver *observer) {
  int64_t launches = 0;
  size_t index = 0;
  for (Step &step : steps) {
    if (auto *fill =
            std::get_if<std::pair<const ZeroFill *, abi::DevicePointer>>(
                &step)) {
      std::optional<int64_t> bytes = fill->first->bytes.evaluate(symbols);
      TILEWRIGHT_TRY(stream.fillZero(fill->second, uint64_t(*bytes)));
      continue;
    }
    auto &launch = std::get<std::unique_ptr<PreparedLaunch>>(step);
    TILEWRIGHT_TRY(launch->update(driver, symbols));
    const LaunchView view = launch->view(index++, symbols);
    if (observer)
      TILEWRIGHT_TRY(observer->before(stream, view));
    TILEWRIGHT_ASSIGN(bool launched, launch->launch(driver, stream.handle()));
    if (observer)
      TILEWRIGHT_TRY(observer->after(stream, view));
    launches += launched;
  }
  return launches;
}

SymbolValues LaunchPlan::key(SymbolValues symbols) const {
  for (size_t i = 0; i < numSymbols; ++i)
    if (!usedSymbols[i])
      symbols.values[i] = 0;
  return symbols;
}

} // namespace tilewright::runtime
