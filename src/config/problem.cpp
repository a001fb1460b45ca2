#include "shellac/config/problem.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace shellac::config {

std::string to_string(const Problem& problem) {
  return problem.file + ":" + std::to_string(problem.line) + ":" + std::to_string(problem.column) + ": " + problem.text;
}

int Problems::add_file(std::string shown, std::string directory) {
  files_.push_back({std::move(shown), std::move(directory)});
  return static_cast<int>(files_.size()) - 1;
}

std::string Problems::text_of(Place place) const {
  return shown(place.file) + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

// A problem is one line, whatever a key or a value of the file holds.
void Problems::add(Place place, std::string text) {
  if (found_.size() == kMax) {
    ++dropped_;
    return;
  }
  for (std::size_t at = 0; (at = text.find_first_of("\r\n", at)) != std::string::npos; at += 2)
    text.replace(at, 1, text[at] == '\n' ? "\\n" : "\\r");
  found_.push_back({place, std::move(text)});
}

std::vector<Problem> Problems::take() {
  auto key = [](const Found& found) { return std::tuple(found.place.file, found.place.line, found.place.column); };
  std::stable_sort(found_.begin(), found_.end(), [&](const Found& a, const Found& b) { return key(a) < key(b); });
  std::vector<Problem> problems;
  problems.reserve(found_.size() + 1);
  for (Found& found : found_)
    problems.push_back({shown(found.place.file), found.place.line, found.place.column, std::move(found.text)});
  if (dropped_ > 0) problems.push_back({shown(0), 0, 0, std::to_string(dropped_) + " more problems are not shown"});
  found_.clear();
  dropped_ = 0;
  return problems;
}

}  // namespace shellac::config
