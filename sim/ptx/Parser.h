//===- Parser.h - PTX text to AST -------------------------------*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_PTX_PARSER_H
#define TILEWRIGHT_SIM_PTX_PARSER_H

#include "sim/ptx/Ast.h"
#include "sim/ptx/Constant.h"
#include "sim/ptx/Lexer.h"

#include <string_view>

namespace tilewright::sim::ptx {

/// Parses a whole module; throws SyntaxError at the first error. The AST points
/// into `source`.
ModuleAst parseModule(const Source &source);

/// Recursive descent over one token of look-ahead. Split over three files:
/// Parser.cpp (the module and variables), ParseFunction.cpp (functions and
/// statements) and ParseInstruction.cpp (instructions and operands).
class Parser {
public:
  explicit Parser(const Source &source);
  ModuleAst parseModule();

private:
  struct Linkage {
    bool isExtern = false, isVisible = false, isWeak = false, isCommon = false;
  };

  // Parser.cpp
  void parseHeader(ModuleAst &module);
  void parseTopLevel(ModuleAst &module);
  void parseSection();
  void skipPragma();
  Linkage parseLinkage();
  void parseAlias(ModuleAst &module);
  void parseVariableList(Space space, const Linkage &linkage,
                         std::vector<Variable> &out);
  Variable parseVariablePrefix(Space space);
  void parseDeclarator(Variable &variable);
  void parseArraySuffix(Variable &variable);
  Initializer parseInitializer();

  // ParseFunction.cpp
  Function parseFunction(const Linkage &linkage, bool isEntry);
  std::vector<Variable> parseParamList();
  Variable parseParam();
  void parseParamAttributes(Variable &param);
  bool parseFunctionDirective(Function &function);
  std::array<uint32_t, 3> parseTriple();
  void parseBody(Function &function);
  void parseBodyDirective(std::vector<Statement> &body);
  void parseLabeled(std::vector<Statement> &body, const Token &name);
  void parseLoc(std::vector<Statement> &body);
  CallPrototype parsePrototype(const Token &name);

  // ParseInstruction.cpp
  Instruction parseInstruction();
  void parseGuard(Instruction &instruction);
  Operand parseOperand();
  Operand parsePrimary();
  Operand parseSigned();
  Operand parseVector();
  Operand parseAddress();
  Operand parseList();
  int64_t parseOffset();

  // ParseConstant.cpp
  bool atConstant() const;
  Constant parseConstant();
  Constant parseBinary(int leastPrecedence);
  Constant parseUnary();

  // Tokens.
  [[noreturn]] void fail(Location location, std::string message) const;
  Token take();
  bool atPunct(char c) const {
    return current.kind == TokenKind::Punct && current.punct == c;
  }
  bool atDot(std::string_view word) const {
    return current.kind == TokenKind::DotWord && current.text == word;
  }
  bool acceptPunct(char c);
  bool acceptDot(std::string_view word);
  void expectPunct(char c);
  Token expectWord(const char *what);
  uint64_t expectInteger(const char *what);
  uint32_t expectCount(const char *what);

  static constexpr uint32_t maxNesting = 64;
  /// WARP_SZ; 32 on every target.
  static constexpr uint64_t warpSize = 32;

  Lexer lexer;
  Token current;
  /// Nesting of braces, bounded so that hostile text cannot exhaust the stack.
  uint32_t depth = 0;
  /// In a call, `(` opens a list of arguments.
  bool inCall = false;
};

} // namespace tilewright::sim::ptx

#endif // TILEWRIGHT_SIM_PTX_PARSER_H
