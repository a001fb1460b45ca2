// The parts of the admin server: who may ask, and what is answered.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "shellac/edge/admin.hpp"
#include "shellac/web/message.hpp"
#include "shellac/web/router.hpp"

namespace shellac::edge {

// Shared by the server and its handlers. Thread: control.
struct AdminContext {
  Log& log;
  AdminActions actions;
  std::string token;  // empty: writes over TCP are refused
};

// Asked before the body is read; an answer is a refusal. Over TCP the Host must be the address that the client
// connected to or localhost, with the port (so that no web page can reach us by a name of its own), and a write needs
// the token, no Origin and, with a body, application/json. A Unix socket is guarded by its file's permissions.
std::optional<web::Response> refuse_admin(const web::Request& request, std::string_view token);

inline constexpr Bytes kAdminBodyMax = 64_KiB;

// 200 with this body, which nobody may store.
web::Response make_json(const boost::json::value& value);

// /api/v1/purge and /api/v1/cache.
void add_cache_routes(web::Router& router, const std::shared_ptr<const AdminContext>& context);
web::Router make_admin_router(const std::shared_ptr<const AdminContext>& context);

}  // namespace shellac::edge
