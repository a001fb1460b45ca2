#include "privileges.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace shellac::edge {
namespace {

std::string failed(const char* what) { return std::string(what) + ": " + std::strerror(errno); }

// capset(2) without libcap: one capability, permitted and effective.
bool keep_bind_service() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  data[0].effective = data[0].permitted = 1u << CAP_NET_BIND_SERVICE;
  return ::syscall(SYS_capset, &header, data) == 0;
}

}  // namespace

std::optional<std::string> drop_privileges(const std::string& user,
                                           const std::function<void(uid_t, gid_t)>& hand_over) {
  if (::geteuid() != 0 || user == "root") return std::nullopt;
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) return "user: there is no user \"" + user + "\" (user: root stays root)";
  const uid_t uid = entry->pw_uid;
  const gid_t gid = entry->pw_gid;
  hand_over(uid, gid);
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return failed("keeping capabilities");
  if (::initgroups(user.c_str(), gid) != 0) return failed("initgroups");
  if (::setresgid(gid, gid, gid) != 0) return failed("setresgid");
  if (::setresuid(uid, uid, uid) != 0) return failed("setresuid");
  if (!keep_bind_service()) return failed("capset");
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return std::nullopt;
}

unsigned long raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace shellac::edge
