// Broken promises inside one exchange: counted, logged, survived (STYLE.md "Errors").
#pragma once

#include <cstdint>
#include <string_view>

namespace shellac {

// Counts a broken promise at `place` (a string literal such as "front/http1") and logs it, at most once a second.
// The counts are process-wide: `shellac_internal_errors_total{place}`. Always returns true. Thread: any.
bool note_bug(const char* place, const char* what) noexcept;

// Calls visit(place, count) for each place that was ever noted. Thread: any.
void visit_bugs(void (*visit)(void* context, std::string_view place, std::uint64_t count), void* context);

}  // namespace shellac

// True, counted and logged when the condition holds. Use: `if (BUG_IF(x > y, "front/http1")) co_return error;`
#define BUG_IF(condition, place) (__builtin_expect(!!(condition), 0) && ::shellac::note_bug(place, #condition))
