// Finds a body's octets in the octets of an HTTP/1 connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shellac/http/head_scan.hpp"
#include "shellac/http/message.hpp"
#include "shellac/http/refusal.hpp"

namespace shellac::http {

// One body. Chunked (RFC 9112 §7.1) is read by its exact grammar: CRLF only, 1 to 16 hex digits, extensions bounded and
// dropped, trailers parsed into fields. Resource: trailers point into its own storage. Thread: one.
class BodyDecoder {
 public:
  enum class State : std::uint8_t { need_more, complete, refused };
  struct Step {
    State state = State::need_more;
    std::size_t consumed = 0;  // octets of `input` that are done with
    std::string_view data;     // body octets among them, a view into `input`; may be empty
    Refusal refusal{};
  };

  // Framing::none is complete at once; until_close is complete only by finish().
  BodyDecoder(Framing framing, std::uint64_t length);
  BodyDecoder(const BodyDecoder&) = delete;
  BodyDecoder& operator=(const BodyDecoder&) = delete;

  // One run of data at a time: call again with the rest of the input while it makes progress (consumed > 0). After
  // `complete`, what is behind `consumed` belongs to the next message. `refused` stays refused.
  Step step(std::string_view input);
  // The peer closed. True when the body is whole (complete, or until_close).
  bool finish();

  bool is_complete() const;
  std::uint64_t received() const { return received_; }  // body octets so far
  const Fields& trailers() const { return trailers_; }

 private:
  // What the next octet may be. The extension's states follow its grammar, see step_extension().
  enum class Mode : std::uint8_t {
    done,
    counted,
    to_close,
    size,
    size_blank,  // white space behind the size
    extension_start,
    extension_name,
    name_blank,  // white space behind a name
    value_start,
    value_token,
    value_quoted,
    value_escaped,
    value_end,    // behind the closing quote
    value_blank,  // white space behind a value
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    broken,
  };
  Step step_chunked(std::string_view input);
  Step step_trailers(std::string_view input);
  Step refuse(Refusal why);
  // Each takes one octet.
  std::optional<Refusal> step_framing(char c);
  std::optional<Refusal> step_size(char c);
  std::optional<Refusal> step_extension(char c);
  std::optional<Refusal> keep_trailers();

  Mode mode_ = Mode::done;
  Refusal refusal_{};
  unsigned digits_ = 0;
  std::size_t extension_ = 0;  // octets since the size under way
  std::uint64_t left_ = 0;
  std::uint64_t received_ = 0;
  HeadScan trailer_scan_;
  std::string trailer_text_;
  Fields trailers_;
};

}  // namespace shellac::http
