//===- Lexer.cpp - PTX tokens ---------------------------------------------===//

#include "sim/ptx/Lexer.h"

#include <bit>
#include <cstdlib>
#include <string>

namespace tilewright::sim::ptx {

static bool isDigit(char c) { return c >= '0' && c <= '9'; }
static bool isAlpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static bool isWordStart(char c) {
  return isAlpha(c) || c == '_' || c == '$' || c == '%';
}
static bool isWordPart(char c) {
  return isAlpha(c) || isDigit(c) || c == '_' || c == '$';
}

static int hexDigit(char c) {
  if (isDigit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

Token Lexer::make(TokenKind kind, Location start) const {
  Token token;
  token.kind = kind;
  token.location = start;
  token.text = text.substr(start, cursor - start);
  return token;
}

void Lexer::skipBlank() {
  while (cursor < text.size()) {
    char c = text[cursor];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
      ++cursor;
      continue;
    }
    if (c == '/' && at(cursor + 1) == '/') {
      size_t end = text.find('\n', cursor);
      cursor = end == std::string_view::npos ? text.size() : end;
      continue;
    }
    if (c == '/' && at(cursor + 1) == '*') {
      size_t end = text.find("*/", cursor + 2);
      if (end == std::string_view::npos)
        throw SyntaxError{static_cast<Location>(cursor),
                          "unterminated comment"};
      cursor = end + 2;
      continue;
    }
    return;
  }
}

// float-bits = "0f" 8 * hex | "0d" 16 * hex
Token Lexer::lexHexFloat(Location start) {
  bool isDouble = at(start + 1) == 'd' || at(start + 1) == 'D';
  int digits = isDouble ? 16 : 8;
  cursor = start + 2;
  uint64_t bits = 0;
  for (int i = 0; i < digits; ++i, ++cursor) {
    int digit = hexDigit(at(cursor));
    if (digit < 0)
      throw SyntaxError{start, "expected " + std::to_string(digits) +
                                   " hexadecimal digits"};
    bits = bits << 4 | static_cast<uint64_t>(digit);
  }
  Token token = make(isDouble ? TokenKind::Float64 : TokenKind::Float32, start);
  token.bits = bits;
  return token;
}

// number = float-bits | decimal-float | ("0x" | "0b" | "0")? digits "U"?
Token Lexer::lexNumber() {
  Location start = static_cast<Location>(cursor);
  char second = at(cursor + 1);
  bool leadingZero = text[cursor] == '0';
  if (leadingZero &&
      (second == 'f' || second == 'F' || second == 'd' || second == 'D'))
    return lexHexFloat(start);

  int base = 10;
  if (leadingZero && (second == 'x' || second == 'X'))
    base = 16;
  else if (leadingZero && (second == 'b' || second == 'B'))
    base = 2;
  if (base != 10)
    cursor += 2;

  uint64_t value = 0;
  size_t firstDigit = cursor;
  auto digitAt = [&] {
    int digit = hexDigit(at(cursor));
    return digit < base ? digit : -1;
  };
  for (int digit; (digit = digitAt()) >= 0; ++cursor)
    value = value * base + static_cast<uint64_t>(digit);
  if (cursor == firstDigit)
    throw SyntaxError{start, "expected digits"};

  char after = at(cursor);
  bool isFloat = base == 10 && ((after == '.' && isDigit(at(cursor + 1))) ||
                                after == 'e' || after == 'E' ||
                                (after == '.' && !isWordPart(at(cursor + 1))));
  if (isFloat) {
    std::string number(text.substr(start, 64));
    char *end = nullptr;
    double parsed = std::strtod(number.c_str(), &end);
    cursor = start + static_cast<size_t>(end - number.c_str());
    Token token = make(TokenKind::Float64, start);
    token.bits = std::bit_cast<uint64_t>(parsed);
    return token;
  }
  if (base == 10 && leadingZero && cursor > start + 1) {
    value = 0; // octal
    for (size_t i = start; i < cursor; ++i) {
      if (text[i] > '7')
        throw SyntaxError{start, "bad digit in octal number"};
      value = value << 3 | static_cast<uint64_t>(text[i] - '0');
    }
  }
  bool isUnsigned = at(cursor) == 'U' || at(cursor) == 'u';
  cursor += isUnsigned;
  Token token = make(TokenKind::Integer, start);
  token.bits = value;
  if (isWordPart(at(cursor)))
    throw SyntaxError{start, "malformed number"};
  return token;
}

Token Lexer::next() {
  skipBlank();
  Location start = static_cast<Location>(cursor);
  if (cursor >= text.size())
    return make(TokenKind::End, start);
  char c = text[cursor];
  if (isWordStart(c)) {
    ++cursor;
    while (isWordPart(at(cursor)))
      ++cursor;
    return make(TokenKind::Word, start);
  }
  if (isDigit(c))
    return lexNumber();
  if (c == '.' && (isWordPart(at(cursor + 1)))) {
    ++cursor;
    while (isWordPart(at(cursor)) ||
           (at(cursor) == ':' && at(cursor + 1) == ':' &&
            isWordPart(at(cursor + 2)))) {
      cursor += at(cursor) == ':' ? 2 : 1;
    }
    Token token = make(TokenKind::DotWord, start);
    token.text.remove_prefix(1);
    return token;
  }
  if (c == '"') {
    size_t end = text.find('"', cursor + 1);
    if (end == std::string_view::npos)
      throw SyntaxError{start, "unterminated string"};
    cursor = end + 1;
    Token token = make(TokenKind::String, start);
    token.text = token.text.substr(1, token.text.size() - 2);
    return token;
  }
  static constexpr std::string_view punctuation = "{}[]()<>,;:=+-*/!~|&^@?.";
  if (punctuation.find(c) == std::string_view::npos)
    throw SyntaxError{start, "unexpected character"};
  ++cursor;
  Token token = make(TokenKind::Punct, start);
  token.punct = c;
  return token;
}

} // namespace tilewright::sim::ptx
