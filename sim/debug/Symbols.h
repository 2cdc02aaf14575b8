//===- Symbols.h - What a place in text or memory is called ---------------===//
#ifndef TILEWRIGHT_SIM_DEBUG_SYMBOLS_H
#define TILEWRIGHT_SIM_DEBUG_SYMBOLS_H

#include "sim/debug/Tool.h"
#include "sim/debug/Values.h"
#include "sim/exec/Cta.h"

#include <optional>
#include <string>
#include <vector>

namespace tilewright::sim::debug {

/// An object and how far behind its start an address lies.
struct PlacedName {
  std::string name; ///< "shared 'tile'"
  uint64_t start = 0;
  explicit operator bool() const { return !name.empty(); }
};

/// Names of addresses in one launch.
class AddressNames {
public:
  AddressNames(const LaunchContext &launch, const Host &host)
      : launch(launch), host(host) {}

  PlacedName global(uint64_t address) const;
  /// An offset in a block's shared memory.
  PlacedName shared(uint64_t offset) const;
  /// An address in a lane's local memory, seen from a frame.
  PlacedName local(const Frame &frame, uint64_t address) const;
  /// An address of whatever window it lies in.
  PlacedName generic(uint64_t address) const;

private:
  const LaunchContext &launch;
  const Host &host;
};

/// Values as renderValues() has them; addresses that lie in one object as
/// "object + offset".
std::string renderNamed(const LaneValues &values, const AddressNames &names);

/// The symbols that the names of an instruction come from; null where the
/// instruction is not the one that its text says.
const InstructionSymbols *symbolsOf(const Program &program, const Inst &inst);

/// The text of an instruction from its guard to its semicolon, in one line.
std::string instructionText(const ptx::Source &source,
                            const InstructionSymbols &symbols,
                            ptx::Location location);

/// A register with its whole name.
struct VisibleRegister {
  std::string name;
  LocalName what; ///< one register
};
/// Those that can be named at a place, in the order of their declarations.
std::vector<VisibleRegister> visibleRegisters(const FunctionSymbols &function,
                                              ptx::Location location);
/// Variables in local memory and parameters, the same way.
std::vector<Symbol> visibleVariables(const FunctionSymbols &function,
                                     ptx::Location location);

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_SYMBOLS_H
