#include "sim/exec/decode/Decoder.h"
namespace tilewright::sim {
void addAtomicOpcodes(OpcodeTable &) {}
void addWarpOpcodes(OpcodeTable &) {}
void addBarrierOpcodes(OpcodeTable &) {}
void addMbarrierOpcodes(OpcodeTable &) {}
void addAsyncCopyOpcodes(OpcodeTable &) {}
void addMatrixOpcodes(OpcodeTable &) {}
} // namespace tilewright::sim
