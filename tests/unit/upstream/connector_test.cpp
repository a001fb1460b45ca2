#include "shellac/upstream/connector.hpp"

#include <openssl/ssl.h>

#include <chrono>

#include "tls/authority.hpp"
#include "upstream/fixture.hpp"

namespace shellac::upstream {
namespace {

using std::chrono::milliseconds;

TEST_F(ConnectorTest, ANewConnectionIsBusyAndAKeptOneIsIdle) {
  auto connection = acquire();
  ASSERT_TRUE(connection);
  test::Peer server = pool_.accept();
  EXPECT_FALSE(connection->was_used());
  EXPECT_EQ(busy(), 1u);
  give_back(std::move(connection));
  EXPECT_EQ(busy(), 0u);
  EXPECT_EQ(idle(), 1u);
  connection = acquire();
  ASSERT_TRUE(connection);
  EXPECT_TRUE(connection->was_used());
  EXPECT_EQ(busy(), 1u);
  EXPECT_EQ(idle(), 0u);
  connection.reset();
  EXPECT_EQ(busy(), 0u);
  EXPECT_TRUE(server.ends());
}

TEST_F(ConnectorTest, ANameWithADeadAddressStillWorks) {
  const Endpoint live = pool_.server(1).endpoint();
  const Endpoint dead{Endpoint::Kind::unix_path, {}, 0, live.path + ".gone"};
  // The addresses take turns: from either begin the live one is found.
  pool_.backend().addresses->set({dead, live, dead});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(acquire()) << i;
  pool_.backend().addresses->set({dead, dead});
  EXPECT_TRUE(finish(start(pool_, {}))->failed(Cause::connect_refused));
}

TEST_F(ConnectorTest, TheOneThatWasUsedLastIsReusedFirst) {
  auto first = acquire(), second = acquire(), third = acquire();
  Connection* const expected[] = {third.get(), second.get(), first.get()};
  give_back(std::move(first));
  give_back(std::move(second));
  give_back(std::move(third));
  std::vector<std::unique_ptr<Connection>> taken;
  for (Connection* each : expected) {
    taken.push_back(acquire());
    EXPECT_EQ(taken.back().get(), each);
  }
}

TEST_F(ConnectorTest, AFreshOneWhenTheRequestCannotBeRepeated) {
  give_back(acquire());
  auto fresh = acquire(pool_, {.may_reuse = false});
  ASSERT_TRUE(fresh);
  EXPECT_FALSE(fresh->was_used());
  EXPECT_EQ(idle(), 1u);
}

TEST_F(ConnectorTest, NoMoreThanMaxIdleAreKept) {
  pool_.options().max_idle = 2;
  auto first = acquire(), second = acquire(), third = acquire();
  test::Peer a = pool_.accept(), b = pool_.accept(), c = pool_.accept();
  give_back(std::move(first));
  give_back(std::move(second));
  give_back(std::move(third));
  EXPECT_EQ(idle(), 2u);
  EXPECT_TRUE(c.ends());
  EXPECT_TRUE(a.is_silent() && b.is_silent());
}

TEST_F(ConnectorTest, AnIdleConnectionIsClosedWhenItsTimeIsOver) {
  pool_.options().timeouts.idle = milliseconds(100);
  give_back(acquire());
  test::Peer server = pool_.accept();
  EXPECT_EQ(idle(), 1u);
  EXPECT_TRUE(server.ends());
  EXPECT_EQ(idle(), 0u);
}

TEST_F(ConnectorTest, AnIdleConnectionThatTheServerClosesIsGone) {
  give_back(acquire());
  test::Peer server = pool_.accept();
  server.close();
  EXPECT_TRUE(becomes_idle(0));
}

TEST_F(ConnectorTest, AnIdleConnectionThatSaysSomethingIsGone) {
  give_back(acquire());
  test::Peer server = pool_.accept();
  server.send("HTTP/1.1 408 Request Timeout\r\n\r\n");
  EXPECT_TRUE(becomes_idle(0));
  server.read_all();
}

TEST_F(ConnectorTest, WhatCannotServeAnotherRequestIsNotKept) {
  auto connection = acquire();
  test::Peer server = pool_.accept();
  server.send("left over");
  ASSERT_TRUE(driver_.until([&] { return connection->stream().socket().may_be_readable(); }));
  give_back(std::move(connection));
  EXPECT_EQ(idle(), 0u);

  connection = acquire();
  pool_.accept().close();
  driver_.turn();
  give_back(std::move(connection));
  EXPECT_EQ(idle(), 0u);

  connection = acquire();
  pool_.backend().server->set_state(balance::ServerState::down, {});
  give_back(std::move(connection));
  EXPECT_EQ(idle(), 0u) << "the operator took the server down";
  EXPECT_EQ(busy(), 0u);
}

TEST_F(ConnectorTest, IdleConnectionsHoldNoBuffers) {
  auto connection = acquire();
  test::Peer server = pool_.accept();
  server.send("x");
  ASSERT_TRUE(driver_.until([&] {
    (void)connection->input().read_head(1000);
    return !connection->input().empty();
  }));
  EXPECT_GT(driver_.budget().used().count, 0u);
  connection->input().consume(1);
  give_back(std::move(connection));
  EXPECT_EQ(idle(), 1u);
  EXPECT_EQ(driver_.budget().used().count, 0u);
}

// A PROXY header speaks for one client: such a connection is nobody else's.
TEST_F(ConnectorTest, APersonalConnectionTellsItsClientAndIsNotKept) {
  pool_.options().send_proxy = net::SendProxy::v1;
  const Asking asking{.client = *parse_endpoint("192.0.2.7:4711"), .local = *parse_endpoint("192.0.2.1:443")};
  auto connection = acquire(pool_, asking);
  ASSERT_TRUE(connection);
  test::Peer server = pool_.accept();
  EXPECT_EQ(server.read_to("\r\n"), "PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n");
  give_back(std::move(connection));
  EXPECT_EQ(idle(), 0u);
  EXPECT_TRUE(server.ends());
}

TEST_F(ConnectorTest, APersonalPoolTakesNoConnectionThatWasKeptBefore) {
  give_back(acquire());
  pool_.options().send_proxy = net::SendProxy::v2;
  auto connection = acquire();
  ASSERT_TRUE(connection);
  EXPECT_FALSE(connection->was_used());
}

TEST_F(ConnectorTest, AReloadKeepsWhatItStillNamesAndClosesTheRest) {
  ScriptedPool other(driver_, "other", 1);
  give_back(acquire());
  give_back(acquire(other), other);
  test::Peer kept = pool_.accept(), closed = other.accept();
  driver_.on_loop([&] { connector_.retain({pool_.share()}); });
  EXPECT_TRUE(closed.ends());
  EXPECT_EQ(other.backend().server->idle.load(), 0u);
  EXPECT_EQ(idle(), 1u);
  EXPECT_TRUE(kept.is_silent());
  EXPECT_TRUE(acquire()->was_used());
}

TEST_F(ConnectorTest, TwoServersDoNotMix) {
  ScriptedPool other(driver_, "other", 1);
  give_back(acquire());
  auto connection = acquire(other);
  EXPECT_FALSE(connection->was_used());
  EXPECT_EQ(idle(), 1u);
}

TEST_F(ConnectorTest, TheConnectorsEndClosesWhatIsIdle) {
  auto local = std::make_unique<Connector>(driver_.loop());
  auto connection = acquire();
  test::Peer server = pool_.accept();
  driver_.on_loop([&] { local->give_back(std::move(connection), pool_.pool()); });
  EXPECT_EQ(idle(), 1u);
  server.send("news that is on its way to it");
  driver_.on_loop([&] { local.reset(); });
  EXPECT_EQ(idle(), 0u);
  driver_.turn();  // the look at the idle ones that was posted finds nobody
}

TEST_F(ConnectorTest, Failures) {
  pool_.server(1).close();
  auto refused = finish(start(pool_, {}));
  ASSERT_TRUE(refused->failed(Cause::connect_refused));
  EXPECT_EQ(refused->result->error().side, Side::backend);
  EXPECT_TRUE(refused->result->error().unseen_by_backend);

  ScriptedPool unresolved(driver_, "unresolved", 0);
  unresolved.add("named", Endpoint{});
  auto nameless = finish(start(unresolved, {}));
  ASSERT_TRUE(nameless->failed(Cause::dns));
  EXPECT_TRUE(nameless->result->error().unseen_by_backend);
  EXPECT_EQ(busy(), 0u);
}

// TLS towards servers, played by OpenSSL itself.
class TlsConnectorTest : public ConnectorTest {
 protected:
  void SetUp() override {
    context_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_num_tickets(context_.get(), 0);  // they come with the first answer, and here nobody reads one
    const tls::Issued issued = authority_.issue({.names = {"www.example", "other.example"}});
    SSL_CTX_use_certificate(context_.get(), issued.certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), issued.key.get());
    set_tls(pool_, {.verify = true, .ca = directory_.write("ca.pem", authority_.pem())});
  }
  static void set_tls(ScriptedPool& pool, const tls::ClientOptions& options) {
    pool.options().tls = options;
    pool.pool().tls = tls::ClientContext::make(options);
  }
  // One connection, with the server's side of the handshake.
  std::unique_ptr<Connection> shake(const Asking& asking) {
    auto acquiring = start(pool_, asking);
    sides_.push_back(std::make_unique<ServerEnd>(pool_.accept(), tls::SslPtr(SSL_new(context_.get()))));
    SSL* ssl = sides_.back()->ssl.get();
    SSL_set_fd(ssl, sides_.back()->peer.fd());
    SSL_set_accept_state(ssl);
    EXPECT_TRUE(driver_.until([&] {
      const bool done = SSL_do_handshake(ssl) == 1;
      return acquiring->result && (done || acquiring->result->has_error());
    }));
    last_ = acquiring;
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    sni_ = name != nullptr ? name : "";
    if (!acquiring->result || acquiring->result->has_error()) return nullptr;
    return std::move(**acquiring->result);
  }

  struct ServerEnd {
    ServerEnd(test::Peer end, tls::SslPtr stream) : peer(std::move(end)), ssl(std::move(stream)) {}
    test::Peer peer;
    tls::SslPtr ssl;
  };
  test::TempDir directory_;
  tls::Authority authority_{"backends' authority"};
  tls::ContextPtr context_;
  std::vector<std::unique_ptr<ServerEnd>> sides_;
  std::shared_ptr<Acquiring> last_;
  std::string sni_;
};

TEST_F(TlsConnectorTest, AsksForTheRequestsHost) {
  auto connection = shake({.host = "www.example:8443"});
  ASSERT_TRUE(connection);
  EXPECT_EQ(sni_, "www.example");
}

TEST_F(TlsConnectorTest, ConnectionsOfOneNameServeNoOther) {
  give_back(shake({.host = "www.example"}));
  EXPECT_EQ(idle(), 1u);
  auto other = shake({.host = "other.example"});
  ASSERT_TRUE(other);
  EXPECT_FALSE(other->was_used());
  EXPECT_EQ(sni_, "other.example");
  auto same = acquire(pool_, {.host = "www.example:443"});
  ASSERT_TRUE(same);
  EXPECT_TRUE(same->was_used());
}

TEST_F(TlsConnectorTest, AFixedNameServesAll) {
  tls::ClientOptions options = *pool_.options().tls;
  options.sni = "www.example";
  set_tls(pool_, options);
  give_back(shake({.host = "whatever.example"}));
  EXPECT_EQ(sni_, "www.example");
  auto same = acquire(pool_, {.host = "else.example"});
  ASSERT_TRUE(same);
  EXPECT_TRUE(same->was_used());
}

TEST_F(TlsConnectorTest, ACertificateForAnotherNameIsRefused) {
  EXPECT_FALSE(shake({.host = "wrong.example"}));
  ASSERT_TRUE(last_->failed(Cause::tls_certificate));
  EXPECT_TRUE(last_->result->error().unseen_by_backend);
  EXPECT_EQ(busy(), 0u);
}

// A reload may ask for more than a kept connection was asked for.
TEST_F(TlsConnectorTest, AConnectionThatWasNotVerifiedServesNoPoolThatVerifies) {
  const tls::ClientOptions strict = *pool_.options().tls;
  tls::ClientOptions lax = strict;
  lax.verify = false;
  set_tls(pool_, lax);
  give_back(shake({.host = "wrong.example"}));
  EXPECT_EQ(idle(), 1u);
  set_tls(pool_, strict);
  EXPECT_FALSE(shake({.host = "wrong.example"}));
  EXPECT_TRUE(last_->failed(Cause::tls_certificate));
}

TEST_F(TlsConnectorTest, AReloadClosesConnectionsThatWereMadeByOtherRules) {
  give_back(shake({.host = "www.example"}));
  driver_.on_loop([&] { connector_.retain({pool_.share()}); });
  EXPECT_EQ(idle(), 1u);
  set_tls(pool_, *pool_.options().tls);
  driver_.on_loop([&] { connector_.retain({pool_.share()}); });
  EXPECT_EQ(idle(), 1u) << "loaded again, but the same rules";
  tls::ClientOptions lax = *pool_.options().tls;
  lax.verify = false;
  set_tls(pool_, lax);
  driver_.on_loop([&] { connector_.retain({pool_.share()}); });
  EXPECT_EQ(idle(), 0u);
}

TEST_F(TlsConnectorTest, AServerThatDoesNotShakeHands) {
  pool_.options().timeouts.connect = milliseconds(100);
  auto mute = start(pool_, {});
  test::Peer server = pool_.accept();
  ASSERT_TRUE(finish(mute)->failed(Cause::connect_timeout));
  server.read_all();

  auto plain = start(pool_, {});
  test::Peer talker = pool_.accept();
  talker.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_TRUE(finish(plain)->failed(Cause::tls));
}

TEST_F(TlsConnectorTest, TheCallerGivesUp) {
  auto waiting = start(pool_, {});
  test::Peer server = pool_.accept();
  server.read(1);
  driver_.on_loop([&] { caller_.give_up(Cause::cancelled); });
  ASSERT_TRUE(finish(waiting)->failed(Cause::cancelled));
  EXPECT_EQ(waiting->result->error().side, Side::client);
  server.read_all();
  EXPECT_EQ(busy(), 0u);
}

TEST(Addresses, AreTakenInTurn) {
  Addresses addresses;
  EXPECT_EQ(addresses.next().kind, Endpoint::Kind::none);
  const Endpoint a = *parse_endpoint("192.0.2.1:80"), b = *parse_endpoint("192.0.2.2:80");
  addresses.set({a, b});
  EXPECT_EQ(addresses.next(), a);
  EXPECT_EQ(addresses.next(), b);
  EXPECT_EQ(addresses.next(), a);
  addresses.set({b});
  EXPECT_EQ(addresses.next(), b);
  EXPECT_EQ(addresses.next(), b);
  addresses.set({});
  EXPECT_EQ(addresses.next().kind, Endpoint::Kind::none);
}

}  // namespace
}  // namespace shellac::upstream
