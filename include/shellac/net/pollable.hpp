// What a loop's edge-triggered set tells of a descriptor.
#pragma once

#include <cstdint>

namespace shellac::net {

// Registered with Loop::add() and told of epoll events on its loop's thread. It must only note what happened and wake
// waiters: nothing may be destroyed from inside on_events(), since events of the same batch may still point there.
class Pollable {
 public:
  virtual void on_events(std::uint32_t events) noexcept = 0;

 protected:
  ~Pollable() = default;
};

}  // namespace shellac::net
