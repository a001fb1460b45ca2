#include "shellac/proxy/hash_key.hpp"

#include "shellac/balance/picker.hpp"
#include "shellac/balance/sticky.hpp"

namespace shellac::proxy {

std::uint64_t hash_of_key(const balance::HashKey& key, const http::RequestHead& head, const IpAddress& client) {
  switch (key.source) {
    case balance::HashKey::Source::path:
      return balance::hash_of(head.path);
    case balance::HashKey::Source::host:
      return balance::hash_of(head.authority);
    case balance::HashKey::Source::client:
      return balance::hash_of({reinterpret_cast<const char*>(client.bytes.data()), client.bytes.size()});
    case balance::HashKey::Source::header: {
      const http::Field* const field = head.fields.find(key.name);
      return balance::hash_of(field != nullptr ? field->value : std::string_view());
    }
    case balance::HashKey::Source::cookie:
      // HTTP/2 splits the field (RFC 9113 §8.2.3).
      for (const http::Field& field : head.fields)
        if (field.id == http::FieldId::cookie)
          if (const auto value = balance::find_cookie(field.value, key.name)) return balance::hash_of(*value);
      return balance::hash_of("");
  }
  return 0;
}

}  // namespace shellac::proxy
