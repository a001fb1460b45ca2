// Sessions resumed by ticket: over contexts, key rotation, names and client authorities.
#include <openssl/err.h>

#include "tls/connection.hpp"

namespace shellac::tls {
namespace {

class Resumption : public ServerFixture {
 protected:
  Resumption() {
    options_.certificates = {pair("a", {{"a.example", "b.example"}})};
    authority_file_ = dir_.write("ca.pem", authority_.pem());
  }
  using SessionPtr = RawClient::SessionPtr;

  // The last ticket of a full handshake.
  SessionPtr ticket_from(const std::shared_ptr<const ServerContext>& context, void (*version)(SSL*),
                         const Issued* client = nullptr) {
    Session first = connect(context, "a.example", [&](SSL* ssl) {
      version(ssl);
      show(ssl, client);
    });
    EXPECT_TRUE(first.outcome.both()) << first.server->failure();
    EXPECT_FALSE(first.server->session().resumed);
    EXPECT_EQ(first.client->sessions.size(), version == only_tls13 ? 2u : 1u);
    return first.client->sessions.empty() ? nullptr : std::move(first.client->sessions.back());
  }
  Session resume(const std::shared_ptr<const ServerContext>& context, const SessionPtr& ticket,
                 const std::string& name = "a.example", const Issued* client = nullptr) {
    return connect(context, name, [&](SSL* ssl) {
      SSL_set_session(ssl, ticket.get());
      // Both sides know TLS 1.3, and there a session of 1.2 is not looked at.
      SSL_set_max_proto_version(ssl, SSL_SESSION_get_protocol_version(ticket.get()));
      show(ssl, client);
    });
  }
  static std::string text_of(const SessionPtr& ticket) {
    const unsigned char* text = nullptr;
    std::size_t size = 0;
    SSL_SESSION_get0_ticket(ticket.get(), &text, &size);
    return {reinterpret_cast<const char*>(text), size};
  }
  static void show(SSL* ssl, const Issued* client) {
    if (client == nullptr) return;
    SSL_use_certificate(ssl, client->certificate.get());
    SSL_use_PrivateKey(ssl, client->key.get());
  }
  std::shared_ptr<const ServerContext> asking(VerifyClient verify) {
    ServerOptions options = options_;
    options.client_ca = ClientCaOptions{authority_file_, verify};
    return make(options);
  }

  ServerOptions options_;
  std::string authority_file_;
};

TEST_F(Resumption, AcrossContextsThatShareKeys) {
  for (const auto& version : {only_tls12, only_tls13}) {
    const SessionPtr ticket = ticket_from(make(options_), version);
    Session again = resume(make(options_), ticket);
    ASSERT_TRUE(again.outcome.both());
    EXPECT_TRUE(again.server->session().resumed);
    EXPECT_EQ(again.server->session().sni, "a.example");
    // A TLS 1.3 ticket is spent, so there is a new one.
    if (version == only_tls13) {
      EXPECT_EQ(again.client->sessions.size(), 1u);
    }
  }
}

TEST_F(Resumption, NotWithoutTheKeys) {
  for (const auto& version : {only_tls12, only_tls13}) {
    const SessionPtr ticket = ticket_from(make(options_), version);
    tickets_ = std::make_shared<TicketKeys>();
    Session again = resume(make(options_), ticket);
    ASSERT_TRUE(again.outcome.both());
    EXPECT_FALSE(again.server->session().resumed);
  }
}

TEST_F(Resumption, AcrossRotation) {
  const auto context = make(options_);
  for (const auto& version : {only_tls12, only_tls13}) {
    const SessionPtr ticket = ticket_from(context, version);
    tickets_->rotate();
    Session again = resume(context, ticket);
    ASSERT_TRUE(again.outcome.both());
    EXPECT_TRUE(again.server->session().resumed);
    // A ticket under the new key; OpenSSL's clients tell no callback of one that TLS 1.2 renews.
    const SessionPtr renewed(SSL_get1_session(again.client->ssl()));
    EXPECT_NE(text_of(renewed), text_of(ticket));
    for (int i = 0; i < 3; ++i) tickets_->rotate();
    EXPECT_FALSE(resume(context, ticket).server->session().resumed);
    EXPECT_TRUE(resume(context, renewed).server->session().resumed);
    tickets_->rotate();
    EXPECT_FALSE(resume(context, renewed).server->session().resumed);
  }
}

TEST_F(Resumption, AcrossEdgesThatShareAFile) {
  const std::string file = dir_.write("tickets.keys", std::string(160, '7') + "\n");
  ASSERT_EQ(tickets_->load(file), std::nullopt);
  const SessionPtr ticket = ticket_from(make(options_), only_tls13);
  tickets_ = std::make_shared<TicketKeys>();
  ASSERT_EQ(tickets_->load(file), std::nullopt);
  EXPECT_TRUE(resume(make(options_), ticket).server->session().resumed);
}

TEST_F(Resumption, NotUnderAnotherName) {
  const auto context = make(options_);
  for (const auto& version : {only_tls12, only_tls13}) {
    const SessionPtr ticket = ticket_from(context, version);
    EXPECT_FALSE(resume(context, ticket, "b.example").server->session().resumed);
    EXPECT_FALSE(resume(context, ticket, "").server->session().resumed);
    EXPECT_TRUE(resume(context, ticket, "A.example").server->session().resumed);
  }
}

TEST_F(Resumption, VerifiedClientStaysVerified) {
  const Issued client = authority_.issue({{}, Kind::ecdsa, "alice"});
  for (const auto& version : {only_tls12, only_tls13}) {
    const SessionPtr ticket = ticket_from(asking(VerifyClient::require), version, &client);
    Session again = resume(asking(VerifyClient::require), ticket);
    ASSERT_TRUE(again.outcome.both()) << again.server->failure();
    EXPECT_TRUE(again.server->session().resumed);
    EXPECT_EQ(again.server->session().client_subject, "CN=alice");
  }
}

TEST_F(Resumption, TicketOfAnOpenListenerOpensNoGuardedOne) {
  const Issued client = authority_.issue({{}, Kind::ecdsa, "alice"});
  for (const auto& version : {only_tls12, only_tls13}) {
    for (const auto& open : {make(options_), asking(VerifyClient::optional)}) {
      const SessionPtr ticket = ticket_from(open, version);
      EXPECT_EQ(resume(asking(VerifyClient::require), ticket).server->failure(), "certificate required");
      Session shown = resume(asking(VerifyClient::require), ticket, "a.example", &client);
      EXPECT_TRUE(shown.outcome.both());
      EXPECT_FALSE(shown.server->session().resumed);
    }
  }
}

TEST_F(Resumption, NotWhenTheAuthorityChanged) {
  const Issued client = authority_.issue({{}, Kind::ecdsa, "alice"});
  const SessionPtr ticket = ticket_from(asking(VerifyClient::require), only_tls13, &client);
  dir_.write("ca.pem", Authority("another").pem());
  EXPECT_EQ(resume(asking(VerifyClient::require), ticket).server->failure(), "certificate required");
}

TEST_F(Resumption, NotWhenTheClientsCertificateHasExpired) {
  // A second is what certificates count in; the verification itself must still find it valid.
  const Issued client = authority_.issue({{}, Kind::ecdsa, "alice", -60, 2});
  const SessionPtr ticket = ticket_from(asking(VerifyClient::require), only_tls13, &client);
  const std::time_t expired = std::time(nullptr) + 3;
  while (std::time(nullptr) < expired) ::usleep(50'000);
  EXPECT_EQ(resume(asking(VerifyClient::require), ticket).server->failure(), "certificate required");
}

}  // namespace
}  // namespace shellac::tls
