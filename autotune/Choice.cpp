//===- Choice.cpp - Printing configs --------------------------------------===//

#include "autotune/Choice.h"

namespace tilewright::autotune {

std::string printFields(const std::vector<ConfigField> &fields) {
  std::string text;
  for (const auto &[name, value] : fields)
    text += (text.empty() ? "" : " ") + std::string(name) + "=" +
            std::to_string(value);
  return text;
}

} // namespace tilewright::autotune
