// A stored response: immutable head, terms of its use, and content.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "shellac/cache/content.hpp"
#include "shellac/cache/reasons.hpp"
#include "shellac/cache/terms.hpp"
#include "shellac/core/units.hpp"

namespace shellac::cache {

// What is to be stored. Views are copied.
struct NewObject {
  int status = 200;
  // "Name: value\r\n"…, ready to send: without Age, Via, Cache-Status, Content-Length and a Set-Cookie of ours.
  std::string_view lines{};
  std::string_view etag{};  // empty: none
  std::optional<WallTime> last_modified{};
  Terms terms{};
  std::string_view vary_names{};             // what Vary names: lower case, sorted, comma-separated; empty: nothing
  std::string_view variant{};                // the request's normalised values for these names
  std::span<const std::string_view> tags{};  // Surrogate-Key, xkey, Cache-Groups
  // A 206: where its content stands in the whole, and how much the whole is.
  std::optional<std::uint64_t> range_first{};
  std::optional<std::uint64_t> range_total{};
};

// Terms in 24 octets: to the millisecond up to 24 days, then to the second, up to 68 years. Value.
class PackedTerms {
 public:
  explicit PackedTerms(const Terms& terms);
  Terms unpack() const;

 private:
  std::uint32_t initial_age_, lifetime_, grace_, stale_if_error_, keep_;
  std::uint8_t flags_;
};

// Lies in one block of the cache's pages, texts included. Everything is immutable but the marks, which are atomic.
// Counted by ObjectRef; the cache outlives every reference. Thread: any.
class Object {
 public:
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  int status() const { return status_; }
  std::string_view lines() const { return text(0, lines_size_); }
  std::string_view etag() const { return text(lines_size_, etag_size_); }
  std::string_view vary_names() const { return text(lines_size_ + etag_size_, vary_size_); }
  std::string_view variant() const { return text(lines_size_ + etag_size_ + vary_size_, variant_size_); }
  std::optional<WallTime> last_modified() const;
  Terms terms() const { return terms_.unpack(); }
  // When it was received; after a 304, when that was.
  Time stored_at() const { return stored_at_; }
  const ContentRef& content() const { return content_; }
  // A 206's place in the whole; absent for any other status.
  std::optional<std::uint64_t> range_first() const;
  std::optional<std::uint64_t> range_total() const;

  // RFC 9111 §4.2.3 current_age. Never below zero.
  Duration age(Time now) const;
  // What is left of its freshness; zero or less: how long it has been stale. A soft purge ends freshness.
  Duration freshness_left(Time now) const;
  bool is_soft_purged() const { return purged_at_.load(std::memory_order_relaxed) != kNever; }
  // The last moment at which it is of any use: lifetime and the longest of grace, stale_if_error and keep.
  Time useful_until() const;
  // How often it was found.
  std::uint32_t hits() const { return hits_.load(std::memory_order_relaxed); }

 protected:
  friend class ObjectRef;
  static constexpr Time::rep kNever = Time::max().time_since_epoch().count();

  // `text`: where lines, etag, vary_names, variant and, of a 206, the range will stand one behind the other.
  Object(const NewObject& object, ContentRef content, std::size_t text_offset);
  ~Object() = default;
  std::string_view text(std::size_t first, std::size_t size) const {
    return {reinterpret_cast<const char*>(this) + text_offset_ + first, size};
  }
  std::optional<std::uint64_t> range(std::size_t index) const;
  void retain() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() const noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(this);
  }
  static void destroy(const Object* object) noexcept;

  // A block has at most 64 KiB, so sixteen bits are enough for all that lies in it.
  mutable std::atomic<std::uint32_t> references_{1};
  std::atomic<std::uint32_t> hits_{0};
  std::atomic<Time::rep> purged_at_{kNever};  // softly
  Time stored_at_;
  WallTime last_modified_;
  ContentRef content_;
  PackedTerms terms_;
  const std::uint16_t status_;
  const std::uint16_t text_offset_;
  const std::uint16_t lines_size_;
  const std::uint16_t etag_size_;
  const std::uint16_t vary_size_;
  const std::uint16_t variant_size_;
  const std::uint16_t tags_;
  const bool has_range_;
  std::atomic<std::uint8_t> uses_{0};  // 0 to 3, for eviction
  std::atomic<NotStored> absent_{NotStored::none};
};

// Counted reference to an object, or none. Thread: any.
class ObjectRef {
 public:
  ObjectRef() = default;
  // Takes one reference more.
  explicit ObjectRef(const Object* object) noexcept : object_(object) {
    if (object_ != nullptr) object_->retain();
  }
  // Takes over the reference that the caller holds.
  static ObjectRef adopt(const Object* object) noexcept {
    ObjectRef ref;
    ref.object_ = object;
    return ref;
  }
  ObjectRef(const ObjectRef& other) noexcept : ObjectRef(other.object_) {}
  ObjectRef(ObjectRef&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  ObjectRef& operator=(ObjectRef other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~ObjectRef() {
    if (object_ != nullptr) object_->release();
  }

  explicit operator bool() const noexcept { return object_ != nullptr; }
  const Object* get() const noexcept { return object_; }
  const Object& operator*() const noexcept { return *object_; }
  const Object* operator->() const noexcept { return object_; }
  void reset() noexcept { *this = ObjectRef(); }

 private:
  const Object* object_ = nullptr;
};

}  // namespace shellac::cache
