#include "shellac/http/fields.hpp"
#include <algorithm>

#include <array>
#include <cstring>
#include <utility>

#include "shellac/core/text.hpp"

namespace shellac::http {
namespace {

// In the order of FieldId.
constexpr std::array<std::string_view, 50> kNames = {
    "",
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Age",
    "Authorization",
    "Cache-Control",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Location",
    "Content-Range",
    "Content-Type",
    "Cookie",
    "Date",
    "ETag",
    "Expect",
    "Expires",
    "Forwarded",
    "Host",
    "HTTP2-Settings",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Keep-Alive",
    "Last-Modified",
    "Location",
    "Pragma",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Proxy-Status",
    "Range",
    "Referer",
    "Retry-After",
    "Server",
    "Set-Cookie",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "User-Agent",
    "Vary",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Request-Id",
};
constexpr std::size_t kCount = kNames.size();
static_assert(kCount == static_cast<std::size_t>(FieldId::x_request_id) + 1);

// A hash of the length and three letters, without regard to case: enough to tell the names above apart nearly always.
constexpr std::size_t kSlots = 256;
constexpr std::size_t slot_of(std::string_view name) {
  const auto letter = [&](std::size_t i) { return static_cast<unsigned char>(name[i]) | 0x20u; };
  return (name.size() * 7 + letter(0) * 31 + letter(name.size() / 2) * 5 + letter(name.size() - 1) * 13) % kSlots;
}

// Open addressing; 0 (FieldId::other) is an empty slot.
constexpr std::array<std::uint8_t, kSlots> make_slots() {
  std::array<std::uint8_t, kSlots> slots{};
  for (std::size_t id = 1; id < kCount; ++id) {
    std::size_t slot = slot_of(kNames[id]);
    while (slots[slot] != 0) slot = (slot + 1) % kSlots;
    slots[slot] = static_cast<std::uint8_t>(id);
  }
  return slots;
}
constexpr std::array<std::uint8_t, kSlots> kTable = make_slots();

bool same_name(std::string_view known, std::string_view name) {
  // Most senders write the name as we do.
  return known.size() == name.size() &&
         (std::memcmp(known.data(), name.data(), name.size()) == 0 || iequals(known, name));
}

}  // namespace

FieldId field_id(std::string_view name) {
  if (name.empty()) return FieldId::other;
  for (std::size_t slot = slot_of(name); kTable[slot] != 0; slot = (slot + 1) % kSlots)
    if (same_name(kNames[kTable[slot]], name)) return static_cast<FieldId>(kTable[slot]);
  return FieldId::other;
}

std::string_view field_name(FieldId id) { return kNames[static_cast<std::size_t>(id)]; }

const Field* Fields::find(FieldId id) const {
  for (const Field& field : list_)
    if (field.id == id) return &field;
  return nullptr;
}

const Field* Fields::find(std::string_view name) const {
  for (const Field& field : list_)
    if (iequals(field.name, name)) return &field;
  return nullptr;
}

std::string_view Fields::value(FieldId id) const {
  const Field* const field = find(id);
  return field ? field->value : std::string_view{};
}

std::size_t Fields::count(FieldId id) const {
  std::size_t count = 0;
  for (const Field& field : list_) count += field.id == id ? 1 : 0;
  return count;
}

void Fields::set(FieldId id, std::string_view value) {
  set_where({field_name(id), value, id}, [id](const Field& other) { return other.id == id; });
}

void Fields::set(std::string_view name, std::string_view value) {
  set_where({name, value, field_id(name)}, [name](const Field& other) { return iequals(other.name, name); });
}

template <class Same>
void Fields::set_where(const Field& field, Same same) {
  const auto first = std::find_if(list_.begin(), list_.end(), same);
  if (first == list_.end()) {
    list_.push_back(field);
    return;
  }
  *first = field;
  list_.erase(std::remove_if(first + 1, list_.end(), same), list_.end());
}

std::size_t Fields::remove(FieldId id) {
  const std::size_t before = list_.size();
  remove_if([id](const Field& field) { return field.id == id; });
  return before - list_.size();
}

std::size_t Fields::remove(std::string_view name) {
  const std::size_t before = list_.size();
  remove_if([name](const Field& field) { return iequals(field.name, name); });
  return before - list_.size();
}

}  // namespace shellac::http
