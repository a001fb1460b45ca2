#include "shellac/cache/cache_status.hpp"

#include <algorithm>
#include <charconv>

#include "shellac/http/parser.hpp"

namespace shellac::cache {
namespace {

// Writes what fits and never half of a parameter: RFC 9211 §2 is a structured field, whose parts stand or fall alone.
class Line {
 public:
  explicit Line(std::span<char> out) : out_(out) {}
  void put(std::string_view name, std::string_view value) {
    if (size_ + name.size() + value.size() > out_.size()) return;
    for (const std::string_view part : {name, value}) {
      std::ranges::copy(part, out_.data() + size_);
      size_ += part.size();
    }
  }
  void put(std::string_view name, std::int64_t value) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    put(name, std::string_view(digits, static_cast<std::size_t>(end - digits)));
  }
  std::string_view text() const { return {out_.data(), size_}; }

 private:
  std::span<char> out_;
  std::size_t size_ = 0;
};

std::string_view word(CacheStatus::Forward forward) {
  using enum CacheStatus::Forward;
  switch (forward) {
    case none:
      return {};
    case uri_miss:
      return "uri-miss";
    case vary_miss:
      return "vary-miss";
    case miss:
      return "miss";
    case stale:
      return "stale";
    case bypass:
      return "bypass";
    case request:
      return "request";
    case method:
      return "method";
    case partial:
      return "partial";
  }
  return {};
}

}  // namespace

CacheStatus::Forward forward_of(Bypass why) {
  using enum CacheStatus::Forward;
  switch (why) {
    case Bypass::none:
      return none;
    case Bypass::method:
      return method;
    case Bypass::no_store:
      return request;
    default:
      return bypass;
  }
}

CacheStatus::Forward forward_of(Miss why) {
  using enum CacheStatus::Forward;
  switch (why) {
    case Miss::none:
      return miss;
    case Miss::uri:
      return uri_miss;
    case Miss::vary:
      return vary_miss;
    case Miss::stale:
      return stale;
    case Miss::request:
      return request;
    case Miss::partial:
      return partial;
  }
  return miss;
}

std::string_view write_cache_status(const CacheStatus& status, std::span<char> out) {
  Line line(out);
  line.put("shellac", "");
  if (status.hit) line.put("; hit", "");
  if (!status.hit && status.forward != CacheStatus::Forward::none) line.put("; fwd=", word(status.forward));
  if (status.forward_status != 0) line.put("; fwd-status=", status.forward_status);
  if (status.ttl) line.put("; ttl=", std::chrono::floor<std::chrono::seconds>(*status.ttl).count());
  if (status.stored) line.put("; stored", "");
  if (status.collapsed) line.put("; collapsed", "");
  if (http::is_token(status.detail)) line.put("; detail=", status.detail);
  return line.text();
}

}  // namespace shellac::cache
