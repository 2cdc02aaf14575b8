//===- Value.cpp - How a weight is made from a checkpoint -----------------===//

#include "runtime/weights/Value.h"

#include "runtime/weights/Convert.h"

#include <algorithm>
#include <cstring>

namespace tilewright::runtime {

int64_t Value::rowElements() const {
  int64_t product = 1;
  for (size_t i = 1; i < dimensions.size(); ++i)
    product *= dimensions[i];
  return product;
}

namespace {

using Bytes = std::vector<std::byte>;

/// Rows [begin, end) of a value, in memory of their own.
Bytes computeRows(const Value &value, Sources sources, int64_t begin,
                  int64_t end) {
  Bytes bytes(size_t(end - begin) * value.rowBytes());
  value.rows(sources, begin, end, bytes.data());
  return bytes;
}

class TensorValue final : public Value {
public:
  TensorValue(size_t source, const SourceTensor &tensor)
      : Value(tensor.dtype, tensor.shape), source(source) {}

  void rows(Sources sources, int64_t begin, int64_t end,
            std::byte *out) const override {
    std::memcpy(out, sources[source]->data.data() + size_t(begin) * rowBytes(),
                size_t(end - begin) * rowBytes());
  }

private:
  size_t source;
};

class CastValue final : public Value {
public:
  CastValue(DType dtype, ValuePtr input)
      : Value(dtype, input->shape()), input(std::move(input)) {}

  void rows(Sources sources, int64_t begin, int64_t end,
            std::byte *out) const override {
    Bytes bytes = computeRows(*input, sources, begin, end);
    convert(input->dtype(), bytes.data(), dtype(), out,
            size_t((end - begin) * rowElements()));
  }

private:
  ValuePtr input;
};

std::vector<int64_t> concatShape(size_t dim,
                                 const std::vector<ValuePtr> &inputs) {
  std::vector<int64_t> shape = inputs.front()->shape();
  shape[dim] = 0;
  for (const ValuePtr &input : inputs)
    shape[dim] += input->shape()[dim];
  return shape;
}

/// Bytes of the part of a row that is contiguous across `dim`, counting it.
size_t runBytes(const Value &value, size_t dim) {
  size_t bytes = byteSize(value.dtype());
  for (size_t i = dim; i < value.shape().size(); ++i)
    bytes *= size_t(value.shape()[i]);
  return bytes;
}

class ConcatValue final : public Value {
public:
  ConcatValue(size_t dim, std::vector<ValuePtr> inputs)
      : Value(inputs.front()->dtype(), concatShape(dim, inputs)), dim(dim),
        inputs(std::move(inputs)) {}

  void rows(Sources sources, int64_t begin, int64_t end,
            std::byte *out) const override {
    return dim == 0 ? stack(sources, begin, end, out)
                    : interleave(sources, begin, end, out);
  }

private:
  void stack(Sources sources, int64_t begin, int64_t end,
             std::byte *out) const {
    int64_t first = 0;
    for (const ValuePtr &input : inputs) {
      int64_t from = std::max(begin, first);
      int64_t to = std::min(end, first + input->numRows());
      if (from < to) {
        input->rows(sources, from - first, to - first, out);
        out += size_t(to - from) * rowBytes();
      }
      first += input->numRows();
    }
  }

  void interleave(Sources sources, int64_t begin, int64_t end,
                  std::byte *out) const {
    size_t stride = runBytes(*this, dim);
    size_t runs = size_t(end - begin) * rowBytes() / stride;
    size_t offset = 0;
    for (const ValuePtr &input : inputs) {
      Bytes bytes = computeRows(*input, sources, begin, end);
      size_t length = runBytes(*input, dim);
      for (size_t i = 0; i < runs; ++i)
        std::memcpy(out + i * stride + offset, bytes.data() + i * length,
                    length);
      offset += length;
    }
  }

  size_t dim;
  std::vector<ValuePtr> inputs;
};

std::vector<int64_t> sliceShape(size_t dim, int64_t length,
                                std::vector<int64_t> shape) {
  shape[dim] = length;
  return shape;
}

class SliceValue final : public Value {
public:
  SliceValue(size_t dim, int64_t begin, int64_t end, ValuePtr input)
      : Value(input->dtype(), sliceShape(dim, end - begin, input->shape())),
        dim(dim), first(begin), input(std::move(input)) {}

  void rows(Sources sources, int64_t begin, int64_t end,
            std::byte *out) const override {
    if (dim == 0)
      return input->rows(sources, first + begin, first + end, out);
    Bytes bytes = computeRows(*input, sources, begin, end);
    size_t stride = runBytes(*input, dim);
    size_t length = runBytes(*this, dim);
    size_t offset = size_t(first) * runBytes(*input, dim + 1);
    for (size_t i = 0, runs = bytes.size() / stride; i < runs; ++i)
      std::memcpy(out + i * length, bytes.data() + i * stride + offset, length);
  }

private:
  size_t dim;
  int64_t first;
  ValuePtr input;
};

class ReshapeValue final : public Value {
public:
  ReshapeValue(std::vector<int64_t> shape, ValuePtr input)
      : Value(input->dtype(), std::move(shape)), input(std::move(input)) {}

  // The wanted bytes may start and end within rows of the input.
  void rows(Sources sources, int64_t begin, int64_t end,
            std::byte *out) const override {
    size_t from = size_t(begin) * rowBytes();
    size_t to = size_t(end) * rowBytes();
    size_t inner = input->rowBytes();
    int64_t inputBegin = int64_t(from / inner);
    int64_t inputEnd = int64_t((to + inner - 1) / inner);
    Bytes bytes = computeRows(*input, sources, inputBegin, inputEnd);
    std::memcpy(out, bytes.data() + (from - size_t(inputBegin) * inner),
                to - from);
  }

private:
  ValuePtr input;
};

class RegroupRowsValue final : public Value {
public:
  RegroupRowsValue(int64_t period, int64_t extent, int64_t from, int64_t to,
                   ValuePtr input)
      : Value(input->dtype(), input->shape()), period(period), extent(extent),
        from(from), to(to), input(std::move(input)) {}

  void rows(Sources sources, int64_t begin, int64_t end,
            std::byte *out) const override {
    for (int64_t row = begin; row < end;) {
      Run run = runAt(row);
      int64_t length = std::min(run.length, end - row);
      input->rows(sources, run.source, run.source + length, out);
      out += size_t(length) * rowBytes();
      row += length;
    }
  }

private:
  struct Run {
    int64_t source; ///< row of the input
    int64_t length; ///< for which both sides go on side by side
  };

  Run runAt(int64_t row) const {
    int64_t inPeriod = row % period;
    if (inPeriod >= extent)
      return {row, period - inPeriod};
    int64_t half = inPeriod / to % 2;
    int64_t pair = inPeriod / (2 * to) * to + inPeriod % to;
    int64_t inSource = pair / from * 2 * from + pair % from + half * from;
    return {row - inPeriod + inSource,
            std::min(to - inPeriod % to, from - pair % from)};
  }

  int64_t period, extent, from, to;
  ValuePtr input;
};

class ScaleColumnsValue final : public Value {
public:
  ScaleColumnsValue(ValuePtr input, ValuePtr scale)
      : Value(input->dtype(), input->shape()), input(std::move(input)),
        scale(std::move(scale)) {}

  void rows(Sources sources, int64_t begin, int64_t end,
            std::byte *out) const override {
    input->rows(sources, begin, end, out);
    Bytes factors = computeRows(*scale, sources, 0, scale->numRows());
    scaleColumns(dtype(), out, scale->dtype(), factors.data(), out,
                 size_t(end - begin), size_t(rowElements()));
  }

private:
  ValuePtr input, scale;
};

class RopeTableValue final : public Value {
public:
  explicit RopeTableValue(const RopeParameters &parameters)
      : Value(DType::F32,
              {parameters.maxPositions, parameters.rotaryDim / 2, 2}),
        parameters(parameters) {}

  void rows(Sources, int64_t begin, int64_t end,
            std::byte *out) const override {
    std::vector<float> frequencies = ropeFrequencies(parameters);
    std::vector<float> row(frequencies.size() * 2);
    for (int64_t position = begin; position < end; ++position) {
      ropeRow(frequencies, position, row.data());
      std::memcpy(out, row.data(), rowBytes());
      out += rowBytes();
    }
  }

private:
  RopeParameters parameters;
};

} // namespace

ValuePtr makeTensor(size_t source, const SourceTensor &tensor) {
  return std::make_unique<TensorValue>(source, tensor);
}
ValuePtr makeCast(DType dtype, ValuePtr input) {
  return std::make_unique<CastValue>(dtype, std::move(input));
}
ValuePtr makeConcat(size_t dim, std::vector<ValuePtr> inputs) {
  return std::make_unique<ConcatValue>(dim, std::move(inputs));
}
ValuePtr makeSlice(size_t dim, int64_t begin, int64_t end, ValuePtr input) {
  return std::make_unique<SliceValue>(dim, begin, end, std::move(input));
}
ValuePtr makeReshape(std::vector<int64_t> shape, ValuePtr input) {
  return std::make_unique<ReshapeValue>(std::move(shape), std::move(input));
}
ValuePtr makeRegroupRows(int64_t period, int64_t extent, int64_t from,
                         int64_t to, ValuePtr input) {
  return std::make_unique<RegroupRowsValue>(period, extent, from, to,
                                            std::move(input));
}
ValuePtr makeScaleColumns(ValuePtr input, ValuePtr scale) {
  return std::make_unique<ScaleColumnsValue>(std::move(input),
                                             std::move(scale));
}
ValuePtr makeRopeTable(const RopeParameters &parameters) {
  return std::make_unique<RopeTableValue>(parameters);
}

} // namespace tilewright::runtime
