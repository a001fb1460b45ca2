#include "shellac/tls/check.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support/certificates.hpp"
#include "support/temp_dir.hpp"

namespace shellac::tls {
namespace {

using ::testing::Test;

bool contains(const std::optional<std::string>& text, std::string_view part) {
  return text && text->find(part) != std::string::npos;
}

class CertificateCheck : public Test {
 protected:
  CertificateOptions files(const std::string& chain, const std::string& key, const std::string& ocsp = {}) {
    return {dir_.path(chain), dir_.path(key), ocsp.empty() ? "" : dir_.path(ocsp), ""};
  }
  CertificateOptions whole_dir() { return {"", "", "", dir_.path()}; }

  test::TempDir dir_;
  test::Pair one_ = test::make_pair("one.example");
  test::Pair two_ = test::make_pair("two.example", "P-384");
};

TEST_F(CertificateCheck, GoodPair) {
  dir_.write("a.crt", one_.certificate);
  dir_.write("a.key", one_.key);
  dir_.write("a.ocsp", test::make_ocsp(true));
  EXPECT_EQ(check_certificate(files("a.crt", "a.key")), std::nullopt);
  EXPECT_EQ(check_certificate(files("a.crt", "a.key", "a.ocsp")), std::nullopt);
}

TEST_F(CertificateCheck, ChainAndKeyInOneFile) {
  dir_.write("a.pem", one_.certificate + two_.certificate + one_.key);
  EXPECT_EQ(check_certificate(files("a.pem", "a.pem")), std::nullopt);
}

TEST_F(CertificateCheck, KeyOfAnother) {
  dir_.write("a.crt", one_.certificate);
  dir_.write("b.key", two_.key);
  EXPECT_TRUE(contains(check_certificate(files("a.crt", "b.key")), "does not match the certificate"));
}

TEST_F(CertificateCheck, EncryptedKey) {
  dir_.write("a.crt", one_.certificate);
  dir_.write("a.key", one_.encrypted_key);
  EXPECT_TRUE(contains(check_certificate(files("a.crt", "a.key")),
                       "is encrypted, expected a private key without a passphrase"));
}

TEST_F(CertificateCheck, ToldAtOnce) {
  dir_.write("a.crt", "nothing of the kind\n");
  dir_.write("a.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  dir_.write("a.ocsp", "neither");
  auto problem = check_certificate(files("a.crt", "a.key", "a.ocsp"));
  EXPECT_TRUE(contains(problem, "holds no certificate"));
  EXPECT_TRUE(contains(problem, "holds no private key that can be parsed"));
  EXPECT_TRUE(contains(problem, "is not an OCSP response"));
}

TEST_F(CertificateCheck, BrokenCertificateInTheChain) {
  std::string broken = two_.certificate;
  broken.replace(broken.find('\n') + 1, 8, "AAAAAAAA");
  dir_.write("a.crt", one_.certificate + broken);
  dir_.write("a.key", one_.key);
  EXPECT_TRUE(contains(check_certificate(files("a.crt", "a.key")), "certificate 2 in"));
}

TEST_F(CertificateCheck, OcspWithoutSuccessOrWithMoreBehind) {
  dir_.write("a.crt", one_.certificate);
  dir_.write("a.key", one_.key);
  dir_.write("later.ocsp", test::make_ocsp(false));
  dir_.write("more.ocsp", test::make_ocsp(true) + "x");
  EXPECT_TRUE(contains(check_certificate(files("a.crt", "a.key", "later.ocsp")), "without success"));
  EXPECT_TRUE(contains(check_certificate(files("a.crt", "a.key", "more.ocsp")), "not an OCSP response"));
}

TEST_F(CertificateCheck, MissingFilesAndDirectories) {
  std::filesystem::create_directories(dir_.path("sub"));
  EXPECT_TRUE(contains(check_certificate(files("no.crt", "no.key")), "no.crt does not exist"));
  EXPECT_TRUE(contains(check_certificate(files("sub", "sub")), "is not a regular file"));
  EXPECT_TRUE(contains(check_certificate({"", "", "", dir_.path("nowhere")}), "cannot be read"));
  EXPECT_TRUE(contains(check_certificate({"", "", "", dir_.path("sub")}), "holds no certificate"));
}

TEST_F(CertificateCheck, Directory) {
  dir_.write("b.pem", two_.certificate);
  dir_.write("b.key", two_.key);
  dir_.write("a.crt", one_.certificate);
  dir_.write("a.key", one_.key);
  dir_.write("a.ocsp", test::make_ocsp(true));
  dir_.write("README", "not looked at");
  EXPECT_EQ(check_certificate(whole_dir()), std::nullopt);
  ExpandedCertificates found = expand_certificates(whole_dir());
  ASSERT_EQ(found.pairs.size(), 2u);
  EXPECT_EQ(found.pairs[0].chain, dir_.path("a.crt"));
  EXPECT_EQ(found.pairs[0].ocsp, dir_.path("a.ocsp"));
  EXPECT_EQ(found.pairs[1].key, dir_.path("b.key"));
  EXPECT_EQ(found.pairs[1].ocsp, "");
}

TEST_F(CertificateCheck, DirectoryWithHalvesAndDoubles) {
  dir_.write("a.crt", one_.certificate);
  dir_.write("a.d.crt", one_.certificate);  // sorts between the two names of one key
  dir_.write("a.d.key", one_.key);
  dir_.write("a.pem", one_.certificate);
  dir_.write("a.key", one_.key);
  dir_.write("lonely.crt", one_.certificate);
  auto problem = check_certificate(whole_dir());
  EXPECT_TRUE(contains(problem, "share one key"));
  EXPECT_TRUE(contains(problem, "lonely.crt has no key beside it"));
}

TEST_F(CertificateCheck, Authorities) {
  dir_.write("ca.pem", "# a comment\n" + one_.certificate + "\n" + two_.certificate);
  dir_.write("key.pem", one_.key);
  EXPECT_EQ(check_ca_file(dir_.path("ca.pem")), std::nullopt);
  EXPECT_TRUE(contains(check_ca_file(dir_.path("key.pem")), "holds no certificate"));
  EXPECT_TRUE(contains(check_ca_file(dir_.path("no.pem")), "does not exist"));
}

TEST_F(CertificateCheck, TicketKeys) {
  std::string secret(32, 'x');
  dir_.write("good", secret + "\n\n" + secret + secret);
  dir_.write("crlf", secret + "\r\n");
  dir_.write("short", secret + "\nshort\n");
  dir_.write("crlf-short", secret.substr(1) + "\r\n");
  dir_.write("empty", "\n\n");
  EXPECT_EQ(check_ticket_keys(dir_.path("good")), std::nullopt);
  EXPECT_EQ(check_ticket_keys(dir_.path("crlf")), std::nullopt);
  EXPECT_TRUE(contains(check_ticket_keys(dir_.path("short")), "line 2 of"));
  EXPECT_TRUE(contains(check_ticket_keys(dir_.path("crlf-short")), "has 31 bytes"));
  EXPECT_TRUE(contains(check_ticket_keys(dir_.path("empty")), "holds no key"));
}

}  // namespace
}  // namespace shellac::tls
