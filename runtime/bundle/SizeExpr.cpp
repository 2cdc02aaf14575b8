//===- SizeExpr.cpp - Sizes that are known at a step ----------------------===//

#include "runtime/bundle/SizeExpr.h"

#include <algorithm>

namespace tilewright::runtime {

static constexpr std::string_view symbolNames[numSymbols] = {
    "tokens",        "seqs",      "rows",     "pages",
    "pages_per_seq", "max_query", "max_keys", "sms"};

std::string_view name(Symbol symbol) { return symbolNames[size_t(symbol)]; }

std::optional<Symbol> symbolFromName(std::string_view name) {
  for (size_t i = 0; i < numSymbols; ++i)
    if (symbolNames[i] == name)
      return Symbol(i);
  return std::nullopt;
}

SizeExpr::SizeExpr(Op op, SizeExpr left, const SizeExpr &right)
    : terms(std::move(left.terms)) {
  terms.insert(terms.end(), right.terms.begin(), right.terms.end());
  terms.push_back({op, 0});
}

static std::optional<int64_t> apply(SizeExpr::Op op, int64_t a, int64_t b) {
  int64_t result = 0;
  switch (op) {
  case SizeExpr::Op::Add:
    return __builtin_add_overflow(a, b, &result) ? std::nullopt
                                                 : std::optional(result);
  case SizeExpr::Op::Sub:
    return __builtin_sub_overflow(a, b, &result) ? std::nullopt
                                                 : std::optional(result);
  case SizeExpr::Op::Mul:
    return __builtin_mul_overflow(a, b, &result) ? std::nullopt
                                                 : std::optional(result);
  case SizeExpr::Op::CeilDiv:
    if (a < 0 || b <= 0)
      return std::nullopt;
    return a / b + (a % b != 0);
  case SizeExpr::Op::Min:
    return std::min(a, b);
  default:
    return std::max(a, b);
  }
}

std::optional<int64_t> SizeExpr::evaluate(const SymbolValues &symbols) const {
  // The left operand of a chain may lie below one pending value per level.
  int64_t stack[maxDepth + 2];
  size_t size = 0;
  for (const Term &term : terms) {
    if (term.op == Op::Integer) {
      stack[size++] = term.value;
    } else if (term.op == Op::Symbol) {
      stack[size++] = symbols.values[size_t(term.value)];
    } else {
      std::optional<int64_t> value =
          apply(term.op, stack[size - 2], stack[size - 1]);
      if (!value)
        return std::nullopt;
      stack[--size - 1] = *value;
    }
  }
  return stack[0] < 0 ? std::nullopt : std::optional(stack[0]);
}

bool SizeExpr::isConstant() const {
  return std::none_of(terms.begin(), terms.end(),
                      [](const Term &term) { return term.op == Op::Symbol; });
}

bool SizeExpr::uses(runtime::Symbol symbol) const {
  return std::any_of(terms.begin(), terms.end(), [&](const Term &term) {
    return term.op == Op::Symbol && term.value == int64_t(symbol);
  });
}

bool SizeExpr::isMonotone() const {
  // ceildiv by a symbol falls when the symbol rises; by an integer it does not.
  for (size_t i = 0; i < terms.size(); ++i)
    if (terms[i].op == Op::Sub ||
        (terms[i].op == Op::CeilDiv && terms[i - 1].op != Op::Integer))
      return false;
  return true;
}

std::string SizeExpr::text() const {
  static constexpr std::string_view names[] = {"",    "",        "add", "sub",
                                               "mul", "ceildiv", "min", "max"};
  std::vector<std::string> stack;
  for (const Term &term : terms) {
    if (term.op == Op::Integer) {
      stack.push_back(std::to_string(term.value));
    } else if (term.op == Op::Symbol) {
      stack.emplace_back(symbolNames[size_t(term.value)]);
    } else {
      std::string right = std::move(stack.back());
      stack.pop_back();
      stack.back() = std::string(names[size_t(term.op)]) + "(" + stack.back() +
                     ", " + right + ")";
    }
  }
  return stack.front();
}

std::optional<int64_t> numElements(std::span<const SizeExpr> shape,
                                   const SymbolValues &symbols) {
  int64_t product = 1;
  for (const SizeExpr &size : shape) {
    std::optional<int64_t> value = size.evaluate(symbols);
    if (!value || __builtin_mul_overflow(product, *value, &product))
      return std::nullopt;
  }
  return product;
}

} // namespace tilewright::runtime
