#include "tls/name_table.hpp"

#include <algorithm>
#include <map>

namespace shellac::tls {

NameTable::NameTable(const std::vector<NamedKey>& certificates) {
  std::map<std::string, std::vector<std::size_t>, std::less<>> holders;
  for (std::size_t index = 0; index < certificates.size(); ++index) {
    for (const std::string& name : certificates[index].names) {
      std::vector<std::size_t>& group = holders[name];
      const auto has_kind = [&](std::size_t other) {
        return certificates[other].key_kind == certificates[index].key_kind;
      };
      if (std::none_of(group.begin(), group.end(), has_kind)) group.push_back(index);
    }
  }
  std::map<std::vector<std::size_t>, std::size_t> numbers;
  const auto number_of = [&](const std::vector<std::size_t>& group) {
    const auto [place, is_new] = numbers.emplace(group, groups_.size());
    if (is_new) groups_.push_back(group);
    return place->second;
  };
  if (certificates.empty()) return;
  const std::vector<std::string>& first_names = certificates.front().names;
  number_of(first_names.empty() ? std::vector<std::size_t>{0} : holders.find(first_names.front())->second);
  for (const auto& [name, group] : holders) group_of_.emplace(name, number_of(group));
}

std::optional<std::size_t> NameTable::find(std::string_view name) const {
  // A star is a pattern in a certificate and never a name that is asked for.
  if (name.empty() || name.front() == '*') return std::nullopt;
  if (const auto exact = group_of_.find(name); exact != group_of_.end()) return exact->second;
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos || dot == 0) return std::nullopt;
  constexpr std::size_t kNameMax = 255;
  const std::string_view parent = name.substr(dot);
  if (parent.size() > kNameMax) return std::nullopt;
  char wildcard[kNameMax + 1];
  wildcard[0] = '*';
  std::copy(parent.begin(), parent.end(), wildcard + 1);
  const auto found = group_of_.find(std::string_view(wildcard, parent.size() + 1));
  if (found == group_of_.end()) return std::nullopt;
  return found->second;
}

}  // namespace shellac::tls
