//===- Target.cpp - Limits and instruction shapes as data -----------------===//

#include "ir/target/Target.h"

namespace tilewright::target {

int64_t getBits(Element element) {
  switch (element) {
  case Element::F16:
  case Element::BF16:
    return 16;
  case Element::TF32:
  case Element::F32:
  case Element::I32:
    return 32;
  case Element::E4M3:
  case Element::E5M2:
  case Element::I8:
    return 8;
  }
  return 0;
}

// PTX ISA, "wgmma.mma_async": K is 32 bytes, N from 8 to 256. Integer products
// take a step of 8 up to 32 and of 16 from there; the coarser one holds always.
static constexpr std::array<MmaShape, 6> wgmmaShapes = {{
    {Element::BF16, Element::F32, 64, 16, 8, 256, 8, true},
    {Element::F16, Element::F32, 64, 16, 8, 256, 8, true},
    {Element::TF32, Element::F32, 64, 8, 8, 256, 8, false},
    {Element::E4M3, Element::F32, 64, 32, 8, 256, 8, false},
    {Element::E5M2, Element::F32, 64, 32, 8, 256, 8, false},
    {Element::I8, Element::I32, 64, 32, 16, 256, 16, false},
}};

// PTX ISA, "mma": one warp, operands in registers.
static constexpr std::array<MmaShape, 4> mmaSyncShapes = {{
    {Element::BF16, Element::F32, 16, 16, 8, 8, 8, true},
    {Element::F16, Element::F32, 16, 16, 8, 8, 8, true},
    {Element::TF32, Element::F32, 16, 8, 8, 8, 8, false},
    {Element::I8, Element::I32, 16, 32, 8, 8, 8, false},
}};

// PTX ISA, "tcgen05.mma" of one CTA; the accumulator is in tensor memory.
static constexpr std::array<MmaShape, 5> tcgen05Shapes = {{
    {Element::BF16, Element::F32, 128, 16, 16, 256, 16, true},
    {Element::F16, Element::F32, 128, 16, 16, 256, 16, true},
    {Element::TF32, Element::F32, 128, 8, 16, 256, 16, true},
    {Element::E4M3, Element::F32, 128, 32, 16, 256, 16, true},
    {Element::E5M2, Element::F32, 128, 32, 16, 256, 16, true},
}};

// The count of an mbarrier's pending transactions is in +-(2^20 - 1) bytes.
static constexpr CopyLimits tensorCopies = {
    .rank = 5, .boxExtent = 256, .transactionBytes = (1 << 20) - 1};

static constexpr ThreadLimits budgetedThreads = {
    .budgetStep = 8, .budgetMin = 24, .budgetMax = 256};

static constexpr std::array<Target, 3> targets = {{
    {.name = "sm_80",
     .ptxVersion = 80,
     .threads = {},
     .shared = {.bytesPerCta = 163 * 1024, .bytesPerSm = 164 * 1024},
     .copies = {},
     .clusterSize = 1,
     .mmaShapes = mmaSyncShapes},
    {.name = "sm_90a",
     .ptxVersion = 86,
     .threads = budgetedThreads,
     .shared = {.bytesPerCta = 227 * 1024, .bytesPerSm = 228 * 1024},
     .copies = tensorCopies,
     .clusterSize = 8,
     .mmaShapes = wgmmaShapes},
    {.name = "sm_100a",
     .ptxVersion = 86,
     .threads = budgetedThreads,
     .shared = {.bytesPerCta = 227 * 1024, .bytesPerSm = 228 * 1024},
     .copies = tensorCopies,
     .clusterSize = 8,
     .mmaShapes = tcgen05Shapes},
}};

int64_t CopyLimits::getWidestSwizzle(int64_t bytes) const {
  for (int64_t swizzle : swizzles)
    if (bytes % swizzle == 0)
      return swizzle;
  return 0;
}

const MmaShape *Target::findMma(Element operand, Element accumulator) const {
  for (const MmaShape &shape : mmaShapes)
    if (shape.operand == operand && shape.accumulator == accumulator)
      return &shape;
  return nullptr;
}

const Target *findTarget(std::string_view name) {
  for (const Target &target : targets)
    if (target.name == name)
      return &target;
  return nullptr;
}

std::span<const Target> getTargets() { return targets; }

const Target &getDefaultTarget() { return *findTarget("sm_90a"); }

} // namespace tilewright::target
