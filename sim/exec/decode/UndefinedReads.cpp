//===- UndefinedReads.cpp - Reads of registers that nothing wrote ---------===//
//
// A forward analysis: a register is in a block's set when some path to there
// writes it. Scopes are ignored, and branches lead to all labels of their name,
// so a set may hold too much, and what is reported is certain.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/decode/UndefinedReads.h"

#include <algorithm>
#include <string>
#include <vector>

namespace tilewright::sim {

using ptx::Instruction;
using ptx::Operand;

namespace {

using Names = std::vector<std::string_view>;

class RegisterSet {
public:
  bool has(uint32_t index) const {
    return index / 64 < words.size() && (words[index / 64] >> (index % 64) & 1);
  }
  void add(uint32_t index) {
    if (index / 64 >= words.size())
      words.resize(index / 64 + 1);
    words[index / 64] |= uint64_t(1) << (index % 64);
  }
  /// True if that added something.
  bool addAll(const RegisterSet &other) {
    bool grown = false;
    if (words.size() < other.words.size())
      words.resize(other.words.size());
    for (size_t i = 0; i < other.words.size(); ++i) {
      grown |= (other.words[i] & ~words[i]) != 0;
      words[i] |= other.words[i];
    }
    return grown;
  }

private:
  std::vector<uint64_t> words;
};

struct Block {
  size_t begin = 0, end = 0; ///< statements
  std::vector<size_t> successors;
  RegisterSet written;
};

class Analysis {
public:
  explicit Analysis(const ptx::Function &function) : function(function) {}
  std::unordered_map<ptx::Location, std::string_view> run();

private:
  void collectRegisters();
  void splitBlocks();
  void linkBlocks();
  void addSuccessors(Block &block, const Instruction &last);
  bool isRegister(std::string_view name) const;
  uint32_t indexOf(std::string_view name);
  void addNames(const Operand &operand, Names &names) const;
  bool isWritten(const RegisterSet &set, std::string_view name);
  bool allWritten(const RegisterSet &set, const Names &names);
  bool anyWritten(const RegisterSet &set, const Names &names);
  void apply(const Instruction &instruction, RegisterSet &set);
  std::string_view undefinedUse(const Instruction &instruction,
                                const RegisterSet &set);
  const Instruction *at(size_t index) const {
    return std::get_if<Instruction>(&function.body[index]);
  }

  const ptx::Function &function;
  std::vector<std::string_view> plain, prefixes; ///< declared, sorted
  std::unordered_map<std::string_view, uint32_t> indices;
  std::vector<Block> blocks;
  std::unordered_map<std::string_view, std::vector<size_t>> labels;
};

} // namespace

//===----------------------------------------------------------------------===//
// Registers
//===----------------------------------------------------------------------===//

void Analysis::collectRegisters() {
  for (const ptx::Statement &statement : function.body)
    if (const auto *variable = std::get_if<ptx::Variable>(&statement))
      if (variable->space == ptx::Space::Reg)
        (variable->rangeCount ? prefixes : plain).push_back(variable->name);
  std::sort(plain.begin(), plain.end());
  std::sort(prefixes.begin(), prefixes.end());
}

bool Analysis::isRegister(std::string_view name) const {
  if (std::binary_search(plain.begin(), plain.end(), name))
    return true;
  size_t digits = name.find_last_not_of("0123456789");
  return digits != std::string_view::npos && digits + 1 < name.size() &&
         std::binary_search(prefixes.begin(), prefixes.end(),
                            name.substr(0, digits + 1));
}

uint32_t Analysis::indexOf(std::string_view name) {
  return indices.emplace(name, static_cast<uint32_t>(indices.size()))
      .first->second;
}

/// The registers of an operand.
void Analysis::addNames(const Operand &operand, Names &names) const {
  if (operand.kind == Operand::Kind::Name && isRegister(operand.name))
    names.push_back(operand.name);
  for (const Operand &element : operand.elements)
    addNames(element, names);
}

bool Analysis::isWritten(const RegisterSet &set, std::string_view name) {
  return set.has(indexOf(name));
}

bool Analysis::allWritten(const RegisterSet &set, const Names &names) {
  return std::all_of(names.begin(), names.end(), [&](std::string_view name) {
    return isWritten(set, name);
  });
}

bool Analysis::anyWritten(const RegisterSet &set, const Names &names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    return isWritten(set, name);
  });
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

static bool endsBlock(const Instruction &instruction) {
  std::string_view op = instruction.opcode;
  return op == "bra" || op == "brx" || op == "ret" || op == "exit" ||
         op == "trap";
}

void Analysis::splitBlocks() {
  size_t begin = 0, count = function.body.size();
  auto close = [&](size_t end) {
    if (end > begin)
      blocks.push_back({begin, end, {}, {}});
    begin = end;
  };
  for (size_t i = 0; i < count; ++i) {
    if (const auto *label = std::get_if<ptx::Label>(&function.body[i])) {
      close(i);
      labels[label->name].push_back(blocks.size());
    } else if (const Instruction *instruction = at(i);
               instruction && endsBlock(*instruction)) {
      close(i + 1);
    }
  }
  close(count);
}

void Analysis::addSuccessors(Block &block, const Instruction &last) {
  std::string_view op = last.opcode;
  auto add = [&](size_t target) {
    if (target < blocks.size())
      block.successors.push_back(target);
  };
  if (op == "brx") {
    for (const auto &[name, targets] : labels)
      for (size_t target : targets)
        add(target);
  } else if (op == "bra" && !last.operands.empty()) {
    if (auto found = labels.find(last.operands[0].name); found != labels.end())
      for (size_t target : found->second)
        add(target);
  }
}

void Analysis::linkBlocks() {
  for (size_t b = 0; b < blocks.size(); ++b) {
    Block &block = blocks[b];
    const Instruction *last = at(block.end - 1);
    bool ends = last && endsBlock(*last);
    if (ends)
      addSuccessors(block, *last);
    if ((!ends || !last->guard.empty()) && b + 1 < blocks.size())
      block.successors.push_back(b + 1);
  }
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

template <size_t N>
static bool isOneOf(std::string_view op, const std::string_view (&names)[N]) {
  return std::find(std::begin(names), std::end(names), op) != std::end(names);
}

/// Opcodes whose first operand is no result.
static bool hasNoResult(std::string_view op) {
  static constexpr std::string_view names[] = {"st",
                                               "red",
                                               "bra",
                                               "brx",
                                               "membar",
                                               "fence",
                                               "ret",
                                               "exit",
                                               "trap",
                                               "prefetch",
                                               "prefetchu",
                                               "cp",
                                               "nanosleep",
                                               "setmaxnreg",
                                               "stmatrix",
                                               "discard",
                                               "brkpt",
                                               "pmevent",
                                               "griddepcontrol",
                                               "tensormap",
                                               "applypriority",
                                               "stackrestore"};
  return isOneOf(op, names);
}

/// Opcodes whose result means nothing when one source means nothing.
static bool isArithmetic(std::string_view op) {
  static constexpr std::string_view names[] = {
      "add", "sub", "mul", "mad", "fma",  "div", "rem",  "neg",
      "abs", "cvt", "not", "shl", "cvta", "min", "setp", "mul24"};
  return isOneOf(op, names);
}

void Analysis::apply(const Instruction &instruction, RegisterSet &set) {
  std::string_view op = instruction.opcode;
  Names results, sources;
  if (op == "call") {
    for (const Operand &operand : instruction.operands)
      addNames(operand, results);
  } else if (!hasNoResult(op) && !instruction.operands.empty() &&
             instruction.operands[0].kind != Operand::Kind::Address) {
    addNames(instruction.operands[0], results);
    for (size_t i = 1; i < instruction.operands.size(); ++i)
      addNames(instruction.operands[i], sources);
  }
  // A pack holds what was written in one of its parts.
  bool packs = op == "mov" || (op == "cvt" && sources.size() > 1);
  if (packs && !sources.empty() && !anyWritten(set, sources))
    return;
  if (!packs && isArithmetic(op) && !allWritten(set, sources))
    return;
  for (std::string_view name : results)
    set.add(indexOf(name));
}

/// The register that is used in a way that shows, or nothing.
std::string_view Analysis::undefinedUse(const Instruction &instruction,
                                        const RegisterSet &set) {
  if (!instruction.guard.empty() && isRegister(instruction.guard) &&
      !isWritten(set, instruction.guard))
    return instruction.guard;
  bool stores = instruction.opcode == "st" || instruction.opcode == "red";
  for (const Operand &operand : instruction.operands) {
    Names names;
    addNames(operand, names);
    if (names.empty())
      continue;
    if (operand.kind == Operand::Kind::Address && !allWritten(set, names))
      return *std::find_if(
          names.begin(), names.end(),
          [&](std::string_view name) { return !isWritten(set, name); });
    // The padding of a structure may be stored with the rest.
    bool whole = operand.elements.size() <= names.size();
    if (stores && whole && !anyWritten(set, names))
      return names.front();
  }
  return {};
}

std::unordered_map<ptx::Location, std::string_view> Analysis::run() {
  collectRegisters();
  splitBlocks();
  linkBlocks();
  std::vector<size_t> work;
  for (size_t b = blocks.size(); b-- > 0;)
    work.push_back(b);
  while (!work.empty()) {
    const Block &block = blocks[work.back()];
    work.pop_back();
    RegisterSet set = block.written;
    for (size_t i = block.begin; i < block.end; ++i)
      if (const Instruction *instruction = at(i))
        apply(*instruction, set);
    for (size_t successor : block.successors)
      if (blocks[successor].written.addAll(set))
        work.push_back(successor);
  }
  std::unordered_map<ptx::Location, std::string_view> found;
  for (Block &block : blocks)
    for (size_t i = block.begin; i < block.end; ++i)
      if (const Instruction *instruction = at(i)) {
        std::string_view name = undefinedUse(*instruction, block.written);
        if (!name.empty())
          found.emplace(instruction->location, name);
        apply(*instruction, block.written);
      }
  return found;
}

std::unordered_map<ptx::Location, std::string_view>
findUndefinedReads(const ptx::Function &function) {
  return Analysis(function).run();
}

} // namespace tilewright::sim
