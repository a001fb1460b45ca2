// Which of a key's stored variants answers a request, and how it may be used.
#pragma once

#include "shellac/cache/cache.hpp"
#include "shellac/cache/judge.hpp"
#include "shellac/cache/stored_head.hpp"
#include "shellac/cache/vary.hpp"

namespace shellac::proxy {

// Asks the rules on behalf of one request. Lives for one lookup. Thread: its worker.
class Selection final : public cache::Selector {
 public:
  struct Setting {
    const cache::Policy& policy;
    const cache::RequestJudgement& judged;
    const http::Fields& fields;
    Arena& arena;
    Time now;
  };
  explicit Selection(const Setting& setting) : setting_(setting) {}

  Use judge(const cache::Object& object) override {
    if (object.range_first()) return Use::no;
    if (!object.vary_names().empty() && variant(object.vary_names()) != object.variant() && !suits_language(object))
      return Use::no;
    const cache::Terms terms = object.terms();
    const cache::StoredState state{terms, object.age(setting_.now), purged_for(object)};
    switch (cache::judge_use(state, setting_.judged)) {
      case cache::Use::no:
        return Use::no;
      case cache::Use::fresh:
        return Use::fresh;
      case cache::Use::grace:
        return Use::grace;
      case cache::Use::validate:
        break;
    }
    why_ = cache::reason_to_validate(state, setting_.judged);
    const Error late{Side::backend, Cause::timeout, false, {}, "asking the origin"};
    return cache::may_serve_on_error(state, setting_.judged, late) ? Use::on_error : Use::validate;
  }

  std::string_view variant(std::string_view names) override {
    if (names != names_ || !known_) {
      names_ = setting_.arena.copy(names);
      variant_ = cache::variant_of(setting_.policy, names_, setting_.fields, setting_.arena);
      known_ = true;
    }
    return variant_;
  }

  // Why the last object that it judged had to be validated.
  cache::Miss why_validate() const { return why_; }

  std::optional<Duration> purged_for(const cache::Object& object) const {
    if (!object.is_soft_purged()) return std::nullopt;
    return -object.freshness_left(setting_.now);
  }
  bool serves_on_error(const cache::Object& object, const Error& error) const {
    const cache::Terms terms = object.terms();
    return cache::may_serve_on_error({terms, object.age(setting_.now), purged_for(object)}, setting_.judged, error);
  }

 private:
  bool suits_language(const cache::Object& object) const {
    if (object.vary_names().find("accept-language") == std::string_view::npos) return false;
    http::Fields stored;
    cache::read_lines(object.lines(), stored);
    const http::Field* const language = stored.find("Content-Language");
    if (language == nullptr) return false;
    return cache::suits_language(setting_.policy, {object.vary_names(), object.variant(), language->value},
                                 setting_.fields, setting_.arena);
  }

  const Setting setting_;
  std::string_view names_, variant_;
  bool known_ = false;
  cache::Miss why_ = cache::Miss::none;
};

}  // namespace shellac::proxy
