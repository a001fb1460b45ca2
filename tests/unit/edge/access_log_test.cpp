#include "shellac/edge/access_log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "edge/access_file.hpp"
#include "web/fixture.hpp"

namespace shellac::edge {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr auto kMicrosecond = std::chrono::microseconds(1);

// 2026-03-09T08:07:06.000123Z
const WallTime kWhen{std::chrono::seconds(1773043626) + 123 * kMicrosecond};

proxy::RequestRecord full_record() {
  proxy::RequestRecord record;
  record.time = kWhen;
  record.id = "abc";
  record.client = parse_ip("192.0.2.7").value();
  record.has_client = true;
  record.listener = "https";
  record.tls = "TLSv1.3";
  record.protocol = "HTTP/1.1";
  record.method = "GET";
  record.scheme = "https";
  record.host = "www.example.com";
  record.path = "/i/1.jpg?x=1";
  record.route = "photos";
  record.status = 200;
  record.bytes_in = 1;
  record.bytes_out = 4096;
  record.cache = proxy::CacheOutcome::miss;
  record.cache_reason = "uri-miss";
  record.pool = "objects";
  record.backend = "o1";
  record.zone = "ams1";
  record.attempts = 2;
  record.sticky = "hit";
  record.t_queue = Duration{0};
  record.t_connect = 1500 * kMicrosecond;
  record.t_first_byte = std::chrono::nanoseconds(1999);
  record.t_total = std::chrono::seconds(12) + 34 * kMicrosecond;
  record.ended = proxy::Ended::completed;
  record.referer = "https://r/";
  record.user_agent = "curl/8";
  return record;
}

std::string json_of(const proxy::RequestRecord& record) {
  std::string line;
  format_json(record, line);
  return line;
}

std::string combined_of(const proxy::RequestRecord& record) {
  std::string line;
  format_combined(record, line);
  return line;
}

TEST(AccessFormat, WritesJson) {
  EXPECT_EQ(json_of(full_record()),
            R"({"time":"2026-03-09T08:07:06.000123Z","id":"abc","client":"192.0.2.7","listener":"https",)"
            R"("tls":"TLSv1.3","protocol":"HTTP/1.1","method":"GET","scheme":"https","host":"www.example.com",)"
            R"("path":"/i/1.jpg?x=1","route":"photos","status":200,"bytes_in":1,"bytes_out":4096,"cache":"miss",)"
            R"("cache_reason":"uri-miss","pool":"objects","backend":"o1","zone":"ams1","attempts":2,"sticky":"hit",)"
            R"("t_queue":0.000000,"t_connect":0.001500,"t_first_byte":0.000001,"t_total":12.000034,)"
            R"("ended":"completed","referer":"https://r/","user_agent":"curl/8"})");
}

TEST(AccessFormat, WritesNullForWhatIsNotThere) {
  proxy::RequestRecord record;
  record.t_queue = record.t_connect = record.t_first_byte = Duration{-1};
  const auto object = boost::json::parse(json_of(record)).as_object();
  for (const auto* const name : {"id", "client", "tls", "route", "cache_reason", "pool", "backend", "zone", "sticky",
                                 "t_queue", "t_connect", "t_first_byte", "referer", "user_agent"})
    EXPECT_TRUE(object.at(name).is_null()) << name;
  EXPECT_EQ(object.at("time"), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(object.at("cache"), "none");
  EXPECT_EQ(object.at("t_total"), 0.0);
}

// Every octet in every place of a client's text.
TEST(AccessFormat, WritesValidJsonWhateverTheClientSent) {
  for (int octet = 0; octet < 256; ++octet) {
    for (const std::string& text : {std::string{static_cast<char>(octet)}, std::string{'a', static_cast<char>(octet)},
                                    std::string{static_cast<char>(octet), 'b'}}) {
      auto record = full_record();
      record.path = record.user_agent = text;
      const auto line = json_of(record);
      EXPECT_EQ(line.find_first_of(std::string_view("\0\n\r\x1b\x7f", 5)), std::string::npos);
      boost::system::error_code error;
      const auto value = boost::json::parse(line, error);
      ASSERT_FALSE(error) << octet;
      if (octet < 128) {
        EXPECT_EQ(std::string_view(value.at("path").as_string()), text) << octet;
      }
    }
  }
}

TEST(AccessFormat, WritesCombined) {
  EXPECT_EQ(combined_of(full_record()),
            R"(192.0.2.7 - - [09/Mar/2026:08:07:06 +0000] "GET /i/1.jpg?x=1 HTTP/1.1" 200 4096 )"
            R"("https://r/" "curl/8")");
  EXPECT_EQ(combined_of({}), R"(- - - [01/Jan/1970:00:00:00 +0000] "-" - - "-" "-")");
}

TEST(AccessFormat, LetsNobodyForgeACombinedLine) {
  auto record = full_record();
  record.user_agent = "x\" \"\r\n1.2.3.4 \\ \x1b[31m\xC3\xA9";
  EXPECT_THAT(combined_of(record), EndsWith(R"("x\" \"\x0d\x0a1.2.3.4 \\ \x1b[31m\xc3\xa9")"));
}

class AccessLogTest : public testing::Test {
 protected:
  AccessLogTest() : path(dir.file("access.log")) {}
  void record(unsigned worker, std::string_view what) {
    auto record = full_record();
    record.path = what;
    access.sink(worker).record(record);
  }
  static std::string read(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }
  // The paths in the file, in order.
  std::vector<std::string> logged(const std::string& file) {
    access.flush();
    std::vector<std::string> paths;
    std::istringstream lines(read(file));
    for (std::string line; std::getline(lines, line);)
      paths.emplace_back(boost::json::parse(line).at("path").as_string());
    return paths;
  }

  web::TempDir dir;
  std::string path;
  Log log{LogLevel::off};
  AccessLog access{2, log};
};

TEST_F(AccessLogTest, WritesWhatWorkersRecord) {
  ASSERT_EQ(access.configure({path, AccessFormat::json}), std::nullopt);
  EXPECT_TRUE(access.enabled());
  record(0, "/a");
  record(1, "/b");
  record(0, "/c");
  const auto lines = logged(path);
  EXPECT_THAT(lines, UnorderedElementsAre("/a", "/b", "/c"));
  // The lines of one worker keep their order.
  EXPECT_LT(std::find(lines.begin(), lines.end(), "/a"), std::find(lines.begin(), lines.end(), "/c"));
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0137, 0u);
  EXPECT_EQ(access.dropped(), 0u);
}

TEST_F(AccessLogTest, WritesWhatIsQueuedWhenItEnds) {
  {
    AccessLog ending(1, log);
    ASSERT_EQ(ending.configure({path, AccessFormat::combined}), std::nullopt);
    ending.sink(0).record(full_record());
  }
  EXPECT_EQ(read(path), combined_of(full_record()) + "\n");
}

TEST_F(AccessLogTest, AppendsToWhatIsThere) {
  std::ofstream(path) << R"({"path":"/before"})" << "\n";
  ASSERT_EQ(access.configure({path, AccessFormat::json}), std::nullopt);
  record(0, "/after");
  EXPECT_THAT(logged(path), ElementsAre("/before", "/after"));
}

TEST_F(AccessLogTest, RecordsNothingWhenOff) {
  record(0, "/before");
  EXPECT_FALSE(access.enabled());
  ASSERT_EQ(access.configure({path, AccessFormat::json}), std::nullopt);
  record(0, "/on");
  ASSERT_EQ(access.configure({path, AccessFormat::off}), std::nullopt);
  EXPECT_FALSE(access.enabled());
  record(0, "/off");
  EXPECT_EQ(access.reopen(), std::nullopt);
  EXPECT_FALSE(access.enabled());
  EXPECT_THAT(logged(path), ElementsAre("/on"));
  EXPECT_EQ(access.dropped(), 0u);
}

TEST_F(AccessLogTest, ReopensAfterTheFileWasMoved) {
  ASSERT_EQ(access.configure({path, AccessFormat::json}), std::nullopt);
  record(0, "/a");
  access.flush();
  std::filesystem::rename(path, path + ".1");
  record(0, "/b");
  EXPECT_THAT(logged(path + ".1"), ElementsAre("/a", "/b"));
  ASSERT_EQ(access.reopen(), std::nullopt);
  access.flush();
  record(0, "/c");
  EXPECT_THAT(logged(path), ElementsAre("/c"));
  EXPECT_THAT(logged(path + ".1"), ElementsAre("/a", "/b"));
}

TEST_F(AccessLogTest, KeepsTheOldFileWhenTheNewOneCannotBeOpened) {
  ASSERT_EQ(access.configure({path, AccessFormat::json}), std::nullopt);
  const auto problem = access.configure({dir.file("no/such/dir"), AccessFormat::json});
  EXPECT_THAT(problem.value_or(""), HasSubstr("no/such/dir: No such file or directory"));
  record(0, "/a");
  EXPECT_THAT(logged(path), ElementsAre("/a"));
  EXPECT_EQ(access.reopen(), std::nullopt);  // the old one
}

TEST_F(AccessLogTest, CountsWhatAFullDiskCosts) {
  ASSERT_EQ(access.configure({"/dev/full", AccessFormat::json}), std::nullopt);
  for (int i = 0; i < 5; ++i) record(0, "/lost");
  access.flush();
  EXPECT_EQ(access.dropped(), 5u);
  ASSERT_EQ(access.configure({path, AccessFormat::json}), std::nullopt);
  access.flush();
  record(0, "/kept");
  EXPECT_THAT(logged(path), ElementsAre("/kept"));
  EXPECT_EQ(access.dropped(), 5u);
}

TEST_F(AccessLogTest, WritesToStdout) {
  testing::internal::CaptureStdout();
  {
    AccessLog ending(1, log);
    EXPECT_EQ(ending.configure({"stdout", AccessFormat::combined}), std::nullopt);
    ending.sink(0).record(full_record());
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), combined_of(full_record()) + "\n");
}

TEST_F(AccessLogTest, HoldsNoLineTwiceAndLosesNoneBetweenThreads) {
  ASSERT_EQ(access.configure({path, AccessFormat::json}), std::nullopt);
  constexpr std::uint64_t kEach = 3000;
  const auto work = [&](unsigned worker) {
    for (std::uint64_t i = 0; i < kEach; ++i) record(worker, "/" + std::to_string(worker) + "/" + std::to_string(i));
  };
  std::thread other([&] { work(1); });
  work(0);
  other.join();
  const auto paths = logged(path);
  EXPECT_EQ(paths.size() + access.dropped(), 2 * kEach);
  EXPECT_EQ(std::set<std::string>(paths.begin(), paths.end()).size(), paths.size());
}

// A named pipe whose reader is there and reads only when told to.
class AccessPipe : public AccessLogTest {
 protected:
  AccessPipe() {
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    reader = net::UniqueFd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    // Two pages: a write takes at least one, however short it is.
    EXPECT_GT(::fcntl(reader.get(), F_SETPIPE_SZ, 8192), 0);
  }
  std::string read_all() const {
    std::string text;
    char part[4096];
    for (ssize_t size; (size = ::read(reader.get(), part, sizeof part)) > 0;)
      text.append(part, static_cast<std::size_t>(size));
    return text;
  }
  net::UniqueFd reader;
};

TEST_F(AccessPipe, NeverHoldsUpAWorker) {
  ASSERT_EQ(access.configure({path, AccessFormat::json}), std::nullopt);
  // Some 10 MiB: far more than pipe and ring hold. That this ends is the test; it would wait for ever otherwise.
  for (int i = 0; i < 10000; ++i) record(0, std::string(1000, 'x'));
  EXPECT_GT(access.dropped(), 1000u);
}

TEST_F(AccessPipe, EndsALineThatWasCut) {
  AccessFile file(path);
  EXPECT_EQ(file.write("whole\n" + std::string(10000, 'a') + "\nlost\n"), 2u);
  EXPECT_EQ(file.error(), ETIMEDOUT);
  const auto before = read_all();
  EXPECT_THAT(before, EndsWith("a"));
  EXPECT_EQ(file.write("next\n"), 0u);
  EXPECT_EQ(file.error(), 0);
  EXPECT_EQ(read_all(), "\nnext\n");
}

TEST_F(AccessPipe, SurvivesAReaderThatLeaves) {
  ASSERT_EQ(access.configure({path, AccessFormat::json}), std::nullopt);
  reader = net::UniqueFd();
  record(0, "/lost");
  access.flush();
  EXPECT_EQ(access.dropped(), 1u);
  EXPECT_THAT(access.configure({path, AccessFormat::json}).value_or(""), HasSubstr("No such device"));
}

}  // namespace
}  // namespace shellac::edge
