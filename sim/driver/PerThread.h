//===- PerThread.h - State of a thread that outlives it ---------*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_DRIVER_PERTHREAD_H
#define TILEWRIGHT_SIM_DRIVER_PERTHREAD_H

namespace tilewright::sim {

/// The calling thread's State, freed when the thread ends. On the main thread
/// that is before the destructors of static objects, which still free memory;
/// what they ask for then is a fresh one, for what is left of the process.
template <typename State>
State &perThread() {
  // Plain data, so that it can be read after the thread's destructors ran.
  static thread_local State *last = nullptr;
  static thread_local bool isOver = false;
  struct Owner {
    State *state = new State;
    ~Owner() {
      isOver = true;
      last = nullptr;
      delete state;
    }
  };
  if (!last && !isOver) {
    static thread_local Owner owner;
    last = owner.state;
  }
  if (!last)
    last = new State;
  return *last;
}

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_DRIVER_PERTHREAD_H
