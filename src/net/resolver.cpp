#include "shellac/net/resolver.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <system_error>
#include <utility>

#include "shellac/core/bug.hpp"

namespace shellac::net {

LookupAnswer look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  LookupAnswer answer;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    answer.problem = error == EAI_SYSTEM ? std::generic_category().message(errno) : ::gai_strerror(error);
    return answer;
  }
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    const Endpoint endpoint = Endpoint::from(each->ai_addr, each->ai_addrlen);
    if (endpoint.kind == Endpoint::Kind::ip) answer.addresses.push_back(endpoint.ip);
  }
  ::freeaddrinfo(found);
  return answer;
}

// One watched name. Work on the pool holds no more than a weak pointer, so that it dies on the loop's thread, with its
// handler and its timer. Thread: its loop.
class Resolver::WatchedName {
 public:
  WatchedName(Environment environment, HostPort name, Handler handler)
      : with_(std::move(environment)),
        name_(std::move(name)),
        handler_(std::move(handler)),
        timer_(with_.loop.context()) {}

  static void ask(const std::shared_ptr<WatchedName>& self);

 private:
  static void ask_later(const std::shared_ptr<WatchedName>& self);
  void on_answer(LookupAnswer answer);
  void on_problem(const std::string& problem);

  const Environment with_;
  const HostPort name_;
  const Handler handler_;
  boost::asio::steady_timer timer_;
  std::vector<Endpoint> known_;
  bool failing_ = false;
};

void Resolver::WatchedName::ask(const std::shared_ptr<WatchedName>& self) {
  const std::weak_ptr<WatchedName> weak = self;
  auto work = [weak, &loop = self->with_.loop, lookup = self->with_.lookup, host = self->name_.host] {
    LookupAnswer answer;
    try {
      answer = lookup(host);
    } catch (const std::exception& failure) {
      note_bug("net/resolver", failure.what());
      answer.problem = "internal error";
    }
    loop.post([weak, answer = std::move(answer)]() mutable {
      const auto name = weak.lock();
      if (name == nullptr) return;
      ask_later(name);
      name->on_answer(std::move(answer));
    });
  };
  if (self->with_.pool.try_run(std::move(work))) return;
  self->on_problem("too much blocking work is waiting");
  ask_later(self);
}

void Resolver::WatchedName::ask_later(const std::shared_ptr<WatchedName>& self) {
  self->timer_.expires_after(std::chrono::duration_cast<Clock::duration>(self->with_.interval));
  self->timer_.async_wait([weak = std::weak_ptr(self)](const boost::system::error_code& error) {
    if (error) return;
    if (const auto name = weak.lock()) ask(name);
  });
}

void Resolver::WatchedName::on_answer(LookupAnswer answer) {
  if (answer.addresses.empty()) return on_problem(answer.problem.empty() ? "no address" : answer.problem);
  if (std::exchange(failing_, false)) with_.log.info("{} resolves again", name_.host);

  auto& ips = answer.addresses;
  std::sort(ips.begin(), ips.end());
  ips.erase(std::unique(ips.begin(), ips.end()), ips.end());
  std::vector<Endpoint> endpoints;
  endpoints.reserve(ips.size());
  for (const IpAddress& ip : ips) {
    Endpoint& endpoint = endpoints.emplace_back();
    endpoint.kind = Endpoint::Kind::ip;
    endpoint.ip = ip;
    endpoint.port = name_.port;
  }
  if (endpoints == known_) return;
  known_ = std::move(endpoints);
  handler_(known_);
}

void Resolver::WatchedName::on_problem(const std::string& problem) {
  if (std::exchange(failing_, true)) return;
  with_.log.warn("{} does not resolve: {}; {}", name_.host, problem,
                 known_.empty() ? "no address is known" : "the known addresses stay");
}

class Resolver::NameWatch final : public Watch {
 public:
  explicit NameWatch(std::shared_ptr<WatchedName> name) : name_(std::move(name)) {}

 private:
  // Shared with answers while they are being told, so that a handler may drop its watch.
  const std::shared_ptr<WatchedName> name_;
};

Resolver::Resolver(Loop& loop, ThreadPool& pool, Log& log, Duration interval)
    : with_{loop, pool, log, interval, look_up} {}

std::unique_ptr<Resolver::Watch> Resolver::watch(const std::string& address, Handler handler) {
  if (const auto literal = parse_endpoint(address); literal && literal->kind != Endpoint::Kind::none) {
    handler({*literal});
    return std::make_unique<Watch>();
  }
  const auto name = parse_host_port(address);
  if (!name || name->host.empty()) {
    with_.log.error("{} is no address of the form host:port or unix:PATH", address);
    return std::make_unique<Watch>();
  }
  auto watched = std::make_shared<WatchedName>(with_, *name, std::move(handler));
  WatchedName::ask(watched);
  return std::make_unique<NameWatch>(std::move(watched));
}

}  // namespace shellac::net
