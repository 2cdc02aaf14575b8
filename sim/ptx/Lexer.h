//===- Lexer.h - PTX tokens -------------------------------------*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_PTX_LEXER_H
#define TILEWRIGHT_SIM_PTX_LEXER_H

#include "sim/ptx/Source.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace tilewright::sim::ptx {

enum class TokenKind : uint8_t {
  End,
  Word,    ///< identifier, `%` and `$` included
  DotWord, ///< `.word`, with `::` inside; `text` has no dot
  Integer, ///< value in `bits`
  Float32, ///< `0f...`, bits in `bits`
  Float64, ///< `0d...` or a decimal, bits in `bits`
  String,  ///< `text` without the quotes
  Punct,   ///< one character
};

struct Token {
  TokenKind kind = TokenKind::End;
  char punct = 0;
  Location location = 0;
  std::string_view text;
  uint64_t bits = 0;
};

/// Splits the text on demand. A DotWord is a directive, a modifier or a member
/// by its place, which is the parser's business.
class Lexer {
public:
  explicit Lexer(const Source &source) : text(source.text()) {}
  /// Throws SyntaxError at a character that starts no token.
  Token next();
  /// The text from `location` on.
  std::string_view textAt(Location location) const {
    return text.substr(std::min<size_t>(location, text.size()));
  }

private:
  void skipBlank();
  Token lexNumber();
  Token lexHexFloat(Location start);
  Token make(TokenKind kind, Location start) const;
  char at(size_t index) const { return index < text.size() ? text[index] : 0; }

  std::string_view text;
  size_t cursor = 0;
};

} // namespace tilewright::sim::ptx

#endif // TILEWRIGHT_SIM_PTX_LEXER_H
