// Which certificate, version, group and protocol a handshake agrees on, or why it fails.
#include <openssl/err.h>

#include "tls/connection.hpp"

namespace shellac::tls {
namespace {

class ServerHandshakes : public ServerFixture {
 protected:
  ServerOptions two_names() {
    ServerOptions options;
    options.certificates = {pair("www", {{"www.example.com"}, Kind::rsa}), pair("star", {{"*.example.com"}})};
    return options;
  }
  // The first name of the certificate that a client gets for `sni`.
  std::string served(const std::shared_ptr<const ServerContext>& context, const std::string& sni) {
    Session session = connect(context, sni);
    if (!session.outcome.both()) return "failed: " + std::string(session.server->failure());
    for (const CertificateInfo& info : context->certificates())
      if (X509_check_host(session.client->peer().get(), info.name.c_str(), 0, X509_CHECK_FLAG_NO_WILDCARDS, nullptr) ==
              1 ||
          info.name.starts_with('*'))
        return info.name;
    return "unknown";
  }
};

TEST_F(ServerHandshakes, NameDecidesTheCertificate) {
  const auto context = make(two_names());
  EXPECT_EQ(served(context, "www.example.com"), "www.example.com");
  EXPECT_EQ(served(context, "WWW.Example.COM"), "www.example.com");
  EXPECT_EQ(served(context, "img.example.com"), "*.example.com");
  EXPECT_EQ(served(context, "elsewhere.example"), "www.example.com");
  EXPECT_EQ(served(context, "a.b.example.com"), "www.example.com");
  EXPECT_EQ(served(context, ""), "www.example.com");
}

TEST_F(ServerHandshakes, UnknownNameAborts) {
  ServerOptions options = two_names();
  options.unknown_sni = UnknownSni::abort;
  const auto context = make(options);
  for (const auto& prepare : {only_tls12, only_tls13}) {
    Session refused = connect(context, "elsewhere.example", prepare);
    EXPECT_EQ(refused.outcome.server, Status::failed);
    EXPECT_EQ(refused.server->failure(), "unknown server name");
    EXPECT_NE(refused.client->error().find("unrecognized name"), std::string::npos) << refused.client->error();
    EXPECT_TRUE(connect(context, "img.example.com", prepare).outcome.both());
    EXPECT_TRUE(connect(context, "", prepare).outcome.both());
  }
}

TEST_F(ServerHandshakes, SessionTellsWhatWasAgreed) {
  Session session = connect(make(two_names()), "Img.example.com", [](SSL* ssl) {
    const unsigned char protocols[] = "\x02h2\x08http/1.1";
    SSL_set_alpn_protos(ssl, protocols, sizeof protocols - 1);
  });
  ASSERT_TRUE(session.outcome.both());
  const SessionInfo info = session.server->session();
  EXPECT_EQ(info.version, "TLSv1.3");
  EXPECT_EQ(info.cipher, "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(info.sni, "img.example.com");
  EXPECT_EQ(info.alpn, "http/1.1");
  EXPECT_FALSE(info.resumed);
  EXPECT_EQ(info.client_subject, "");
}

TEST_F(ServerHandshakes, KeyKindFollowsTheClientsSignatures) {
  ServerOptions options;
  options.certificates = {pair("rsa", {{"a.example"}, Kind::rsa}), pair("ec", {{"a.example"}, Kind::ecdsa})};
  const auto context = make(options);
  struct Row {
    const char* signatures;
    Kind expected;
  };
  for (const Row& row : {Row{"ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256", Kind::ecdsa},
                         Row{"RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA256", Kind::ecdsa},
                         Row{"RSA-PSS+SHA256:RSA+SHA256", Kind::rsa}, Row{"ECDSA+SHA256", Kind::ecdsa}})
    for (const auto& version : {only_tls12, only_tls13}) {
      Session session = connect(context, "a.example", [&](SSL* ssl) {
        version(ssl);
        SSL_set1_sigalgs_list(ssl, row.signatures);
      });
      ASSERT_TRUE(session.outcome.both()) << row.signatures << " " << session.server->failure();
      EXPECT_EQ(session.client->peer_kind(), row.expected) << row.signatures;
    }
}

TEST_F(ServerHandshakes, Versions) {
  ServerOptions options = two_names();
  const auto both = make(options);
  options.min_version = MinVersion::tls13;
  const auto newest = make(options);
  const auto only_tls11 = [](SSL* ssl) {
    SSL_set_security_level(ssl, 0);
    SSL_set_min_proto_version(ssl, TLS1_VERSION);
    SSL_set_max_proto_version(ssl, TLS1_1_VERSION);
  };
  EXPECT_EQ(connect(both, "", only_tls12).server->session().version, "TLSv1.2");
  EXPECT_EQ(connect(both, "", only_tls13).server->session().version, "TLSv1.3");
  EXPECT_EQ(connect(both, "", only_tls11).server->failure(), "unsupported protocol");
  EXPECT_EQ(connect(newest, "", only_tls13).server->session().version, "TLSv1.3");
  Session refused = connect(newest, "", only_tls12);
  EXPECT_EQ(refused.server->failure(), "unsupported protocol");
  EXPECT_NE(refused.client->error().find("protocol version"), std::string::npos) << refused.client->error();
}

TEST_F(ServerHandshakes, OldCiphersAreRefused) {
  const auto context = make(two_names());
  for (const char* ciphers : {"AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA", "DHE"}) {
    Session session = connect(context, "www.example.com", [&](SSL* ssl) {
      only_tls12(ssl);
      SSL_set_cipher_list(ssl, ciphers);
    });
    EXPECT_EQ(session.server->failure(), "no shared cipher") << ciphers;
  }
}

TEST_F(ServerHandshakes, ChachaForWhoPrefersIt) {
  const auto context = make(two_names());
  for (const char* first : {"ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-RSA-AES256-GCM-SHA384"}) {
    Session session = connect(context, "www.example.com", [&](SSL* ssl) {
      only_tls12(ssl);
      SSL_set_cipher_list(ssl, (std::string(first) + ":ECDHE-RSA-AES128-GCM-SHA256").c_str());
    });
    const bool chacha = std::string_view(first).ends_with("POLY1305");
    EXPECT_EQ(session.server->session().cipher, chacha ? first : "ECDHE-RSA-AES128-GCM-SHA256");
  }
}

TEST_F(ServerHandshakes, X25519First) {
  const auto context = make(two_names());
  for (const auto& version : {only_tls12, only_tls13}) {
    Session session = connect(context, "", [&](SSL* ssl) {
      version(ssl);
      // TLS 1.3 takes the group for which the client already sent a share; TLS 1.2 our order.
      SSL_set1_groups_list(ssl, SSL_get_min_proto_version(ssl) == TLS1_3_VERSION ? "X25519:P-256" : "P-256:X25519");
    });
    ASSERT_TRUE(session.outcome.both());
    EVP_PKEY* share = nullptr;
    ASSERT_EQ(SSL_get_peer_tmp_key(session.client->ssl(), &share), 1);
    EXPECT_EQ(EVP_PKEY_get_base_id(KeyPtr(share).get()), EVP_PKEY_X25519);
  }
  EXPECT_TRUE(connect(context, "", [](SSL* ssl) { SSL_set1_groups_list(ssl, "P-384"); }).outcome.both());
  EXPECT_FALSE(connect(context, "", [](SSL* ssl) { SSL_set1_groups_list(ssl, "P-521"); }).outcome.both());
}

TEST_F(ServerHandshakes, Alpn) {
  const auto context = make(two_names());
  const auto offers = [](std::string list) {
    return [list](SSL* ssl) {
      SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(list.data()), static_cast<unsigned>(list.size()));
    };
  };
  const std::vector<std::string> both{"h2", "http/1.1"};
  EXPECT_EQ(connect(context, "", offers("\x08http/1.1\x02h2"), both).server->session().alpn, "h2");
  EXPECT_EQ(connect(context, "", offers("\x08http/1.1"), both).server->session().alpn, "http/1.1");
  EXPECT_EQ(connect(context, "", {}, both).server->session().alpn, "");
  EXPECT_TRUE(connect(context, "", {}, both).outcome.both());
  EXPECT_TRUE(connect(context, "", offers("\x02h2"), {}).outcome.both());
  Session refused = connect(context, "", offers("\x06spdy/3\x02h3"), both);
  EXPECT_EQ(refused.server->failure(), "no application protocol");
  EXPECT_NE(refused.client->error().find("no application protocol"), std::string::npos) << refused.client->error();
}

TEST_F(ServerHandshakes, CertificatesAreDescribed) {
  ServerOptions options;
  options.certificates = {pair("a", {{"A.example", "b.example", "IP:127.0.0.1"}, Kind::rsa}),
                          pair("named", {{}, Kind::ecdsa, "common.example"}),
                          pair("late", {{"a.example"}, Kind::rsa, "x", -7200, -3600})};
  const auto context = make(options);
  const std::vector<CertificateInfo> all = context->certificates();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].name, "a.example");
  EXPECT_EQ(all[0].names, (std::vector<std::string>{"a.example", "b.example"}));
  EXPECT_EQ(all[0].key_type, "rsa");
  EXPECT_EQ(all[1].name, "common.example");
  EXPECT_EQ(all[1].key_type, "ecdsa");
  EXPECT_GT(all[0].not_after, std::chrono::system_clock::now());
  EXPECT_LT(all[2].not_after, std::chrono::system_clock::now());
  ASSERT_EQ(context->notes().size(), 2u);
  EXPECT_TRUE(context->notes()[0].ends_with("late.crt has expired"));
  EXPECT_NE(context->notes()[1].find("a.example is never used"), std::string::npos);
}

TEST_F(ServerHandshakes, DoubtsAreNoted) {
  using std::filesystem::perms;
  ServerOptions options;
  options.certificates = {pair("early", {{"a.example"}, Kind::ecdsa, "x", 3600, 7200}), pair("open", {{"b.example"}})};
  std::filesystem::permissions(dir_.path("open.key"), perms::others_read, std::filesystem::perm_options::add);
  const std::vector<std::string> notes = make(options)->notes();
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_TRUE(notes[0].ends_with("early.crt is not valid yet"));
  EXPECT_TRUE(notes[1].ends_with("open.key can be read by every user of this machine"));
}

TEST_F(ServerHandshakes, DirectoryAndErrorsOfMake) {
  pair("certs/one", {{"one.example"}});
  pair("certs/two", {{"two.example"}});
  ServerOptions options;
  options.certificates = {{{}, {}, {}, dir_.path("certs")}};
  EXPECT_EQ(make(options)->certificates().size(), 2u);
  options.certificates = {{dir_.path("certs/one.crt"), dir_.path("certs/two.key"), {}, {}}};
  EXPECT_THROW(make(options), std::runtime_error);
  options.certificates = {{dir_.path("certs/none.crt"), dir_.path("certs/two.key"), {}, {}}};
  EXPECT_THROW(make(options), std::runtime_error);
  options.certificates = {};
  EXPECT_THROW(make(options), std::runtime_error);
}

TEST_F(ServerHandshakes, OldStreamsOutliveTheirContext) {
  auto context = make(two_names());
  Session session = connect(context, "www.example.com");
  context.reset();
  ASSERT_TRUE(session.client->write("ping"));
  loop_.turn();
  char into[16];
  EXPECT_EQ(session.server->try_read(into).bytes, 4u);
}

}  // namespace
}  // namespace shellac::tls
