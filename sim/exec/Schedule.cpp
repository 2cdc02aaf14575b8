//===- Schedule.cpp - What an adversarial schedule chooses ----------------===//

#include "sim/exec/Schedule.h"

namespace tilewright::sim {

static constexpr uint64_t golden = 0x9e3779b97f4a7c15;

static uint64_t mix(uint64_t z) {
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

void ScheduleRandom::start(uint64_t seed, uint64_t stream) {
  // 0 means the default schedule, so no seed may end up there.
  state = seed ? mix(seed + golden * (stream + 1)) | 1 : 0;
}

uint64_t ScheduleRandom::next() {
  uint64_t value = mix(state += golden);
  if (state == 0)
    state = 1;
  return value;
}

SchedulePermutation::SchedulePermutation(uint64_t size, uint64_t seed)
    : size(size), seed(seed) {
  while (halfBits < 32 && uint64_t(1) << (2 * halfBits) < size)
    ++halfBits;
}

/// A Feistel network over the next even number of bits; values outside of the
/// range walk on along their cycle until they are back in it.
uint64_t SchedulePermutation::operator()(uint64_t index) const {
  if (seed == 0)
    return index;
  const uint64_t halfMask = (uint64_t(1) << halfBits) - 1;
  do {
    uint64_t left = index >> halfBits, right = index & halfMask;
    for (uint64_t round = 0; round < 4; ++round) {
      uint64_t next = left ^ (mix(right + golden * (seed + round)) & halfMask);
      left = right;
      right = next;
    }
    index = left << halfBits | right;
  } while (index >= size);
  return index;
}

} // namespace tilewright::sim
