//===- WmmaOps.h - wmma.load, wmma.store and wmma.mma -----------*- C++ -*-===//
//
// ISA 9.7.14.4 leaves the place of elements in a fragment open. Here a fragment
// is one of mma.sync's, or two of them side by side, as sm_80 and sm_90 have
// it: the m16 and m8 shapes are products of m16n8 or m8n8 tiles, and m8n32 is
// m32n8 with the operands exchanged, D^T = B^T A^T.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_OPS_WMMAOPS_H
#define TILEWRIGHT_SIM_EXEC_OPS_WMMAOPS_H

#include "sim/exec/Inst.h"
#include "sim/tensor/MmaSync.h"

#include <vector>

namespace tilewright::sim {

/// How a wmma shape is made of mma.sync tiles.
struct WmmaTiling {
  int tileRows = 16; ///< of a tile; its columns are always eight
  int rowTiles = 1, columnTiles = 2;
  int k = 16;
  bool transposed = false;
};

enum class WmmaMatrix : uint8_t { A, B, C };

/// wmma.load and wmma.store; the address as in Memory.h, b the stride in
/// elements.
struct WmmaMoveSpec {
  WmmaTiling tiling;
  WmmaMatrix matrix = WmmaMatrix::A;
  bool columnMajor = false;
  int bits = 16; ///< of an element
  bool row64 = false;
  std::vector<Ref> registers;
};
/// Leading and other dimension of the matrix in memory.
void wmmaExtents(const WmmaMoveSpec &spec, int &leading, int &count);
Status runWmmaLoad(const Inst &inst, Warp &warp);
Status runWmmaStore(const Inst &inst, Warp &warp);

struct WmmaSpec {
  WmmaTiling tiling;
  MmaSyncOp tile; ///< of one tile; accumulates in f32 when C or D is f32
  AccumulatorType cType = AccumulatorType::F32;
  AccumulatorType dType = AccumulatorType::F32;
  bool row64 = false;
  std::vector<Ref> d, a, b, c;
};
Status runWmma(const Inst &inst, Warp &warp);

/// mma.sync.m8n8k4 on f16.
struct QuadMmaSpec {
  QuadMmaOp op;
  std::vector<Ref> d, a, b, c;
};
Status runQuadMmaSync(const Inst &inst, Warp &warp);

/// Registers that hold a fragment without repetition.
int wmmaRegisters(const WmmaTiling &tiling, WmmaMatrix matrix, int bits);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OPS_WMMAOPS_H
