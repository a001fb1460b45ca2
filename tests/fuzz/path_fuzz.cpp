// Whatever the octets: normalisation is idempotent, never climbs above the root, and each mode keeps its rules.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "shellac/route/file_tree.hpp"
#include "shellac/route/path.hpp"

namespace {

using namespace shellac;
using namespace shellac::route;

void require(bool condition) {
  if (!condition) std::abort();
}

// Hexadecimal upper-case, never an unreserved octet, never %00; and nothing outside visible ASCII beside it.
void require_tidy_escapes(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (std::size_t i = 0; i < path.size(); ++i) {
    require(path[i] > ' ' && path[i] < 0x7f);
    if (path[i] != '%') continue;
    require(path.size() - i > 2);
    const auto high = kHex.find(path[i + 1]), low = kHex.find(path[i + 2]);
    require(high != std::string_view::npos && low != std::string_view::npos);
    const auto octet = static_cast<char>(high * 16 + low);
    require(octet != '\0' && octet != '-' && octet != '.' && octet != '_' && octet != '~');
    require(!(octet >= '0' && octet <= '9') && !(octet >= 'A' && octet <= 'Z') && !(octet >= 'a' && octet <= 'z'));
  }
}

void require_no_odd_segment(std::string_view path) {
  if (path == "*") return;
  require(path.starts_with('/'));
  for (path.remove_prefix(1); !path.empty();) {
    const auto end = path.find('/');
    const std::string_view segment = path.substr(0, end);
    require(!segment.empty() && segment != "." && segment != "..");
    if (end == std::string_view::npos) return;
    path.remove_prefix(end + 1);
  }
}

// The depth that the safe form's segments end at, counted without normalize(); nothing when it ever was above the root.
bool climbs(std::string_view safe) {
  long depth = 0;
  while (!safe.empty()) {
    const auto end = safe.find('/');
    const std::string_view segment = safe.substr(0, end);
    if (segment == "..")
      --depth;
    else if (!segment.empty() && segment != ".")
      ++depth;
    if (depth < 0) return true;
    if (end == std::string_view::npos) break;
    safe.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view raw(reinterpret_cast<const char*>(data), size);
  Arena arena;
  const auto none = normalize(raw, NormalizePath::none, arena);
  require(none && none->data() == raw.data() && none->size() == raw.size());

  const auto safe = normalize(raw, NormalizePath::safe, arena);
  const auto full = normalize(raw, NormalizePath::full, arena);
  if (safe) {
    require_tidy_escapes(*safe);
    require(normalize(*safe, NormalizePath::safe, arena) == safe);
    require(normalize(*safe, NormalizePath::full, arena) == full);
    require(full.has_value() != (raw != "*" && climbs(*safe)));
  } else {
    require(!full);
  }
  if (full) {
    require_tidy_escapes(*full);
    require_no_odd_segment(*full);
    require(normalize(*full, NormalizePath::full, arena) == full);
    require(normalize(*full, NormalizePath::safe, arena) == full);
  }

  const std::size_t prefix = size == 0 ? 0 : data[0] % (size + 1);
  if (const auto file = relative_file(raw, prefix)) {
    require(!file->empty() && !file->starts_with('/') && file->find('\0') == std::string::npos);
    require(("/" + *file + "/").find("/../") == std::string::npos);
  }
  return 0;
}
