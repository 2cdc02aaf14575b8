//===- Result.h - A value or an error, without exceptions -------*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_EXEC_RESULT_H
#define TILEWRIGHT_SIM_EXEC_RESULT_H

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace tilewright::sim {

/// What went wrong, in the classes that a driver has to tell apart.
enum class ErrorKind {
  InvalidPtx,         ///< the text does not parse, or has something unknown
  WrongTarget,        ///< the text needs another architecture
  UnresolvedSymbol,   ///< a declared function or variable has no definition
  OutOfMemory,        ///< no room for a module's variables
  InvalidLaunch,      ///< a launch that the device cannot hold
  InvalidSetting,     ///< a variable of the environment has a wrong value
  IllegalAddress,     ///< an access outside every allocation
  MisalignedAddress,  ///< an access not aligned to its size
  IllegalInstruction, ///< an instruction used in a way the ISA forbids
  Trap,               ///< the program executed `trap`
  Assert,             ///< the program called __assertfail
  Deadlock,           ///< nobody can move
};

struct Error {
  ErrorKind kind = ErrorKind::InvalidPtx;
  std::string message; ///< complete text for a log, possibly several lines
};

/// Either a value or an error; converts to true when it holds a value.
template <typename T>
class Result {
public:
  Result(T value) : state(std::move(value)) {}
  Result(Error error) : state(std::move(error)) {}

  explicit operator bool() const { return std::holds_alternative<T>(state); }
  T &operator*() { return std::get<T>(state); }
  const T &operator*() const { return std::get<T>(state); }
  T *operator->() { return &std::get<T>(state); }
  const T *operator->() const { return &std::get<T>(state); }
  const Error &error() const { return std::get<Error>(state); }

private:
  std::variant<T, Error> state;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_RESULT_H
