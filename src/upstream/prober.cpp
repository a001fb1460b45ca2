#include "shellac/upstream/prober.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "shellac/core/crypto.hpp"
#include "shellac/upstream/exchange.hpp"

namespace shellac::upstream {
namespace {

// Of an answer's body so much is looked at for the expected text; the rest of a longer one is not read.
constexpr std::size_t kBodyMax = 64 * 1024;

// A moment within the interval, so that the probes of all servers and edges do not come at once.
Duration spread(Duration interval) {
  std::uint8_t octet[2];
  crypto::fill_random(octet);
  return interval * (octet[0] << 8 | octet[1]) / 65536;
}
// ±10 %.
Duration jittered(Duration interval) { return interval - interval / 10 + spread(interval / 5); }

balance::ProbeResult result_of(const Error& error) {
  switch (error.cause) {
    case Cause::connect_refused:
      return balance::ProbeResult::refused;
    case Cause::timeout:
    case Cause::connect_timeout:
      return balance::ProbeResult::timeout;
    case Cause::reset:
    case Cause::closed:
      return balance::ProbeResult::reset;
    case Cause::tls:
    case Cause::tls_certificate:
      return balance::ProbeResult::tls;
    case Cause::protocol:
    case Cause::too_large:
      return balance::ProbeResult::protocol;
    default:
      return balance::ProbeResult::failed;
  }
}

}  // namespace

// One server's probes, one after the other.
class PoolProber::Run final : private Caller {
 public:
  Run(PoolProber& owner, std::size_t index)
      : owner_(owner), index_(index), signal_(owner.loop_), deadline_(owner.loop_, signal_) {}
  void start() { task_.start(repeat()); }

 private:
  std::optional<Cause> gave_up() const override {
    if (deadline_.expired()) return Cause::timeout;
    return std::nullopt;
  }
  void watch(Waiter&) noexcept override {}

  const ProbeOptions& options() const { return *owner_.pool_->options.probe; }
  const Backend& backend() const { return owner_.pool_->backends[index_]; }

  net::Task<void> repeat();
  net::Task<void> sleep(Duration duration);
  net::Task<Reservation> find_place();
  net::Task<balance::ProbeResult> probe(Reservation& place);
  net::Task<balance::ProbeResult> ask(Reservation& place);
  net::Task<bool> body_holds_text(BackendExchange& exchange);

  PoolProber& owner_;
  const std::size_t index_;
  net::Signal signal_;
  net::Deadline deadline_;  // of the probe under way
  net::Child task_;
};

net::Task<void> PoolProber::Run::sleep(Duration duration) {
  net::Deadline until(owner_.loop_, signal_);
  until.arm(duration);
  while (!until.expired()) co_await signal_.wait();
}

net::Task<void> PoolProber::Run::repeat() {
  co_await sleep(spread(std::min<Duration>(options().policy.fast_interval, std::chrono::seconds(1))));
  for (;;) {
    deadline_.arm(options().timeout);
    Reservation place = co_await find_place();
    if (place) {
      deadline_.arm(options().timeout);  // how long a busy server made it wait does not count against the server
      const balance::ProbeResult result = co_await probe(place);
      owner_.sink_.on_probe(*owner_.pool_, index_, result);
    }
    deadline_.disarm();
    co_await sleep(jittered(owner_.sink_.next_probe(*owner_.pool_, index_)));
  }
}

// At `connections.max` the probe waits in the server's queue like a visitor.
net::Task<Reservation> PoolProber::Run::find_place() {
  const Pool& pool = *owner_.pool_;
  Reservation place = owner_.connector_.try_reserve(pool, backend(), options().host, false);
  if (place) co_return place;
  balance::WaitingRoom& room = pool.state->room;
  balance::Ticket ticket(signal_, backend().server.get());
  struct Leave {
    balance::WaitingRoom& room;
    balance::Ticket& ticket;
    bool used = false;
    ~Leave() { room.leave(ticket, used); }
  } leave{room, ticket};
  if (room.enter(ticket, {}, UINT32_MAX) == balance::WaitingRoom::Entry::full) co_return Reservation{};
  while (!room.look_again(ticket, {})) {
    if (deadline_.expired()) co_return Reservation{};
    co_await signal_.wait();
  }
  leave.used = true;
  co_return Reservation{nullptr, Permit(pool.state, backend().server)};
}

net::Task<balance::ProbeResult> PoolProber::Run::probe(Reservation& place) {
  if (!options().tcp) {
    const balance::ProbeResult result = co_await ask(place);
    co_return result;
  }
  const Connector::Wanted wanted{*owner_.pool_, backend(), options().host, {}, {}, *this, signal_};
  const auto connected = co_await owner_.connector_.acquire(place, wanted);
  co_return connected ? balance::ProbeResult::ok : result_of(connected.error());
}

net::Task<balance::ProbeResult> PoolProber::Run::ask(Reservation& place) {
  http::RequestHead head;
  head.method = "GET";
  head.known = http::Method::get;
  head.authority = options().host.empty() ? std::string_view(backend().address) : std::string_view(options().host);
  if (head.authority.starts_with("unix:")) head.authority = "localhost";
  head.path = options().path;
  head.fields.add(http::FieldId::host, head.authority);
  head.fields.add(http::FieldId::user_agent, "shellac-probe");
  head.fields.add(http::FieldId::accept, "*/*");
  BackendExchange exchange({owner_.loop_, owner_.connector_, *owner_.pool_, backend(), signal_, *this});
  const BackendExchange::Request request{head, options().path, nullptr, {}, {}, true};
  const auto started = co_await exchange.start(place, request);
  if (!started) co_return result_of(started.error());
  do {
    const auto read = co_await exchange.read_head();
    if (!read) co_return deadline_.expired() ? balance::ProbeResult::timeout : result_of(read.error());
  } while (exchange.head().status < 200);
  const int status = exchange.head().status;
  if (status == 404 && options().drain_on_404) co_return balance::ProbeResult::not_found;
  const bool expected = std::ranges::any_of(
      options().expect, [&](const StatusRange& range) { return range.first <= status && status <= range.last; });
  if (!expected) co_return balance::ProbeResult::status;
  if (options().body.empty()) co_return balance::ProbeResult::ok;
  const bool found = co_await body_holds_text(exchange);
  if (deadline_.expired()) co_return balance::ProbeResult::timeout;
  co_return found ? balance::ProbeResult::ok : balance::ProbeResult::body;
}

net::Task<bool> PoolProber::Run::body_holds_text(BackendExchange& exchange) {
  http::Body* const body = exchange.body();
  std::string text;
  while (body != nullptr && text.size() < kBodyMax) {
    const http::Pull pull = body->try_next(kBodyMax - text.size(), signal_);
    for (const std::string_view piece : pull.data) text += piece;
    if (pull.state == http::Pull::State::end || pull.state == http::Pull::State::failed) break;
    if (text.find(options().body) != text.npos) break;
    if (pull.state != http::Pull::State::pending) continue;
    co_await signal_.wait();
    if (deadline_.expired()) break;
  }
  if (body != nullptr) body->stop_waiting();
  co_return text.find(options().body) != text.npos;
}

PoolProber::PoolProber(net::Loop& loop, std::shared_ptr<const Pool> pool, ProbeSink& sink)
    : loop_(loop), pool_(std::move(pool)), sink_(sink), connector_(loop) {
  for (std::size_t i = 0; i < pool_->backends.size(); ++i) {
    runs_.push_back(std::make_unique<Run>(*this, i));
    runs_.back()->start();
  }
}

PoolProber::~PoolProber() = default;

}  // namespace shellac::upstream
