// A directory with everything that a configuration may name, and loading of a text in it.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "shellac/edge/config_file.hpp"
#include "support/certificates.hpp"
#include "support/temp_dir.hpp"

namespace shellac::edge {

// Files that tests refer to; made once, never changed.
class ConfigFiles {
 public:
  ConfigFiles() {
    test::Pair one = test::make_pair("one.example");
    test::Pair two = test::make_pair("two.example");
    dir_.write("tls/one.crt", one.certificate);
    dir_.write("tls/one.key", one.key);
    dir_.write("tls/one.ocsp", test::make_ocsp(true));
    dir_.write("two.crt", two.certificate);
    dir_.write("two.key", two.key);
    dir_.write("locked.key", two.encrypted_key);
    dir_.write("ca.pem", one.certificate + two.certificate);
    dir_.write("tickets", std::string(40, 't') + "\n");
    dir_.write("token", "a-token\n");
    dir_.write("blank", " \n");
    dir_.write("junk", "junk\n");
    dir_.write("included_bad.yaml", "workers: 3\nzone: a b\n");
    dir_.write("errors/503.html", "<p>later</p>\n");
    dir_.write("www/robots.txt", "User-agent: *\n");
    dir_.write("empty/readme", "no certificates here\n");
  }
  const test::TempDir& dir() const { return dir_; }

 private:
  test::TempDir dir_;
};

inline const ConfigFiles& config_files() {
  static const ConfigFiles files;
  return files;
}

inline LoadedConfig load_text(std::string_view text, const std::map<std::string, std::string>& environment = {}) {
  std::string file = config_files().dir().write("test.yaml", text);
  return load_config(file, &environment);
}

// "LINE:COL: text" for every problem of a text; files of the directory without its name.
inline std::vector<std::string> problems_of(std::string_view text) {
  std::vector<std::string> problems;
  const std::string file = "test.yaml:", directory = config_files().dir().path() + "/";
  for (const config::Problem& problem : load_text(text).problems) {
    std::string line = to_string(problem);
    for (std::size_t at = 0; (at = line.find(directory, at)) != std::string::npos;) line.erase(at, directory.size());
    problems.push_back(line.starts_with(file) ? line.substr(file.size()) : line);
  }
  return problems;
}

// What surrounds a fragment. Its place is in the name: top_1_1 begins at line 1, column 1.
inline std::string top_1_1(std::string_view fragment) {
  return std::string(fragment) +
         "\nlisteners: [ { name: l, bind: \"127.0.0.1:8080\" } ]\nroutes: [ { name: r, respond: { body: x } } ]\n";
}
inline std::string listener_4_5(std::string_view fragment) {
  return "listeners:\n  - name: l\n    bind: \"127.0.0.1:8080\"\n    " + std::string(fragment) +
         "\nroutes: [ { name: r, respond: { body: x } } ]\n";
}
inline std::string pool_5_5(std::string_view fragment) {
  return "listeners: [ { name: l, bind: \"127.0.0.1:8080\" } ]\npools:\n  web:\n    backends: [ { name: a, address: "
         "\"127.0.0.1:9001\" } ]\n    " +
         std::string(fragment) + "\nroutes: [ { name: r, pool: web } ]\n";
}
inline std::string backends_5_7(std::string_view fragment) {
  return "listeners: [ { name: l, bind: \"127.0.0.1:8080\" } ]\npools:\n  web:\n    backends:\n      " +
         std::string(fragment) + "\nroutes: [ { name: r, pool: web } ]\n";
}
inline std::string policy_5_7(std::string_view fragment) {
  return "cache:\n  memory: 1GiB\n  policies:\n    pages:\n      " + std::string(fragment) +
         "\nlisteners: [ { name: l, bind: \"127.0.0.1:8080\" } ]\nroutes: [ { name: r, respond: { body: x } } ]\n";
}
// A route that answers by itself, and one that does nothing yet.
inline std::string route_5_5(std::string_view fragment) {
  return "listeners: [ { name: l, bind: \"127.0.0.1:8080\" } ]\nroutes:\n  - name: r\n    respond: { body: x }\n    " +
         std::string(fragment) + "\n";
}
inline std::string action_5_5(std::string_view fragment) {
  return "listeners: [ { name: l, bind: \"127.0.0.1:8080\" } ]\npools: { web: { backends: [ { name: a, address: "
         "\"127.0.0.1:9001\" } ] } }\n"
         "routes:\n  - name: r\n    " +
         std::string(fragment) + "\n";
}

// A text and how each of its problems begins, in order. All of them: one more or less fails.
struct BadConfig {
  std::string text;
  std::vector<std::string_view> problems;
};
inline void PrintTo(const BadConfig& config, std::ostream* out) { *out << config.text; }

class BadConfigs : public ::testing::TestWithParam<BadConfig> {};

}  // namespace shellac::edge
