#include <sys/stat.h>

#include <algorithm>

#include "admin_api.hpp"
#include "shellac/config/file_text.hpp"
#include "shellac/core/text.hpp"
#include "shellac/edge/admin.hpp"
#include "shellac/web/server.hpp"

namespace shellac::edge {
namespace {

constexpr Bytes kTokenFileMax = 64_KiB;
constexpr std::size_t kTokenMin = 16;  // octets; what is shorter can be guessed
constexpr auto kStopGrace = std::chrono::seconds(1);

web::ServerOptions server_options(const std::shared_ptr<const AdminContext>& context) {
  web::ServerOptions options;
  options.name = "admin";
  options.guard = [context](const web::Request& request) { return refuse_admin(request, context->token); };
  return options;
}

struct Token {
  std::string value;
  std::string problem;  // empty = read
};

Token read_token(const std::string& file, Log& log) {
  if (file.empty()) return {};
  const auto read = config::read_file(file, kTokenFileMax);
  if (!read.error.empty()) return {{}, "admin.token_file " + file + ": " + read.error};
  std::string_view line = std::string_view(read.text).substr(0, read.text.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  line = trim(line);
  if (line.size() < kTokenMin)
    return {{}, "admin.token_file " + file + ": its first line, the token, has fewer than 16 octets"};
  // RFC 9110 §5.5: what else could not be sent in a field.
  if (std::ranges::any_of(line, [](char c) { return c <= ' ' || c == '\x7F'; }))
    return {{}, "admin.token_file " + file + ": the token may have visible ASCII characters only"};
  struct stat status{};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0)
    log.warn("admin.token_file {} can be read by everybody", file);
  return {std::string(line), {}};
}

}  // namespace

struct AdminServer::Impl {
  Impl(boost::asio::io_context& io, Log& log, AdminActions actions)
      : context(new AdminContext{log, std::move(actions), {}}),
        server(io, log, make_admin_router(context), server_options(context)) {}

  const std::shared_ptr<AdminContext> context;
  web::Server server;
  Endpoint wanted;  // as configured
  Endpoint bound;
};

AdminServer::AdminServer(boost::asio::io_context& context, Log& log, AdminActions actions)
    : impl_(std::make_unique<Impl>(context, log, std::move(actions))) {}

AdminServer::~AdminServer() = default;

std::optional<std::string> AdminServer::listen(const AdminOptions& options) {
  auto token = read_token(options.token_file, impl_->context->log);
  if (!token.problem.empty()) return token.problem;
  if (impl_->wanted != options.listen) {
    auto [bound, problem] = impl_->server.listen(options.listen);
    if (!problem.empty()) return "admin: " + problem;
    if (impl_->wanted.kind != Endpoint::Kind::none) impl_->server.close(impl_->wanted);
    impl_->wanted = options.listen;
    impl_->bound = bound;
  }
  impl_->context->token = std::move(token.value);
  return std::nullopt;
}

std::string AdminServer::address() const { return to_string(impl_->bound); }

void AdminServer::stop() { impl_->server.stop(kStopGrace); }

}  // namespace shellac::edge
