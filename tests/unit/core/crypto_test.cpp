#include "shellac/core/crypto.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace shellac::crypto {
namespace {

using Octets = std::vector<std::uint8_t>;

Octets octets(std::string_view text) { return {text.begin(), text.end()}; }

// FIPS 180-2, appendix B.
TEST(Crypto, Sha256) {
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// RFC 4231 §4.2, §4.3, §4.7.
TEST(Crypto, HmacSha256) {
  EXPECT_EQ(hex(hmac_sha256(Octets(20, 0x0B), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256(octets("Jefe"), "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(Octets(131, 0xAA), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Crypto, HmacOfNothingWithNoKey) {
  EXPECT_EQ(hex(hmac_sha256({}, "")), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Crypto, EqualInConstantTime) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("secret", "secret"));
  EXPECT_FALSE(equal_in_constant_time("secret", "secreT"));
  EXPECT_FALSE(equal_in_constant_time("secret", "secre"));
  EXPECT_FALSE(equal_in_constant_time("", "s"));
  const std::string_view secret = "secret";
  EXPECT_FALSE(equal_in_constant_time(secret, secret.substr(0, 5)));
  EXPECT_FALSE(equal_in_constant_time(secret.substr(0, 5), secret));
}

TEST(Crypto, RandomFillsEverythingAndDiffers) {
  Octets a((1 << 20) + 64), b(a.size());
  fill_random(a);
  fill_random(b);
  EXPECT_NE(a, b);
  // The chance that the last 64 octets are all zero by luck is 2⁻⁵¹².
  EXPECT_TRUE(std::any_of(a.end() - 64, a.end(), [](std::uint8_t octet) { return octet != 0; }));
  fill_random({});
}

// RFC 4648 §10, without padding.
TEST(Crypto, Base64Url) {
  const std::pair<const char*, const char*> table[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xFB\xFF\xBF", "-_-_"}};
  for (const auto& [plain, encoded] : table) {
    EXPECT_EQ(base64url(octets(plain)), encoded);
    EXPECT_EQ(parse_base64url(encoded), plain);
  }
}

TEST(Crypto, Base64UrlThatIsNotCanonicalIsRefused) {
  for (const char* text : {"Z", "A", "AAAAA", "Zm9vY", "Zg==", "Z g", "+/+/", "Zh", "Zm9", "Zm8\n"})
    EXPECT_FALSE(parse_base64url(text)) << text;
}

}  // namespace
}  // namespace shellac::crypto
