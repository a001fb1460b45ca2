#include "http/field_lines.hpp"

#include "shellac/core/text.hpp"

namespace shellac::http {
namespace {

// The field under way: llhttp may give a name or value in several neighbouring pieces.
struct Recorder {
  Fields& fields;
  std::string_view name;
  std::string_view value;

  void flush() {
    if (!name.empty()) fields.add(name, trim(value));
    name = value = {};
  }
};

Recorder& recorder(llhttp_t* parser) { return *static_cast<Recorder*>(parser->data); }

void extend(std::string_view& part, const char* at, std::size_t size) {
  part = part.empty() ? std::string_view(at, size) : std::string_view(part.data(), part.size() + size);
}

int on_field(llhttp_t* parser, const char* at, std::size_t size) {
  Recorder& to = recorder(parser);
  // An empty value may be told by no call at all; then its colon lies between the names.
  if (!to.name.empty() && to.name.data() + to.name.size() != at) to.flush();
  extend(to.name, at, size);
  return 0;
}

int on_value(llhttp_t* parser, const char* at, std::size_t size) {
  extend(recorder(parser).value, at, size);
  return 0;
}

int on_head_complete(llhttp_t* parser) {
  recorder(parser).flush();
  return HPE_PAUSED;  // bodies are read by BodyDecoder
}

llhttp_settings_t make_settings() {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_header_field = on_field;
  settings.on_header_value = on_value;
  settings.on_headers_complete = on_head_complete;
  return settings;
}

}  // namespace

LlhttpVerdict run_llhttp(llhttp_type type, std::string_view head, Fields& fields) {
  static const llhttp_settings_t kSettings = make_settings();
  Recorder into{fields, {}, {}};
  llhttp_t parser;
  llhttp_init(&parser, type, &kSettings);
  parser.data = &into;
  LlhttpVerdict verdict{llhttp_execute(&parser, head.data(), head.size()), parser.method};
  if (verdict.error == HPE_PAUSED) {
    // It pauses at the last LF or behind it.
    const auto consumed = static_cast<std::size_t>(llhttp_get_error_pos(&parser) - head.data());
    verdict.error = consumed + 1 >= head.size() ? HPE_OK : HPE_INTERNAL;
  } else if (verdict.error == HPE_OK) {
    verdict.error = HPE_INTERNAL;  // it sees no end
  }
  return verdict;
}

void split_field_lines(std::string_view lines, Fields& fields) {
  while (!lines.empty()) {
    const std::size_t end = lines.find('\r');
    const std::string_view line = lines.substr(0, end);
    if (line.empty()) return;
    const std::size_t colon = line.find(':');
    if (colon != line.npos) fields.add(line.substr(0, colon), trim(line.substr(colon + 1)));
    if (end == lines.npos || end + 2 > lines.size()) return;
    lines.remove_prefix(end + 2);
  }
}

}  // namespace shellac::http
