//===- Selection.h - Which kernels, blocks and warps to look at -----------===//
#ifndef TILEWRIGHT_SIM_DEBUG_SELECTION_H
#define TILEWRIGHT_SIM_DEBUG_SELECTION_H

#include "sim/exec/Cta.h"

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace tilewright::sim::debug {

/// `:BLOCK` and `:WARP` at the end of a text: BLOCK is x, x,y or x,y,z, or `*`.
struct WarpSelection {
  std::optional<Dim3> block;
  std::optional<uint32_t> warp;

  bool has(const Warp &warp) const;
  std::string text() const; ///< "block (0,0,0), warp 3"
};

/// BLOCK and WARP as fields of a text, at most two. False and `error` when one
/// is wrong.
bool parseWarps(std::span<const std::string_view> fields, WarpSelection &warps,
                std::string &error);

/// Takes the warps off the end of `text`. False and `error` for a wrong number.
bool takeWarps(std::string_view &text, WarpSelection &warps,
               std::string &error);

/// Whether `pattern` names the kernel that the PTX calls `name`: that name, or
/// the name of its source, with or without its parameters, template arguments
/// and namespaces, from the right to the left.
bool namesKernel(std::string_view pattern, const std::string &name);

/// KERNEL[:BLOCK[:WARP]]
struct Selection {
  std::string kernel;
  WarpSelection warps;
};
bool parseSelection(std::string_view text, Selection &selection,
                    std::string &error);

/// Which kernels ran, for whoever waited for another one.
class KernelsSeen {
public:
  void add(const std::string &name) { names.insert(name); }
  /// "no kernel 'x' ran, did you mean 'y'? These did: ..."
  std::string explain(const std::string &wanted) const;

private:
  std::set<std::string> names;
};

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_SELECTION_H
