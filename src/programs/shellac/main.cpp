// The command line of the edge daemon: arguments in, exit codes out. 0 done, 1 refused or failed, 2 wrong usage.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>

#include "shellac/edge/config_file.hpp"
#include "shellac/edge/ctl.hpp"
#include "shellac/edge/daemon.hpp"
#include "shellac/edge/explain.hpp"

namespace {

constexpr int kFailed = 1, kUsage = 2;
using Action = std::function<int()>;

CLI::App& add_command(CLI::App& parent, const std::string& name, const std::string& help, Action& chosen,
                      Action action) {
  CLI::App& command = *parent.add_subcommand(name, help);
  command.callback([&chosen, action = std::move(action)] { chosen = action; });
  return command;
}

int not_yet(const std::string& what) {
  std::cerr << "shellac " << what << ": not in this version yet\n";
  return kFailed;
}

void add_run(CLI::App& app, shellac::edge::RunOptions& options, Action& chosen) {
  auto& run = add_command(app, "run", "Run the daemon in the foreground", chosen,
                          [&] { return shellac::edge::run_daemon(options); });
  run.add_option("--config", options.config_file, "The configuration")->required()->type_name("FILE");
  run.add_option("--ready-fd", options.ready_fd, "Tell the bound addresses, then `ready`, on this descriptor")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
}

void add_explain(CLI::App& app, shellac::edge::ExplainOptions& options, Action& chosen) {
  auto& explain = add_command(app, "explain", "Say what would happen to a request, and why; nothing is sent", chosen,
                              [&] { return shellac::edge::run_explain(options, std::cout, std::cerr); });
  explain.add_option("--config", options.config_file, "The configuration")->required()->type_name("FILE");
  explain.add_flag("--json", options.json, "As JSON");
  explain.add_option("-X,--method", options.method, "The method")->type_name("METHOD")->capture_default_str();
  explain.add_option("-H,--header", options.fields, "A field of the request, 'Name: value'")
      ->type_name("FIELD")
      ->allow_extra_args(false);
  explain.add_option("--client", options.client, "The client's address")->type_name("IP");
  explain.add_option("URL", options.url, "http://HOST[:PORT]/PATH, or https")->required();
}

template <class Add>
void add_cache_commands(CLI::App& ctl, shellac::edge::CtlOptions& options, Action& chosen, const Add& add) {
  auto& purge = add("purge", "Remove what is stored under a URL, all variants of it");
  purge.add_flag("--soft", options.soft, "Make it stale instead");
  purge.add_flag("--all", options.all, "Everything, without a URL");
  purge.add_flag("--prefix", options.prefix, "Not in this version yet");
  purge.add_option("URL", options.argument, "As clients ask for it");
  auto& tag = add("purge-tag", "Remove what carries a tag (Surrogate-Key, xkey)");
  tag.add_flag("--soft", options.soft, "Make it stale instead");
  tag.add_option("TAG", options.argument)->required();

  CLI::App& cache = *ctl.add_subcommand("cache", "Look into the cache");
  cache.require_subcommand(1);
  cache.fallthrough();
  const auto look = [&](const std::string& name, const std::string& help) -> CLI::App& {
    auto& command = add_command(cache, name, help, chosen, [&options, name] {
      options.command = "cache-" + name;
      return shellac::edge::run_ctl(options, std::cout, std::cerr);
    });
    command.fallthrough();
    return command;
  };
  look("get", "What is stored under a URL").add_option("URL", options.argument)->required();
  auto& top = look("top", "What is found most often");
  top.add_option("-n", options.count, "How many")->type_name("N")->check(CLI::Range(1, 1000))->capture_default_str();
  top.add_flag("--bytes", options.by_bytes, "The largest instead");
}

void add_ctl(CLI::App& app, shellac::edge::CtlOptions& options, Action& chosen) {
  CLI::App& ctl = *app.add_subcommand("ctl", "Ask or tell the running daemon");
  ctl.require_subcommand(1);
  ctl.add_option("--admin", options.admin, "unix:PATH, http://HOST:PORT or HOST:PORT")
      ->type_name("URL")
      ->capture_default_str();
  ctl.add_option("--token-file", options.token_file, "The token's file; without it $SHELLAC_TOKEN")->type_name("FILE");
  ctl.add_flag("--json", options.json, "The daemon's own answer");
  const auto add = [&](const std::string& name, const std::string& help) -> CLI::App& {
    auto& command = add_command(ctl, name, help, chosen, [&options, name] {
      options.command = name;
      return shellac::edge::run_ctl(options, std::cout, std::cerr);
    });
    command.fallthrough();  // --json may stand behind the command too
    return command;
  };
  add("status", "Version, uptime, listeners, certificates");
  add("backends", "Every server and its state");
  for (const auto* const state : {"drain", "ready", "down"})
    add(state, "Set a server's state").add_option("POOL/BACKEND", options.argument)->required();
  add("reload", "Read the configuration again");
  add("log-level", "Set the log's level").add_option("LEVEL", options.argument)->required();
  add_cache_commands(ctl, options, chosen, add);
  add("ban", "Not in this version yet").fallthrough(false)->allow_extras();  // whatever words it will take
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("An edge that terminates TLS, caches and balances", "shellac");
  app.require_subcommand(1);
  Action chosen;
  shellac::edge::RunOptions run;
  shellac::edge::ExplainOptions explain;
  shellac::edge::CtlOptions ctl;
  std::string check_file;
  if (const char* const token = std::getenv("SHELLAC_TOKEN")) ctl.token = token;

  add_run(app, run, chosen);
  add_command(app, "check", "Check a configuration", chosen,
              [&] { return shellac::edge::run_check(check_file, std::cout, std::cerr); })
      .add_option("--config", check_file, "The configuration")
      ->required()
      ->type_name("FILE");
  add_explain(app, explain, chosen);
  add_ctl(app, ctl, chosen);
  add_command(app, "version", "Tell the version", chosen, [] {
    std::cout << "shellac " << SHELLAC_VERSION << "\n";
    return 0;
  });
  std::string admin;
  add_command(app, "top", "Watch the daemon live", chosen, [] { return not_yet("top"); })
      .add_option("--admin", admin, "Its admin address")
      ->type_name("URL");

  try {
    app.parse(argc, argv);
    return chosen();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;  // prints help or what is wrong
  } catch (const std::exception& error) {
    std::cerr << "shellac: " << error.what() << "\n";
    return kFailed;
  }
}
