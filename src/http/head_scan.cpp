#include "shellac/http/head_scan.hpp"

#include "http/octets.hpp"
#include "shellac/core/limits.hpp"
#include "shellac/core/text.hpp"

namespace shellac::http {
namespace {

// HTTP-version (RFC 9112 §2.3), which ends a request line, and with a status begins a status line; 'd' is a digit.
constexpr std::string_view kStatusPattern = "HTTP/d.d ddd";
constexpr std::string_view kVersionPattern = kStatusPattern.substr(0, 8);

// What is wrong about an octet that the part of a line under way may not hold.
Refusal wrong_octet(char c, Refusal why) {
  if (c == '\n') return Refusal::line_end;
  return octets::is(c, octets::kControl) ? Refusal::control_byte : why;
}

}  // namespace

HeadScan::HeadScan(Kind kind, HeadLimits limits) : kind_(kind), limits_(limits) {
  if (kind == Kind::response) phase_ = Phase::version;
  if (kind == Kind::trailers) phase_ = Phase::line_start;
}

HeadScan::State HeadScan::scan(std::string_view buffer) {
  // Only what a head may take at most is looked at: the verdict cannot depend on what happens to lie behind.
  const std::string_view view = buffer.substr(0, limits_.head_bytes);
  while (scanned_ < view.size() && phase_ != Phase::complete && phase_ != Phase::refused) step(view);
  if (phase_ == Phase::complete) return State::complete;
  if (phase_ != Phase::refused) {
    if (buffer.size() < limits_.head_bytes) return State::need_more;
    refuse(phase_ == Phase::target ? Refusal::target_too_long : Refusal::head_too_large);
  }
  return State::refused;
}

void HeadScan::refuse(Refusal why) {
  phase_ = Phase::refused;
  refusal_ = why;
  started_ = true;
}

void HeadScan::go_on(Phase phase) {
  phase_ = phase;
  ++scanned_;
}

// Each step looks at one octet at least, changes the phase, or refuses.
void HeadScan::step(std::string_view view) {
  switch (phase_) {
    case Phase::empty_line:
      return step_empty_line(view[scanned_]);
    case Phase::method:
      return step_method(view);
    case Phase::target:
      return step_target(view);
    case Phase::version:
      return step_version(view);
    case Phase::reason:
      return step_text(view);
    case Phase::line_start:
      return step_line_start(view[scanned_]);
    case Phase::name:
      return step_name(view);
    case Phase::value:
      return step_text(view);
    default:
      return step_lf(view[scanned_]);
  }
}

// Behind a CR.
void HeadScan::step_lf(char c) {
  if (c != '\n') return refuse(Refusal::line_end);
  switch (phase_) {
    case Phase::empty_line_lf:
      if (++empty_lines_ > limits::kLeadingEmptyLines) return refuse(Refusal::request_line);
      return go_on(Phase::empty_line);
    case Phase::short_line_lf:
      return refuse(first_line_refusal());
    case Phase::name_lf:
      return refuse(Refusal::field_line);
    case Phase::last_lf:
      go_on(Phase::complete);
      break;
    default:
      return go_on(Phase::line_start);
  }
  size_ = scanned_;
}

Refusal HeadScan::first_line_refusal() const {
  return kind_ == Kind::request ? Refusal::request_line : Refusal::status_line;
}

void HeadScan::step_empty_line(char c) {
  if (c == '\n') return refuse(Refusal::line_end);
  if (c == '\r') return go_on(Phase::empty_line_lf);
  started_ = true;
  start_ = scanned_;
  phase_ = Phase::method;
}

void HeadScan::step_method(std::string_view view) {
  const char* const end = octets::skip(view.data() + scanned_, view.data() + view.size(), octets::kToken);
  scanned_ = static_cast<std::size_t>(end - view.data());
  if (scanned_ == view.size()) return;
  if (*end == '\r') return go_on(Phase::short_line_lf);
  if (*end != ' ') return refuse(wrong_octet(*end, Refusal::method_token));
  if (scanned_ == start_) return refuse(Refusal::request_line);
  go_on(Phase::target);
  part_ = scanned_;
}

void HeadScan::step_target(std::string_view view) {
  const char* const end = octets::skip(view.data() + scanned_, view.data() + view.size(), octets::kTarget);
  scanned_ = static_cast<std::size_t>(end - view.data());
  if (scanned_ - part_ > limits_.target_bytes) return refuse(Refusal::target_too_long);
  if (scanned_ == view.size()) return;
  if (*end == '\r') return go_on(Phase::short_line_lf);
  if (*end != ' ') return refuse(wrong_octet(*end, Refusal::target));
  if (scanned_ == part_) return refuse(Refusal::request_line);
  go_on(Phase::version);
  part_ = scanned_;
}

void HeadScan::step_version(std::string_view view) {
  started_ = true;
  const std::string_view pattern = kind_ == Kind::request ? kVersionPattern : kStatusPattern;
  const std::size_t at = scanned_ - part_;
  const char c = view[scanned_];
  if (at == pattern.size()) {
    if (c == '\r') return go_on(Phase::line_lf);
    // RFC 9112 §4 wants the space behind the status even when no reason follows; some servers leave it out.
    if (c == ' ' && kind_ == Kind::response) return go_on(Phase::reason);
    return refuse(wrong_octet(c, first_line_refusal()));
  }
  if (c == '\r') return go_on(Phase::short_line_lf);
  if (pattern[at] == 'd' ? !is_digit(c) : c != pattern[at]) return refuse(wrong_octet(c, first_line_refusal()));
  ++scanned_;
  if (at + 1 != kVersionPattern.size()) return;
  const std::string_view version = view.substr(part_, kVersionPattern.size());
  if (version != "HTTP/1.1" && version != "HTTP/1.0") refuse(Refusal::version);
}

void HeadScan::step_line_start(char c) {
  started_ = true;
  switch (c) {
    case '\r':
      return go_on(Phase::last_lf);
    case ' ':
    case '\t':
      return refuse(Refusal::folding);
    case ':':
      return refuse(Refusal::field_name);
    default:
      break;
  }
  if (++fields_ > limits_.fields) return refuse(Refusal::too_many_fields);
  phase_ = Phase::name;
}

void HeadScan::step_name(std::string_view view) {
  const char* const end = octets::skip(view.data() + scanned_, view.data() + view.size(), octets::kToken);
  scanned_ = static_cast<std::size_t>(end - view.data());
  if (scanned_ == view.size()) return;
  switch (*end) {
    case ':':
      return go_on(Phase::value);
    case '\r':
      return go_on(Phase::name_lf);
    case '\t':
      return refuse(Refusal::field_name);  // as a space: white space before the colon
    default:
      return refuse(wrong_octet(*end, Refusal::field_name));
  }
}

void HeadScan::step_text(std::string_view view) {
  const char* const end = octets::skip_text(view.data() + scanned_, view.data() + view.size());
  scanned_ = static_cast<std::size_t>(end - view.data());
  if (scanned_ == view.size()) return;
  if (*end == '\r') return go_on(Phase::line_lf);
  refuse(wrong_octet(*end, Refusal::control_byte));
}

}  // namespace shellac::http
