//===- SizeExpr.h - Sizes that are known at a step ------------------------===//
#ifndef TILEWRIGHT_RUNTIME_BUNDLE_SIZEEXPR_H
#define TILEWRIGHT_RUNTIME_BUNDLE_SIZEEXPR_H

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tilewright::runtime {

enum class Symbol : uint8_t {
  Tokens,
  Seqs,
  Rows,
  Pages,
  PagesPerSeq,
  MaxQuery,
  MaxKeys,
  Sms,
};
inline constexpr size_t numSymbols = size_t(Symbol::Sms) + 1;

std::string_view name(Symbol symbol);
std::optional<Symbol> symbolFromName(std::string_view name);

/// The value of each symbol, for a step or as the maxima of a plan.
struct SymbolValues {
  std::array<int64_t, numSymbols> values{};

  int64_t &operator[](Symbol symbol) { return values[size_t(symbol)]; }
  int64_t operator[](Symbol symbol) const { return values[size_t(symbol)]; }
  auto operator<=>(const SymbolValues &) const = default;
};

/// An expression in postfix order, so that a hostile one cannot make its
/// evaluation recurse.
class SizeExpr {
public:
  enum class Op : uint8_t { Integer, Symbol, Add, Sub, Mul, CeilDiv, Min, Max };
  static constexpr int maxDepth = 16;

  explicit SizeExpr(int64_t value) : terms{{Op::Integer, value}} {}
  explicit SizeExpr(runtime::Symbol symbol)
      : terms{{Op::Symbol, int64_t(symbol)}} {}
  /// `left op right`, for one of the binary operators.
  SizeExpr(Op op, SizeExpr left, const SizeExpr &right);

  /// Nothing on overflow, on a division by zero, or if the result is negative.
  std::optional<int64_t> evaluate(const SymbolValues &symbols) const;

  bool isConstant() const;
  bool uses(runtime::Symbol symbol) const;
  /// No `sub`: the value never falls when a symbol rises.
  bool isMonotone() const;
  std::string text() const;

private:
  struct Term {
    Op op;
    int64_t value; ///< of an integer or a symbol
  };
  std::vector<Term> terms;
};

using Shape = std::vector<SizeExpr>;

/// Product of the sizes; nothing on overflow.
std::optional<int64_t> numElements(std::span<const SizeExpr> shape,
                                   const SymbolValues &symbols);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_BUNDLE_SIZEEXPR_H
