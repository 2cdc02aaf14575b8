//===- Parser.cpp - Modules and variables ---------------------------------===//

#include "sim/ptx/Parser.h"

namespace tilewright::sim::ptx {

static constexpr uint32_t maxAlignment = 1 << 16;

ModuleAst parseModule(const Source &source) {
  return Parser(source).parseModule();
}

Parser::Parser(const Source &source) : lexer(source) { current = lexer.next(); }

void Parser::fail(Location location, std::string message) const {
  throw SyntaxError{location, std::move(message)};
}

Token Parser::take() {
  Token token = current;
  current = lexer.next();
  return token;
}

bool Parser::acceptPunct(char c) {
  if (!atPunct(c))
    return false;
  take();
  return true;
}

bool Parser::acceptDot(std::string_view word) {
  if (!atDot(word))
    return false;
  take();
  return true;
}

void Parser::expectPunct(char c) {
  if (!acceptPunct(c))
    fail(current.location, std::string("expected '") + c + "'");
}

Token Parser::expectWord(const char *what) {
  if (current.kind != TokenKind::Word)
    fail(current.location, std::string("expected ") + what);
  return take();
}

uint64_t Parser::expectInteger(const char *what) {
  if (current.kind != TokenKind::Integer)
    fail(current.location, std::string("expected ") + what);
  return take().bits;
}

uint32_t Parser::expectCount(const char *what) {
  Location location = current.location;
  uint64_t value = expectInteger(what);
  if (value > UINT32_MAX)
    fail(location, std::string(what) + " is too large");
  return static_cast<uint32_t>(value);
}

// module = header top-level*
ModuleAst Parser::parseModule() {
  ModuleAst module;
  parseHeader(module);
  while (current.kind != TokenKind::End)
    parseTopLevel(module);
  return module;
}

// header = ".version" number ".target" word ("," word)* (".address_size" int)?
void Parser::parseHeader(ModuleAst &module) {
  if (!acceptDot("version"))
    fail(current.location, "expected '.version' at the start of the module");
  if (current.kind != TokenKind::Float64)
    fail(current.location, "expected a version such as 8.0");
  module.version = take().text;
  if (!acceptDot("target"))
    fail(current.location, "expected '.target' after '.version'");
  Token target = expectWord("a target such as sm_90a");
  module.target = target.text;
  module.targetLocation = target.location;
  while (acceptPunct(',')) {
    Token option = expectWord("a target option");
    // Modes of textures, and of f64 on targets without it, change nothing here.
    if (option.text != "debug" && option.text != "texmode_unified" &&
        option.text != "texmode_independent" && option.text != "map_f64_to_f32")
      fail(option.location,
           "unsupported target option '" + std::string(option.text) + "'");
  }
  if (acceptDot("address_size")) {
    Location location = current.location;
    module.addressSize = expectCount("32 or 64");
    if (module.addressSize != 64)
      fail(location, "only '.address_size 64' is supported");
  }
}

// top-level = file | section | alias | pragma | linkage* (function | variable)
void Parser::parseTopLevel(ModuleAst &module) {
  if (current.kind != TokenKind::DotWord) {
    if (acceptPunct(';'))
      return;
    fail(current.location, "expected a directive");
  }
  if (acceptDot("file")) {
    // file = ".file" int string ("," int "," int)?
    expectInteger("a file number");
    if (current.kind != TokenKind::String)
      fail(current.location, "expected a file name");
    take();
    while (acceptPunct(','))
      expectInteger("a number");
    return;
  }
  if (acceptDot("section"))
    return parseSection();
  if (acceptDot("alias"))
    return parseAlias(module);
  if (acceptDot("pragma")) {
    skipPragma();
    return;
  }
  Linkage linkage = parseLinkage();
  if (acceptDot("entry"))
    return module.functions.push_back(parseFunction(linkage, true));
  if (acceptDot("func"))
    return module.functions.push_back(parseFunction(linkage, false));
  Location location = current.location;
  std::optional<Space> space;
  if (current.kind == TokenKind::DotWord)
    space = spaceFromName(current.text);
  if (!space || (*space != Space::Global && *space != Space::Const &&
                 *space != Space::Shared))
    fail(location, "expected a function or a variable, got '." +
                       std::string(current.text) + "'");
  take();
  parseVariableList(*space, linkage, module.variables);
}

// pragma = string ("," string)* ";"; unknown ones are to be ignored.
void Parser::skipPragma() {
  do {
    if (current.kind != TokenKind::String)
      fail(current.location, "expected a string");
    take();
  } while (acceptPunct(','));
  expectPunct(';');
}

// section = ".section" .name "{" anything "}"; debug information, not used.
void Parser::parseSection() {
  Location start = current.location;
  while (!atPunct('{')) {
    if (current.kind == TokenKind::End)
      fail(start, "unterminated section");
    take();
  }
  take();
  while (!acceptPunct('}')) {
    if (current.kind == TokenKind::End)
      fail(start, "unterminated section");
    take();
  }
}

// linkage = ".extern" | ".visible" | ".weak" | ".common"
Parser::Linkage Parser::parseLinkage() {
  Linkage linkage;
  for (;;) {
    if (acceptDot("extern"))
      linkage.isExtern = true;
    else if (acceptDot("visible"))
      linkage.isVisible = true;
    else if (acceptDot("weak"))
      linkage.isWeak = true;
    else if (acceptDot("common"))
      linkage.isCommon = true;
    else
      return linkage;
  }
}

// alias = ".alias" word "," word ";"
void Parser::parseAlias(ModuleAst &module) {
  Token name = expectWord("a name");
  expectPunct(',');
  Token target = expectWord("a function");
  expectPunct(';');
  module.aliases.push_back({name.location, name.text, target.text});
}

// variables = space prefix declarator ("," declarator)* ";"
void Parser::parseVariableList(Space space, const Linkage &linkage,
                               std::vector<Variable> &out) {
  Variable prefix = parseVariablePrefix(space);
  prefix.isExtern = linkage.isExtern;
  prefix.isVisible = linkage.isVisible;
  prefix.isWeak = linkage.isWeak;
  prefix.isCommon = linkage.isCommon;
  do {
    Variable variable = prefix;
    parseDeclarator(variable);
    if (acceptPunct('='))
      variable.initializer = parseInitializer();
    out.push_back(std::move(variable));
  } while (acceptPunct(','));
  expectPunct(';');
}

// prefix = (".align" int | ".attribute" "(" ... ")")* (".v2" | ".v4")? .type
Variable Parser::parseVariablePrefix(Space space) {
  Variable variable;
  variable.space = space;
  for (;;) {
    if (acceptDot("align")) {
      Location location = current.location;
      variable.align = expectCount("an alignment");
      if (variable.align == 0 || (variable.align & (variable.align - 1)))
        fail(location, "alignment must be a power of two");
      if (variable.align > maxAlignment)
        fail(location, "alignment is too large");
      continue;
    }
    if (acceptDot("attribute")) {
      expectPunct('(');
      if (!acceptDot("managed"))
        fail(current.location, "unsupported attribute");
      expectPunct(')');
      variable.isManaged = true;
      continue;
    }
    if (acceptDot("v2")) {
      variable.vector = 2;
      continue;
    }
    if (acceptDot("v4")) {
      variable.vector = 4;
      continue;
    }
    break;
  }
  std::optional<Type> type;
  if (atDot("texref") || atDot("samplerref") || atDot("surfref"))
    fail(current.location, "textures and surfaces are not supported");
  if (current.kind == TokenKind::DotWord)
    type = typeFromName(current.text);
  if (!type)
    fail(current.location, "expected a type");
  variable.type = *type;
  take();
  return variable;
}

// declarator = word ("<" int ">")? ("[" int? "]")*
void Parser::parseDeclarator(Variable &variable) {
  Token name = expectWord("a name");
  variable.name = name.text;
  variable.location = name.location;
  if (acceptPunct('<')) {
    variable.rangeCount = expectCount("a count");
    expectPunct('>');
  }
  parseArraySuffix(variable);
}

void Parser::parseArraySuffix(Variable &variable) {
  while (acceptPunct('[')) {
    variable.isArray = true;
    if (acceptPunct(']')) {
      variable.isUnsized = true;
      variable.elements = 0;
      continue;
    }
    Location location = current.location;
    uint64_t count = expectInteger("an array size");
    if (__builtin_mul_overflow(variable.elements, count, &variable.elements) ||
        variable.elements > (uint64_t(1) << 40))
      fail(location, "array is too large");
    expectPunct(']');
  }
}

// initializer = "{" (initializer ("," initializer)*)? "}"
//             | "generic" "(" word ")" ("+" int)? | operand
Initializer Parser::parseInitializer() {
  Initializer result;
  if (!atPunct('{')) {
    result.value = parseOperand();
    if (result.value.kind == Operand::Kind::Name &&
        result.value.name == "generic" && acceptPunct('(')) {
      result.value = parseOperand();
      result.generic = true;
      expectPunct(')');
      result.value.offset += parseOffset();
    }
    return result;
  }
  if (++depth > maxNesting)
    fail(current.location, "initializers are nested too deeply");
  result.isList = true;
  result.value.location = current.location;
  take();
  if (!atPunct('}')) {
    do
      result.list.push_back(parseInitializer());
    while (acceptPunct(','));
  }
  expectPunct('}');
  --depth;
  return result;
}

} // namespace tilewright::sim::ptx
