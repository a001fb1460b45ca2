#include "shellac/cache/tags.hpp"

#include <algorithm>
#include <string>

#include "shellac/core/text.hpp"
#include "shellac/http/structured_field.hpp"

namespace shellac::cache {
namespace {

// Tags that are made up stand behind octets that no field can contain.
constexpr std::string_view kUrl = "\x1f";
constexpr std::string_view kGroup = "\x1e";

// RFC 9875 §2: at most 32 groups of 32 characters must be understood; ours are bounded as all tags are.
void add(std::string_view tag, Tags& tags) {
  if (tag.empty() || tag.size() > kTagSizeMax || tags.size() == tags.capacity()) return;
  if (std::ranges::find(tags, tag) == tags.end()) tags.push_back(tag);
}

void add_words(std::string_view text, Tags& tags) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t,"), text.size());
    add(text.substr(0, end), tags);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// `scheme://host` and the group's name: groups of another origin are others.
std::string_view group_tag(const KeySource& source, std::string_view group, Arena& arena) {
  return arena.concat({kGroup, origin_of(source, arena), kGroup, group});
}

// A field that cannot be read names no group at all; other members than strings are ignored.
void read_groups(const KeySource& source, const http::Fields& response, std::string_view name, Tags& tags, Arena& arena,
                 bool plain_too) {
  std::string room;
  const auto text = http::structured_text(response, name, room);
  if (!text) return;
  http::StructuredReader check(*text);
  while (check.next_item()) continue;
  if (check.has_failed()) return;
  http::StructuredReader reader(*text);
  while (const auto item = reader.next_item()) {
    if (item->type != http::StructuredItem::Type::string || item->text.size() > kTagSizeMax) continue;
    std::string group;
    http::append_unescaped(item->text, group);
    if (group.empty()) continue;
    const std::string_view kept = arena.copy(group);
    const std::string_view tag = group_tag(source, kept, arena);
    if (tags.size() < tags.capacity() && std::ranges::find(tags, tag) == tags.end()) tags.push_back(tag);
    if (plain_too) add(kept, tags);
  }
}

}  // namespace

Tags read_tags(const KeySource& source, const http::Fields& response, Arena& arena) {
  Tags tags;
  for (const http::Field& field : response)
    if (field.id == http::FieldId::other && (iequals(field.name, "Surrogate-Key") || iequals(field.name, "xkey")))
      add_words(field.value, tags);
  read_groups(source, response, "Cache-Groups", tags, arena, true);
  return tags;
}

Tags groups_to_invalidate(const KeySource& source, const http::Fields& response, Arena& arena) {
  Tags tags;
  read_groups(source, response, "Cache-Group-Invalidation", tags, arena, false);
  return tags;
}

std::string_view tag_of_url(std::string_view url_key, Arena& arena) { return arena.concat({kUrl, url_key}); }

}  // namespace shellac::cache
