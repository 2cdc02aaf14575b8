//===- Targets.h - Host instruction sets handlers are compiled for --------===//
//
// Included before any Highway header. Baseline, AVX2 and AVX-512 are enough:
// the sets between them change nothing for 32-lane loops of 32-bit words.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_OPS_TARGETS_H
#define TILEWRIGHT_SIM_EXEC_OPS_TARGETS_H

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)

#endif // TILEWRIGHT_SIM_EXEC_OPS_TARGETS_H
