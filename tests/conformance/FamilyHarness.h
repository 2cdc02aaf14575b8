//===- FamilyHarness.h - A graph through its kernel against the oracle ----===//
// Takes a small xf function that fuses into one kernel, tunes and lowers it as
// the compiler does, runs it on the device, and compares every result with the
// reference interpreter's.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TESTS_CONFORMANCE_FAMILYHARNESS_H
#define TILEWRIGHT_TESTS_CONFORMANCE_FAMILYHARNESS_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tilewright::conformance {

/// How far a result may be from the oracle's: `relative` of the larger
/// magnitude, or `absolute`.
struct Bound {
  double relative = 0, absolute = 0;
};

/// One launch of a kernel made from a graph.
struct FamilyCase {
  /// A module with one function `@forward` of xf ops. Matrices that the model
  /// would take from the checkpoint are arguments.
  std::string graph;
  /// "decode" or "prefill".
  std::string entry = "prefill";
  /// Values of the symbols in this launch: tokens, seqs, rows, pages,
  /// pages_per_seq.
  std::map<std::string, int64_t> sizes;
  /// The largest values that the kernel is tuned for; sizes where not given.
  std::map<std::string, int64_t> bounds;
  /// Elements of integer arguments, by position. Float arguments are normal
  /// numbers times `scales`, or 1.
  std::map<unsigned, std::vector<int64_t>> integers;
  std::map<unsigned, float> scales;
  /// Elements of float arguments, where they are not to be random.
  std::map<unsigned, std::vector<float>> floats;
  std::string sku = "h800-sxm";
  /// Fields of the config that replace the tuner's choice.
  std::map<std::string, int64_t> config;
  /// Of results in bf16 and in f32. The default for bf16 is one rounding more
  /// or less, where sums in another order fall on the other side of a tie.
  Bound bf16{1.0 / 128, 1e-6}, f32{1e-5, 1e-5};
  uint32_t seed = 1;
};

/// Compiles and runs the case. An empty string if every result is in bounds,
/// otherwise what is wrong: diagnostics, or the first coordinate that is off
/// with both values and the distance.
std::string runFamilyCase(const FamilyCase &test);

} // namespace tilewright::conformance

#endif // TILEWRIGHT_TESTS_CONFORMANCE_FAMILYHARNESS_H
