//===- Select.h - From operation and type to handler ------------*- C++ -*-===//
//
// What the decoder asks of the handlers. Each function returns null for a
// combination that does not exist.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_OPS_SELECT_H
#define TILEWRIGHT_SIM_EXEC_OPS_SELECT_H

#include "sim/exec/Inst.h"
#include "sim/ptx/Types.h"
#include "sim/tensor/Convert.h"

namespace tilewright::sim {

enum class IntOp : uint8_t {
  // d = op(a)
  Neg,
  Abs,
  Not,
  Cnot,
  Popc,
  Clz,
  Brev,
  Bfind,
  BfindShift,
  // d = op(a, b)
  Add,
  Sub,
  AddSat,
  SubSat,
  MulLo,
  MulHi,
  MulWide,
  Div,
  Rem,
  Min,
  Max,
  MinRelu,
  MaxRelu,
  And,
  Or,
  Xor,
  Shl,
  Shr,
  Mul24Lo,
  Mul24Hi,
  BmskClamp,
  BmskWrap,
  SzextClamp,
  SzextWrap,
  // d = op(a, b, c)
  MadLo,
  MadHi,
  MadHiSat,
  MadWide,
  Mad24Lo,
  Mad24Hi,
  Mad24HiSat,
  Sad,
  Bfe,
  ShfLeftClamp,
  ShfLeftWrap,
  ShfRightClamp,
  ShfRightWrap,
  Fns,
  // imm: truth table, or mode
  Lop3,
  Prmt,
  // d = op(a, b, c, e)
  Bfi,
};
Handler selectInt(IntOp op, ptx::Type type);

/// dp4a and dp2a; imm is 1 for dp2a.hi.
Handler selectDot(bool four, bool aSigned, bool bSigned);

/// add, sub and mad.lo/.hi with carry: e is the carry predicate.
enum class CarryOp : uint8_t { Add, Sub, MadLo, MadHi, MadHiSigned };
Handler selectCarry(CarryOp op, ptx::Type type, bool in, bool out);

/// mov of a row.
Handler selectMove(uint32_t bytes);

enum class FloatOp : uint8_t {
  Neg,
  Abs,
  Rcp,
  Sqrt,
  RsqrtApprox,
  Ex2,
  Lg2,
  Sin,
  Cos,
  Tanh,
  Add,
  Sub,
  Mul,
  Div,
  Min,
  Max,
  MinNan,
  MaxNan,
  CopySign,
  Fma,
};

struct FloatOptions {
  RoundingMode rounding = RoundingMode::NearestEven;
  bool ftz = false;
  bool sat = false;
  bool relu = false;
  bool xorsign = false;
  bool approx = false;
  bool full = false; ///< div.full
  bool oob = false;  ///< fma: zero when an operand is the OOB NaN
};
/// A handler for the options, packed in Inst::imm by the same call.
Handler selectFloat(FloatOp op, ptx::Type type, FloatOptions options,
                    int32_t &imm);
enum class TestpOp : uint8_t {
  Finite,
  Infinite,
  Number,
  NotANumber,
  Normal,
  Subnormal
};
Handler selectTestp(TestpOp op, ptx::Type type);

enum class CompareOp : uint8_t {
  Eq,
  Ne,
  Lt,
  Le,
  Gt,
  Ge,
  Equ,
  Neu,
  Ltu,
  Leu,
  Gtu,
  Geu,
  Num,
  Nan
};
enum class BoolOp : uint8_t { None, And, Or, Xor };
/// setp: d and e are predicates (e may be noRef), c the predicate of the
/// Boolean operation; imm holds packCompare.
Handler selectSetp(CompareOp op, ptx::Type type, bool ftz);
/// set: d is a row, e the value that it gets where the comparison holds.
Handler selectSet(CompareOp op, ptx::Type type, bool ftz);
/// setp on packed halves: d takes the low halves, e the high ones.
Handler selectSetpPacked(CompareOp op, ptx::Type type, bool ftz);
int32_t packBool(BoolOp op, bool negateC);

Handler selectSelp(uint32_t bytes);
/// What c of slct is; a negative subnormal is negative unless it is flushed.
enum class SlctCondition : uint8_t { Integer, Float, FlushedFloat };
Handler selectSlct(uint32_t bytes, SlctCondition condition);

struct ConvertSpec {
  ptx::Type to = ptx::Type::None, from = ptx::Type::None;
  bool to64 = false, from64 = false; ///< the rows' width
  RoundingMode rounding = RoundingMode::NearestEven;
  bool hasRounding = false;
  bool toInteger = false; ///< an integer rounding of a float
  bool ftz = false, sat = false, satfinite = false, relu = false;
};
/// Handlers read the spec through Inst::aux. b is the low source of a packed
/// result.
Handler selectConvert(const ConvertSpec &spec);
/// One lane of any conversion: `a` and `b` are the rows' raw bits.
uint64_t convertLane(const ConvertSpec &spec, uint64_t a, uint64_t b);
/// Null, or why the conversion does not exist.
const char *checkConvert(const ConvertSpec &spec);

struct MemorySpec {
  uint32_t elementBytes = 4; ///< 1, 2, 4 or 8
  uint32_t count = 1;        ///< registers: 1, 2, 4 or 8
  bool row64 = false;        ///< registers are 64 bits wide
  bool isSigned = false;     ///< a load extends with the sign
};
/// ld: d is the register, or aux a VectorRefs when count > 1.
Handler selectLoad(const MemorySpec &spec);
Handler selectStore(const MemorySpec &spec);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OPS_SELECT_H
