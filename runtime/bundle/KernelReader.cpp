//===- KernelReader.cpp - Kernels of a manifest ---------------------------===//

#include "runtime/bundle/Readers.h"
#include "runtime/support/Json.h"

namespace tilewright::runtime {

static constexpr size_t maxKernels = 1 << 16;
// CUDA's limits for every architecture; the tighter ones of a device are
// refused by its driver.
static constexpr int64_t maxThreads = 1024;
static constexpr int64_t maxClusterBlocks = 16;
static constexpr int64_t maxSharedBytes = 1 << 20;
static constexpr size_t maxArguments = 256;
static constexpr size_t maxParams = 512;
static constexpr size_t maxTensorMapRank = 5;
static constexpr int64_t maxBox = 256;
static constexpr int64_t maxElementStride = 8;
static constexpr uint64_t tensorMapGranule = 16;
static constexpr size_t maxFactors = 16;

static std::array<uint32_t, 3> readDim3(const Field &field, int64_t most) {
  if (field.listSize(3) != 3)
    field.fail("must have 3 entries");
  std::array<uint32_t, 3> result;
  int64_t product = 1;
  for (size_t i = 0; i < 3; ++i) {
    result[i] = uint32_t(field.at(i).integer(1, most));
    product *= result[i];
  }
  if (product > most)
    field.fail("has product " + std::to_string(product) + ", at most " +
               std::to_string(most) + " is allowed");
  return result;
}

static std::string_view readMember(const Field &field,
                                   const ZipMembers &members) {
  auto found = members.find(field.text());
  if (found == members.end())
    field.fail("the bundle has no member " + inQuotes(field.text()));
  if (found->second.empty())
    field.fail("member " + inQuotes(field.text()) + " is empty");
  return found->second;
}

static size_t readArgumentIndex(const Field &param, size_t numArguments) {
  const Field argument = param["arg"];
  if (numArguments == 0)
    argument.fail("the kernel has no arguments");
  return size_t(argument.integer(0, int64_t(numArguments) - 1));
}

static SizeParam readSizeParam(const Field &param) {
  param.allowOnly({"kind", "value", "dtype"});
  const Field value = param["value"];
  SizeParam result{value.size(), DType::I32};
  if (param.has("dtype")) {
    const Field dtype = param["dtype"];
    result.dtype = dtype.dtype();
    if (result.dtype != DType::I32 && result.dtype != DType::I64)
      dtype.fail("must be i32 or i64");
  }
  return result;
}

/// One integer per dimension of the tensor map.
static std::vector<uint32_t> readPerDimension(const Field &list, size_t rank,
                                              int64_t most) {
  if (list.listSize(maxTensorMapRank) != rank)
    list.fail("must have one entry per dimension of 'view'");
  std::vector<uint32_t> result;
  for (size_t i = 0; i < rank; ++i)
    result.push_back(uint32_t(list.at(i).integer(1, most)));
  return result;
}

static std::vector<Shape> readView(const Field &view) {
  size_t rank = view.listSize(maxTensorMapRank);
  if (rank == 0)
    view.fail("must have at least one dimension");
  std::vector<Shape> result;
  for (size_t i = 0; i < rank; ++i) {
    const Field factors = view.at(i);
    Shape shape;
    for (size_t f = 0, size = factors.listSize(maxFactors); f < size; ++f)
      shape.push_back(factors.at(f).size());
    result.push_back(std::move(shape));
  }
  return result;
}

/// One of the values that the driver's enumerations have names for.
static uint32_t readBytesOf(const Field &field,
                            std::initializer_list<uint32_t> allowed) {
  int64_t value = field.integer(0, 256);
  for (uint32_t candidate : allowed)
    if (value == candidate)
      return candidate;
  field.fail("is " + std::to_string(value) + ", which no tensor map has");
}

/// The driver's constraints on the inner box (cuTensorMapEncodeTiled).
static void checkInnerBox(const Field &param, const TensorMapParam &map,
                          DType dtype) {
  uint64_t inner = uint64_t(map.box.back()) * byteSize(dtype);
  if (inner % tensorMapGranule != 0)
    param.fail("the inner box of " + std::to_string(inner) +
               " bytes is no multiple of 16");
  if (map.swizzle != 0 && inner > map.swizzle)
    param.fail("the inner box of " + std::to_string(inner) +
               " bytes is wider than the swizzle");
}

static TensorMapParam
readTensorMapParam(const Field &param,
                   const std::vector<ArgumentType> &arguments) {
  param.allowOnly({"kind", "arg", "view", "box", "swizzle", "element_strides",
                   "l2_promotion", "fill"});
  TensorMapParam map;
  map.argument = readArgumentIndex(param, arguments.size());
  const Field view = param["view"];
  map.view = readView(view);
  size_t rank = map.view.size();
  const Field box = param["box"];
  map.box = readPerDimension(box, rank, maxBox);
  map.elementStrides.assign(rank, 1);
  if (param.has("element_strides")) {
    const Field strides = param["element_strides"];
    map.elementStrides = readPerDimension(strides, rank, maxElementStride);
  }
  map.swizzle = readBytesOf(param["swizzle"], {0, 32, 64, 128});
  map.l2Promotion = 128;
  if (param.has("l2_promotion"))
    map.l2Promotion = readBytesOf(param["l2_promotion"], {0, 64, 128, 256});
  map.fillNan = false;
  if (param.has("fill")) {
    const Field fill = param["fill"];
    if (fill.text() != "zero" && fill.text() != "nan")
      fill.fail("must be 'zero' or 'nan'");
    map.fillNan = fill.text() == "nan";
  }
  checkInnerBox(param, map, arguments[map.argument].dtype);
  return map;
}

static Param readParam(const Field &param,
                       const std::vector<ArgumentType> &arguments) {
  const Field kind = param["kind"];
  if (kind.text() == "pointer") {
    param.allowOnly({"kind", "arg"});
    return PointerParam{readArgumentIndex(param, arguments.size())};
  }
  if (kind.text() == "size")
    return readSizeParam(param);
  if (kind.text() == "tensor_map")
    return readTensorMapParam(param, arguments);
  kind.fail("unknown kind " + inQuotes(kind.text()));
}

static std::vector<ArgumentType> readArguments(const Field &list) {
  std::vector<ArgumentType> arguments;
  for (size_t i = 0, size = list.listSize(maxArguments); i < size; ++i) {
    const Field argument = list.at(i);
    argument.allowOnly({"dtype", "shape"});
    const Field shape = argument["shape"];
    arguments.push_back({argument["dtype"].dtype(), shape.shape()});
  }
  return arguments;
}

static Kernel readKernel(const Field &entry, const ZipMembers &members) {
  entry.allowOnly({"name", "ptx", "cubin", "family", "config", "reason",
                   "ptxas", "block", "cluster", "grid", "shared_bytes", "args",
                   "params"});
  Kernel kernel;
  kernel.name = entry["name"].text();
  kernel.family = entry["family"].text();
  kernel.ptx = readMember(entry["ptx"], members);
  if (entry.has("cubin"))
    kernel.cubin = readMember(entry["cubin"], members);
  kernel.block = readDim3(entry["block"], maxThreads);
  kernel.cluster = readDim3(entry["cluster"], maxClusterBlocks);
  const Field grid = entry["grid"];
  if (grid.listSize(3) != 3)
    grid.fail("must have 3 entries");
  for (size_t i = 0; i < 3; ++i)
    kernel.grid.push_back(grid.at(i).size());
  kernel.sharedBytes =
      uint32_t(entry["shared_bytes"].integer(0, maxSharedBytes));
  const Field arguments = entry["args"], params = entry["params"];
  kernel.arguments = readArguments(arguments);
  for (size_t i = 0, size = params.listSize(maxParams); i < size; ++i) {
    const Field param = params.at(i);
    kernel.params.push_back(readParam(param, kernel.arguments));
  }
  return kernel;
}

void readKernels(const Field &list, const ZipMembers &members,
                 Manifest &manifest) {
  NameIndex names;
  for (size_t i = 0, size = list.listSize(maxKernels); i < size; ++i) {
    const Field entry = list.at(i);
    const Field name = entry["name"];
    addName(names, name);
    manifest.kernels.push_back(readKernel(entry, members));
  }
}

} // namespace tilewright::runtime
