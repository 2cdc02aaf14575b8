//===- Safetensors.h - Reader of safetensors files and checkpoints --------===//
//
// Shared by the front end, which needs names, types and shapes, and by the
// runtime, which needs the data. It depends on nothing of ours but
// runtime/support, and on neither LLVM nor a device. Every header is treated
// as hostile: what `open` returns has been checked in full.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_SAFETENSORS_SAFETENSORS_H
#define TILEWRIGHT_RUNTIME_SAFETENSORS_SAFETENSORS_H

#include "runtime/support/DType.h"
#include "runtime/support/MappedFile.h"
#include "runtime/support/Result.h"

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tilewright::runtime {

/// One tensor of a mapped file: dense, row-major, little-endian. Safetensors
/// promises no alignment beyond that of the header, so `data` may be unaligned.
struct TensorView {
  DType dtype;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;
  std::string file; ///< where it came from, for messages

  int64_t numElements() const { return int64_t(data.size() / byteSize(dtype)); }
};

using TensorMap = std::map<std::string, TensorView, std::less<>>;

/// Reads the header of one safetensors file that is already in memory; `file`
/// is its name for messages. Checks that
/// (C1) the length field lies in the file and within the format's 100 MB,
/// (C2) the header is a JSON object of tensors, no name twice,
/// (C3) each dtype is known, each dimension is in [0, 2^48],
/// (C4) each pair of offsets is ordered, in the file, and as long as the shape
///      and dtype say,
/// (C5) the tensors neither overlap nor leave bytes that belong to none.
Result<TensorMap> readSafetensors(std::span<const std::byte> bytes,
                                  const std::string &file);

/// The tensors of a checkpoint, from one file or from an index with shards.
/// Movable; the views stay valid for as long as the checkpoint lives.
class Checkpoint {
public:
  /// Opens `model.safetensors` in the directory or, if there is none,
  /// `model.safetensors.index.json` with its shards: Transformers' order.
  static Result<Checkpoint> openDirectory(const std::string &directory);
  /// Opens one `*.safetensors` file or one index.
  static Result<Checkpoint> openFile(const std::string &path);

  /// Null if there is no such tensor.
  const TensorView *find(std::string_view name) const;
  const TensorMap &tensors() const { return all; }

private:
  static Result<Checkpoint> openSingle(const std::string &path);
  static Result<Checkpoint> openIndex(const std::string &path);

  std::vector<MappedFile> files;
  TensorMap all;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_SAFETENSORS_SAFETENSORS_H
