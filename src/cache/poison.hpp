// Under AddressSanitizer what is free must not be touched; otherwise nothing.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define SHELLAC_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHELLAC_POISONS 1
#endif
#endif

#ifdef SHELLAC_POISONS
#include <sanitizer/asan_interface.h>
#endif

namespace shellac::cache {

inline void poison([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t size) {
#ifdef SHELLAC_POISONS
  __asan_poison_memory_region(memory, size);
#endif
}

inline void unpoison([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t size) {
#ifdef SHELLAC_POISONS
  __asan_unpoison_memory_region(memory, size);
#endif
}

}  // namespace shellac::cache
