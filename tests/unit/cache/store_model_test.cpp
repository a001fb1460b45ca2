// The store against a simple model: random operations, made-up time.
#include <algorithm>
#include <list>
#include <random>

#include "cache/store_fixture.hpp"
#include "shellac/core/limits.hpp"

namespace shellac::cache {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kKeys = 4;

struct ModelObject {
  std::string id;  // its body
  std::string vary;
  std::string variant;
  std::vector<std::string> tags;
  Time stored;
  Duration lifetime{0};
  Duration grace{0};
  std::optional<Time> purged;  // softly

  bool is_twin_of(const ModelObject& other) const { return vary == other.vary && variant == other.variant; }
  Duration left(Time now) const {
    const Duration left = lifetime - (now - stored);
    return purged ? std::min({left, *purged - now, Duration{0}}) : left;
  }
  Selector::Use use(const std::string& asked, Time now) const {
    if (vary == "x" && variant != asked) return Selector::Use::no;
    if (left(now) > Duration{0}) return Selector::Use::fresh;
    if (grace > Duration{0} && -left(now) <= grace) return Selector::Use::grace;
    return Selector::Use::validate;
  }
};

struct ModelFetch {
  int key = 0;
  std::string asked;   // the request's x
  bool knows = false;  // the key's Vary when it began
  bool collapses = true;
  bool listed = true;
  enum class Purged { no, softly, hard } purged = Purged::no;
  Time purged_at{};
  std::vector<std::tuple<std::string, bool, Time>> tag_purges;  // tag, hard, when
  Found found;
  struct Waiting {
    Follower follower;
    std::size_t tag_purges;  // how many of them had come before it
  };
  std::vector<Waiting> followers;
  std::size_t caught_by = ~std::size_t{0};  // the first purge by tag that its object fell to
  std::optional<ModelObject> published;
  bool in_index = false;
};

struct ModelKey {
  std::list<ModelObject> objects;  // newest first
  Time refused_until{};
  Time backs_off_until{};
  void forget_if_empty() {
    if (objects.empty()) backs_off_until = Time{};
  }
};

class StoreModelTest : public StoreTest {
 protected:
  int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  static std::string key_of(int key) { return "http://h/" + std::to_string(key); }
  static std::string variant_of(const std::string& asked) { return asked + "\n"; }

  void ask_something();
  void publish_something(ModelFetch& fetch);
  void end_something();
  void purge_something();
  void compare(const Found& found, int key, const std::string& asked);
  void check_followers(ModelFetch& fetch, Verdict verdict);
  void note_key_purge(int key, bool hard);
  void run(unsigned seed);

  std::mt19937 random_;
  std::array<ModelKey, kKeys> keys_;
  std::list<ModelFetch> fetches_;
  int made_ = 0;
};

void StoreModelTest::compare(const Found& found, int key, const std::string& asked) {
  ModelKey& model = keys_[static_cast<std::size_t>(key)];
  const ModelObject* best = nullptr;
  auto use = Selector::Use::no;
  for (const ModelObject& object : model.objects) {
    const auto mine = object.use(variant_of(asked), now_);
    const auto rank = [](Selector::Use one) { return one == Selector::Use::no ? 9 : static_cast<int>(one); };
    if (rank(mine) >= rank(use)) continue;
    best = &object;
    use = mine;
  }
  ASSERT_EQ(found.use, use);
  ASSERT_EQ(static_cast<bool>(found.object), best != nullptr);
  if (best != nullptr) {
    EXPECT_EQ(found.object->etag(), best->id);
  }
  if (use == Selector::Use::fresh) {
    EXPECT_EQ(found.kind, Kind::hit);
    EXPECT_EQ(found.miss, Miss::none);
    return;
  }
  EXPECT_EQ(found.miss, best != nullptr ? Miss::stale : model.objects.empty() ? Miss::uri : Miss::vary);
  const bool backs_off = use == Selector::Use::grace && now_ < model.backs_off_until;
  EXPECT_EQ(found.backs_off, backs_off);
  const auto is_alike = [&](const ModelFetch& one) {
    return one.key == key && one.listed && (!one.knows || one.asked == asked);
  };
  const bool any = std::ranges::any_of(fetches_, is_alike);
  const bool refused = now_ < model.refused_until;
  if (use == Selector::Use::grace) {
    EXPECT_EQ(found.kind, Kind::stale);
    EXPECT_EQ(static_cast<bool>(found.leader), !backs_off && !any);
  } else if (!refused &&
             std::ranges::any_of(fetches_, [&](const ModelFetch& one) { return is_alike(one) && one.collapses; })) {
    EXPECT_EQ(found.kind, Kind::wait);
  } else {
    EXPECT_EQ(found.kind, Kind::lead);
    EXPECT_EQ(found.collapses, !refused);
  }
}

void StoreModelTest::ask_something() {
  const int key = pick(kKeys);
  const std::string asked(1, static_cast<char>('a' + pick(3)));
  Found found = ask(key_of(key), {{"x", asked}});
  compare(found, key, asked);
  if (found.follower) {
    // Which of several fetches it waits for, its verdict tells.
    for (ModelFetch& fetch : fetches_)
      if (fetch.key == key && fetch.listed && fetch.collapses && (!fetch.knows || fetch.asked == asked)) {
        const auto fits = [&](const ModelFetch& one) {
          return one.key == key && one.listed && one.collapses && (!one.knows || one.asked == asked);
        };
        if (std::ranges::count_if(fetches_, fits) == 1)
          fetch.followers.push_back({std::move(found.follower), fetch.tag_purges.size()});
        break;
      }
  }
  if (!found.leader) return;
  ModelFetch fetch;
  fetch.key = key;
  fetch.asked = asked;
  const auto& objects = keys_[static_cast<std::size_t>(key)].objects;
  fetch.knows = !objects.empty() && objects.front().vary == "x";
  fetch.collapses = found.collapses;
  fetch.found = std::move(found);
  fetches_.push_back(std::move(fetch));
}

void StoreModelTest::check_followers(ModelFetch& fetch, Verdict verdict) {
  CountingWaiter waiter;
  for (auto& [follower, tag_purges] : fetch.followers) {
    const bool is_late = verdict == Verdict::published && tag_purges > fetch.caught_by;
    EXPECT_EQ(follower.ask(waiter), is_late ? Verdict::abandoned : verdict);
    if (verdict == Verdict::published) {
      EXPECT_EQ(follower.object()->etag(), fetch.published->id);
    }
  }
  fetch.followers.clear();
}

void StoreModelTest::publish_something(ModelFetch& fetch) {
  ModelObject object{.id = "v" + std::to_string(++made_),
                     .vary = pick(2) == 0 ? "x" : "",
                     .variant = {},
                     .tags = {},
                     .stored = now_,
                     .lifetime = seconds(pick(20)),
                     .grace = seconds(pick(3) == 0 ? pick(10) : 0),
                     .purged = {}};
  if (!object.vary.empty()) object.variant = variant_of(fetch.asked);
  for (const char* tag : {"red", "green", "blue"})
    if (pick(3) == 0) object.tags.emplace_back(tag);
  const std::vector<std::string_view> tags(object.tags.begin(), object.tags.end());
  const NewObject stored{.lines = "A: b\r\n",
                         .etag = object.id,
                         .terms = {.lifetime = object.lifetime, .grace = object.grace, .keep = seconds(1000)},
                         .vary_names = object.vary,
                         .variant = object.variant,
                         .tags = tags};
  bool hard = fetch.purged == ModelFetch::Purged::hard;
  if (fetch.purged == ModelFetch::Purged::softly) object.purged = fetch.purged_at;
  for (std::size_t i = 0; i < fetch.tag_purges.size(); ++i) {
    const auto& [tag, is_hard, when] = fetch.tag_purges[i];
    if (std::ranges::find(object.tags, tag) == object.tags.end()) continue;
    fetch.caught_by = std::min(fetch.caught_by, i);
    hard = hard || is_hard;
    object.purged = std::max(object.purged.value_or(when), when);
  }
  const Published published = cache().publish(fetch.found.leader, stored, {.now = now_});
  ASSERT_TRUE(published.object);
  ModelKey& key = keys_[static_cast<std::size_t>(fetch.key)];
  const bool has_better = object.purged && std::ranges::any_of(key.objects, [&](const ModelObject& other) {
                            return other.is_twin_of(object) && !other.purged;
                          });
  fetch.in_index = !hard && !has_better;
  EXPECT_EQ(published.why, fetch.in_index ? NotStored::none : NotStored::purged);
  if (fetch.in_index) {
    key.objects.insert(object.purged ? key.objects.end() : key.objects.begin(), object);
    key.backs_off_until = Time{};
  }
  key.refused_until = Time{};
  fetch.listed = false;
  fetch.published = object;
  check_followers(fetch, Verdict::published);
}

void StoreModelTest::end_something() {
  const auto at = std::next(fetches_.begin(), pick(static_cast<int>(fetches_.size())));
  ModelFetch& fetch = *at;
  ModelKey& key = keys_[static_cast<std::size_t>(fetch.key)];
  const int how = pick(6);
  if (!fetch.published) {
    if (how >= 3) return publish_something(fetch);
    if (how == 0) {
      cache().refuse(fetch.found.leader, seconds(5), now_);
      key.refused_until = now_ + seconds(5);
    } else if (how == 1) {
      cache().fail(fetch.found.leader, {.cause = Cause::timeout}, now_);
      if (!key.objects.empty()) key.backs_off_until = now_ + limits::kRefreshBackOff;
    } else {
      fetch.found.leader = Leader();
    }
    check_followers(fetch, how == 0 ? Verdict::refused : how == 1 ? Verdict::failed : Verdict::abandoned);
    fetches_.erase(at);
    return;
  }
  const auto mine = std::ranges::find(key.objects, fetch.published->id, &ModelObject::id);
  if (how >= 2) {
    EXPECT_EQ(append(fetch.found, fetch.published->id), Content::Append::done);
    EXPECT_TRUE(cache().complete(fetch.found.leader, now_));
    if (mine != key.objects.end()) {
      for (auto other = std::next(mine); other != key.objects.end();)
        other = other->is_twin_of(*mine) ? key.objects.erase(other) : std::next(other);
    }
  } else {
    if (how == 1) cache().abort(fetch.found.leader, {.cause = Cause::reset});
    fetch.found.leader = Leader();
    if (mine != key.objects.end()) key.objects.erase(mine);
    key.forget_if_empty();
  }
  fetches_.erase(at);
}

void StoreModelTest::note_key_purge(int key, bool hard) {
  for (ModelFetch& fetch : fetches_) {
    if (fetch.key != key || fetch.published) continue;
    fetch.listed = false;
    if (fetch.purged == ModelFetch::Purged::hard) continue;
    fetch.purged = hard ? ModelFetch::Purged::hard : ModelFetch::Purged::softly;
    fetch.purged_at = now_;
  }
  ModelKey& model = keys_[static_cast<std::size_t>(key)];
  if (hard) model.objects.clear();
  for (ModelObject& object : model.objects) object.purged = now_;
  model.forget_if_empty();
}

void StoreModelTest::purge_something() {
  const bool hard = pick(2) == 0;
  const auto how = hard ? Cache::Purge::hard : Cache::Purge::soft;
  const int what = pick(10);
  if (what == 0) {
    std::size_t count = 0;
    for (int key = 0; key < kKeys; ++key) {
      count += keys_[static_cast<std::size_t>(key)].objects.size();
      note_key_purge(key, hard);
    }
    EXPECT_EQ(cache().purge_all(how, now_), count);
  } else if (what < 5) {
    const int key = pick(kKeys);
    const std::size_t count = keys_[static_cast<std::size_t>(key)].objects.size();
    EXPECT_EQ(cache().purge(key_of(key), how, now_), count);
    note_key_purge(key, hard);
  } else {
    const std::string tag = pick(2) == 0 ? "red" : "green";
    std::size_t count = 0;
    for (ModelKey& key : keys_) {
      for (auto object = key.objects.begin(); object != key.objects.end();) {
        const bool has = std::ranges::find(object->tags, tag) != object->tags.end();
        count += has ? 1 : 0;
        if (has) object->purged = now_;
        object = has && hard ? key.objects.erase(object) : std::next(object);
      }
      key.forget_if_empty();
    }
    for (ModelFetch& fetch : fetches_) fetch.tag_purges.emplace_back(tag, hard, now_);
    EXPECT_EQ(cache().purge_tag(tag, how, now_), count);
  }
}

void StoreModelTest::run(unsigned seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  random_.seed(seed);
  open({.memory = 64_MiB});
  for (int step = 0; step < 2000 && !HasFailure(); ++step) {
    const int what = pick(20);
    if (what < 9) ask_something();
    if (what >= 9 && what < 17 && !fetches_.empty()) end_something();
    if (what == 17) purge_something();
    if (what == 18) pass(milliseconds(pick(4000)));
    if (what == 19) cache().expire(now_);
    std::size_t objects = 0;
    for (const ModelKey& key : keys_) objects += key.objects.size();
    ASSERT_EQ(cache().stats().objects, objects) << "step " << step;
  }
  fetches_.clear();
  cache().purge_all(Cache::Purge::hard, now_);
  const Stats stats = cache().stats();
  EXPECT_EQ(stats.objects, 0u);
  EXPECT_EQ(stats.body.count + stats.head.count + stats.growing.count + stats.pinned.count, 0u);
}

TEST_F(StoreModelTest, AgreesWithTheModel) {
  for (unsigned seed = 1; seed <= 20 && !HasFailure(); ++seed) {
    keys_ = {};
    fetches_.clear();
    run(seed);
  }
}

}  // namespace
}  // namespace shellac::cache
