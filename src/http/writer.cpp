#include "shellac/http/writer.hpp"

#include <charconv>
#include <cstring>

namespace shellac::http {
namespace {

constexpr std::string_view kVersion = "HTTP/1.1";
// Room for every line that the framing may add, the version, a status and the empty line.
constexpr std::size_t kFramingRoom = 192;

// Appends to a buffer that is known to be large enough.
class Out {
 public:
  explicit Out(std::span<char> into) : begin_(into.data()), at_(into.data()) {}
  void put(std::string_view text) {
    text.copy(at_, text.size());  // (a view of nothing may have no address, which memcpy forbids)
    at_ += text.size();
  }
  void number(std::uint64_t value) { at_ = std::to_chars(at_, at_ + 20, value).ptr; }
  void line(std::string_view name, std::string_view value) {
    put(name);
    put(": ");
    put(value);
    put("\r\n");
  }
  std::size_t size() const { return static_cast<std::size_t>(at_ - begin_); }

 private:
  char* begin_;
  char* at_;
};

// These lines are made from WireFraming and the authority, never copied.
bool is_ours(FieldId id) {
  switch (id) {
    case FieldId::connection:
    case FieldId::keep_alive:
    case FieldId::proxy_connection:
    case FieldId::transfer_encoding:
    case FieldId::content_length:
    case FieldId::upgrade:
      return true;
    default:
      return false;
  }
}

std::size_t fields_size(const Fields& fields) {
  std::size_t size = 0;
  for (const Field& field : fields) size += field.name.size() + field.value.size() + 4;
  return size;
}

void put_framing(Out& out, const WireFraming& framing) {
  if (framing.kind == Framing::length) {
    out.put("Content-Length: ");
    out.number(framing.length);
    out.put("\r\n");
  } else if (framing.kind == Framing::chunked) {
    out.put("Transfer-Encoding: chunked\r\n");
  }
  if (!framing.upgrade.empty()) {
    out.put("Connection: Upgrade\r\n");
    out.line("Upgrade", framing.upgrade);
  } else if (framing.close || framing.kind == Framing::until_close) {
    out.put("Connection: close\r\n");
  } else if (framing.keep_alive) {
    out.put("Connection: keep-alive\r\n");
  }
}

}  // namespace

std::size_t head_size_max(const RequestHead& head, const WireFraming& framing) {
  return head.method.size() + head.authority.size() + fields_size(head.fields) + framing.upgrade.size() + kFramingRoom;
}

std::size_t head_size_max(const ResponseHead& head, const WireFraming& framing) {
  return head.reason.size() + head.lines.size() + fields_size(head.fields) + framing.upgrade.size() + kFramingRoom;
}

std::size_t write_head(const RequestHead& head, std::string_view target, const WireFraming& framing,
                       std::span<char> into) {
  Out out(into);
  out.put(head.method);
  out.put(" ");
  out.put(target);
  out.put(" ");
  out.put(kVersion);
  out.put("\r\n");
  out.line("Host", head.authority);
  for (const Field& field : head.fields)
    if (!is_ours(field.id) && field.id != FieldId::host) out.line(field.name, field.value);
  put_framing(out, framing);
  out.put("\r\n");
  return out.size();
}

std::size_t write_head(const ResponseHead& head, const WireFraming& framing, const std::uint64_t* head_length,
                       std::span<char> into) {
  Out out(into);
  out.put(kVersion);
  out.put(" ");
  out.number(static_cast<std::uint64_t>(head.status));
  out.put(" ");
  out.put(head.reason.empty() ? reason_phrase(head.status) : head.reason);
  out.put("\r\n");
  out.put(head.lines);
  for (const Field& field : head.fields)
    if (!is_ours(field.id)) out.line(field.name, field.value);
  if (head_length != nullptr && framing.kind == Framing::none) {
    out.put("Content-Length: ");
    out.number(*head_length);
    out.put("\r\n");
  }
  put_framing(out, framing);
  out.put("\r\n");
  return out.size();
}

std::size_t write_chunk_size(std::uint64_t size, std::span<char> into) {
  char* end = std::to_chars(into.data(), into.data() + 16, size, 16).ptr;
  std::memcpy(end, "\r\n", 2);
  return static_cast<std::size_t>(end - into.data()) + 2;
}

std::string write_last_chunk(const Fields* trailers) {
  if (trailers == nullptr || trailers->empty()) return std::string(kLastChunk);
  std::string text = "0\r\n";
  for (const Field& field : *trailers) {
    text += field.name;
    text += ": ";
    text += field.value;
    text += "\r\n";
  }
  text += "\r\n";
  return text;
}

}  // namespace shellac::http
