// The pre-scan of a head: finds its end and decides line ends, version, method token, folding and name syntax, because
// llhttp's silence on those is no verdict.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shellac/http/refusal.hpp"

namespace shellac::http {

struct HeadLimits {
  std::size_t head_bytes = 32 * 1024;
  std::size_t fields = 100;
  std::size_t target_bytes = 16 * 1024;
};

// Feed it the same growing buffer again and again (it may move: only offsets are kept); each octet is looked at once,
// and the first octet that is wrong decides, so that the verdict is the same however the head arrives. Value. Thread:
// one.
class HeadScan {
 public:
  enum class Kind : std::uint8_t { request, response, trailers };  // trailers: field lines and the empty line only
  enum class State : std::uint8_t { need_more, complete, refused };

  explicit HeadScan(Kind kind, HeadLimits limits = {});

  // `buffer` begins where the message begins (empty lines before a request line included).
  State scan(std::string_view buffer);

  std::size_t start() const { return start_; }  // first octet of the request line, behind empty lines
  std::size_t size() const { return size_; }    // octets up to and with the empty line, from the buffer's begin
  Refusal refusal() const { return refusal_; }
  // True once any octet other than an empty line's was seen: from then on the head's deadline holds.
  bool started() const { return started_; }

 private:
  // …_lf: behind a CR, where only LF may follow.
  enum class Phase : std::uint8_t {
    empty_line,
    empty_line_lf,
    method,
    target,
    version,
    reason,
    short_line_lf,
    line_lf,
    line_start,
    name,
    name_lf,
    value,
    last_lf,
    complete,
    refused,
  };
  void refuse(Refusal why);
  void go_on(Phase phase);
  void step(std::string_view view);
  void step_lf(char c);
  void step_empty_line(char c);
  void step_method(std::string_view view);
  void step_target(std::string_view view);
  void step_version(std::string_view view);
  void step_line_start(char c);
  void step_name(std::string_view view);
  void step_text(std::string_view view);
  Refusal first_line_refusal() const;

  Kind kind_;
  HeadLimits limits_;
  Phase phase_ = Phase::empty_line;
  Refusal refusal_ = Refusal::request_line;
  bool started_ = false;
  int empty_lines_ = 0;
  std::size_t start_ = 0;
  std::size_t size_ = 0;
  std::size_t part_ = 0;     // where the target or version under way begins
  std::size_t scanned_ = 0;  // octets looked at
  std::size_t fields_ = 0;
};

}  // namespace shellac::http
