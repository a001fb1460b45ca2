#include "shellac/core/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

namespace shellac {
namespace {

Cause cause_of_errno(int number) { return cause_of({number, boost::system::system_category()}); }

TEST(Error, SocketErrorsHaveACause) {
  EXPECT_EQ(cause_of_errno(ECONNRESET), Cause::reset);
  EXPECT_EQ(cause_of_errno(EPIPE), Cause::reset);
  EXPECT_EQ(cause_of_errno(ECONNREFUSED), Cause::connect_refused);
  EXPECT_EQ(cause_of_errno(ENOENT), Cause::connect_refused);
  EXPECT_EQ(cause_of_errno(ETIMEDOUT), Cause::timeout);
  EXPECT_EQ(cause_of_errno(ENETUNREACH), Cause::unreachable);
  EXPECT_EQ(cause_of_errno(EADDRNOTAVAIL), Cause::unreachable);
  EXPECT_EQ(cause_of_errno(EPROTO), Cause::tls);
  EXPECT_EQ(cause_of_errno(EMFILE), Cause::limit);
  EXPECT_EQ(cause_of_errno(ECANCELED), Cause::cancelled);
  EXPECT_EQ(cause_of_errno(EXDEV), Cause::internal);
}

TEST(Error, GenericCategoryIsReadLikeTheSystems) {
  EXPECT_EQ(cause_of({ECONNRESET, boost::system::generic_category()}), Cause::reset);
}

class NamedCategory : public boost::system::error_category {
 public:
  explicit NamedCategory(const char* name) : name_(name) {}
  const char* name() const noexcept override { return name_; }
  std::string message(int) const override { return name_; }

 private:
  const char* name_;
};

TEST(Error, AsioCategoriesAreKnownByName) {
  const NamedCategory misc("asio.misc"), netdb("asio.netdb"), ssl("asio.ssl"), ssl_stream("asio.ssl.stream");
  EXPECT_EQ(cause_of({2, misc}), Cause::closed);
  EXPECT_EQ(cause_of({1, misc}), Cause::internal);
  EXPECT_EQ(cause_of({1, netdb}), Cause::dns);
  EXPECT_EQ(cause_of({1, ssl}), Cause::tls);
  EXPECT_EQ(cause_of({1, ssl_stream}), Cause::closed);
}

TEST(Error, WordsAreDistinct) {
  std::set<std::string_view> words;
  for (int cause = 0; cause <= static_cast<int>(Cause::internal); ++cause)
    words.insert(to_string(static_cast<Cause>(cause)));
  EXPECT_EQ(words.size(), static_cast<std::size_t>(Cause::internal) + 1);
  EXPECT_EQ(to_string(Cause::tls_certificate), "tls_certificate");
  EXPECT_EQ(to_string(Side::backend), "backend");
}

TEST(Error, AskingAnErrorForItsValueThrowsAndTellsWhat) {
  const Result<int> result = Error{Side::backend, Cause::reset, false, {}, "connecting"};
  ASSERT_FALSE(result);
  try {
    static_cast<void>(result.value());
    FAIL() << "no exception";
  } catch (const std::logic_error& error) {
    EXPECT_NE(std::string(error.what()).find("backend reset while connecting"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace shellac
