#include "shellac/edge/ctl.hpp"

#include <array>
#include <boost/json.hpp>
#include <optional>
#include <ostream>
#include <vector>

#include "shellac/config/file_text.hpp"
#include "shellac/core/text.hpp"
#include "shellac/net/resolver.hpp"
#include "shellac/web/client.hpp"
#include "text_document.hpp"

namespace shellac::edge {
namespace {

namespace json = boost::json;

constexpr int kDone = 0, kFailed = 1, kUsage = 2;
// A reload reads files and waits for every worker; the daemon itself gives up after two minutes.
constexpr Duration kTimeout = std::chrono::seconds(130);

std::ostream& complain(std::ostream& err) { return err << "shellac ctl: "; }

// A segment of a path: what is not unreserved (RFC 3986 §2.3) is escaped.
std::string escape_segment(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || std::string_view("-._~").find(c) != text.npos) {
      escaped += c;
    } else {
      escaped += '%';
      escaped += kDigits[octet >> 4];
      escaped += kDigits[octet & 15];
    }
  }
  return escaped;
}

// What to ask, or what was wrong with the words.
struct Asked {
  web::ClientRequest request;
  std::string wrong;
};

Asked make_write(std::string method, std::string target, const json::object& body) {
  Asked asked;
  asked.request.method = std::move(method);
  asked.request.target = std::move(target);
  asked.request.fields = {{"Content-Type", "application/json"}};
  asked.request.body = json::serialize(body);
  return asked;
}

Asked make_purge(const CtlOptions& options) {
  json::object body;
  if (options.command == "purge-tag") {
    body["tag"] = options.argument;
  } else if (options.all) {
    if (!options.argument.empty()) return {{}, "expected --all or a URL, not both"};
    body["all"] = true;
  } else {
    if (options.argument.empty()) return {{}, "expected a URL, or --all"};
    body["url"] = options.argument;
  }
  if (options.soft) body["soft"] = true;
  return make_write("POST", "/api/v1/purge", body);
}

Asked make_request(const CtlOptions& options) {
  const std::string& command = options.command;
  Asked asked;
  if (command == "status" || command == "backends") {
    asked.request.target = "/api/v1/" + command;
  } else if (command == "drain" || command == "ready" || command == "down") {
    const std::string_view words = options.argument;
    const std::size_t slash = words.find('/');
    if (slash == 0 || slash == words.npos || slash + 1 == words.size())
      return {{}, "expected POOL/BACKEND, not \"" + options.argument + "\""};
    const auto target = escape_segment(words.substr(0, slash)) + "/" + escape_segment(words.substr(slash + 1));
    return make_write("POST", "/api/v1/backends/" + target, {{"state", command}});
  } else if (command == "reload") {
    return make_write("POST", "/api/v1/reload", {});
  } else if (command == "log-level") {
    return make_write("PUT", "/api/v1/log-level", {{"level", options.argument}});
  } else if (command == "purge" || command == "purge-tag") {
    return make_purge(options);
  } else if (command == "cache-get") {
    asked.request.target = "/api/v1/cache?url=" + escape_segment(options.argument);
  } else if (command == "cache-top") {
    asked.request.target = "/api/v1/cache?top=" + std::to_string(options.count);
    if (options.by_bytes) asked.request.target += "&order=bytes";
  } else {
    asked.wrong = "unknown command \"" + command + "\"";
  }
  return asked;
}

std::string_view later_part(const CtlOptions& options) {
  if (options.command == "ban") return "ban";
  return options.command == "purge" && options.prefix ? "purge --prefix" : "";
}

// Where the daemon may be: a name can have several addresses.
struct Places {
  std::vector<Endpoint> endpoints;
  std::string wrong;  // usage
  std::string problem;
};

Places find_places(std::string_view url) {
  const auto usage = [&] {
    return Places{{}, "expected unix:PATH, http://HOST:PORT or HOST:PORT, not \"" + std::string(url) + "\"", {}};
  };
  std::string_view place = url;
  if (place.starts_with("http://")) place.remove_prefix(7);
  if (place != url && place.ends_with('/')) place.remove_suffix(1);
  if (const auto endpoint = parse_endpoint(place)) {
    if (endpoint->kind == Endpoint::Kind::none) return usage();
    return {{*endpoint}, {}, {}};
  }
  const auto named = parse_host_port(place);
  if (!named || place.starts_with("unix:")) return usage();
  const auto found = net::look_up(named->host);
  Places places;
  places.problem = found.problem;
  for (const IpAddress& ip : found.addresses) {
    Endpoint& endpoint = places.endpoints.emplace_back();
    endpoint.kind = Endpoint::Kind::ip;
    endpoint.ip = ip;
    endpoint.port = named->port;
  }
  return places;
}

struct Token {
  std::string value;
  std::string problem;
};

Token read_token(const CtlOptions& options) {
  if (options.token_file.empty()) return {options.token, {}};
  const auto file = config::read_file(options.token_file, 64_KiB);
  if (!file.error.empty()) return {{}, options.token_file + ": " + file.error};
  std::string_view line = std::string_view(file.text).substr(0, file.text.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return {std::string(trim(line)), {}};
}

// The first address that takes the connection answers.
Result<web::Response> ask(const std::vector<Endpoint>& places, web::ClientRequest request) {
  Error last;
  for (const Endpoint& place : places) {
    // The daemon takes its address for a Host, but no name other than localhost.
    request.host = place.kind == Endpoint::Kind::ip ? to_string(place) : "localhost";
    auto answer = web::send_and_wait(place, request, {.timeout = kTimeout});
    if (answer) return answer;
    last = answer.error();
    if (last.cause != Cause::connect_refused && last.cause != Cause::unreachable) break;
  }
  return last;
}

int report_silence(const CtlOptions& options, const Error& error, std::ostream& err) {
  complain(err) << options.admin << ": " << error.code.message() << " while " << error.doing;
  if (error.cause == Cause::connect_refused)
    err << ": is the daemon running, and does it listen there? (--admin tells another address)";
  else if (error.code == boost::system::errc::permission_denied)
    err << ": only the daemon's user and group may use its socket";
  err << "\n";
  return kFailed;
}

// An RFC 9457 problem, or whatever else a stranger on that port said.
int report_refusal(const CtlOptions& options, const web::Response& response, std::ostream& out, std::ostream& err) {
  if (options.json) out << response.body;
  boost::system::error_code unreadable;
  const json::value body = json::parse(response.body, unreadable);
  const json::object* const problem = unreadable ? nullptr : body.if_object();
  const auto find = [&](std::string_view key) { return problem == nullptr ? nullptr : problem->if_contains(key); };
  const json::value* const lines = find("problems");
  if (lines != nullptr && lines->is_array()) {
    for (const auto& line : lines->get_array()) {
      complain(err);
      print_document(line, err);
    }
    return kFailed;
  }
  complain(err) << response.status << " " << web::reason_phrase(response.status);
  if (const json::value* const detail = find("detail"); detail != nullptr && detail->is_string()) {
    err << ": ";
    print_document(*detail, err);
  } else {
    err << "\n";
  }
  return kFailed;
}

void print_purged(const json::value& body, std::ostream& out) {
  const json::object* const object = body.if_object();
  const json::value* const count = object == nullptr ? nullptr : object->if_contains("purged");
  out << "purged: ";
  print_document(count == nullptr ? json::value() : *count, out);
}

int report_success(const CtlOptions& options, const web::Response& response, std::ostream& out, std::ostream& err) {
  if (options.json) {
    out << response.body;
    return kDone;
  }
  boost::system::error_code unreadable;
  const json::value body = json::parse(response.body, unreadable);
  if (unreadable) {
    complain(err) << options.admin << ": the answer is not JSON; is this a shellac's admin address?\n";
    return kFailed;
  }
  if (options.command == "reload")
    out << "reloaded\n";
  else if (options.command == "log-level")
    out << "log level: " << options.argument << "\n";
  else if (options.command == "purge" || options.command == "purge-tag")
    print_purged(body, out);
  else if (options.command.starts_with("cache-") && body.is_array() && body.get_array().empty())
    out << "nothing is stored\n";
  else if (options.command == "status" || options.command == "backends" || options.command.starts_with("cache-"))
    print_document(body, out);
  else
    out << options.argument << ": " << options.command << "\n";
  return kDone;
}

}  // namespace

int run_ctl(const CtlOptions& options, std::ostream& out, std::ostream& err) {
  if (const auto later = later_part(options); !later.empty()) {
    complain(err) << later << ": not in this version yet\n";
    return kFailed;
  }
  auto asked = make_request(options);
  if (!asked.wrong.empty()) {
    complain(err) << asked.wrong << "\n";
    return kUsage;
  }
  const Places places = find_places(options.admin);
  if (!places.wrong.empty()) {
    complain(err) << "--admin: " << places.wrong << "\n";
    return kUsage;
  }
  if (!places.problem.empty()) {
    complain(err) << options.admin << ": " << places.problem << "\n";
    return kFailed;
  }
  const Token token = read_token(options);
  if (!token.problem.empty()) {
    complain(err) << "--token-file " << token.problem << "\n";
    return kFailed;
  }
  if (!token.value.empty()) asked.request.fields.push_back({"Authorization", "Bearer " + token.value});
  const auto answer = ask(places.endpoints, std::move(asked.request));
  if (!answer) return report_silence(options, answer.error(), err);
  return answer->status / 100 == 2 ? report_success(options, *answer, out, err)
                                   : report_refusal(options, *answer, out, err);
}

}  // namespace shellac::edge
