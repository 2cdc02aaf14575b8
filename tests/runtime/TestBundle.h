//===- TestBundle.h - A small model made by hand --------------------------===//
//
// Its kernels are the few lines of PTX in kernels/: the next token is the sum
// of all tokens so far, modulo the vocabulary, where each token's value comes
// from the weights and goes through the paged cache. What it should say to any
// batch is a one-line sum, and a mistake in pages, positions, slots or rows
// changes it.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TESTS_RUNTIME_TESTBUNDLE_H
#define TILEWRIGHT_TESTS_RUNTIME_TESTBUNDLE_H

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tilewright::runtime::test {

using Members = std::map<std::string, std::string>;

inline constexpr int64_t vocabSize = 97;
inline constexpr int32_t eosToken = 42;
inline constexpr int64_t pageSize = 4;
inline constexpr int64_t maxContext = 64;
inline constexpr int64_t maxTokens = 16;
inline constexpr int64_t maxSeqs = 4;
inline constexpr int64_t maxRows = 8;

/// The value of a token in the weights: a bf16, not the token itself.
inline double tokenValue(int32_t token) { return 3 * token % 101; }

/// What the model should answer to `tokens`.
int32_t expectedNext(const std::vector<int32_t> &tokens);
/// Continues `tokens` by `count` more.
std::vector<int32_t> expectedTokens(std::vector<int32_t> tokens, int count);

nlohmann::json makeManifest();
/// The kernels by member name.
Members makeMembers();
/// A zip archive with stored members.
std::string makeZip(const Members &members);
/// The whole bundle, with a manifest of one's own.
std::string makeBundle(const nlohmann::json &manifest = makeManifest());

struct TestTensor {
  std::string dtype; ///< as safetensors spells it
  std::vector<int64_t> shape;
  std::string data;
};
/// The bytes of a safetensors file.
std::string makeSafetensors(const std::map<std::string, TestTensor> &tensors);
/// The same with a header of one's own.
std::string makeSafetensors(const std::string &header, const std::string &data);
/// The weights that the bundle wants.
std::map<std::string, TestTensor> makeWeights();

/// A folder that goes away with the object.
class TemporaryFolder {
public:
  TemporaryFolder();
  ~TemporaryFolder();
  const std::string &path() const { return folder; }
  /// Writes a file, returns its path.
  std::string write(const std::string &name, const std::string &bytes) const;

private:
  std::string folder;
};

/// The device that tests run on: TILEWRIGHT_TEST_DEVICE, or the simulator.
std::string testDevice();

} // namespace tilewright::runtime::test

#endif // TILEWRIGHT_TESTS_RUNTIME_TESTBUNDLE_H
