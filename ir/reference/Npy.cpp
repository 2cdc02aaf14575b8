//===- Npy.cpp - NumPy's file format --------------------------------------===//
// Format version 1: the magic string, two version bytes, the header's length in
// two bytes, and the header, a Python dictionary padded to a multiple of 64.
//===----------------------------------------------------------------------===//

#include "ir/reference/Npy.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace tilewright::reference {

static constexpr StringLiteral kMagic("\x93NUMPY");
static constexpr size_t kHeaderStart = kMagic.size() + 4;

static Error makeError(StringRef path, const Twine &message) {
  return createStringError(inconvertibleErrorCode(), path + ": " + message);
}

static std::optional<ElementType> parseDescr(StringRef descr) {
  return StringSwitch<std::optional<ElementType>>(descr)
      .Case("<f2", ElementType::F16)
      .Case("<f4", ElementType::F32)
      .Case("<i4", ElementType::I32)
      .Case("<i8", ElementType::I64)
      .Default(std::nullopt);
}

static StringRef getDescr(ElementType type) {
  switch (type) {
  case ElementType::F16:
    return "<f2";
  case ElementType::BF16:
  case ElementType::F32:
    return "<f4";
  case ElementType::I32:
    return "<i4";
  case ElementType::I64:
    return "<i8";
  }
  llvm_unreachable("every type has returned");
}

/// The text after `'key': ` in a header.
static StringRef findValue(StringRef header, StringRef key) {
  std::string quoted = ("'" + key + "':").str();
  size_t at = header.find(quoted);
  return at == StringRef::npos ? StringRef()
                               : header.substr(at + quoted.size()).ltrim();
}

static std::optional<SmallVector<int64_t>> parseShape(StringRef text) {
  if (!text.consume_front("("))
    return std::nullopt;
  SmallVector<int64_t> shape;
  for (StringRef part :
       split(text.take_until([](char c) { return c == ')'; }), ',')) {
    int64_t size;
    part = part.trim();
    if (part.empty())
      continue;
    if (part.getAsInteger(10, size) || size < 0)
      return std::nullopt;
    shape.push_back(size);
  }
  return shape;
}

Expected<Tensor> readNpy(StringRef path) {
  auto file = MemoryBuffer::getFile(path);
  if (!file)
    return makeError(path, file.getError().message());
  StringRef bytes = (*file)->getBuffer();
  if (!bytes.starts_with(kMagic) || bytes.size() < kHeaderStart ||
      bytes[kMagic.size()] != 1)
    return makeError(path, "not a version 1 .npy file");
  size_t length = support::endian::read16le(bytes.data() + kHeaderStart - 2);
  StringRef header = bytes.substr(kHeaderStart, length);
  StringRef data =
      bytes.drop_front(std::min(bytes.size(), kHeaderStart + length));

  StringRef descr = findValue(header, "descr");
  descr.consume_front("'");
  std::optional<ElementType> type =
      parseDescr(descr.take_until([](char c) { return c == '\''; }));
  std::optional<SmallVector<int64_t>> shape =
      parseShape(findValue(header, "shape"));
  if (!type || !shape ||
      !findValue(header, "fortran_order").starts_with("False"))
    return makeError(path, "unsupported header: " + header.rtrim());

  uint64_t expected = getByteWidth(*type);
  for (int64_t size : *shape)
    if (__builtin_mul_overflow(expected, size, &expected))
      return makeError(path, "shape is too large");
  if (data.size() != expected)
    return makeError(path, "expected " + Twine(expected) +
                               " bytes of data, but got " + Twine(data.size()));
  return Tensor(*type, *shape, ArrayRef<char>(data.data(), data.size()));
}

Error writeNpy(StringRef path, const Tensor &tensor) {
  if (tensor.getType() == ElementType::BF16)
    return writeNpy(path, tensor.convert(ElementType::F32));
  std::string header;
  raw_string_ostream text(header);
  text << "{'descr': '" << getDescr(tensor.getType())
       << "', 'fortran_order': False, 'shape': (";
  for (int64_t size : tensor.getShape())
    text << size << ",";
  text << "), }";
  header.resize(
      alignTo(kHeaderStart + header.size() + 1, 64) - kHeaderStart - 1, ' ');
  header += '\n';

  std::error_code code;
  raw_fd_ostream out(path, code);
  if (code)
    return makeError(path, code.message());
  char length[2];
  support::endian::write16le(length, header.size());
  out << kMagic << '\x01' << '\x00' << StringRef(length, 2) << header
      << StringRef(tensor.getBytes().data(), tensor.getBytes().size());
  out.close();
  code = out.error();
  // The stream's destructor would end the program.
  out.clear_error();
  return code ? makeError(path, code.message()) : Error::success();
}

} // namespace tilewright::reference
