// Answers that the edge makes itself: files of `respond: { dir }`, and what an error looks like.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>

#include "flow.hpp"
#include "shellac/core/text.hpp"
#include "shellac/http/date.hpp"
#include "shellac/http/negotiate.hpp"
#include "shellac/net/stream.hpp"
#include "shellac/route/file_tree.hpp"

namespace shellac::proxy {
namespace {

// `dir` is for challenges, robots.txt and the like: a file is read whole.
constexpr std::size_t kFileMax = 16 * 1024 * 1024;

struct FileContent {
  int status = 404;
  std::string text;
};

// On the pool. Follows no symbolic link at the end of the path, opens regular files only.
FileContent read_whole(const std::string& path) {
  FileContent content;
  const net::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) {
    if (errno == EACCES) content.status = 403;
    return content;
  }
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return content;
  if (static_cast<std::size_t>(info.st_size) > kFileMax) {
    content.status = 403;
    return content;
  }
  content.text.resize(static_cast<std::size_t>(info.st_size));
  std::size_t at = 0;
  while (at < content.text.size()) {
    const ssize_t count = ::read(fd.get(), content.text.data() + at, content.text.size() - at);
    if (count <= 0) break;
    at += static_cast<std::size_t>(count);
  }
  content.text.resize(at);
  content.status = 200;
  return content;
}

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '&':
        escaped += "&amp;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace

net::Task<bool> Flow::read_file() {
  const auto* action = std::get_if<route::RespondDir>(&route_->action);
  if (action == nullptr) co_return true;
  if (head_.known != http::Method::get && head_.known != http::Method::head) {
    answer_with(405, "http_request_denied", "method");
    answer_->allow = "GET, HEAD";
    co_return false;
  }
  const auto form = path_.get(route_->normalize_path);
  const auto file = form ? route::relative_file(*form, match_.literal_prefix) : std::nullopt;
  if (!file) co_return answer_with(404, "destination_not_found", "no_file");

  // Shared with the pool's thread: whoever comes last frees it.
  struct Job {
    FileContent content;
    std::atomic<bool> done{false};
  };
  auto job = std::make_shared<Job>();
  net::Loop& loop = loop_;
  net::Signal* signal = &signal_;
  const std::string path = action->dir + "/" + *file;
  // The wake goes through the loop, which runs it before or after this flow, never during its end: `waiting` tells.
  auto waiting = std::make_shared<bool>(true);
  const bool queued = proxy_.setting_.files.try_run([job, path, &loop, signal, waiting] {
    job->content = read_whole(path);
    loop.post([job, signal, waiting] {
      job->done = true;
      if (*waiting) signal->wake();
    });
  });
  if (!queued) co_return answer_with(503, "connection_limit_reached", "files");
  while (!job->done) co_await signal_.wait();
  *waiting = false;
  if (job->content.status != 200) co_return answer_with(job->content.status, "destination_not_found", "no_file");
  answer_.emplace();
  answer_->body = std::move(job->content.text);
  answer_->type = http::media_type_of(*file);
  co_return false;
}

// The route's own page for this status, or a few words in the type that the client prefers (RFC 9457 for JSON).
void Flow::fill_error_body(LocalAnswer& answer) const {
  if (route_ != nullptr) {
    if (const auto page = route_->error_pages.find(answer.status); page != route_->error_pages.end()) {
      answer.body = page->second;
      answer.type = route_->error_types.at(answer.status);
      return;
    }
  }
  const std::string_view title = http::reason_phrase(answer.status);
  switch (http::choose_error_type(head_.fields.value(http::FieldId::accept))) {
    case http::ErrorType::json:
      answer.type = "application/problem+json";
      answer.body = fmt::format("{{\"title\":\"{}\",\"status\":{}}}\n", title, answer.status);
      break;
    case http::ErrorType::html:
      answer.type = "text/html; charset=utf-8";
      answer.body = fmt::format(
          "<!doctype html><html lang=\"en\"><title>{0} {1}</title><h1>{0} {1}</h1><p>Request {2}</p></html>\n",
          answer.status, title, escape_html(client_.request_id));
      break;
    case http::ErrorType::text:
      answer.type = "text/plain; charset=utf-8";
      answer.body = fmt::format("{} {}\n", answer.status, title);
      break;
  }
}

}  // namespace shellac::proxy
