//===- Layout.cpp - The order of basic blocks in decoded code -------------===//
//
// The interpreter runs the lanes with the lowest pc first. For lanes to meet
// again where their paths join, a join must lie behind everything on its paths,
// and a loop's exit behind the whole loop: a weak topological order
// (Bourdoncle, "Efficient chaotic iteration strategies with widenings", 1993),
// in which strongly connected components are contiguous, recursively.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/decode/Decoder.h"
#include "sim/exec/ops/Control.h"

#include <algorithm>

namespace tilewright::sim {

namespace {
struct Block {
  uint32_t begin = 0, end = 0;
  std::vector<uint32_t> successors;
  bool fallsThrough = false; ///< into the next block of the text
};

class BlockOrder {
public:
  explicit BlockOrder(const std::vector<Block> &blocks)
      : blocks(blocks), number(blocks.size(), 0) {}

  std::vector<uint32_t> compute() {
    visit(0);
    std::reverse(order.begin(), order.end());
    return std::move(order);
  }

private:
  static constexpr uint32_t placed = ~0u;

  /// One activation of the recursive visit, or of the visit of a component's
  /// inside; kept on a heap stack because functions may have many blocks.
  struct Activation {
    uint32_t block;
    uint32_t next; ///< successor to look at
    uint32_t head;
    bool loop;
    bool inside;
  };

  void open(uint32_t block) {
    number[block] = ++counter;
    pending.push_back(block);
    activations.push_back({block, 0, counter, false, false});
  }

  void visit(uint32_t root) {
    open(root);
    while (!activations.empty())
      step();
  }

  void step() {
    Activation &top = activations.back();
    const std::vector<uint32_t> &next = blocks[top.block].successors;
    if (top.next < next.size()) {
      uint32_t successor = next[top.next];
      if (number[successor] == 0) {
        open(successor);
        return; // its head is folded in by close()
      }
      if (!top.inside)
        fold(top, number[successor]);
      ++top.next;
      return;
    }
    close();
  }

  static void fold(Activation &into, uint32_t head) {
    if (head <= into.head) {
      into.head = head;
      into.loop = true;
    }
  }

  void close() {
    Activation done = activations.back();
    if (done.inside) {
      // The component's inside is placed; its head comes before it.
      order.push_back(done.block);
      finish(done);
      return;
    }
    if (done.head != number[done.block]) {
      finish(done);
      return;
    }
    number[done.block] = placed;
    uint32_t element = pending.back();
    pending.pop_back();
    if (!done.loop) {
      order.push_back(done.block);
      finish(done);
      return;
    }
    while (element != done.block) {
      number[element] = 0;
      element = pending.back();
      pending.pop_back();
    }
    Activation &top = activations.back();
    top.inside = true;
    top.next = 0;
  }

  void finish(Activation done) {
    activations.pop_back();
    if (activations.empty())
      return;
    Activation &parent = activations.back();
    if (!parent.inside)
      fold(parent, done.head);
    ++parent.next;
  }

  const std::vector<Block> &blocks;
  std::vector<uint32_t> number;
  std::vector<uint32_t> pending;
  std::vector<Activation> activations;
  std::vector<uint32_t> order; ///< reversed
  uint32_t counter = 0;
};
} // namespace

static std::vector<Block> findBlocks(const std::vector<Inst> &code,
                                     const std::vector<uint32_t> &labels,
                                     std::vector<uint32_t> &blockOf) {
  std::vector<bool> leader(code.size() + 1, false);
  leader[0] = true;
  for (uint32_t label : labels)
    leader[label] = true;
  for (size_t i = 0; i < code.size(); ++i)
    if (code[i].flags & EndsBlock)
      leader[i + 1] = true;

  std::vector<Block> blocks;
  blockOf.resize(code.size());
  for (uint32_t i = 0; i < code.size(); ++i) {
    if (leader[i]) {
      if (!blocks.empty())
        blocks.back().end = i;
      blocks.push_back({i, 0, {}, false});
    }
    blockOf[i] = static_cast<uint32_t>(blocks.size() - 1);
  }
  blocks.back().end = static_cast<uint32_t>(code.size());
  return blocks;
}

/// Taken targets first: the last successor is placed right behind its block.
static void connect(std::vector<Block> &blocks, const std::vector<Inst> &code,
                    const std::vector<uint32_t> &labels,
                    const std::vector<uint32_t> &blockOf) {
  for (uint32_t b = 0; b < blocks.size(); ++b) {
    Block &block = blocks[b];
    const Inst &last = code[block.end - 1];
    bool ends = last.flags & EndsBlock;
    if (ends && (last.flags & HasTarget))
      block.successors.push_back(blockOf[labels[last.target]]);
    if (ends && (last.flags & HasTable))
      for (uint32_t label : static_cast<const BranchTable *>(last.aux)->targets)
        block.successors.push_back(blockOf[labels[label]]);
    block.fallsThrough = !ends || (last.flags & FallsThrough);
    if (block.fallsThrough)
      block.successors.push_back(b + 1);
  }
}

/// Whether the loop [first, last) reads, again and again, one place that others
/// write, and does nothing else that anybody could wait for. An address that
/// changes in the loop is a walk over memory, not a wait.
static bool isPollingLoop(const std::vector<Inst> &code, size_t first,
                          size_t last) {
  bool polls = false;
  for (size_t at = first; at < last; ++at) {
    if (code[at].flags & Works)
      return false;
    if (!(code[at].flags & Polls))
      continue;
    polls = true;
    for (size_t other = first; other < last; ++other)
      if (code[other].d == code[at].a && code[at].a != noRef)
        return false;
  }
  return polls;
}

/// Gives the branch back of a polling loop a handler that lets others run: what
/// it waits for is their work.
static void markPollingLoops(std::vector<Inst> &code, size_t begin) {
  static constexpr size_t longestLoop = 48;
  for (size_t i = begin; i < code.size(); ++i) {
    Inst &branch = code[i];
    if (branch.run == runBranch && branch.target <= i &&
        branch.target >= begin && i - branch.target <= longestLoop &&
        isPollingLoop(code, branch.target, i))
      branch.run = runPollingBranch;
  }
}

void appendLaidOut(std::vector<Inst> &code, const std::vector<uint32_t> &labels,
                   Program &program, FunctionInfo &info) {
  // Falling off the end is a return; it also gives trailing labels a place.
  Inst last;
  last.run = runReturn;
  last.flags = EndsBlock;
  last.location = code.empty() ? 0 : code.back().location;
  code.push_back(last);

  std::vector<uint32_t> blockOf;
  std::vector<Block> blocks = findBlocks(code, labels, blockOf);
  connect(blocks, code, labels, blockOf);
  std::vector<uint32_t> order = BlockOrder(blocks).compute();

  // Place the blocks, with a jump where the next one of the text moved away.
  std::vector<Inst> &out = program.code;
  std::vector<uint32_t> start(blocks.size(), 0);
  uint32_t base = static_cast<uint32_t>(out.size());
  std::vector<std::pair<size_t, uint32_t>> jumps;
  for (size_t i = 0; i < order.size(); ++i) {
    const Block &block = blocks[order[i]];
    start[order[i]] = static_cast<uint32_t>(out.size());
    out.insert(out.end(), code.begin() + block.begin, code.begin() + block.end);
    bool adjacent = i + 1 < order.size() && order[i + 1] == order[i] + 1;
    if (!block.fallsThrough || adjacent)
      continue;
    Inst jump;
    jump.run = runBranch;
    jump.location = code[block.end - 1].location;
    jumps.push_back({out.size(), order[i] + 1});
    out.push_back(jump);
  }
  auto place = [&](uint32_t label) { return start[blockOf[labels[label]]]; };
  for (size_t i = base; i < out.size(); ++i) {
    if (out[i].flags & HasTarget)
      out[i].target = place(out[i].target);
    if (out[i].flags & HasTable) {
      BranchTable table = *static_cast<const BranchTable *>(out[i].aux);
      for (uint32_t &target : table.targets)
        target = place(target);
      out[i].aux = program.keep(std::move(table));
    }
  }
  for (auto [at, block] : jumps)
    out[at].target = start[block];
  markPollingLoops(out, base);
  info.entryPc = start[0];
  info.defined = true;
}

} // namespace tilewright::sim
