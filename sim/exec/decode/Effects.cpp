//===- Effects.cpp - What an instruction does, from its text --------------===//

#include "sim/async/TensorMap.h"
#include "sim/exec/Effect.h"
#include "sim/exec/decode/Decoder.h"
#include "sim/exec/ops/Control.h"
#include "sim/exec/ops/MatrixOps.h"

#include <algorithm>

namespace tilewright::sim {

using ptx::Instruction;
using ptx::Operand;

static bool has(const Instruction &ast, std::string_view modifier) {
  return std::any_of(
      ast.modifiers.begin(), ast.modifiers.end(),
      [=](const ptx::Modifier &each) { return each.text == modifier; });
}

/// The last operand, if it is a constant.
static uint32_t lastConstant(const Instruction &ast) {
  if (ast.operands.empty() ||
      ast.operands.back().kind != Operand::Kind::Integer)
    return 0;
  return static_cast<uint32_t>(ast.operands.back().bits);
}

static MemoryOrder orderOf(const Instruction &ast, MemoryOrder otherwise) {
  static constexpr std::pair<std::string_view, MemoryOrder> names[] = {
      {"weak", MemoryOrder::Weak},
      {"volatile", MemoryOrder::Relaxed},
      {"mmio", MemoryOrder::Relaxed},
      {"relaxed", MemoryOrder::Relaxed},
      {"acquire", MemoryOrder::Acquire},
      {"release", MemoryOrder::Release},
      {"acq_rel", MemoryOrder::AcquireRelease},
      {"sc", MemoryOrder::AcquireRelease}};
  MemoryOrder order = otherwise;
  for (auto [name, value] : names)
    if (has(ast, name))
      order = value;
  return order;
}

static MemoryScope scopeOf(const Instruction &ast, MemoryScope otherwise) {
  if (has(ast, "volatile"))
    return MemoryScope::Sys;
  static constexpr std::pair<std::string_view, MemoryScope> names[] = {
      {"cta", MemoryScope::Cta},
      {"cluster", MemoryScope::Cluster},
      {"gpu", MemoryScope::Gpu},
      {"gl", MemoryScope::Gpu},
      {"sys", MemoryScope::Sys}};
  for (auto [name, value] : names)
    if (has(ast, name))
      return value;
  return otherwise;
}

static uint8_t bytesOf(const Instruction &ast) {
  uint32_t element = 0, count = 1;
  for (const ptx::Modifier &modifier : ast.modifiers) {
    if (std::optional<ptx::Type> type = ptx::typeFromName(modifier.text))
      element = ptx::typeBytes(*type);
    if (modifier.text == "v2" || modifier.text == "v4" || modifier.text == "v8")
      count = static_cast<uint32_t>(modifier.text[1] - '0');
  }
  return static_cast<uint8_t>(element * count);
}

static void memoryEffect(const Instruction &ast, EffectKind kind,
                         Effect &effect) {
  effect.kind = kind;
  effect.bytes = bytesOf(ast);
  bool updates = kind == EffectKind::Atomic || kind == EffectKind::Reduction;
  effect.order =
      orderOf(ast, updates ? MemoryOrder::Relaxed : MemoryOrder::Weak);
  effect.scope =
      scopeOf(ast, effect.order == MemoryOrder::Weak ? MemoryScope::Thread
                                                     : MemoryScope::Gpu);
}

static void fenceEffect(const Instruction &ast, Effect &effect) {
  effect.order = orderOf(ast, MemoryOrder::AcquireRelease);
  effect.scope = scopeOf(ast, MemoryScope::Sys);
  effect.kind = EffectKind::Fence;
  if (has(ast, "mbarrier_init"))
    effect.kind = EffectKind::InitFence;
  if (!has(ast, "proxy"))
    return;
  if (has(ast, "tensormap::generic"))
    effect.kind = EffectKind::TensormapFence;
  else if (!has(ast, "alias"))
    effect.kind = EffectKind::ProxyFence;
  else
    effect.kind = EffectKind::None;
  // Those that hand over between the proxies say in which direction.
  if (effect.kind == EffectKind::ProxyFence && !has(ast, "async::generic"))
    effect.order = MemoryOrder::Weak;
}

static void copyEffect(const Instruction &ast, Effect &effect) {
  if (has(ast, "prefetch"))
    return;
  bool bulk = has(ast, "bulk");
  effect.pending = lastConstant(ast);
  if (has(ast, "commit_group")) {
    effect.kind = bulk ? EffectKind::BulkCommit : EffectKind::AsyncCommit;
  } else if (has(ast, "wait_group") || has(ast, "wait_all")) {
    effect.kind = bulk ? EffectKind::BulkWait : EffectKind::AsyncWait;
    effect.readsOnly = has(ast, "read");
    effect.all = has(ast, "wait_all");
  } else if (has(ast, "mbarrier")) {
    effect.kind = EffectKind::AsyncArrive;
  } else if (bulk) {
    effect.kind =
        has(ast, "tensor") ? EffectKind::TensorCopy : EffectKind::BulkCopy;
  } else {
    effect.kind = EffectKind::AsyncCopy;
  }
}

static void mbarrierEffect(const Instruction &ast, Effect &effect) {
  static constexpr std::pair<std::string_view, EffectKind> names[] = {
      {"init", EffectKind::MbarrierInit},
      {"inval", EffectKind::MbarrierInval},
      {"complete_tx", EffectKind::MbarrierComplete},
      {"expect_tx", EffectKind::MbarrierExpect},
      {"arrive", EffectKind::MbarrierArrive},
      {"arrive_drop", EffectKind::MbarrierArrive},
      {"test_wait", EffectKind::MbarrierWait},
      {"try_wait", EffectKind::MbarrierWait}};
  for (auto [name, kind] : names)
    if (has(ast, name))
      effect.kind = kind;
  // ISA 9.7.13.15.13 and .16: arrivals release and waits acquire unless they
  // are relaxed; expecting and completing bytes is relaxed.
  bool arrives = effect.kind == EffectKind::MbarrierArrive;
  bool waits = effect.kind == EffectKind::MbarrierWait;
  effect.order = orderOf(ast, arrives ? MemoryOrder::Release
                              : waits ? MemoryOrder::Acquire
                                      : MemoryOrder::Relaxed);
  effect.scope = scopeOf(ast, MemoryScope::Cta);
}

static void barrierEffect(const Instruction &ast, Effect &effect) {
  bool arrives = has(ast, "arrive");
  if (has(ast, "warp")) {
    effect.kind = EffectKind::WarpSync;
  } else if (has(ast, "cluster")) {
    effect.kind = arrives ? EffectKind::ClusterArrive : EffectKind::ClusterWait;
    effect.order =
        orderOf(ast, arrives ? MemoryOrder::Release : MemoryOrder::Acquire);
  } else {
    effect.kind = arrives ? EffectKind::BarrierArrive : EffectKind::BarrierSync;
  }
}

static EffectKind wgmmaKind(const Instruction &ast) {
  if (has(ast, "mma_async"))
    return EffectKind::WgmmaIssue;
  if (has(ast, "fence"))
    return EffectKind::WgmmaFence;
  return has(ast, "commit_group") ? EffectKind::WgmmaCommit
                                  : EffectKind::WgmmaWait;
}

static void storeEffect(const Instruction &ast, bool reduces, Effect &effect) {
  memoryEffect(ast, reduces ? EffectKind::Reduction : EffectKind::Store,
               effect);
  if (has(ast, "async"))
    effect.kind = EffectKind::StoreAsync;
}

Effect effectOf(const Instruction &ast) {
  Effect effect;
  std::string_view op = ast.opcode;
  if (op == "ld" || op == "ldu")
    memoryEffect(ast, EffectKind::Load, effect);
  else if (op == "st" || op == "red")
    storeEffect(ast, op == "red", effect);
  else if (op == "atom")
    memoryEffect(ast, EffectKind::Atomic, effect);
  else if (op == "fence" || op == "membar")
    fenceEffect(ast, effect);
  else if (op == "cp")
    copyEffect(ast, effect);
  else if (op == "mbarrier")
    mbarrierEffect(ast, effect);
  else if (op == "bar" || op == "barrier")
    barrierEffect(ast, effect);
  else if (op == "wgmma")
    effect.kind = wgmmaKind(ast), effect.pending = lastConstant(ast);
  else if (op == "ldmatrix" || op == "stmatrix")
    effect.kind =
        op == "ldmatrix" ? EffectKind::LoadMatrix : EffectKind::StoreMatrix;
  else if (op == "tensormap")
    effect.kind = has(ast, "replace") ? EffectKind::TensormapReplace
                                      : EffectKind::TensormapCopy,
    effect.bytes = tensorMapBytes;
  else if (op == "discard")
    effect.kind = EffectKind::Discard,
    effect.bytes = static_cast<uint8_t>(lastConstant(ast));
  else if (op == "wmma" && (has(ast, "load") || has(ast, "store")))
    effect.kind =
        has(ast, "load") ? EffectKind::WmmaLoad : EffectKind::WmmaStore;
  else if (op == "shfl" || op == "vote" || op == "match" || op == "redux" ||
           op == "elect")
    effect.kind = EffectKind::WarpExchange;
  else if (op == "griddepcontrol")
    effect.kind =
        has(ast, "wait") ? EffectKind::GridWait : EffectKind::GridTrigger;
  else if (op == "exit" || op == "ret")
    effect.kind = EffectKind::Exit;
  effect.constantMove = op == "mov";
  return effect;
}

//===----------------------------------------------------------------------===//
// Side table
//===----------------------------------------------------------------------===//

static void addRows(const InstDecoder &d, const Operand &operand, Ref flag,
                    std::vector<Ref> &rows) {
  LocalName name;
  if (operand.kind == Operand::Kind::Name && operand.name != "_") {
    Operand plain = operand;
    plain.offset = 0;
    if (d.isRegister(plain, name) && name.type != ptx::Type::Pred &&
        name.bytes <= 4 && !(name.ref & constantRow))
      for (uint32_t i = 0; i < name.vector; ++i)
        rows.push_back((name.ref + i * row32Bytes) | flag);
    return;
  }
  for (const Operand &element : operand.elements)
    addRows(d, element, flag, rows);
}

void InstDecoder::announceUndefinedGuard() {
  auto found = fn.undefinedReads.find(ast.location);
  if (found == fn.undefinedReads.end() || found->second != ast.guard)
    return;
  Effect effect;
  effect.undefined = keep(std::string(found->second));
  prelude(runNothing).effect = static_cast<uint32_t>(fn.program.effects.size());
  fn.program.effects.push_back(effect);
}

static bool hasResult(const Instruction &ast) {
  std::string_view op = ast.opcode;
  return op != "st" && op != "stmatrix" && op != "red" && op != "bar" &&
         op != "barrier" && ast.operands[0].kind != Operand::Kind::Address;
}

void InstDecoder::annotate() {
  // What runs the instruction comes last, behind its preludes.
  if (fn.code.empty() || fn.code.back().location != ast.location)
    return;
  Effect effect = effectOf(ast);
  if (effect.kind == EffectKind::Store) {
    const Operand *value = &operand(1);
    size_t count = 1;
    if (value->kind == Operand::Kind::Vector) {
      count = value->elements.size();
      value = &value->elements.front();
    }
    LocalName name;
    effect.row64 =
        isRegister(*value, name) ? name.bytes > 4 : effect.bytes / count >= 8;
  }
  if (fn.usesWgmma) {
    std::vector<Ref> &rows = fn.program.touchedRows;
    effect.firstRow = static_cast<uint32_t>(rows.size());
    // Stores and barriers have no result; an address is no result either.
    for (const Operand &operand : ast.operands)
      addRows(*this, operand,
              &operand == ast.operands.data() && hasResult(ast) ? touchWrites
                                                                : 0,
              rows);
    effect.rowCount = static_cast<uint32_t>(rows.size()) - effect.firstRow;
  }
  if (auto found = fn.undefinedReads.find(ast.location);
      found != fn.undefinedReads.end() && found->second != ast.guard)
    effect.undefined = keep(std::string(found->second));
  bool onlyFollowed = effect.kind == EffectKind::None && effect.rowCount == 0 &&
                      !effect.undefined;
  if (fn.module.config.findsUndefinedReads)
    effect.use = findUse();
  if (onlyFollowed && !effect.use)
    return;
  if (onlyFollowed)
    fn.code.back().flags |= OnlyFollowed;
  std::vector<Effect> &effects = fn.program.effects;
  fn.code.back().effect = static_cast<uint32_t>(effects.size());
  effects.push_back(effect);
}

void FunctionDecoder::findWgmma() {
  for (const ptx::Statement &statement : function.body)
    if (const auto *each = std::get_if<Instruction>(&statement))
      usesWgmma |= each->opcode == "wgmma";
}

/// Registers that no wgmma uses need not be looked at.
void FunctionDecoder::dropOtherRows() {
  if (!usesWgmma)
    return;
  std::set<Ref> used;
  for (const Inst &inst : code)
    if (program.effects[inst.effect].kind == EffectKind::WgmmaIssue) {
      const auto &spec = *static_cast<const WgmmaSpec *>(inst.aux);
      for (const std::vector<uint32_t> *words : {&spec.d, &spec.a})
        for (uint32_t word : *words)
          used.insert(word * 4);
    }
  for (Inst &inst : code) {
    Effect &effect = program.effects[inst.effect];
    const Ref *rows = program.touchedRows.data() + effect.firstRow;
    if (std::any_of(rows, rows + effect.rowCount,
                    [&](Ref row) { return used.contains(row & ~touchWrites); }))
      continue;
    effect.rowCount = 0;
    if (effect.kind != EffectKind::None || effect.undefined)
      continue;
    if (effect.use)
      inst.flags |= OnlyFollowed;
    else
      inst.effect = 0;
  }
}

} // namespace tilewright::sim
