// A cache with a made-up clock, and the verbs with which tests talk to it.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shellac/cache/cache.hpp"
#include "shellac/cache/pages.hpp"
#include "shellac/cache/reader.hpp"

namespace shellac::cache {

struct CountingWaiter final : Waiter {
  void wake() noexcept override { ++wakes; }
  int wakes = 0;
};

// A request that accepts what is fresh, or stale within the object's own terms, and sends the fields `says`.
struct AskingRequest final : Selector {
  std::map<std::string, std::string, std::less<>> says;
  Time now{};
  std::string last;

  Use judge(const Object& object) override {
    if (object.variant() != variant(object.vary_names())) return Use::no;
    const Duration left = object.freshness_left(now);
    if (object.terms().always_validate) return Use::validate;
    if (left > Duration{0}) return Use::fresh;
    if (-left <= object.terms().grace && object.terms().grace > Duration{0}) return Use::grace;
    if (-left <= object.terms().stale_if_error && object.terms().stale_if_error > Duration{0}) return Use::on_error;
    return Use::validate;
  }

  std::string_view variant(std::string_view vary_names) override {
    last.clear();
    while (!vary_names.empty()) {
      const std::size_t comma = std::min(vary_names.find(','), vary_names.size());
      const auto said = says.find(vary_names.substr(0, comma));
      last += said == says.end() ? std::string("-") : said->second;
      last += '\n';
      vary_names.remove_prefix(std::min(comma + 1, vary_names.size()));
    }
    return last;
  }
};

class StoreTest : public ::testing::Test {
 protected:
  using Kind = Found::Kind;
  using Fields = std::map<std::string, std::string, std::less<>>;

  void open(Cache::Setting setting = {.memory = 64_MiB}) { cache_ = std::make_unique<Cache>(setting); }
  Cache& cache() {
    if (cache_ == nullptr) open();
    return *cache_;
  }
  void pass(Duration time) { now_ += time; }

  Found ask(std::string_view key, const Fields& says = {}, std::uint32_t min_uses = 1) {
    AskingRequest request;
    request.says = says;
    request.now = now_;
    return cache().look_up(key, request, now_, min_uses);
  }

  struct Answer {
    Duration lifetime = std::chrono::seconds(60);
    Duration grace{0};
    Duration stale_if_error{0};
    Duration keep{0};
    std::string vary{};
    Fields says{};  // of the request
    std::vector<std::string_view> tags{};
    std::string lines = "Content-Type: text/plain\r\n";
    std::uint32_t max_variants = 32;
    Bytes max_object{~std::uint64_t{0}};
  };

  Published publish(Found& found, const Answer& answer, std::optional<std::uint64_t> length = std::nullopt) {
    AskingRequest request;
    request.says = answer.says;
    const std::string variant(request.variant(answer.vary));
    const NewObject object{.lines = answer.lines,
                           .terms = {.lifetime = answer.lifetime,
                                     .grace = answer.grace,
                                     .stale_if_error = answer.stale_if_error,
                                     .keep = answer.keep},
                           .vary_names = answer.vary,
                           .variant = variant,
                           .tags = answer.tags};
    return cache().publish(
        found.leader, object,
        {.now = now_, .length = length, .max_object = answer.max_object, .max_variants = answer.max_variants});
  }

  Content::Append append(Found& found, std::string_view octets) {
    return cache().append(found.leader, octets, writer_, now_);
  }

  // Asks, leads, stores; gives what was published.
  ObjectRef store(std::string_view key, std::string_view body, const Answer& answer) {
    Found found = ask(key, answer.says);
    if (!found.leader) return {};
    Published published = publish(found, answer, body.size());
    if (!published.object) {
      cache().refuse(found.leader, Duration{0}, now_);
      return {};
    }
    while (!body.empty()) {
      append(found, body.substr(0, Content::kAppendMax));
      body.remove_prefix(std::min(body.size(), Content::kAppendMax));
    }
    cache().complete(found.leader, now_);
    return published.object;
  }
  ObjectRef store(std::string_view key, std::string_view body) { return store(key, body, Answer{}); }

  // What a reader gets now, and how its body ended.
  static std::string read(const ObjectRef& object, http::Pull::State* end = nullptr) {
    CountingWaiter waiter;
    Reader reader(object->content(), {});
    std::string text;
    http::Pull pull;
    do {
      pull = reader.try_next(64 * 1024, waiter);
      for (std::string_view part : pull.data) text += part;
    } while (pull.state == http::Pull::State::more);
    if (end != nullptr) *end = pull.state;
    return text;
  }

  Time now_{std::chrono::hours(1000)};
  CountingWaiter writer_;
  std::unique_ptr<Cache> cache_;
};

}  // namespace shellac::cache
