//===- ValueReader.cpp - Weights of a manifest ----------------------------===//

#include "runtime/bundle/Readers.h"
#include "runtime/support/Json.h"
#include "runtime/weights/Convert.h"

namespace tilewright::runtime {

static constexpr size_t maxWeights = 1 << 20;
static constexpr size_t maxOperands = 1 << 12;
static constexpr int maxDepth = 32;
// Tensor maps need 16, vector loads up to 32; whole cache lines suit both.
static constexpr uint64_t weightAlignment = 256;

namespace {

/// Reads value trees and collects the tensors that they name.
class ValueReader {
public:
  explicit ValueReader(Manifest &manifest) : manifest(manifest) {}

  ValuePtr read(const Field &field, int depth = 0);

private:
  ValuePtr readTensor(const Field &field);
  ValuePtr readCast(const Field &field, int depth);
  ValuePtr readConcat(const Field &field, int depth);
  ValuePtr readSlice(const Field &field, int depth);
  ValuePtr readReshape(const Field &field, int depth);
  ValuePtr readRegroupRows(const Field &field, int depth);
  ValuePtr readScaleColumns(const Field &field, int depth);
  ValuePtr readRopeTable(const Field &field);

  /// The operand at `index`.
  ValuePtr operand(const Field &field, size_t index, int depth) {
    const Field input = field.at(index);
    return read(input, depth + 1);
  }

  Manifest &manifest;
  NameIndex sources;
};

} // namespace

static int64_t product(const std::vector<int64_t> &shape) {
  int64_t result = 1;
  for (int64_t dimension : shape)
    if (__builtin_mul_overflow(result, dimension, &result))
      return INT64_MAX;
  return result;
}

static void expectCount(const Field &field, size_t count) {
  if (field.listSize(maxOperands) != count)
    field.fail("must have " + std::to_string(count - 1) + " operands");
}

/// Refuses a shape whose bytes do not fit well within 63 bits.
static void expectSane(const Field &field, const std::vector<int64_t> &shape) {
  if (product(shape) > Field::largest)
    field.fail("the shape " + shapeText(shape) + " is too large");
}

ValuePtr ValueReader::readTensor(const Field &field) {
  expectCount(field, 4);
  const Field name = field.at(1), dtype = field.at(2), shape = field.at(3);
  SourceTensor tensor{name.text(), dtype.dtype(), shape.staticShape()};
  expectSane(shape, tensor.shape);
  auto [known, isNew] = sources.emplace(tensor.name, manifest.sources.size());
  if (isNew)
    manifest.sources.push_back(tensor);
  const SourceTensor &first = manifest.sources[known->second];
  if (first.dtype != tensor.dtype || first.shape != tensor.shape)
    field.fail("tensor " + inQuotes(tensor.name) +
               " has another dtype or shape elsewhere");
  return makeTensor(known->second, tensor);
}

ValuePtr ValueReader::readCast(const Field &field, int depth) {
  expectCount(field, 3);
  const Field dtypeField = field.at(1);
  DType dtype = dtypeField.dtype();
  ValuePtr input = operand(field, 2, depth);
  if (!isComputable(dtype) ||
      !(isComputable(input->dtype()) || input->dtype() == DType::F64))
    field.fail("cannot cast " + std::string(name(input->dtype())) + " to " +
               std::string(name(dtype)));
  return makeCast(dtype, std::move(input));
}

static int64_t readDim(const Field &field, const Value &value) {
  return field.integer(0, int64_t(value.shape().size()) - 1);
}

ValuePtr ValueReader::readConcat(const Field &field, int depth) {
  size_t size = field.listSize(maxOperands);
  if (size < 3)
    field.fail("'concat' needs a dimension and at least one operand");
  std::vector<ValuePtr> inputs;
  for (size_t i = 2; i < size; ++i)
    inputs.push_back(operand(field, i, depth));
  const Field dimField = field.at(1);
  int64_t dim = readDim(dimField, *inputs.front());
  std::vector<int64_t> shape = inputs.front()->shape();
  int64_t total = 0;
  for (const ValuePtr &input : inputs) {
    std::vector<int64_t> other = input->shape();
    if (other.size() == shape.size()) {
      total += other[size_t(dim)];
      other[size_t(dim)] = shape[size_t(dim)];
    }
    if (other != shape || input->dtype() != inputs.front()->dtype())
      field.fail("operands of 'concat' must agree in dtype and in all other "
                 "dimensions");
  }
  shape[size_t(dim)] = total;
  expectSane(field, shape);
  return makeConcat(size_t(dim), std::move(inputs));
}

ValuePtr ValueReader::readSlice(const Field &field, int depth) {
  expectCount(field, 5);
  ValuePtr input = operand(field, 4, depth);
  const Field dimField = field.at(1), beginField = field.at(2),
              endField = field.at(3);
  size_t dim = size_t(readDim(dimField, *input));
  int64_t end = endField.integer(1, input->shape()[dim]);
  int64_t begin = beginField.integer(0, end - 1);
  return makeSlice(dim, begin, end, std::move(input));
}

ValuePtr ValueReader::readReshape(const Field &field, int depth) {
  expectCount(field, 3);
  const Field shapeField = field.at(1);
  std::vector<int64_t> shape = shapeField.staticShape();
  ValuePtr input = operand(field, 2, depth);
  if (product(shape) != product(input->shape()))
    field.fail("cannot reshape " + shapeText(input->shape()) + " to " +
               shapeText(shape));
  return makeReshape(std::move(shape), std::move(input));
}

ValuePtr ValueReader::readRegroupRows(const Field &field, int depth) {
  expectCount(field, 6);
  const Field periodField = field.at(1), extentField = field.at(2),
              fromField = field.at(3), toField = field.at(4);
  ValuePtr input = operand(field, 5, depth);
  int64_t rows = input->numRows();
  int64_t period = periodField.integer(2, rows);
  int64_t extent = extentField.integer(2, period);
  int64_t from = fromField.integer(1, extent / 2);
  int64_t to = toField.integer(1, extent / 2);
  if (input->shape().empty() || rows % period != 0)
    periodField.fail(std::to_string(period) + " does not divide the " +
                     std::to_string(rows) + " rows");
  if (extent % (2 * from) != 0 || extent % (2 * to) != 0)
    field.fail("twice a distance must divide the extent of " +
               std::to_string(extent));
  return makeRegroupRows(period, extent, from, to, std::move(input));
}

ValuePtr ValueReader::readScaleColumns(const Field &field, int depth) {
  expectCount(field, 3);
  ValuePtr input = operand(field, 1, depth);
  ValuePtr scale = operand(field, 2, depth);
  if (input->shape().size() != 2 || scale->shape().size() != 1 ||
      input->shape()[1] != scale->shape()[0])
    field.fail("cannot scale the columns of " + shapeText(input->shape()) +
               " by " + shapeText(scale->shape()));
  if (!isComputable(input->dtype()) || !isComputable(scale->dtype()))
    field.fail("cannot scale " + std::string(name(input->dtype())) + " by " +
               std::string(name(scale->dtype())));
  return makeScaleColumns(std::move(input), std::move(scale));
}

static double readPositive(const Field &object, std::string_view key) {
  const Field field = object[key];
  double number = field.number();
  if (!(number > 0))
    field.fail("must be positive");
  return number;
}

static RopeScaling readRopeScaling(const Field &field) {
  RopeScaling scaling;
  if (field.isNull())
    return scaling;
  const Field type = field["type"];
  if (type.text() == "linear") {
    field.allowOnly({"type", "factor"});
    scaling.type = RopeScaling::Type::Linear;
  } else if (type.text() == "llama3") {
    field.allowOnly({"type", "factor", "low_freq_factor", "high_freq_factor",
                     "original_max_position_embeddings"});
    scaling.type = RopeScaling::Type::Llama3;
    scaling.lowFreqFactor = readPositive(field, "low_freq_factor");
    scaling.highFreqFactor = readPositive(field, "high_freq_factor");
    scaling.originalMaxPositions =
        field["original_max_position_embeddings"].integer(1, INT32_MAX);
    if (!(scaling.highFreqFactor > scaling.lowFreqFactor))
      field.fail("'high_freq_factor' must be above 'low_freq_factor'");
  } else {
    type.fail("unknown rope scaling " + inQuotes(type.text()),
              TILEWRIGHT_UNSUPPORTED);
  }
  scaling.factor = readPositive(field, "factor");
  return scaling;
}

ValuePtr ValueReader::readRopeTable(const Field &field) {
  expectCount(field, 2);
  const Field object = field.at(1);
  object.allowOnly({"theta", "rotary_dim", "max_positions", "scaling"});
  RopeParameters parameters;
  parameters.theta = readPositive(object, "theta");
  const Field rotaryDim = object["rotary_dim"];
  parameters.rotaryDim = rotaryDim.integer(2, 1 << 16);
  if (parameters.rotaryDim % 2 != 0)
    rotaryDim.fail("must be even");
  parameters.maxPositions = object["max_positions"].integer(1, INT32_MAX);
  if (object.has("scaling")) {
    const Field scaling = object["scaling"];
    parameters.scaling = readRopeScaling(scaling);
  }
  return makeRopeTable(parameters);
}

// value ::= "[" OP ("," operand)* "]"
ValuePtr ValueReader::read(const Field &field, int depth) {
  if (depth >= maxDepth)
    field.fail("value deeper than " + std::to_string(maxDepth));
  if (field.listSize(maxOperands) == 0)
    field.fail("must be [op, ...]");
  const Field op = field.at(0);
  const std::string &opName = op.text();
  if (opName == "tensor")
    return readTensor(field);
  if (opName == "cast")
    return readCast(field, depth);
  if (opName == "concat")
    return readConcat(field, depth);
  if (opName == "slice")
    return readSlice(field, depth);
  if (opName == "reshape")
    return readReshape(field, depth);
  if (opName == "regroup_rows")
    return readRegroupRows(field, depth);
  if (opName == "scale_columns")
    return readScaleColumns(field, depth);
  if (opName == "rope_table")
    return readRopeTable(field);
  op.fail("unknown op " + inQuotes(opName));
}

void readWeights(const Field &list, Manifest &manifest) {
  ValueReader reader(manifest);
  NameIndex names;
  for (size_t i = 0, size = list.listSize(maxWeights); i < size; ++i) {
    const Field entry = list.at(i);
    entry.allowOnly({"name", "dtype", "shape", "value"});
    const Field name = entry["name"], shapeField = entry["shape"],
                valueField = entry["value"];
    addName(names, name);
    ValuePtr value = reader.read(valueField);
    std::vector<int64_t> shape = shapeField.staticShape();
    if (value->shape() != shape || value->dtype() != entry["dtype"].dtype())
      valueField.fail("is " + std::string(runtime::name(value->dtype())) + " " +
                      shapeText(value->shape()) +
                      ", but the weight is declared otherwise");
    uint64_t bytes = uint64_t(product(shape)) * byteSize(value->dtype());
    manifest.weights.push_back(
        {name.text(), std::move(value), manifest.weightBytes, bytes});
    manifest.weightBytes +=
        (bytes + weightAlignment - 1) / weightAlignment * weightAlignment;
    if (manifest.weightBytes > uint64_t(Field::largest))
      list.fail("the weights together are too large");
  }
}

} // namespace tilewright::runtime
