// One client connection, from accept to close: the PROXY header, the TLS handshake, the session.
#pragma once

#include <memory>
#include <string_view>

#include "shellac/front/frontend.hpp"
#include "shellac/net/stream.hpp"

namespace shellac::front {

// Lives in the frame of its serve() task. Thread: its worker.
class Connection final : public net::Link {
 public:
  struct Arrival {
    net::UniqueFd fd;
    Endpoint peer, local;
    std::shared_ptr<const Listener> listener;
  };
  static net::Task<void> serve(Frontend& frontend, Arrival arrival);

  // From the frontend: look at `draining` (or at the socket that was aborted) again.
  void nudge() noexcept { signal_.wake(); }
  void abort() noexcept;

 private:
  Connection(Frontend& frontend, Arrival arrival);
  ~Connection();

  net::Task<bool> read_proxy_header();
  net::Task<bool> shake_hands();
  void note_failed_handshake(std::string_view reason);
  net::Task<bool> wait(net::IoResult::Status want);
  bool enter_client();
  void count(const char* result);

  Frontend& frontend_;
  std::shared_ptr<const Listener> listener_;
  Client client_;
  std::unique_ptr<net::Stream> stream_;
  net::Signal signal_;
  net::Deadline deadline_;
  bool counted_client_ = false;
};

}  // namespace shellac::front
