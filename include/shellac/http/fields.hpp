// Header fields in the order in which they came.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <string_view>

namespace shellac::http {

// Fields that the proxy itself looks at. `other` is everything else.
enum class FieldId : std::uint8_t {
  other,
  accept,
  accept_encoding,
  accept_language,
  age,
  authorization,
  cache_control,
  connection,
  content_encoding,
  content_length,
  content_location,
  content_range,
  content_type,
  cookie,
  date,
  etag,
  expect,
  expires,
  forwarded,
  host,
  http2_settings,
  if_match,
  if_modified_since,
  if_none_match,
  if_range,
  if_unmodified_since,
  keep_alive,
  last_modified,
  location,
  pragma,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  proxy_status,
  range,
  referer,
  retry_after,
  server,
  set_cookie,
  te,
  trailer,
  transfer_encoding,
  upgrade,
  user_agent,
  vary,
  via,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_proto,
  x_request_id,
};

// Without regard to case. Never allocates.
FieldId field_id(std::string_view name);
// The name as we write it: "Content-Length". Empty for `other`.
std::string_view field_name(FieldId id);

// Name and value without surrounding white space, as views into the message's buffer or an Arena. Value.
struct Field {
  std::string_view name;
  std::string_view value;
  FieldId id = FieldId::other;
};

// An ordered list; the text belongs to somebody else (the connection's buffer, an Arena) who outlives it.
// Up to 24 fields live inside, so that a common message allocates nothing. Thread: one.
class Fields {
 public:
  using List = boost::container::small_vector<Field, 24>;
  using const_iterator = List::const_iterator;

  const_iterator begin() const { return list_.begin(); }
  const_iterator end() const { return list_.end(); }
  std::size_t size() const { return list_.size(); }
  bool empty() const { return list_.empty(); }
  void clear() { list_.clear(); }

  void add(std::string_view name, std::string_view value) { list_.push_back({name, value, field_id(name)}); }
  void add(FieldId id, std::string_view value) { list_.push_back({field_name(id), value, id}); }
  void add(const Field& field) { list_.push_back(field); }

  // The first of that name, or null.
  const Field* find(FieldId id) const;
  const Field* find(std::string_view name) const;
  // The first one's value, or an empty view.
  std::string_view value(FieldId id) const;
  std::size_t count(FieldId id) const;
  bool has(FieldId id) const { return find(id) != nullptr; }

  // Replaces the first of that name and removes the others; appends when there is none.
  void set(FieldId id, std::string_view value);
  void set(std::string_view name, std::string_view value);
  // How many went.
  std::size_t remove(FieldId id);
  std::size_t remove(std::string_view name);
  template <class Predicate>
  void remove_if(Predicate predicate) {
    auto out = list_.begin();
    for (auto& field : list_)
      if (!predicate(static_cast<const Field&>(field))) *out++ = field;
    list_.erase(out, list_.end());
  }

 private:
  template <class Same>
  void set_where(const Field& field, Same same);
  List list_;
};

// Calls each(member) for every member of a comma-separated list, over all lines of that name, without white space and
// without empty members (RFC 9110 §5.6.1). Quoted strings keep their commas. `each` returns false to stop.
template <class Each>
void for_each_member(std::string_view list, Each each);
template <class Each>
void for_each_member(const Fields& fields, FieldId id, Each each);

}  // namespace shellac::http

#include "shellac/http/fields_inline.hpp"
