//===- Video.cpp - Decoding scalar and SIMD video instructions ------------===//

#include "sim/exec/decode/Decoder.h"
#include "sim/exec/ops/VideoOps.h"

namespace tilewright::sim {

using ptx::Operand;
using ptx::Type;

/// .u32 or .s32; true for the signed one.
static bool takeSign(InstDecoder &d) {
  Type type = d.needType();
  if (type != Type::U32 && type != Type::S32)
    d.unsupported();
  return type == Type::S32;
}

/// .b0 to .b3, .h0 and .h1 after a register.
static VideoPart partOf(InstDecoder &d, const Operand &operand) {
  std::string_view name = operand.member;
  if (name.empty())
    return {};
  bool bytes = name[0] == 'b';
  if (name.size() == 2 && (bytes || name[0] == 'h') && name[1] >= '0' &&
      name[1] < (bytes ? '4' : '2')) {
    uint8_t bits = bytes ? 8 : 16;
    return {static_cast<uint8_t>((name[1] - '0') * bits), bits};
  }
  d.fail(operand.location, "unknown selector '." + std::string(name) + "'");
}

/// The register alone, without its selector and sign.
static Operand plainOf(const Operand &operand) {
  Operand plain = operand;
  plain.member = {};
  plain.minus = false;
  return plain;
}

static VideoSecond takeSecond(InstDecoder &d) {
  return static_cast<VideoSecond>(d.takeOneOf({"add", "min", "max"}) + 1);
}

static CompareOp takeVideoCompare(InstDecoder &d) {
  int op = d.takeOneOf({"eq", "ne", "lt", "le", "gt", "ge"});
  if (op < 0)
    d.unsupported();
  return static_cast<CompareOp>(op);
}

static void emitVideo(InstDecoder &d, Handler handler, const VideoSpec &spec,
                      bool hasC) {
  Inst inst;
  inst.a = d.source(plainOf(d.operand(1)), Type::B32);
  inst.b = d.source(plainOf(d.operand(2)), Type::B32);
  inst.c = hasC ? d.source(plainOf(d.operand(3)), Type::B32)
                : d.fn.program.constants.ref32(0);
  inst.d = d.result(plainOf(d.operand(0)), Type::B32);
  inst.aux = d.keep(spec);
  d.emit(handler, inst);
}

//===----------------------------------------------------------------------===//
// Scalar
//===----------------------------------------------------------------------===//

/// vop.dtype.atype.btype{.sat}{.secop} d{.dsel}, a{.asel}, b{.bsel}{, c}; vset
/// has no dtype, and its result is unsigned.
template <VideoOp Op>
static void decodeScalar(InstDecoder &d) {
  constexpr bool isShift = Op == VideoOp::Shl || Op == VideoOp::Shr;
  VideoSpec spec;
  spec.op = Op;
  spec.dSigned = Op != VideoOp::Set && takeSign(d);
  spec.aSigned = takeSign(d);
  spec.bSigned = takeSign(d);
  if (isShift && spec.bSigned)
    d.unsupported();
  if (Op == VideoOp::Set)
    spec.compare = takeVideoCompare(d);
  else
    spec.saturate = d.take("sat");
  if (isShift) {
    int mode = d.takeOneOf({"clamp", "wrap"});
    if (mode < 0)
      d.unsupported();
    spec.wrap = mode == 1;
  }
  spec.second = takeSecond(d);
  spec.d = partOf(d, d.operand(0));
  spec.a = partOf(d, d.operand(1));
  spec.b = partOf(d, d.operand(2));
  if (spec.d.bits < 32) {
    if (spec.second != VideoSecond::None)
      d.fail(d.operand(0).location,
             "a selected result cannot have a secondary operation");
    spec.second = VideoSecond::Merge;
  }
  bool hasC = spec.second != VideoSecond::None;
  d.needOperands(hasC ? 4 : 3);
  emitVideo(d, runVideo, spec, hasC);
}

/// vmad.dtype.atype.btype{.po}{.sat}{.scale} d, {-}a{.asel}, {-}b{.bsel}, {-}c
static void decodeVmad(InstDecoder &d) {
  VideoSpec spec;
  spec.dSigned = takeSign(d);
  spec.aSigned = takeSign(d);
  spec.bSigned = takeSign(d);
  spec.plusOne = d.take("po");
  spec.saturate = d.take("sat");
  static constexpr uint8_t scales[] = {0, 7, 15};
  spec.scale = scales[d.takeOneOf({"shr7", "shr15"}) + 1];
  d.needOperands(4);
  spec.a = partOf(d, d.operand(1));
  spec.b = partOf(d, d.operand(2));
  // Only the product's sign counts.
  spec.negateProduct = d.operand(1).minus != d.operand(2).minus;
  spec.negateC = d.operand(3).minus;
  if ((spec.negateProduct && spec.negateC) ||
      (spec.plusOne && (spec.negateProduct || spec.negateC)))
    d.fail("'vmad' negates either the product or c, and neither with .po");
  emitVideo(d, runVideoMad, spec, true);
}

//===----------------------------------------------------------------------===//
// SIMD
//===----------------------------------------------------------------------===//

/// `.h10`, `.b7654`: which elements of a and b, the highest first.
static void takeSelection(InstDecoder &d, const Operand &operand, uint8_t lanes,
                          uint8_t firstDefault, uint8_t *select) {
  std::string_view name = operand.member;
  if (name.empty()) {
    for (uint8_t i = 0; i < lanes; ++i)
      select[i] = firstDefault + i;
    return;
  }
  bool good = name.size() == lanes + 1u && name[0] == (lanes == 2 ? 'h' : 'b');
  for (uint8_t i = 0; good && i < lanes; ++i) {
    char digit = name[name.size() - 1 - i];
    good = digit >= '0' && digit < '0' + 2 * lanes;
    select[i] = static_cast<uint8_t>(digit - '0');
  }
  if (!good)
    d.fail(operand.location, "unknown selector '." + std::string(name) + "'");
}

/// `.h1`, `.b310`: elements of the result, in falling order.
static uint8_t takeMask(InstDecoder &d, const Operand &operand, uint8_t lanes) {
  std::string_view name = operand.member;
  if (name.empty())
    return static_cast<uint8_t>((1 << lanes) - 1);
  uint8_t mask = 0;
  bool good = name.size() > 1 && name[0] == (lanes == 2 ? 'h' : 'b');
  char before = static_cast<char>('0' + lanes);
  for (size_t i = 1; good && i < name.size(); ++i) {
    good = name[i] >= '0' && name[i] < before;
    before = name[i];
    mask |= static_cast<uint8_t>(1 << (name[i] - '0'));
  }
  if (!good)
    d.fail(operand.location, "unknown mask '." + std::string(name) + "'");
  return mask;
}

/// vop{2,4}.dtype.atype.btype{.sat | .add} d{.mask}, a{.asel}, b{.bsel}, c
template <VideoOp Op, uint8_t Lanes>
static void decodeSimd(InstDecoder &d) {
  VideoSpec spec;
  spec.op = Op;
  spec.lanes = Lanes;
  spec.dSigned = Op != VideoOp::Set && takeSign(d);
  spec.aSigned = takeSign(d);
  spec.bSigned = takeSign(d);
  if (Op == VideoOp::Set)
    spec.compare = takeVideoCompare(d);
  else
    spec.saturate = d.take("sat");
  spec.second = d.take("add") ? VideoSecond::Add : VideoSecond::Merge;
  if (spec.saturate && spec.second == VideoSecond::Add)
    d.fail("'.sat' cannot be used with an accumulation");
  d.needOperands(4);
  spec.mask = takeMask(d, d.operand(0), Lanes);
  takeSelection(d, d.operand(1), Lanes, 0, spec.aSelect);
  takeSelection(d, d.operand(2), Lanes, Lanes, spec.bSelect);
  emitVideo(d, runVideoSimd, spec, true);
}

template <VideoOp Op>
static void addSimd(OpcodeTable &table, std::string_view two,
                    std::string_view four) {
  table[two] = decodeSimd<Op, 2>;
  table[four] = decodeSimd<Op, 4>;
}

void addVideoOpcodes(OpcodeTable &table) {
  table["vadd"] = decodeScalar<VideoOp::Add>;
  table["vsub"] = decodeScalar<VideoOp::Sub>;
  table["vabsdiff"] = decodeScalar<VideoOp::AbsDiff>;
  table["vmin"] = decodeScalar<VideoOp::Min>;
  table["vmax"] = decodeScalar<VideoOp::Max>;
  table["vshl"] = decodeScalar<VideoOp::Shl>;
  table["vshr"] = decodeScalar<VideoOp::Shr>;
  table["vset"] = decodeScalar<VideoOp::Set>;
  table["vmad"] = decodeVmad;
  addSimd<VideoOp::Add>(table, "vadd2", "vadd4");
  addSimd<VideoOp::Sub>(table, "vsub2", "vsub4");
  addSimd<VideoOp::AbsDiff>(table, "vabsdiff2", "vabsdiff4");
  addSimd<VideoOp::Min>(table, "vmin2", "vmin4");
  addSimd<VideoOp::Max>(table, "vmax2", "vmax4");
  addSimd<VideoOp::Average>(table, "vavrg2", "vavrg4");
  addSimd<VideoOp::Set>(table, "vset2", "vset4");
}

} // namespace tilewright::sim
