//===- TensorMapOps.h - Changing tensor maps --------------------*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_EXEC_OPS_TENSORMAPOPS_H
#define TILEWRIGHT_SIM_EXEC_OPS_TENSORMAPOPS_H

#include "sim/async/TensorMap.h"
#include "sim/exec/Inst.h"

namespace tilewright::sim {

/// tensormap.replace; the address as in Memory.h, b the value.
struct TensorMapEdit {
  TensorMapField field = TensorMapField::GlobalAddress;
  uint32_t ordinal = 0;
  bool wide = false; ///< b has 64 bits
};
Status runTensorMapReplace(const Inst &inst, Warp &warp);

/// tensormap.cp_fenceproxy: the global address is row a, the shared one row b,
/// of 64 bits both.
Status runTensorMapCopy(const Inst &inst, Warp &warp);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OPS_TENSORMAPOPS_H
