//===- TensorMapEdit.cpp - Decoding tensormap instructions ----------------===//

#include "sim/exec/decode/Decoder.h"
#include "sim/exec/ops/TensorMapOps.h"

namespace tilewright::sim {

using ptx::Space;
using ptx::Type;

namespace {
/// A field of a tensor map: which operands it takes.
struct FieldForm {
  std::string_view name;
  TensorMapField field;
  bool wide = false; ///< .b64
  bool hasOrdinal = false;
  int64_t mostImmediate = -1; ///< of fields whose value is a constant
};
} // namespace

static constexpr FieldForm fieldForms[] = {
    {"global_address", TensorMapField::GlobalAddress, true},
    {"rank", TensorMapField::Rank},
    {"box_dim", TensorMapField::BoxDim, false, true},
    {"global_dim", TensorMapField::GlobalDim, false, true},
    {"global_stride", TensorMapField::GlobalStride, true, true},
    {"element_stride", TensorMapField::ElementStride, false, true},
    {"elemtype", TensorMapField::ElementType, false, false, 12},
    {"interleave_layout", TensorMapField::Interleave, false, false, 2},
    {"swizzle_mode", TensorMapField::Swizzle, false, false, 3},
    {"fill_mode", TensorMapField::FillMode, false, false, 1}};

/// tensormap.replace.tile.field{.ss}.b1024.type [addr]{, ord}, value
static void decodeReplace(InstDecoder &d) {
  if (!d.take("tile"))
    d.unsupported();
  const FieldForm *form = nullptr;
  for (const FieldForm &known : fieldForms)
    if (d.take(known.name))
      form = &known;
  if (!form)
    d.unsupported();
  Space space = d.takeSpace(Space::None);
  if (space != Space::None && space != Space::Global && space != Space::Shared)
    d.unsupported();
  Type type = form->wide ? Type::B64 : Type::B32;
  if (!d.take("b1024") || d.needType() != type)
    d.unsupported();
  d.needOperands(form->hasOrdinal ? 3 : 2);
  TensorMapEdit edit;
  edit.field = form->field;
  edit.wide = form->wide;
  if (form->hasOrdinal) {
    int64_t entries = form->field == TensorMapField::GlobalStride
                          ? maxTensorRank - 1
                          : maxTensorRank;
    edit.ordinal =
        static_cast<uint32_t>(d.needConstant(d.operand(1), 0, entries - 1));
  }
  size_t last = d.operandCount() - 1;
  if (form->mostImmediate >= 0)
    d.needConstant(d.operand(last), 0, form->mostImmediate);
  Inst inst;
  d.address(inst, d.operand(0), space);
  inst.b = d.source(last, type);
  inst.aux = d.keep(edit);
  inst.flags |= Works;
  d.emit(runTensorMapReplace, inst);
}

/// tensormap.cp_fenceproxy.global.shared::cta.tensormap::generic.release.scope
/// .sync.aligned [dst], [src], 128. Memory is sequentially consistent, so the
/// fence half changes nothing.
static void decodeCopyFence(InstDecoder &d) {
  if (d.takeSpace(Space::None) != Space::Global ||
      d.takeSpace(Space::None) != Space::Shared ||
      !d.take("tensormap::generic") || !d.take("release") ||
      d.takeOneOf({"cta", "cluster", "gpu", "sys"}) < 0 || !d.take("sync") ||
      !d.take("aligned"))
    d.unsupported();
  d.needOperands(3);
  d.needConstant(d.operand(2), tensorMapBytes, tensorMapBytes);
  Inst inst;
  inst.a = d.addressRow(d.operand(0));
  inst.b = d.addressRow(d.operand(1));
  inst.flags |= Works;
  d.emit(runTensorMapCopy, inst);
}

static void decodeTensormap(InstDecoder &d) {
  if (d.take("replace"))
    return decodeReplace(d);
  if (d.take("cp_fenceproxy"))
    return decodeCopyFence(d);
  d.unsupported();
}

void addTensorMapOpcodes(OpcodeTable &table) {
  table["tensormap"] = decodeTensormap;
}

} // namespace tilewright::sim
