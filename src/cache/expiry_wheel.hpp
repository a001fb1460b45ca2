// When objects stop being of any use.
#pragma once

#include <array>
#include <cstdint>

#include "cache/stored_object.hpp"
#include "shellac/core/units.hpp"

namespace shellac::cache {

// Four wheels of 64 slots: seconds, and 64, 64² and 64³ of them. What is further off than half a year waits in the last
// wheel and is looked at again. Objects hang in lists by their links `in_wheel`. Guarded by the domain's mutex.
class ExpiryWheel {
 public:
  void add(StoredObject& object, Time now);
  // Does nothing when it is not in the wheel.
  void remove(StoredObject& object);
  // Takes out one object whose time has come; null when there is none. At most `budget` steps and moves, which are
  // taken off it: the next call goes on.
  StoredObject* take_due(Time now, int& budget);

 private:
  static constexpr int kLevels = 4;
  static constexpr int kBits = 6;
  static constexpr std::int64_t kSlots = 1 << kBits;

  static std::int64_t second_of(Time time) {
    return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  }
  StoredObject*& slot_of(int level, std::int64_t second) {
    return slots_[static_cast<std::size_t>(level)]
                 [static_cast<std::size_t>((second >> (kBits * level)) & (kSlots - 1))];
  }
  void hang(StoredObject& object);
  bool try_cascade(int& budget);
  std::int64_t next_second(std::int64_t last) const;

  std::array<std::array<StoredObject*, kSlots>, kLevels> slots_{};
  std::array<std::uint64_t, kLevels> occupied_{};  // a bit for each slot
  std::int64_t current_ = 0;                       // the second that is being emptied
  std::size_t size_ = 0;
};

}  // namespace shellac::cache
