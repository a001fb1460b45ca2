// client_ca: who is let in, and what is told of them; and OCSP answers that are stapled.
#include <openssl/err.h>

#include "tls/connection.hpp"

namespace shellac::tls {
namespace {

class ClientCertificates : public ServerFixture {
 protected:
  ClientCertificates() { options_.certificates = {pair("a", {{"a.example"}})}; }

  std::shared_ptr<const ServerContext> asking(VerifyClient verify) {
    options_.client_ca = ClientCaOptions{dir_.write("ca.pem", authority_.pem()), verify};
    return make(options_);
  }
  Session show(const std::shared_ptr<const ServerContext>& context, const Issued* client,
               void (*version)(SSL*) = only_tls13) {
    return connect(context, "a.example", [&](SSL* ssl) {
      version(ssl);
      if (client == nullptr) return;
      SSL_use_certificate(ssl, client->certificate.get());
      SSL_use_PrivateKey(ssl, client->key.get());
    });
  }

  ServerOptions options_;
};

TEST_F(ClientCertificates, WhoIsLetIn) {
  const Issued alice = authority_.issue({{}, Kind::ecdsa, "alice"});
  const Issued rsa = authority_.issue({{}, Kind::rsa, "rsa"});
  const Issued expired = authority_.issue({{}, Kind::ecdsa, "late", -7200, -3600});
  const Issued stranger = Authority("another").issue({{}, Kind::ecdsa, "mallory"});
  struct Row {
    VerifyClient verify;
    const Issued* client;
    std::string subject, failure, alert;
  };
  const Row table[] = {
      {VerifyClient::require, &alice, "CN=alice", "", ""},
      {VerifyClient::require, &rsa, "CN=rsa", "", ""},
      {VerifyClient::require, nullptr, "", "certificate required", "certificate required|handshake failure"},
      {VerifyClient::require, &stranger, "", "unable to get local issuer certificate", "unknown ca"},
      {VerifyClient::require, &expired, "", "certificate has expired", "certificate expired"},
      {VerifyClient::optional, &alice, "CN=alice", "", ""},
      {VerifyClient::optional, nullptr, "", "", ""},
      {VerifyClient::optional, &stranger, "", "unable to get local issuer certificate", "unknown ca"},
  };
  for (const auto& version : {only_tls12, only_tls13})
    for (const Row& row : table) {
      Session session = show(asking(row.verify), row.client, version);
      EXPECT_EQ(session.server->failure(), row.failure);
      EXPECT_EQ(session.server->session().client_subject, row.subject);
      EXPECT_EQ(session.outcome.server == Status::done, row.failure.empty());
      if (row.failure.empty()) continue;
      const std::string& said = session.client->error();
      const std::string first = row.alert.substr(0, row.alert.find('|'));
      const std::string second = row.alert.substr(row.alert.find('|') + 1);
      EXPECT_TRUE(said.find(first) != std::string::npos || said.find(second) != std::string::npos) << said;
    }
}

TEST_F(ClientCertificates, AuthoritiesAreNamedToTheClient) {
  const auto context = asking(VerifyClient::optional);
  EXPECT_TRUE(context->asks_for_client_certificate());
  Session session = show(context, nullptr, only_tls12);
  const STACK_OF(X509_NAME)* names = SSL_get_client_CA_list(session.client->ssl());
  ASSERT_EQ(sk_X509_NAME_num(names), 1);
  char text[256];
  X509_NAME_oneline(sk_X509_NAME_value(names, 0), text, sizeof text);
  EXPECT_STREQ(text, "/CN=shellac test authority");
}

TEST_F(ClientCertificates, NobodyIsAskedWithoutAuthority) {
  const Issued alice = authority_.issue({{}, Kind::ecdsa, "alice"});
  const auto context = make(options_);
  EXPECT_FALSE(context->asks_for_client_certificate());
  Session session = show(context, &alice);
  EXPECT_TRUE(session.outcome.both());
  EXPECT_EQ(session.server->session().client_subject, "");
}

TEST_F(ClientCertificates, BadAuthorityFile) {
  for (const auto& [name, text] :
       {std::pair{"key.pem", authority_.issue({}).key_pem()}, std::pair{"empty", std::string()}}) {
    options_.client_ca = ClientCaOptions{dir_.write(name, text), VerifyClient::require};
    EXPECT_THROW(make(options_), std::runtime_error) << name;
  }
}

class Stapling : public ServerFixture {
 protected:
  // The answer that a client gets for a listener with this file; empty when none.
  std::string stapled(const std::string& der) {
    CertificateOptions files = write_pair(dir_, "a", subject_);
    files.ocsp = dir_.write("a.ocsp", der);
    context_ = make({{files}});
    Session session =
        connect(context_, "a.example", [](SSL* ssl) { SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp); });
    EXPECT_TRUE(session.outcome.both());
    const unsigned char* answer = nullptr;
    const long size = SSL_get_tlsext_status_ocsp_resp(session.client->ssl(), &answer);
    return size > 0 ? std::string(reinterpret_cast<const char*>(answer), static_cast<std::size_t>(size))
                    : std::string();
  }

  Issued subject_ = authority_.issue({{"a.example"}});
  std::shared_ptr<const ServerContext> context_;
};

TEST_F(Stapling, CurrentAnswerIsServed) {
  const std::string der = authority_.ocsp(subject_, V_OCSP_CERTSTATUS_GOOD, -60, 3600);
  EXPECT_EQ(stapled(der), der);
  EXPECT_TRUE(context_->notes().empty());
}

TEST_F(Stapling, WhatIsNotServedIsNoted) {
  const Issued other = authority_.issue({{"b.example"}});
  const std::pair<std::string, std::string> table[] = {
      {authority_.ocsp(subject_, V_OCSP_CERTSTATUS_GOOD, -7200, -60), "out of date"},
      {authority_.ocsp(subject_, V_OCSP_CERTSTATUS_GOOD, 3600, 7200), "out of date"},
      {authority_.ocsp(subject_, V_OCSP_CERTSTATUS_UNKNOWN, -60, 3600), "does not call the certificate good"},
      {authority_.ocsp(other, V_OCSP_CERTSTATUS_GOOD, -60, 3600), "does not speak of the certificate"},
      {"no DER", "is not an OCSP response"},
  };
  for (const auto& [der, note] : table) {
    EXPECT_EQ(stapled(der), "") << note;
    ASSERT_EQ(context_->notes().size(), 1u);
    EXPECT_NE(context_->notes()[0].find(note), std::string::npos) << context_->notes()[0];
  }
}

}  // namespace
}  // namespace shellac::tls
