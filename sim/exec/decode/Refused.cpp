//===- Refused.cpp - Instructions that are refused by name ----------------===//
//
// What the targets have and the simulator does not. A module with one of these
// is refused as it is loaded, so that nobody gets a wrong result.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/decode/Decoder.h"

namespace tilewright::sim {

static void refuseTexture(InstDecoder &d) {
  d.fail("textures and surfaces are not supported: '" +
         std::string(d.ast.opcode) + "'");
}

static void refuseMultimem(InstDecoder &d) {
  d.fail("multimem instructions are not supported");
}

void addRefusedOpcodes(OpcodeTable &table) {
  for (std::string_view name :
       {"tex", "tld4", "txq", "istypep", "suld", "sust", "sured", "suq"})
    table[name] = refuseTexture;
  table["multimem"] = refuseMultimem;
}

} // namespace tilewright::sim
