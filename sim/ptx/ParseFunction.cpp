//===- ParseFunction.cpp - Functions and the statements of their bodies ---===//

#include "sim/ptx/Parser.h"

namespace tilewright::sim::ptx {

static constexpr uint64_t maxParamBytes = 32764;
static constexpr uint32_t maxParamAlign = 128;

// function = ".entry" word params? directive* (body | ";")
//          | ".func" directive* ("(" params ")")? word params? directive*
//            (body | ";")
Function Parser::parseFunction(const Linkage &linkage, bool isEntry) {
  Function function;
  function.isEntry = isEntry;
  function.isExtern = linkage.isExtern;
  function.isVisible = linkage.isVisible;
  function.isWeak = linkage.isWeak;
  while (!isEntry && parseFunctionDirective(function)) {
  }
  if (!isEntry && atPunct('('))
    function.returns = parseParamList();
  Token name = expectWord("a function name");
  function.name = name.text;
  function.location = name.location;
  if (atPunct('('))
    function.params = parseParamList();
  while (parseFunctionDirective(function)) {
  }
  if (acceptPunct(';'))
    return function;
  parseBody(function);
  return function;
}

// params = "(" (param ("," param)*)? ")"
std::vector<Variable> Parser::parseParamList() {
  std::vector<Variable> params;
  expectPunct('(');
  if (!atPunct(')')) {
    do
      params.push_back(parseParam());
    while (acceptPunct(','));
  }
  expectPunct(')');
  return params;
}

// param = (".param" | ".reg") prefix attribute* word array?
Variable Parser::parseParam() {
  Space space = Space::Param;
  if (acceptDot("reg"))
    space = Space::Reg;
  else if (!acceptDot("param"))
    fail(current.location, "expected '.param' or '.reg'");
  Variable param = parseVariablePrefix(space);
  parseParamAttributes(param);
  parseDeclarator(param);
  if (param.isUnsized)
    fail(param.location, "unsized parameters are not supported");
  // ISA 5.1.6.1: 32764 bytes of parameters since PTX 8.1.
  if (param.bytes() > maxParamBytes || param.alignment() > maxParamAlign)
    fail(param.location, "parameter is too large");
  return param;
}

// attribute = ".ptr" | .space | ".align" int
void Parser::parseParamAttributes(Variable &param) {
  for (;;) {
    if (acceptDot("ptr")) {
      param.isPointer = true;
      continue;
    }
    if (param.isPointer && current.kind == TokenKind::DotWord &&
        spaceFromName(current.text)) {
      take();
      continue;
    }
    if (acceptDot("align")) {
      // After .ptr this is the alignment of what is pointed at.
      Location location = current.location;
      uint32_t align = expectCount("an alignment");
      if (align == 0 || (align & (align - 1)))
        fail(location, "alignment must be a power of two");
      if (!param.isPointer)
        param.align = align;
      continue;
    }
    return;
  }
}

// triple = int ("," int ("," int)?)?
std::array<uint32_t, 3> Parser::parseTriple() {
  std::array<uint32_t, 3> triple = {1, 1, 1};
  triple[0] = expectCount("a size");
  for (int i = 1; i < 3 && acceptPunct(','); ++i)
    triple[i] = expectCount("a size");
  return triple;
}

// directive = ".maxntid" triple | ".reqntid" triple | ".minnctapersm" int | ...
bool Parser::parseFunctionDirective(Function &function) {
  if (current.kind != TokenKind::DotWord)
    return false;
  if (acceptDot("maxntid"))
    function.maxThreads = parseTriple();
  else if (acceptDot("reqntid"))
    function.requiredThreads = parseTriple();
  else if (acceptDot("minnctapersm") || acceptDot("maxnctapersm"))
    function.minBlocksPerSm = expectCount("a count");
  else if (acceptDot("maxnreg"))
    function.maxRegisters = expectCount("a count");
  else if (acceptDot("reqnctapercluster"))
    function.requiredCluster = parseTriple();
  else if (acceptDot("maxclusterrank"))
    function.maxClusterRank = expectCount("a count");
  else if (acceptDot("explicitcluster"))
    function.explicitCluster = true;
  else if (acceptDot("blocksareclusters"))
    function.blocksAreClusters = true;
  else if (acceptDot("abi_preserve") || acceptDot("abi_preserve_control"))
    expectCount("a count"); // how registers are shared out; there are plenty
  else if (acceptDot("noreturn") || acceptDot("unique")) {
  } else if (acceptDot("attribute")) {
    expectPunct('(');
    if (!acceptDot("unified"))
      fail(current.location, "unsupported attribute");
    while (!acceptPunct(')')) {
      if (current.kind == TokenKind::End)
        fail(current.location, "expected ')'");
      take();
    }
  } else if (acceptDot("pragma")) {
    skipPragma();
  } else {
    fail(current.location,
         "unsupported function directive '." + std::string(current.text) + "'");
  }
  return true;
}

// body = "{" statement* "}"
void Parser::parseBody(Function &function) {
  function.hasBody = true;
  expectPunct('{');
  std::vector<Statement> &body = function.body;
  uint32_t nesting = 1;
  while (nesting) {
    Location location = current.location;
    if (acceptPunct('}')) {
      if (--nesting)
        body.push_back(ScopeEnd{location});
      continue;
    }
    if (acceptPunct('{')) {
      ++nesting;
      body.push_back(ScopeBegin{location});
      continue;
    }
    if (acceptPunct(';'))
      continue;
    switch (current.kind) {
    case TokenKind::End:
      fail(function.location,
           "body of '" + std::string(function.name) + "' is not closed");
    case TokenKind::DotWord:
      parseBodyDirective(body);
      break;
    default:
      body.push_back(parseInstruction());
      if (atPunct(':')) {
        // A label parses as an instruction without operands up to here.
        Instruction parsed = std::get<Instruction>(std::move(body.back()));
        body.pop_back();
        if (!parsed.guard.empty() || !parsed.modifiers.empty() ||
            !parsed.operands.empty())
          fail(current.location, "unexpected ':'");
        take();
        Token name;
        name.location = parsed.location;
        name.text = parsed.opcode;
        parseLabeled(body, name);
        break;
      }
      expectPunct(';');
    }
  }
}

// labeled = word ":" (target-list | prototype)?
void Parser::parseLabeled(std::vector<Statement> &body, const Token &name) {
  bool isCall = atDot("calltargets");
  if (isCall || atDot("branchtargets")) {
    take();
    TargetList list{name.location, name.text, isCall, {}};
    do
      list.targets.push_back(parseOperand());
    while (acceptPunct(','));
    expectPunct(';');
    body.push_back(std::move(list));
    return;
  }
  if (acceptDot("callprototype")) {
    body.push_back(parsePrototype(name));
    return;
  }
  body.push_back(Label{name.location, name.text});
}

// prototype = ".callprototype" params? "_" params?
//             (".noreturn" | ".abi_preserve" int | ".abi_preserve_control"
//             int)*
//             ";"
CallPrototype Parser::parsePrototype(const Token &name) {
  CallPrototype prototype;
  prototype.location = name.location;
  prototype.name = name.text;
  if (atPunct('('))
    prototype.returns = parseParamList();
  expectWord("'_'");
  if (atPunct('('))
    prototype.params = parseParamList();
  for (;;) {
    if (acceptDot("abi_preserve") || acceptDot("abi_preserve_control"))
      expectCount("a count");
    else if (!acceptDot("noreturn"))
      break;
  }
  expectPunct(';');
  return prototype;
}

// body-directive = (".reg" | ".local" | ".shared" | ".param" | ".global" |
//                   ".const") variables | ".loc" ... | ".pragma" strings ";"
void Parser::parseBodyDirective(std::vector<Statement> &body) {
  if (acceptDot("loc"))
    return parseLoc(body);
  if (acceptDot("pragma"))
    return skipPragma();
  std::optional<Space> space = spaceFromName(current.text);
  if (!space)
    fail(current.location,
         "unsupported directive '." + std::string(current.text) + "'");
  take();
  std::vector<Variable> variables;
  parseVariableList(*space, Linkage(), variables);
  for (Variable &variable : variables)
    body.push_back(std::move(variable));
}

// loc = ".loc" int int int ("," "function_name" word ("+" int)?
//       "," "inlined_at" int int int)?
void Parser::parseLoc(std::vector<Statement> &body) {
  SourceLine line;
  line.file = expectCount("a file number");
  line.line = expectCount("a line");
  line.column = expectCount("a column");
  while (acceptPunct(',')) {
    Token word = expectWord("'function_name' or 'inlined_at'");
    if (word.text == "function_name") {
      expectWord("a label");
      parseOffset();
      continue;
    }
    if (word.text != "inlined_at")
      fail(word.location, "expected 'function_name' or 'inlined_at'");
    for (int i = 0; i < 3; ++i)
      expectCount("a number");
  }
  body.push_back(line);
}

} // namespace tilewright::sim::ptx
