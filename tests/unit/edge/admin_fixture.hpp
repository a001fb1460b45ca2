// An admin server whose daemon is made up.
#pragma once

#include <fstream>

#include "shellac/edge/admin.hpp"
#include "web/fixture.hpp"

namespace shellac::edge {

inline constexpr std::string_view kToken = "0123456789abcdef";

// What the made-up daemon was told, and what it says.
struct Daemon {
  bool ready = true;
  std::vector<std::string> told;
  // The `done` of a reload that is under way; `reload_result` is given at once when set.
  std::function<void(std::optional<std::string>)> reload_done;
  std::optional<std::optional<std::string>> reload_result = std::optional<std::string>();

  AdminActions actions() {
    AdminActions actions;
    actions.is_ready = [this] { return ready; };
    actions.metrics = [] { return std::string("up 1\n"); };
    actions.status = [] { return boost::json::object{{"version", "1.2"}, {"listeners", boost::json::array{}}}; };
    actions.backends = [] {
      return boost::json::array{boost::json::object{{"pool", "web"}, {"backend", "web1"}, {"up", true}},
                                boost::json::object{{"pool", "web"}, {"backend", "a\x1b[2J"}, {"zone", "ams1"}}};
    };
    actions.config = [] { return boost::json::object{{"workers", 2}}; };
    actions.set_backend_state = [this](std::string_view pool, std::string_view backend,
                                       std::string_view state) -> std::optional<std::string> {
      if (pool != "web") return "there is no pool " + std::string(pool);
      told.push_back(std::string(pool) + "/" + std::string(backend) + " " + std::string(state));
      return std::nullopt;
    };
    actions.reload = [this](std::function<void(std::optional<std::string>)> done) {
      told.push_back("reload");
      reload_done = std::move(done);
      if (reload_result) reload_done(*reload_result);
    };
    actions.set_log_level = [this](std::string_view level) -> std::optional<std::string> {
      if (!parse_log_level(level)) return "there is no level " + std::string(level);
      told.push_back(std::string(level));
      return std::nullopt;
    };
    actions.purge = [this](const PurgeOrder& order) -> Purged {
      static constexpr std::string_view kWhat[] = {"url", "tag", "all"};
      if (order.value == "nonsense") return {0, "no URL"};
      told.push_back("purge " + std::string(kWhat[static_cast<int>(order.what)]) + " " + order.value +
                     (order.soft ? " softly" : ""));
      return {3, {}};
    };
    actions.look_into_cache = [this](const CacheQuestion& question) -> CacheAnswer {
      if (question.url == "nonsense") return {{}, "no URL"};
      told.push_back("look " + question.url + " " + std::to_string(question.count) +
                     (question.by_bytes ? " by bytes" : ""));
      if (question.url == "http://nothing/") return {};
      return {{boost::json::object{{"key", "http://a/"}, {"status", 200}}}, {}};
    };
    return actions;
  }
};

inline std::string write_file(const std::string& path, std::string_view text) {
  std::ofstream(path) << text;
  return path;
}

}  // namespace shellac::edge
