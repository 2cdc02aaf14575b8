//===- WeightValues.cpp - Weight expressions as the manifest has them -----===//

#include "tools/driver/WeightValues.h"

#include "ir/xf/Xf.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using nlohmann::json;

namespace tilewright {

std::string getDTypeName(Type type) {
  if (type.isBF16())
    return "bf16";
  if (type.isF16())
    return "f16";
  if (type.isF32())
    return "f32";
  if (isa<Float8E4M3FNType>(type))
    return "f8e4m3";
  if (isa<Float8E5M2Type>(type))
    return "f8e5m2";
  for (unsigned width : {8, 16, 32, 64})
    if (type.isInteger(width))
      return "i" + std::to_string(width);
  return "";
}

static json shapeOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return std::vector<int64_t>(type.getShape().begin(), type.getShape().end());
}

static json ropeScaling(xf::RopeTableOp op) {
  Attribute scaling = op.getScalingAttr();
  if (auto linear = dyn_cast_or_null<xf::LinearScalingAttr>(scaling))
    return {{"type", "linear"},
            {"factor", linear.getFactor().getValueAsDouble()}};
  if (auto llama3 = dyn_cast_or_null<xf::Llama3ScalingAttr>(scaling))
    return {
        {"type", "llama3"},
        {"factor", llama3.getFactor().getValueAsDouble()},
        {"low_freq_factor", llama3.getLowFreqFactor().getValueAsDouble()},
        {"high_freq_factor", llama3.getHighFreqFactor().getValueAsDouble()},
        {"original_max_position_embeddings", llama3.getOriginalMaxPositions()}};
  return nullptr;
}

static json ropeTable(xf::RopeTableOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  return json::array({"rope_table",
                      {{"theta", op.getTheta().convertToDouble()},
                       {"rotary_dim", type.getDimSize(1) * 2},
                       {"max_positions", type.getDimSize(0)},
                       {"scaling", ropeScaling(op)}}});
}

static json tensor(xf::WeightOp op) {
  std::string source = getDTypeName(op.getSourceDtype());
  std::string result = getDTypeName(getElementTypeOrSelf(op.getType()));
  json value = json::array(
      {"tensor", op.getName().str(), source, shapeOf(op.getResult())});
  return source == result ? value : json::array({"cast", result, value});
}

static json slice(xf::SplitOp op, Value piece) {
  int64_t begin = 0;
  int64_t index = cast<OpResult>(piece).getResultNumber();
  SmallVector<int64_t> sizes = op.getSizes();
  for (int64_t i = 0; i < index; ++i)
    begin += sizes[i];
  return json::array({"slice", op.getDim(), begin, begin + sizes[index]});
}

FailureOr<json> getWeightValue(Value value) {
  Operation *op = value.getDefiningOp();
  SmallVector<json> operands;
  for (Value operand : op->getOperands()) {
    FailureOr<json> tree = getWeightValue(operand);
    if (failed(tree))
      return failure();
    operands.push_back(*tree);
  }
  auto with = [&](json head) -> FailureOr<json> {
    for (json &operand : operands)
      head.push_back(std::move(operand));
    return head;
  };
  return llvm::TypeSwitch<Operation *, FailureOr<json>>(op)
      .Case<xf::WeightOp>(
          [](auto weight) -> FailureOr<json> { return tensor(weight); })
      .Case<xf::RopeTableOp>(
          [](auto table) -> FailureOr<json> { return ropeTable(table); })
      .Case<xf::CastOp>([&](auto) {
        return with(json::array(
            {"cast", getDTypeName(getElementTypeOrSelf(value.getType()))}));
      })
      .Case<xf::ReshapeOp>(
          [&](auto) { return with(json::array({"reshape", shapeOf(value)})); })
      .Case<xf::ConcatOp>([&](auto concat) {
        return with(json::array({"concat", concat.getDim()}));
      })
      .Case<xf::SplitOp>([&](auto split) { return with(slice(split, value)); })
      .Case<xf::ScaleColumnsOp>(
          [&](auto) { return with(json::array({"scale_columns"})); })
      .Case<xf::RegroupRowsOp>([&](auto regroup) {
        return with(json::array({"regroup_rows", regroup.getPeriod(),
                                 regroup.getExtent(), regroup.getFrom(),
                                 regroup.getTo()}));
      })
      .Default([](Operation *other) -> FailureOr<json> {
        return other->emitOpError(
            "is a weight expression that the manifest cannot say");
      });
}

} // namespace tilewright
