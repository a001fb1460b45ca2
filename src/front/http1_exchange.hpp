// One request and its response on an HTTP/1 connection.
#pragma once

#include <array>
#include <optional>

#include "request_body.hpp"
#include "shellac/front/exchange.hpp"
#include "shellac/front/frontend.hpp"
#include "shellac/http/writer.hpp"

namespace shellac::front {

// Lives in the frame of Http1Session::serve_one(). Thread: its worker.
class Http1Exchange final : public Exchange {
 public:
  struct Setting {
    net::Stream& stream;
    const Client& client;
    const Listener& listener;
    SessionContext& context;
    net::Signal& signal;
    net::Deadline& deadline;
    wire::Input& input;
  };
  explicit Http1Exchange(Setting setting);

  // For the session: the head could not be read or understood; or it was, and its body may be pulled.
  void refuse(Refused why);
  void accept();
  enum class Finish : std::uint8_t { keep, close, abort };
  Finish finish();

  net::Loop& loop() override { return setting_.context.loop; }
  const Client& client() const override { return setting_.client; }
  http::RequestHead& request() override { return head_; }
  Arena& arena() override { return arena_; }
  const std::optional<Refused>& refused() const override { return refused_; }
  Time head_complete() const override { return head_complete_; }
  http::Body* request_body() override { return body_ ? &*body_ : nullptr; }
  std::uint64_t body_bytes_in() const override;
  http::Body& upgraded_input() override;
  bool is_gone() const override;
  bool is_cut_by_shutdown() const override { return setting_.context.aborting; }
  void watch_client(Waiter* waiter) noexcept override;
  net::Task<Result<>> inform(const http::ResponseHead& head) override;
  net::Task<Sent> respond(http::ResponseHead& head, http::Body* body) override;
  void reset() noexcept override;

 private:
  // What is on its way to the socket: parts of the head, of chunk framing and of the body, sent as one gathered write.
  class Output {
   public:
    void add(std::string_view part) {
      if (!part.empty()) parts_[count_++] = {const_cast<char*>(part.data()), part.size()};
    }
    bool full(std::size_t more) const { return count_ + more > parts_.size(); }
    std::span<iovec> pending() { return {parts_.data() + first_, count_ - first_}; }
    void advance(std::size_t bytes);
    bool empty() const { return first_ == count_; }
    void clear() { first_ = count_ = 0; }

   private:
    std::array<iovec, 16> parts_;
    std::size_t first_ = 0;
    std::size_t count_ = 0;
  };
  enum class Written : std::uint8_t { ok, reset, timeout };

  http::WireFraming choose_framing(const http::ResponseHead& head, const http::Body* body);
  bool write_head(const http::ResponseHead& head, const http::WireFraming& framing);
  net::Task<Sent> send(http::Body* body, http::WireFraming framing);
  net::Task<Sent::End> wait_for_body();
  net::Task<Written> write_out();
  void add_pieces(const http::Pull& pull, bool chunked);
  Sent broken(Sent::End end, Error error);

  Setting setting_;
  http::RequestHead head_;
  Arena arena_;
  std::optional<Refused> refused_;
  std::optional<RequestBody> body_;
  std::optional<wire::BodySource> upgraded_;
  Time head_complete_;
  Buffer head_text_;
  std::size_t head_size_ = 0;
  Output output_;
  std::array<char, 24> chunk_size_{};
  Time last_sent_{};  // of body octets: a tunnel is quiet when neither side moves
  bool responded_ = false;
  bool keep_ = false;
  bool aborted_ = false;
};

}  // namespace shellac::front
