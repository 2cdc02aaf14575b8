//===- Inst.h - Decoded instructions ----------------------------*- C++ -*-===//
//
// What the interpreter walks over: one fixed-size record an instruction, with
// the function that runs it for a whole warp. Registers are rows of 32 lanes;
// an operand is the place of its row.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_INST_H
#define TILEWRIGHT_SIM_EXEC_INST_H

#include <cstdint>

namespace tilewright::sim {

struct Inst;
struct Warp;

inline constexpr int laneCount = 32;
inline constexpr uint32_t allLanes = ~uint32_t(0);

/// What the interpreter does after an instruction.
enum class Status : uint8_t {
  Next,  ///< go on at pc + 1
  Jump,  ///< pc was set; other lanes of the warp may have been split off
  Block, ///< not done; try the same instruction again later
  Yield, ///< done; let others run before the next one
  Spin,  ///< pc was set, back to the start of a polling loop
  Fault, ///< the launch failed
};

using Handler = Status (*)(const Inst &, Warp &);

/// Place of a register row. The file (32-bit rows, 64-bit rows or predicates)
/// follows from the instruction. For rows: a byte offset, the top bit telling
/// the module's constant rows from the frame's. For predicates: an index.
using Ref = uint32_t;
inline constexpr Ref constantRow = Ref(1) << 31;
inline constexpr Ref noRef = ~Ref(0);

inline constexpr uint32_t row32Bytes = laneCount * 4;
inline constexpr uint32_t row64Bytes = laneCount * 8;

/// Guard: predicate index * 2 + negated.
inline constexpr uint32_t noGuard = ~uint32_t(0);

/// Every frame's first predicates are the constants.
inline constexpr Ref falsePredicate = 0;
inline constexpr Ref truePredicate = 1;
inline constexpr Ref firstPredicate = 2;

struct alignas(64) Inst {
  Handler run = nullptr;
  Ref d = noRef; ///< result
  Ref a = noRef;
  Ref b = noRef;
  Ref c = noRef;
  Ref e = noRef; ///< a second result or a fourth source
  uint32_t guard = noGuard;
  int32_t imm = 0;           ///< an address offset, a table, a small option set
  uint32_t target = 0;       ///< a branch's label, later its instruction
  uint32_t location = 0;     ///< in the PTX text
  uint32_t flags = 0;        ///< InstFlags
  const void *aux = nullptr; ///< operands that do not fit, owned by the Program
  uint32_t effect = 0;       ///< in Program::effects; 0: none to speak of
};
static_assert(sizeof(Inst) == 64);

enum InstFlags : uint32_t {
  /// Ends a basic block.
  EndsBlock = 1,
  /// Control can go on to the next instruction.
  FallsThrough = 2,
  /// `target` is a branch target.
  HasTarget = 4,
  /// `aux` is a BranchTable.
  HasTable = 8,
  /// Reads memory that another thread may be about to write.
  Polls = 16,
  /// Changes memory or waits by itself, so a loop around it is no polling.
  Works = 32,
  /// Reads memory that others can write, though nobody should meanwhile.
  Reads = 64,
  /// Checkers look at it only where they follow values.
  OnlyFollowed = 128,
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_INST_H
