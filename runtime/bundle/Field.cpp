//===- Field.cpp - One value of a manifest, and where it is ---------------===//

#include "runtime/bundle/Field.h"

#include "runtime/support/Json.h"

#include <algorithm>
#include <cmath>

namespace tilewright::runtime {

static constexpr size_t maxRank = 8;

std::string Field::path() const {
  if (!parent)
    return "manifest";
  std::string above = parent->parent ? parent->path() : "";
  if (key.empty())
    return above + "[" + std::to_string(index) + "]";
  return above + (above.empty() ? "" : ".") + std::string(key);
}

void Field::fail(const std::string &problem, tilewright_status status) const {
  throw FieldError{Error(status, path() + ": " + problem)};
}

Field Field::operator[](std::string_view key) const & {
  if (!value.is_object())
    fail("must be an object");
  auto found = value.find(key);
  if (found == value.end())
    fail("lacks the field " + inQuotes(key));
  return Field(*found, this, key, 0);
}

bool Field::has(std::string_view key) const {
  if (!value.is_object())
    fail("must be an object");
  return value.contains(key);
}

void Field::allowOnly(std::initializer_list<std::string_view> keys) const {
  if (!value.is_object())
    fail("must be an object");
  for (const auto &[key, unused] : value.items())
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      fail("has the unknown field " + inQuotes(key));
}

size_t Field::listSize(size_t most) const {
  if (!value.is_array())
    fail("must be a list");
  if (value.size() > most)
    fail("has " + std::to_string(value.size()) + " entries, at most " +
         std::to_string(most) + " are allowed");
  return value.size();
}

Field Field::at(size_t index) const & {
  return Field(value[index], this, "", index);
}

bool Field::isString() const { return value.is_string(); }
bool Field::isNull() const { return value.is_null(); }
bool Field::isInteger() const { return value.is_number_integer(); }
bool Field::isObject() const { return value.is_object(); }
std::string Field::dump() const { return value.dump(); }

const std::string &Field::text() const {
  if (!value.is_string())
    fail("must be a string");
  return value.get_ref<const std::string &>();
}

int64_t Field::integer(int64_t least, int64_t most) const {
  if (!value.is_number_integer())
    fail("must be an integer");
  // An unsigned value past 2^63 would wrap to a negative one.
  bool wraps =
      value.is_number_unsigned() && value.get<uint64_t>() > uint64_t(INT64_MAX);
  int64_t number = value.get<int64_t>();
  if (wraps || number < least || number > most)
    fail("is " + value.dump() + ", must be from " + std::to_string(least) +
         " to " + std::to_string(most));
  return number;
}

double Field::number() const {
  if (!value.is_number() || !std::isfinite(value.get<double>()))
    fail("must be a finite number");
  return value.get<double>();
}

bool Field::boolean() const {
  if (!value.is_boolean())
    fail("must be true or false");
  return value.get<bool>();
}

DType Field::dtype() const {
  std::optional<DType> dtype = dtypeFromName(text());
  if (!dtype)
    fail("unknown dtype " + inQuotes(text()));
  return *dtype;
}

static std::optional<SizeExpr::Op> operatorFromName(std::string_view name) {
  using Op = SizeExpr::Op;
  static constexpr std::pair<std::string_view, Op> operators[] = {
      {"add", Op::Add},         {"sub", Op::Sub}, {"mul", Op::Mul},
      {"ceildiv", Op::CeilDiv}, {"min", Op::Min}, {"max", Op::Max}};
  for (const auto &[spelling, op] : operators)
    if (spelling == name)
      return op;
  return std::nullopt;
}

SizeExpr Field::size() const { return size(0); }

// size ::= INTEGER | SYMBOL | "[" OP "," size "," size "]"
SizeExpr Field::size(int depth) const {
  if (depth >= SizeExpr::maxDepth)
    fail("size expression deeper than " + std::to_string(SizeExpr::maxDepth));
  if (value.is_number())
    return SizeExpr(integer(0, largest));
  if (value.is_string()) {
    std::optional<Symbol> symbol = symbolFromName(text());
    if (!symbol)
      fail("unknown symbol " + inQuotes(text()));
    return SizeExpr(*symbol);
  }
  if (!value.is_array() || value.size() != 3)
    fail("must be a size: an integer, a symbol, or [op, size, size]");
  const Field first = at(0), left = at(1), right = at(2);
  std::optional<SizeExpr::Op> op = operatorFromName(first.text());
  if (!op)
    first.fail("unknown operator " + inQuotes(first.text()));
  return SizeExpr(*op, left.size(depth + 1), right.size(depth + 1));
}

Shape Field::shape() const {
  Shape shape;
  size_t rank = listSize(maxRank);
  for (size_t i = 0; i < rank; ++i) {
    const Field dimension = at(i);
    shape.push_back(dimension.size());
    if (!shape.back().isMonotone() || shape.back().uses(Symbol::Sms))
      dimension.fail("a shape may use neither 'sub', nor 'sms', nor 'ceildiv' "
                     "by a symbol");
  }
  return shape;
}

std::vector<int64_t> Field::staticShape() const {
  std::vector<int64_t> shape;
  size_t rank = listSize(maxRank);
  for (size_t i = 0; i < rank; ++i)
    shape.push_back(at(i).integer(1, largest));
  return shape;
}

} // namespace tilewright::runtime
