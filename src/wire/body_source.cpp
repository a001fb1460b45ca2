#include "shellac/wire/body_source.hpp"

namespace shellac::wire {

BodySource::BodySource(Setting setting, http::Framing framing, std::uint64_t length)
    : setting_(setting),
      framing_(framing),
      length_(length),
      decoder_(framing, length),
      deadline_(setting.stream.socket().loop(), *this),
      last_activity_(setting.stream.socket().loop().now()) {}

std::optional<std::uint64_t> BodySource::length() const {
  if (framing_ == http::Framing::length) return length_;
  return std::nullopt;
}

const http::Fields* BodySource::trailers() const {
  return decoder_.trailers().empty() ? nullptr : &decoder_.trailers();
}

// The socket has news, or the deadline fired: the puller asks again and finds out which.
void BodySource::wake() noexcept {
  // The socket forgets whom it wakes; the deadline does not take us out of it.
  if (!deadline_.expired()) registered_ = false;
  if (Waiter* puller = std::exchange(puller_, nullptr)) puller->wake();
}

void BodySource::stop_waiting() noexcept {
  // The deadline may have woken the puller while the socket still knows us.
  if (std::exchange(registered_, false)) {
    setting_.stream.socket().forget_read();
    if (waits_to_write_) setting_.stream.socket().forget_write();
  }
  puller_ = nullptr;
  deadline_.disarm();
}

http::Pull BodySource::fail(Cause cause, boost::system::error_code code) {
  stop_waiting();
  return {http::Pull::State::failed, {}, Error{setting_.side, cause, false, code, setting_.doing}};
}

// What the input holds already, or nothing when more has to be read first.
std::optional<http::Pull> BodySource::take_available(std::size_t max) {
  using State = http::Pull::State;
  for (;;) {
    if (decoder_.is_complete()) return http::Pull{State::end, {}, {}};
    const std::string_view input = setting_.input.available();
    if (input.empty()) return std::nullopt;
    const auto step = decoder_.step(input.substr(0, max));
    setting_.input.consume(step.consumed);
    if (step.state == http::BodyDecoder::State::refused) return fail(Cause::protocol);
    if (!step.data.empty()) {
      piece_ = step.data;
      return http::Pull{decoder_.is_complete() ? State::end : State::more, {&piece_, 1}, {}};
    }
    if (step.consumed == 0 && step.state == http::BodyDecoder::State::need_more) return std::nullopt;
  }
}

bool BodySource::is_whole_at_end() {
  const bool may_be_cut = framing_ == http::Framing::until_close && setting_.needs_clean_end;
  return decoder_.finish() && (!may_be_cut || setting_.stream.ended_cleanly());
}

// Nothing is there. Only then is it late: a puller that was busy elsewhere finds what came meanwhile.
http::Pull BodySource::wait_for(net::IoResult::Status want, Waiter& waiter) {
  if (deadline_.expired()) return fail(Cause::timeout);
  puller_ = &waiter;
  waits_to_write_ = want == net::IoResult::Status::want_write;
  registered_ = true;
  setting_.stream.socket().wait(want, *this);
  if (!deadline_.armed()) deadline_.arm(setting_.patience);
  return {http::Pull::State::pending, {}, {}};
}

http::Pull BodySource::try_next(std::size_t max, Waiter& waiter) {
  using Status = net::IoResult::Status;
  for (;;) {
    if (auto pull = take_available(max)) {
      deadline_.disarm();
      last_activity_ = setting_.stream.socket().loop().now();
      return *pull;
    }
    if (!before_read()) return wait_for(Status::want_write, waiter);
    const net::IoResult read = setting_.input.read_body();
    switch (read.status) {
      case Status::done:
        continue;
      case Status::want_read:
      case Status::want_write:
        return wait_for(read.status, waiter);
      case Status::end:
        if (!is_whole_at_end()) return fail(Cause::closed);
        stop_waiting();
        return {http::Pull::State::end, {}, {}};
      case Status::failed:
        return fail(setting_.input.out_of_buffers() ? Cause::limit : cause_of(read.code), read.code);
    }
  }
}

}  // namespace shellac::wire
