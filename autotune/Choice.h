//===- Choice.h - The config that a family chose, and why -----------------===//
#ifndef TILEWRIGHT_AUTOTUNE_CHOICE_H
#define TILEWRIGHT_AUTOTUNE_CHOICE_H

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tilewright::autotune {

/// `a / b`, rounded up, of a count and a positive size.
constexpr int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// One named field of a Config, in the order in which it prints.
using ConfigField = std::pair<const char *, int64_t>;

/// Prints `blockM=128 blockN=256 ...`.
std::string printFields(const std::vector<ConfigField> &fields);

/// A candidate that was ruled out, and the rule.
struct Rejection {
  std::string config, reason;
};

/// The best legal candidate. `cycles` is predicted, of one launch.
template <typename Config>
struct Choice {
  Config config;
  double cycles = 0;
  std::string reason;
};

/// Runs candidates -> legality -> cost, keeping the cheapest. Candidates come
/// in a fixed order and only a strictly cheaper one replaces the best, so the
/// result is a function of its input alone. `rejections`, when given, receives
/// each ruled-out candidate.
template <typename Config, typename Legality, typename Cost>
std::optional<Choice<Config>>
chooseCheapest(const std::vector<Config> &candidates, Legality whyIllegal,
               Cost cost, std::vector<Rejection> *rejections = nullptr) {
  std::optional<Choice<Config>> best;
  for (const Config &candidate : candidates) {
    if (std::optional<std::string> reason = whyIllegal(candidate)) {
      if (rejections)
        rejections->push_back({candidate.print(), *reason});
      continue;
    }
    double cycles = cost(candidate);
    if (!best || cycles < best->cycles)
      best = Choice<Config>{candidate, cycles, ""};
  }
  return best;
}

} // namespace tilewright::autotune

#endif // TILEWRIGHT_AUTOTUNE_CHOICE_H
