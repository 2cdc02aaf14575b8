//===- Diagnostics.cpp - Errors that point into a user's text -------------===//

#include "frontend/Diagnostics.h"

#include "llvm/ADT/StringExtras.h"

#include <algorithm>

using namespace llvm;

namespace tilewright::frontend {

// A config.json may be one line of a megabyte; more than this of it helps
// nobody.
static constexpr size_t excerptWidth = 100;

/// Control characters would move the caret, or the reader's terminal.
static std::string printable(StringRef text) {
  std::string result;
  for (char c : text)
    result += (c == '\t' || !isASCII(c) || isPrint(c)) ? c : '?';
  return result;
}

static Diagnostic locate(const SourceText &source, size_t offset) {
  StringRef text = source.text;
  offset = std::min(offset, text.size());
  size_t newline = text.rfind('\n', offset);
  size_t begin = newline == StringRef::npos ? 0 : newline + 1;
  size_t end = std::min(text.find('\n', offset), text.size());
  if (end > offset && text[end - 1] == '\r')
    --end;

  Diagnostic result;
  result.file = source.name;
  result.line = text.take_front(begin).count('\n') + 1;
  result.column = offset - begin + 1;
  size_t shown = begin;
  if (end - begin > excerptWidth && offset - begin > excerptWidth / 2)
    shown = offset - excerptWidth / 2;
  result.excerpt =
      printable(text.substr(shown, std::min(end - shown, excerptWidth)));
  result.caret = offset - shown;
  return result;
}

void Diagnostic::print(raw_ostream &os) const {
  os << file << ':';
  if (line != 0)
    os << line << ':' << column << ':';
  os << (severity == Severity::Error ? " error: " : " warning: ") << message
     << '\n';
  if (line != 0) {
    os << excerpt << '\n';
    // Tabs stay tabs, and the later bytes of a UTF-8 character take no room, so
    // that the caret lands under its character.
    for (char c : StringRef(excerpt).take_front(caret)) {
      bool continuation = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
      if (!continuation)
        os << (c == '\t' ? '\t' : ' ');
    }
    os << "^\n";
  }
  if (!hint.empty())
    os << "hint: " << hint << '\n';
}

void DiagnosticSink::add(Diagnostic diagnostic) {
  errors += diagnostic.severity == Diagnostic::Severity::Error;
  diagnostics.push_back(std::move(diagnostic));
}

void DiagnosticSink::error(const SourceText &source, size_t offset,
                           const Twine &message, const Twine &hint) {
  Diagnostic diagnostic = locate(source, offset);
  diagnostic.message = printable(message.str());
  diagnostic.hint = printable(hint.str());
  add(std::move(diagnostic));
}

void DiagnosticSink::error(StringRef file, const Twine &message,
                           const Twine &hint) {
  Diagnostic diagnostic;
  diagnostic.file = file.str();
  diagnostic.message = printable(message.str());
  diagnostic.hint = printable(hint.str());
  add(std::move(diagnostic));
}

void DiagnosticSink::warning(const SourceText &source, size_t offset,
                             const Twine &message, const Twine &hint) {
  Diagnostic diagnostic = locate(source, offset);
  diagnostic.severity = Diagnostic::Severity::Warning;
  diagnostic.message = printable(message.str());
  diagnostic.hint = printable(hint.str());
  add(std::move(diagnostic));
}

void DiagnosticSink::print(raw_ostream &os) const {
  for (const Diagnostic &diagnostic : diagnostics)
    diagnostic.print(os);
}

} // namespace tilewright::frontend
