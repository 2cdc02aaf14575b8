//===- ValueTaint.h - Registers that hold what nobody wrote ---------------===//
//
// Programs read bytes that nobody wrote and throw them away: padding, elements
// behind the last one. So a read from shared or local memory is remembered with
// its registers, and followed until its value shows: in an address, a guard, a
// store that others see, a product.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_CHECK_VALUETAINT_H
#define TILEWRIGHT_SIM_CHECK_VALUETAINT_H

#include "sim/check/Finding.h"
#include "sim/exec/Cta.h"
#include "sim/exec/Effect.h"

#include <array>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

namespace tilewright::sim::check {

class ValueTaint {
public:
  using Report = std::function<void(Finding)>;
  explicit ValueTaint(Report report) : report(std::move(report)) {}

  /// Reports what shows, and computes what results will be.
  void before(const Inst &inst, const Effect &effect, Warp &warp,
              bool storesOutside);
  /// The results have been written.
  void after(const Effect &effect, Warp &warp);
  /// Nobody executes it: the guard was used all the same.
  void skipped(const Inst &inst, const Effect &effect, Warp &warp);

  /// `lane` has loaded element `element` of its access from such bytes.
  void load(const Effect &effect, Warp &warp, uint32_t lane, uint32_t element,
            Finding origin);
  /// Lanes of the executing ones whose stored element `element` is tainted.
  uint32_t storedLanes(const Effect &effect, Warp &warp, uint32_t element);

  void forget(const Warp &warp) { warps.erase(&warp); }

private:
  /// Where a lane's value came from.
  using Origins = std::array<std::shared_ptr<const Finding>, laneCount>;
  struct Taint {
    uint32_t lanes = 0;
    Origins origins;
  };
  using Registers = std::unordered_map<uint64_t, Taint>;
  using Register = RegisterUse::Register;

  static uint64_t keyOf(Warp &warp, const Register &reg);
  Taint *find(Warp &warp, const Register &reg);
  uint32_t lanesOf(Warp &warp, const Register &reg);
  void set(Warp &warp, const Register &reg, uint32_t lanes, uint32_t tainted,
           const Origins &origins);
  void show(const Inst &inst, Warp &warp, const Register &reg, uint32_t lanes);
  uint32_t resultLanes(const RegisterUse &use, Warp &warp);

  const Report report;
  std::unordered_map<const Warp *, Registers> warps;
  // Between before() and after().
  uint32_t pending = 0;
  Origins pendingOrigins;
};

} // namespace tilewright::sim::check

#endif // TILEWRIGHT_SIM_CHECK_VALUETAINT_H
