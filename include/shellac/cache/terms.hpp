// On which terms a stored response may be used.
#pragma once

#include "shellac/core/units.hpp"

namespace shellac::cache {

// How long a response may be used and how (RFC 9111 §4, RFC 5861). Times count from the response's receipt; the age it
// had then is `initial_age`. Value.
struct Terms {
  Duration initial_age{0};                 // RFC 9111 §4.2.3: corrected_initial_age
  Duration lifetime{0};                    // §4.2.1: freshness_lifetime, compared with the current age
  Duration grace{0};                       // past the lifetime: served at once while it is refreshed
  Duration stale_if_error{0};              // past the lifetime: served when the origin fails
  Duration keep{0};                        // past the lifetime: kept for revalidation
  bool always_validate = false;            // no-cache: every use asks the origin first
  bool must_revalidate = false;            // never served stale, whatever the policy says
  bool allow_stale_on_disconnect = false;  // strict_rfc: §4.2.4
  bool for_credentials = false;  // may answer a request with Authorization (§3.5): public, s-maxage, must-revalidate
  bool allow_max_stale = false;  // a request that is listened to may have it stale by max-stale

  // §4.2.3: initial_age and the time that it has been here.
  Duration age(Duration resident) const { return initial_age + resident; }
  // How long after its receipt it is of no use to anybody: expiry drops it then.
  Duration usable() const {
    Duration beyond = grace > keep ? grace : keep;
    if (stale_if_error > beyond) beyond = stale_if_error;
    return lifetime + beyond > initial_age ? lifetime + beyond - initial_age : Duration{0};
  }
  // False when it is stale on arrival and no grace covers it: each request must ask by itself, so that waiting for
  // somebody else's fetch gains nothing but an answer that was made meanwhile.
  bool is_worth_waiting() const { return !always_validate && (lifetime > initial_age || grace > Duration{0}); }
};

}  // namespace shellac::cache
