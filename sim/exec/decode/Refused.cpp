//===- Refused.cpp - Instructions and functions refused by name -----------===//
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

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

namespace {
/// Functions that somebody else defines, by how their names begin: the words
/// before the name, and the advice after it.
struct External {
  std::string_view prefix;
  bool isWhole; ///< the prefix is the whole name
  std::string_view what, advice;
};
} // namespace

static constexpr std::string_view launches =
    "launches from the device are not supported";
static constexpr std::string_view fromHost = "launch from the host";
static constexpr std::string_view deviceRuntime =
    "the CUDA runtime on the device is not supported";

/// The first that matches counts.
static constexpr External externals[] = {
    {"malloc", true, "the heap of the device is not supported",
     "allocate on the host and pass the address"},
    {"__cudaCDP2Launch", false, launches, fromHost},
    {"__cudaCDP2GetParameterBuffer", false, launches, fromHost},
    {"cudaLaunchDevice", false, launches, fromHost},
    {"cudaGetParameterBuffer", false, launches, fromHost},
    {"__cudaCDP2", false, deviceRuntime, "make this call on the host"},
    {"cuda", false, deviceRuntime, "make this call on the host"},
    {"__nv_", false, "a function of libdevice has no definition",
     "link libdevice's bitcode before PTX is made"},
};

std::string describeUndefined(std::string_view name) {
  std::string quoted = "'" + std::string(name) + "'";
  for (const External &external : externals)
    if (external.isWhole ? name == external.prefix
                         : name.starts_with(external.prefix))
      return std::string(external.what) + ": " + quoted + "; " +
             std::string(external.advice);
  return "function " + quoted +
         " has no definition; modules are not linked with each other, so "
         "compile what it calls into the same PTX";
}

} // namespace tilewright::sim
