#include "shellac/http/body_decoder.hpp"

#include <algorithm>

#include "http/octets.hpp"
#include "shellac/core/limits.hpp"
#include "shellac/core/text.hpp"

namespace shellac::http {
namespace {

constexpr unsigned kSizeDigitsMax = 16;
constexpr std::uint64_t kChunkMax = (std::uint64_t{1} << 63) - 1;
constexpr HeadLimits kTrailerLimits{.head_bytes = limits::kTrailersMax, .fields = 64, .target_bytes = 0};

unsigned hex_value(char c) {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  return static_cast<unsigned>(to_lower(c) - 'a' + 10);
}

// RFC 9110 §6.5.1: what frames or routes a message may not come behind it.
bool may_not_trail(FieldId id) {
  switch (id) {
    case FieldId::transfer_encoding:
    case FieldId::content_length:
    case FieldId::host:
    case FieldId::trailer:
    case FieldId::te:
    case FieldId::connection:
    case FieldId::upgrade:
    case FieldId::keep_alive:
    case FieldId::proxy_connection:
      return true;
    default:
      return false;
  }
}

// What changes how a message is handled, or whom the backend takes for its sender, is dropped from trailers (RFC 9110
// §6.5.1): a recipient that merges them into the head must not believe it. The rest passes.
bool is_dropped_trailer(FieldId id) {
  switch (id) {
    case FieldId::accept:
    case FieldId::accept_encoding:
    case FieldId::accept_language:
    case FieldId::age:
    case FieldId::authorization:
    case FieldId::cache_control:
    case FieldId::content_encoding:
    case FieldId::content_location:
    case FieldId::content_range:
    case FieldId::content_type:
    case FieldId::cookie:
    case FieldId::date:
    case FieldId::expect:
    case FieldId::expires:
    case FieldId::forwarded:
    case FieldId::http2_settings:
    case FieldId::if_match:
    case FieldId::if_modified_since:
    case FieldId::if_none_match:
    case FieldId::if_range:
    case FieldId::if_unmodified_since:
    case FieldId::location:
    case FieldId::pragma:
    case FieldId::proxy_authenticate:
    case FieldId::proxy_authorization:
    case FieldId::range:
    case FieldId::retry_after:
    case FieldId::set_cookie:
    case FieldId::vary:
    case FieldId::via:
    case FieldId::x_forwarded_for:
    case FieldId::x_forwarded_host:
    case FieldId::x_forwarded_proto:
    case FieldId::x_request_id:
      return true;
    default:
      return false;
  }
}

}  // namespace

BodyDecoder::BodyDecoder(Framing framing, std::uint64_t length)
    : trailer_scan_(HeadScan::Kind::trailers, kTrailerLimits) {
  if (framing == Framing::length && length > 0) {
    mode_ = Mode::counted;
    left_ = length;
  } else if (framing == Framing::chunked) {
    mode_ = Mode::size;
  } else if (framing == Framing::until_close) {
    mode_ = Mode::to_close;
  }
}

bool BodyDecoder::is_complete() const { return mode_ == Mode::done; }

bool BodyDecoder::finish() {
  if (mode_ == Mode::to_close) mode_ = Mode::done;
  return mode_ == Mode::done;
}

BodyDecoder::Step BodyDecoder::refuse(Refusal why) {
  mode_ = Mode::broken;
  refusal_ = why;
  return {State::refused, 0, {}, why};
}

BodyDecoder::Step BodyDecoder::step(std::string_view input) {
  switch (mode_) {
    case Mode::done:
      return {State::complete, 0, {}, {}};
    case Mode::broken:
      return {State::refused, 0, {}, refusal_};
    case Mode::to_close:
      received_ += input.size();
      return {State::need_more, input.size(), input, {}};
    case Mode::counted: {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
      received_ += size;
      left_ -= size;
      if (left_ == 0) mode_ = Mode::done;
      return {is_complete() ? State::complete : State::need_more, size, input.substr(0, size), {}};
    }
    default:
      return step_chunked(input);
  }
}

BodyDecoder::Step BodyDecoder::step_chunked(std::string_view input) {
  for (std::size_t at = 0; at < input.size(); ++at) {
    if (mode_ == Mode::data) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - at));
      left_ -= size;
      received_ += size;
      if (left_ == 0) mode_ = Mode::data_cr;
      return {State::need_more, at + size, input.substr(at, size), {}};
    }
    if (mode_ == Mode::trailer) {
      Step step = step_trailers(input.substr(at));
      if (step.state != State::refused) step.consumed += at;
      return step;
    }
    if (const auto why = step_framing(input[at])) return refuse(*why);
  }
  return {State::need_more, input.size(), {}, {}};
}

std::optional<Refusal> BodyDecoder::step_framing(char c) {
  switch (mode_) {
    case Mode::size:
      return step_size(c);
    case Mode::size_lf:
      if (c != '\n') return Refusal::chunk_size;
      mode_ = left_ == 0 ? Mode::trailer : Mode::data;
      digits_ = 0;
      extension_ = 0;
      return std::nullopt;
    case Mode::data_cr:
      if (c != '\r') return Refusal::chunk_end;
      mode_ = Mode::data_lf;
      return std::nullopt;
    case Mode::data_lf:
      if (c != '\n') return Refusal::chunk_end;
      mode_ = Mode::size;
      return std::nullopt;
    default:
      return step_extension(c);
  }
}

std::optional<Refusal> BodyDecoder::step_size(char c) {
  if (octets::is(c, octets::kHex)) {
    if (++digits_ > kSizeDigitsMax) return Refusal::chunk_size;
    left_ = (left_ << 4) | hex_value(c);
    return std::nullopt;
  }
  if (digits_ == 0 || left_ > kChunkMax) return Refusal::chunk_size;
  switch (c) {
    case '\r':
      mode_ = Mode::size_lf;
      return std::nullopt;
    case ';':
      mode_ = Mode::extension_start;
      return std::nullopt;
    case ' ':
    case '\t':
      mode_ = Mode::size_blank;
      return std::nullopt;
    default:
      return Refusal::chunk_size;
  }
}

// RFC 9112 §7.1.1: *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ). It is checked and dropped.
std::optional<Refusal> BodyDecoder::step_extension(char c) {
  if (++extension_ > limits::kChunkExtensionMax) return Refusal::chunk_extension;
  const bool is_blank = c == ' ' || c == '\t';
  const bool is_token = octets::is(c, octets::kToken);
  const bool may_end = mode_ == Mode::extension_name || mode_ == Mode::value_token || mode_ == Mode::value_end;
  if (may_end && c == '\r') {
    mode_ = Mode::size_lf;
    return std::nullopt;
  }
  switch (mode_) {
    case Mode::size_blank:  // white space with no extension behind it is a malformed size
      if (c == ';')
        mode_ = Mode::extension_start;
      else if (!is_blank)
        return Refusal::chunk_size;
      return std::nullopt;
    case Mode::extension_start:
      if (is_token)
        mode_ = Mode::extension_name;
      else if (!is_blank)
        return Refusal::chunk_extension;
      return std::nullopt;
    case Mode::extension_name:
      if (is_token) return std::nullopt;
      [[fallthrough]];
    case Mode::name_blank:
      if (c == '=')
        mode_ = Mode::value_start;
      else if (c == ';')
        mode_ = Mode::extension_start;
      else if (is_blank)
        mode_ = Mode::name_blank;
      else
        return Refusal::chunk_extension;
      return std::nullopt;
    case Mode::value_start:
      if (c == '"')
        mode_ = Mode::value_quoted;
      else if (is_token)
        mode_ = Mode::value_token;
      else if (!is_blank)
        return Refusal::chunk_extension;
      return std::nullopt;
    case Mode::value_quoted:
      if (!octets::is(c, octets::kText)) return Refusal::chunk_extension;
      if (c == '"') mode_ = Mode::value_end;
      if (c == '\\') mode_ = Mode::value_escaped;
      return std::nullopt;
    case Mode::value_escaped:
      if (!octets::is(c, octets::kText)) return Refusal::chunk_extension;
      mode_ = Mode::value_quoted;
      return std::nullopt;
    case Mode::value_token:
      if (is_token) return std::nullopt;
      [[fallthrough]];
    default:  // value_end, value_blank
      if (c == ';')
        mode_ = Mode::extension_start;
      else if (is_blank)
        mode_ = Mode::value_blank;
      else
        return Refusal::chunk_extension;
      return std::nullopt;
  }
}

// The trailer section is a head without a first line; its text stays, so that the fields can point to it.
BodyDecoder::Step BodyDecoder::step_trailers(std::string_view input) {
  if (trailer_text_.empty() && input.starts_with("\r\n")) {  // none at all, as nearly always
    mode_ = Mode::done;
    return {State::complete, 2, {}, {}};
  }
  const std::size_t before = trailer_text_.size();
  trailer_text_ += input.substr(0, limits::kTrailersMax - before);
  const HeadScan::State state = trailer_scan_.scan(trailer_text_);
  if (state == HeadScan::State::refused) return refuse(Refusal::trailer);
  if (state == HeadScan::State::need_more) return {State::need_more, trailer_text_.size() - before, {}, {}};
  trailer_text_.resize(trailer_scan_.size());
  if (const auto why = keep_trailers()) return refuse(*why);
  mode_ = Mode::done;
  return {State::complete, trailer_text_.size() - before, {}, {}};
}

std::optional<Refusal> BodyDecoder::keep_trailers() {
  std::string_view rest = trailer_text_;
  for (std::size_t end = rest.find('\r'); end > 0; end = rest.find('\r')) {
    const std::string_view line = rest.substr(0, end);
    const std::size_t colon = line.find(':');
    const Field field{line.substr(0, colon), trim(line.substr(colon + 1)), field_id(line.substr(0, colon))};
    if (may_not_trail(field.id)) return Refusal::trailer;
    if (!is_dropped_trailer(field.id)) trailers_.add(field);
    rest.remove_prefix(end + 2);
  }
  return std::nullopt;
}

}  // namespace shellac::http
