//===- Wmma.cpp - Decoding wmma.load, wmma.store and wmma.mma -------------===//

#include "sim/exec/decode/MatrixForms.h"
#include "sim/exec/ops/WmmaOps.h"

namespace tilewright::sim {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

namespace {
struct WmmaShape {
  MatrixShape shape;
  WmmaTiling tiling;
};
} // namespace

static constexpr WmmaShape wmmaShapes[] = {
    {{16, 16, 16}, {16, 1, 2, 16, false}}, {{32, 8, 16}, {16, 2, 1, 16, false}},
    {{8, 32, 16}, {16, 2, 1, 16, true}},   {{16, 16, 8}, {16, 1, 2, 8, false}},
    {{8, 8, 4}, {8, 1, 1, 4, false}},      {{8, 8, 32}, {8, 1, 1, 32, false}},
    {{8, 8, 128}, {8, 1, 1, 128, false}}};

static WmmaTiling takeTiling(InstDecoder &d) {
  MatrixShape shape = takeShape(d);
  for (const WmmaShape &known : wmmaShapes)
    if (known.shape == shape)
      return known.tiling;
  d.fail("this wmma shape does not exist");
}

/// K of the shapes that an element type has.
static int depthOf(MatrixType type) {
  switch (type) {
  case MatrixType::F16:
  case MatrixType::BF16:
  case MatrixType::S8:
  case MatrixType::U8:
    return 16;
  case MatrixType::TF32:
    return 8;
  case MatrixType::S4:
  case MatrixType::U4:
    return 32;
  case MatrixType::B1:
    return 128;
  case MatrixType::F64:
    return 4;
  default:
    return 0;
  }
}

static bool fitsShape(const WmmaTiling &tiling, AccumulatorType type) {
  switch (tiling.k) {
  case 16:
    return type != AccumulatorType::F64;
  case 8:
    return type == AccumulatorType::F32;
  case 4:
    return type == AccumulatorType::F64;
  default:
    return type == AccumulatorType::S32;
  }
}

static int bitsOf(AccumulatorType type) {
  return type == AccumulatorType::F64   ? 64
         : type == AccumulatorType::F16 ? 16
                                        : 32;
}

/// Registers of the ISA's fragment: f16 factors have eight, whatever the shape.
static int fragmentSize(const WmmaTiling &tiling, WmmaMatrix matrix, int bits,
                        bool isHalf) {
  constexpr int halfFragment = 8;
  return isHalf && matrix != WmmaMatrix::C
             ? halfFragment
             : wmmaRegisters(tiling, matrix, bits);
}

//===----------------------------------------------------------------------===//
// wmma.load and wmma.store
//===----------------------------------------------------------------------===//

/// Takes the element type; gives the fragment's registers.
static int takeElement(InstDecoder &d, WmmaMoveSpec &spec) {
  std::string_view name = d.takeNext();
  bool isHalf = name == "f16";
  if (spec.matrix == WmmaMatrix::C) {
    std::optional<AccumulatorType> type = accumulatorType(name);
    if (!type || !fitsShape(spec.tiling, *type))
      d.fail("this wmma shape does not exist for its element type");
    spec.bits = bitsOf(*type);
  } else {
    std::optional<MatrixType> type = matrixType(name);
    if (!type || depthOf(*type) != spec.tiling.k)
      d.fail("this wmma shape does not exist for its element type");
    spec.bits = bitsOf(*type);
    // Elements below a byte lie along K.
    if (spec.bits < 8 && spec.columnMajor != (spec.matrix == WmmaMatrix::B))
      d.fail("wmma has this layout for whole bytes only");
  }
  spec.row64 = spec.bits == 64;
  return fragmentSize(spec.tiling, spec.matrix, spec.bits, isHalf);
}

/// The default stride is the leading dimension.
static int leadingDimension(const WmmaMoveSpec &spec, MatrixShape shape) {
  int rows = spec.matrix == WmmaMatrix::B ? shape.k : shape.m;
  int columns = spec.matrix == WmmaMatrix::A ? shape.k : shape.n;
  return spec.columnMajor ? rows : columns;
}

static MatrixShape shapeOf(const WmmaTiling &tiling) {
  for (const WmmaShape &known : wmmaShapes)
    if (known.tiling.k == tiling.k &&
        known.tiling.tileRows == tiling.tileRows &&
        known.tiling.rowTiles == tiling.rowTiles &&
        known.tiling.transposed == tiling.transposed)
      return known.shape;
  return {};
}

/// wmma.load.{a,b,c} r, [p]{, stride}; wmma.store.d [p], r{, stride}
static void decodeMove(InstDecoder &d, bool isLoad) {
  WmmaMoveSpec spec;
  int matrix = isLoad ? d.takeOneOf({"a", "b", "c"}) : d.take("d") ? 2 : -1;
  if (matrix < 0 || !d.take("sync") || !d.take("aligned"))
    d.unsupported();
  spec.matrix = static_cast<WmmaMatrix>(matrix);
  spec.columnMajor = takeLayout(d);
  spec.tiling = takeTiling(d);
  Space space = d.takeSpace(Space::None);
  if (space != Space::None && space != Space::Global && space != Space::Shared)
    d.unsupported();
  int count = takeElement(d, spec);
  d.needOperands(2, 3);
  Inst inst;
  d.address(inst, d.operand(isLoad ? 1 : 0), space);
  if (d.operandCount() == 3)
    inst.b = d.source(2, Type::U32);
  else
    inst.b = d.fn.program.constants.ref32(
        static_cast<uint32_t>(leadingDimension(spec, shapeOf(spec.tiling))));
  spec.registers =
      takeFragment(d, d.operand(isLoad ? 0 : 1), count, isLoad, spec.row64);
  inst.aux = d.keep(std::move(spec));
  inst.flags |= isLoad ? 0u : uint32_t(Works);
  d.emit(isLoad ? runWmmaLoad : runWmmaStore, inst);
}

//===----------------------------------------------------------------------===//
// wmma.mma
//===----------------------------------------------------------------------===//

/// .dtype.ctype for f16 factors, .dtype.atype.btype.ctype for the others.
static void takeTypes(InstDecoder &d, WmmaSpec &spec) {
  std::vector<std::string_view> names;
  while (names.size() < 4 && !d.nextModifier().empty())
    names.push_back(d.takeNext());
  if (names.size() == 2)
    names.insert(names.begin() + 1, {"f16", "f16"});
  if (names.size() != 4)
    d.unsupported();
  std::optional<AccumulatorType> dType = accumulatorType(names[0]);
  std::optional<AccumulatorType> cType = accumulatorType(names[3]);
  std::optional<MatrixType> a = matrixType(names[1]), b = matrixType(names[2]);
  if (!dType || !cType || !a || !b || *a != *b)
    d.unsupported();
  if (depthOf(*a) != spec.tiling.k)
    d.fail("this wmma shape does not exist for its element type");
  bool mixes = *a == MatrixType::F16;
  if (!mixes && *dType != *cType)
    d.unsupported();
  spec.dType = *dType;
  spec.cType = *cType;
  spec.tile.aType = *a;
  spec.tile.bType = *b;
  bool half = *dType == AccumulatorType::F16 && *cType == AccumulatorType::F16;
  spec.tile.cType = spec.tile.dType =
      mixes && !half ? AccumulatorType::F32 : *dType;
}

static void decodeProduct(InstDecoder &d) {
  WmmaSpec spec;
  MmaSyncOp &tile = spec.tile;
  if (d.take("popc"))
    tile.bitOperation = d.take("and") ? BitOperation::And : BitOperation::Xor;
  d.take("xor");
  if (!d.take("sync") || !d.take("aligned"))
    d.unsupported();
  bool aColumn = takeLayout(d), bColumn = takeLayout(d);
  spec.tiling = takeTiling(d);
  if (std::optional<RoundingMode> rounding = d.takeRounding())
    tile.rounding = *rounding;
  tile.saturate = d.take("satfinite");
  takeTypes(d, spec);
  tile.m = spec.tiling.tileRows;
  tile.k = spec.tiling.k;
  tile.arch = tensorArch(d);
  int bits = bitsOf(tile.aType);
  if (bits < 8 && (aColumn || !bColumn))
    d.fail("wmma has this layout for whole bytes only");
  if (const char *why = checkMmaSync(tile))
    d.fail(why);
  spec.row64 = tile.aType == MatrixType::F64;
  bool isHalf = tile.aType == MatrixType::F16;
  auto take = [&](size_t index, WmmaMatrix matrix, int width) {
    return takeFragment(d, d.operand(index),
                        fragmentSize(spec.tiling, matrix, width, isHalf),
                        index == 0, spec.row64);
  };
  d.needOperands(4);
  spec.a = take(1, WmmaMatrix::A, bits);
  spec.b = take(2, WmmaMatrix::B, bits);
  spec.c = take(3, WmmaMatrix::C, bitsOf(spec.cType));
  spec.d = take(0, WmmaMatrix::C, bitsOf(spec.dType));
  Inst inst;
  inst.aux = d.keep(std::move(spec));
  d.emit(runWmma, inst);
}

static void decodeWmma(InstDecoder &d) {
  switch (d.takeOneOf({"load", "store", "mma"})) {
  case 0:
    return decodeMove(d, true);
  case 1:
    return decodeMove(d, false);
  case 2:
    return decodeProduct(d);
  default:
    d.unsupported();
  }
}

void addWmmaOpcodes(OpcodeTable &table) { table["wmma"] = decodeWmma; }

} // namespace tilewright::sim
