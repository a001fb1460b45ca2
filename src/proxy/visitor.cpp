// The visitor behind a request: his sticky cookie, and what is left of his cookies for backends and cache.
#include "flow.hpp"
#include "tally.hpp"

namespace shellac::proxy {

// Reads the sticky cookie and takes it out of what the backend sees; an application's own cookie of that name stays.
void Flow::meet_visitor() {
  if (!pool_->sticky || met_) return;
  met_ = true;
  bool has_ours = false;
  for (const http::Field& field : head_.fields) {
    if (field.id != http::FieldId::cookie) continue;
    const auto seen = pool_->sticky->look(field.value, loop_.wall_now(), &proxy_.seals_);
    has_ours |= seen.has_ours;
    if (visitor_.result == balance::StickyResult::valid) continue;
    if (seen.visitor.result == balance::StickyResult::valid || visitor_.result == balance::StickyResult::none)
      visitor_ = seen.visitor;
  }
  if (has_ours) hide_cookie();
  record_.sticky = to_string(visitor_.result);
  proxy_.tally_->count_sticky(*pool_, visitor_.result);
}

// What is left of all Cookie lines becomes one (RFC 6265 §5.4).
void Flow::hide_cookie() {
  std::string left;
  for (const http::Field& field : head_.fields) {
    if (field.id != http::FieldId::cookie) continue;
    const std::string part = pool_->sticky->without_ours(field.value);
    if (!part.empty()) left += (left.empty() ? "" : "; ") + part;
  }
  if (left.empty())
    head_.fields.remove(http::FieldId::cookie);
  else
    head_.fields.set(http::FieldId::cookie, exchange_.arena().copy(left));
}

}  // namespace shellac::proxy
