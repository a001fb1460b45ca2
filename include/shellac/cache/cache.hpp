// The cache as workers see it: lookup, collapse, storing, invalidation.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "shellac/cache/fetch.hpp"
#include "shellac/cache/object.hpp"
#include "shellac/cache/reasons.hpp"
#include "shellac/cache/stats.hpp"
#include "shellac/core/units.hpp"

namespace shellac::cache {

class Pages;

enum class Eviction : std::uint8_t { s3_fifo, lru };

// What the asking request accepts among the variants of its key. Called under the lock of the key's shard: looks, and
// nothing else.
class Selector {
 public:
  enum class Use : std::uint8_t {
    no,        // another variant
    fresh,     // answer with it
    grace,     // answer with it, and refresh it
    on_error,  // ask the origin, conditionally if possible; serve it if that fails
    validate,  // ask the origin, conditionally if possible
  };
  virtual Use judge(const Object& object) = 0;
  // The request's normalised values for these names, comparable with Object::variant(). Valid until the next call.
  virtual std::string_view variant(std::string_view vary_names) = 0;

 protected:
  ~Selector() = default;
};

// What a lookup gave. Moves.
struct Found {
  enum class Kind : std::uint8_t {
    hit,    // `object`: complete, or growing (then `joined`)
    stale,  // `object` may be served; with a `leader`, this request sees to its refreshing
    lead,   // `leader`: nothing usable is stored, fetch it; `object`, when there is one, to validate or to fall back on
    wait,   // `follower` of somebody's fetch; `object`, when there is one, to fall back on
    none,   // peek() only: nothing usable; `object`, when there is one, is stale
  };
  Kind kind = Kind::none;
  Miss miss = Miss::none;  // RFC 9211 fwd=: uri, vary or stale; what the request wants the selector knows
  bool joined = false;     // hit: the object still grows
  bool collapses = true;   // lead: false after a hit-for-miss, or when too many wait; nobody waits for this fetch
  bool backs_off = false;  // stale: the key's last fetch failed just now. The object may be one for errors only
  Selector::Use use = Selector::Use::no;  // what the selector said of `object`
  ObjectRef object;
  Leader leader;
  Follower follower;
};

// How an answer is stored. Value.
struct Admission {
  Time now;
  std::optional<std::uint64_t> length{};  // of the body, when it is known
  Bytes max_object{~std::uint64_t{0}};    // the cache's own bound, an eighth of its memory, holds beside it
  std::uint32_t max_variants = 32;        // of one key; the oldest goes
};

// Without an object the answer is delivered without being stored, and the leader still owes a verdict. An object with a
// reason is shared with those who wait already, and nobody else finds it.
struct Published {
  ObjectRef object;
  NotStored why = NotStored::none;  // too_large, full, purged, min_uses
};

// Thread: any. Outlives all objects, leaders and followers that it gave out.
class Cache {
 public:
  struct Setting {
    Bytes memory;
    Eviction eviction = Eviction::s3_fifo;
    std::size_t domains = 0;  // of eviction, at most 8; 0: as fits the memory
  };
  explicit Cache(const Setting& setting);
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // `min_uses` above one counts this request among the key's (for publish()).
  Found look_up(std::string_view key, Selector& selector, Time now, std::uint32_t min_uses = 1);
  // Never leads, never waits, counts nothing: only-if-cached, and explain. hit, stale or none.
  Found peek(std::string_view key, Selector& selector, Time now);

  // --- the leader's part. REQUIRES everywhere: the leader is not empty.
  // Makes the object visible: who waits, and who comes, may read it while it grows.
  Published publish(Leader& leader, const NewObject& object, const Admission& admission);
  // A 304: a new object with the stored content of `stale`, at once complete. The leader is empty afterwards, but when
  // there is no object.
  Published publish_refreshed(Leader& leader, const Object& stale, const NewObject& object, const Admission& admission);
  // Appends to what was published, making room when it must. A body that passes max_object, or for which no room can be
  // made, becomes a window that nobody new finds (Leader::not_stored() tells).
  Content::Append append(Leader& leader, std::string_view octets, Waiter& writer, Time now);
  // All of it is there. False: its length is not what was announced; its readers fail, and it is not stored.
  bool complete(Leader& leader, Time now);
  // The transfer broke after publish(): its readers fail with `error`, and it is not stored.
  void abort(Leader& leader, const Error& error);
  // The answer may not be shared: who waits goes its own way, and so do, for the time `remember` (at most
  // limits::kHitForMiss), those who come: hit-for-miss.
  void refuse(Leader& leader, Duration remember, Time now);
  // No answer: those who wait share the error, and stale objects of the key are served without a new attempt for
  // limits::kRefreshBackOff.
  void fail(Leader& leader, const Error& error, Time now);

  // --- invalidation. What begins after the call has returned never sees what was purged, nor what was being fetched.
  // Soft: freshness ends, and grace and validation begin. Returns how many objects were there.
  enum class Purge : std::uint8_t { hard, soft };
  std::size_t purge(std::string_view key, Purge how, Time now);  // all variants
  std::size_t purge_tag(std::string_view tag, Purge how, Time now);
  std::size_t purge_all(Purge how, Time now);

  // --- upkeep, on the control thread
  // Drops what is past every use: a bounded number at a time. Call it about once a second.
  void expire(Time now);
  // For reload. Less memory: evicts until it fits, but for what is being read.
  void set_memory(Bytes memory, Time now);
  // Evicts until the pages could give `need`. False: it cannot be had.
  bool make_room(Bytes need, Time now);
  // Room for a body that is about to arrive: counted until it is kept, so that those who begin at the same time do not
  // all count on the same pages. False: it cannot be had, and the answer is better relayed than begun.
  bool try_promise(Bytes need, Time now);
  // So much of it has arrived, or will not.
  void keep_promise(Bytes kept);
  Pages& pages();

  // --- sight
  Stats stats() const;
  // All variants of a key.
  std::vector<ObjectReport> inspect(std::string_view key, Time now) const;
  // Some of those with a tag: at most 64.
  std::vector<ObjectReport> inspect_tag(std::string_view tag, Time now) const;
  enum class Order : std::uint8_t { hits, bytes };
  // The first `count` (at most 1000) of all objects. Looks at each: for people, not for scrapes.
  std::vector<ObjectReport> top(std::size_t count, Order order, Time now) const;

 private:
  friend class Leader;
  friend class Fetch;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace shellac::cache
