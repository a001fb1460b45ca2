#include "shellac/http/body.hpp"

#include <algorithm>

namespace shellac::http {

Pull TextBody::try_next(std::size_t max, Waiter&) {
  piece_ = view_.substr(0, std::min(max, view_.size()));
  view_.remove_prefix(piece_.size());
  Pull pull;
  pull.state = view_.empty() ? Pull::State::end : Pull::State::more;
  if (!piece_.empty()) pull.data = std::span(&piece_, 1);
  return pull;
}

}  // namespace shellac::http
