//===- Effect.h - What an instruction does to memory and order --*- C++ -*-===//
//
// Checkers ask this of a decoded instruction instead of its handler. It follows
// from the opcode and the modifiers alone, so it is derived once, when a module
// is loaded.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_EFFECT_H
#define TILEWRIGHT_SIM_EXEC_EFFECT_H

#include <cstdint>
#include <string>
#include <vector>

namespace tilewright::sim::ptx {
struct Instruction;
} // namespace tilewright::sim::ptx

namespace tilewright::sim {

enum class EffectKind : uint8_t {
  None,
  Load,
  Store,
  Atomic,
  Reduction,
  LoadMatrix,
  StoreMatrix,
  Fence,
  /// fence.proxy.async; with an order, that of fence.proxy.async::generic.
  ProxyFence,
  TensormapFence, ///< fence.proxy.tensormap
  InitFence,      ///< fence.mbarrier_init
  WarpSync,
  WarpExchange, ///< shfl, vote, match, redux, elect: they order no memory
  BarrierSync,  ///< also barrier.red
  BarrierArrive,
  ClusterArrive,
  ClusterWait,
  MbarrierInit, ///< to MbarrierWait: isMbarrier
  MbarrierInval,
  MbarrierArrive,
  MbarrierExpect,
  MbarrierComplete,
  MbarrierWait,
  AsyncCopy,   ///< cp.async
  AsyncArrive, ///< cp.async.mbarrier.arrive
  AsyncCommit,
  AsyncWait,
  BulkCopy,
  TensorCopy,
  BulkCommit,
  BulkWait,
  StoreAsync, ///< st.async and red.async
  WgmmaIssue,
  WgmmaFence,
  WgmmaCommit,
  WgmmaWait,
  Exit,
  WmmaLoad,
  WmmaStore,
  TensormapReplace,
  TensormapCopy, ///< tensormap.cp_fenceproxy
  Discard,       ///< leaves its bytes without a value
  GridWait,      ///< griddepcontrol.wait
  GridTrigger,   ///< griddepcontrol.launch_dependents
};

/// Of the instructions mbarrier.*, which access one object a lane.
constexpr bool isMbarrier(EffectKind kind) {
  return kind >= EffectKind::MbarrierInit && kind <= EffectKind::MbarrierWait;
}

/// ISA 8.4 and 8.8. Volatile counts as relaxed at system scope (8.4.2).
enum class MemoryOrder : uint8_t {
  Weak,
  Relaxed,
  Acquire,
  Release,
  AcquireRelease,
};
/// Ordered: a larger scope includes a smaller one.
enum class MemoryScope : uint8_t { Thread, Cta, Cluster, Gpu, Sys };

/// Registers that an instruction names, for checks that follow values.
struct RegisterUse {
  enum class File : uint8_t { Row32, Row64, Predicate };
  struct Register {
    File file = File::Row32;
    bool negated = false;
    uint32_t ref = ~uint32_t(0); ///< Ref; ~0 where no register is
    explicit operator bool() const { return ref != ~uint32_t(0); }
  };
  enum class Rule : uint8_t {
    Any,        ///< a result depends on every source
    Select,     ///< source 2 chooses between the first two
    And,        ///< of predicates
    Or,         ///< the same
    CompareAnd, ///< of the first two, joined with predicate 2
    CompareOr,  ///< the same
    Defined,    ///< results come from elsewhere: loads, exchanges, calls
  };
  Rule rule = Rule::Any;
  /// Whoever waits for or gets the sources sees their values.
  bool shows = false;
  Register guard;
  std::vector<Register> results, sources, addresses;
};

struct Effect {
  EffectKind kind = EffectKind::None;
  MemoryOrder order = MemoryOrder::Weak;
  MemoryScope scope = MemoryScope::Thread;
  uint8_t bytes = 0; ///< of a lane's access
  /// AsyncWait, BulkWait: groups that may stay pending.
  uint32_t pending = 0;
  bool readsOnly = false;    ///< BulkWait: for the reads of the sources
  bool all = false;          ///< AsyncWait: also for what is not committed
  bool row64 = false;        ///< Store: the values are in rows of 64 bits
  bool constantMove = false; ///< copies a register or a constant
  /// Rows of 32 bits that it names, where wgmma may have them in flight: a part
  /// of Program::touchedRows, with `touchWrites` for results.
  uint32_t firstRow = 0, rowCount = 0;

  /// A register that no path to here writes, though its value shows.
  const std::string *undefined = nullptr;
  /// Null unless the device's configuration asks for checks of values.
  const RegisterUse *use = nullptr;

  bool acquires() const {
    return order == MemoryOrder::Acquire ||
           order == MemoryOrder::AcquireRelease;
  }
  bool releases() const {
    return order == MemoryOrder::Release ||
           order == MemoryOrder::AcquireRelease;
  }
};

inline constexpr uint32_t touchWrites = uint32_t(1) << 31;

/// Everything that the text says; rows are left empty.
Effect effectOf(const ptx::Instruction &instruction);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_EFFECT_H
