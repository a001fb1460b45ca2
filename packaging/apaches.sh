#!/bin/bash
# Six Apache httpd servers on loopback, two in each of three zones, for the demo and the system tests. They serve the
# photo site of photo_site.sh, and each tells who it is at /whoami and in the field X-Backend.
#
#   packaging/apaches.sh start --dir DIR [--base-port 9001 | --ports auto] [--site DIR] [--keep-alive SECONDS]
#   packaging/apaches.sh start --dir DIR --only NAME      starts that one again, on the port it had
#   packaging/apaches.sh list  --dir DIR
#   packaging/apaches.sh stop  --dir DIR [--only NAME]
#
# start and list print one line for each server that runs: NAME ZONE ADDRESS PID. DIR/NAME holds a server's
# configuration, logs and process id; DIR/site the site, unless --site names another. Started as root, the servers'
# workers run as www-data, which must be able to reach both folders.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
names=(web1 web2 web3 web4 web5 web6)
zones=(ams1 ams1 rtm1 rtm1 fra1 fra1)
httpd=/usr/sbin/apache2

fail() {
  echo "apaches.sh: $*" >&2
  exit 1
}

usage() {
  sed -n '5,8s/^# *//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}

action=${1:-}
shift || usage
dir='' site='' base_port=9001 ports=fixed only='' keep_alive=65
while [ $# -gt 0 ]; do
  if [ $# -lt 2 ]; then usage; fi
  case $1 in
    --dir) dir=$2 ;;
    --site) site=$2 ;;
    --base-port) base_port=$2 ;;
    --ports) ports=$2 ;;
    --only) only=$2 ;;
    --keep-alive) keep_alive=$2 ;;
    *) usage ;;
  esac
  shift 2
done
if [ -z "$dir" ]; then usage; fi
case $base_port in *[!0-9]* | '') usage ;; esac
case $ports in fixed | auto) ;; *) usage ;; esac

# The process that the server's pid file names, if it still is that server: a process id can be handed out again.
running_pid() {
  local pid
  pid=$(cat "$dir/$1/httpd.pid" 2>/dev/null) || return 0
  if tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "-f $dir/$1/httpd.conf "; then echo "$pid"; fi
}

# Apache puts itself at the head of a process group of its own, so the group is the server and its workers.
group_is_alive() {
  pgrep -g "$1" -f -- "-f $dir/$2/httpd.conf" >/dev/null
}

stop_one() {
  local name=$1 pid waited=0
  pid=$(cat "$dir/$name/httpd.pid" 2>/dev/null || cat "$dir/$name/last.pid" 2>/dev/null || true)
  if [ -z "$pid" ] || ! group_is_alive "$pid" "$name"; then
    rm -f "$dir/$name/httpd.pid"
    return
  fi
  kill -TERM "$pid" 2>/dev/null || true
  while group_is_alive "$pid" "$name"; do
    waited=$((waited + 1))
    if [ $waited -gt 100 ]; then
      kill -KILL -- "-$pid" 2>/dev/null || true
      break
    fi
    sleep 0.05
  done
  rm -f "$dir/$name/httpd.pid"
}

write_config() {
  local name=$1 zone=$2 port=$3 module
  mkdir -p "$dir/$name"
  printf 'server %s\nzone %s\nport %s\n' "$name" "$zone" "$port" >"$dir/$name/whoami.txt"
  {
    echo "# Written by packaging/apaches.sh."
    for module in mpm_event authz_core alias dir mime headers setenvif reqtimeout; do
      echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
    done
    if [ "$(id -u)" = 0 ]; then printf 'User www-data\nGroup www-data\n'; fi
    cat <<CONF
ServerRoot "$dir/$name"
DefaultRuntimeDir "$dir/$name"
PidFile "$dir/$name/httpd.pid"
ErrorLog "$dir/$name/error.log"
LogFormat "%h %t \"%r\" %>s %O %{X-Request-Id}i \"%{X-Forwarded-For}i\"" edge
CustomLog "$dir/$name/access.log" edge
LogLevel warn
ServerName $name.localhost
ServerTokens Prod
Listen 127.0.0.1:$port
StartServers 1
ServerLimit 4
ThreadsPerChild 64
MaxRequestWorkers 256
MinSpareThreads 16
MaxSpareThreads 256
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout $keep_alive
TypesConfig /etc/mime.types
DocumentRoot "$site"
DirectoryIndex index.html
FileETag MTime Size
<Directory "/">
  AllowOverride None
  Require all denied
</Directory>
<Directory "$site">
  Require all granted
</Directory>
<Directory "$dir/$name">
  Require all granted
</Directory>
Header always set X-Backend $name
Header always set X-Zone $zone
Alias /whoami "$dir/$name/whoami.txt"
Alias /healthz "$dir/$name/whoami.txt"
<LocationMatch "^/(whoami|healthz)\$">
  Header set Cache-Control no-store
</LocationMatch>
<LocationMatch "^/i/">
  Header set Cache-Control "public, max-age=86400"
</LocationMatch>
CONF
  } >"$dir/$name/httpd.conf.new"
}

# Workers that cannot read the site would answer 403 to everything: say why instead.
check_reachable() {
  if [ "$(id -u)" != 0 ]; then return; fi
  chmod a+rx "$dir" "$dir"/web*
  if ! runuser -u www-data -- test -r "$site/index.html" || ! runuser -u www-data -- test -x "$dir"; then
    fail "the user www-data, as which Apache's workers run, cannot reach $site and $dir: choose a folder under one that all may enter"
  fi
}

# Starts one server on one port. 0 = it runs, 1 = the port is taken; anything else ends the script.
try_start() {
  local name=$1 zone=$2 port=$3 pid message waited=0
  write_config "$name" "$zone" "$port"
  pid=$(running_pid "$name")
  if [ -n "$pid" ]; then
    if cmp -s "$dir/$name/httpd.conf.new" "$dir/$name/httpd.conf"; then
      rm "$dir/$name/httpd.conf.new"
      return 0
    fi
  fi
  stop_one "$name"
  mv "$dir/$name/httpd.conf.new" "$dir/$name/httpd.conf"
  check_reachable
  if ! message=$("$httpd" -f "$dir/$name/httpd.conf" -k start 2>&1); then
    if [[ $message == *"could not bind"* ]]; then return 1; fi
    fail "$name did not start: $message $(tail -n 3 "$dir/$name/error.log" 2>/dev/null)"
  fi
  while [ -z "$(running_pid "$name")" ]; do
    waited=$((waited + 1))
    if [ $waited -gt 200 ]; then fail "$name started and ended: $(tail -n 3 "$dir/$name/error.log" 2>/dev/null)"; fi
    sleep 0.05
  done
  cp "$dir/$name/httpd.pid" "$dir/$name/last.pid"
  echo "$port" >"$dir/$name/port"
}

start_one() {
  local index=$1 name=${names[$1]} zone=${zones[$1]} attempt port
  if [ -n "$only" ] && [ -e "$dir/$name/port" ]; then
    port=$(cat "$dir/$name/port")
    try_start "$name" "$zone" "$port" || fail "port $port, which $name had, is taken by another program"
    return
  fi
  if [ "$ports" = fixed ]; then
    port=$((base_port + index))
    try_start "$name" "$zone" "$port" || fail "port $port for $name is taken by another program: choose another --base-port"
    return
  fi
  for ((attempt = 0; attempt < 50; attempt++)); do
    # Below the range from which the kernel takes the ports of outgoing connections.
    port=$((10000 + (RANDOM * 32768 + RANDOM) % 20000))
    if try_start "$name" "$zone" "$port"; then return; fi
  done
  fail "found no free port for $name"
}

list() {
  local index name pid
  for index in "${!names[@]}"; do
    name=${names[$index]}
    pid=$(running_pid "$name")
    if [ -n "$pid" ]; then echo "$name ${zones[$index]} 127.0.0.1:$(cat "$dir/$name/port") $pid"; fi
  done
}

chosen() {
  local index
  for index in "${!names[@]}"; do
    if [ -z "$only" ] || [ "$only" = "${names[$index]}" ]; then echo "$index"; fi
  done
}

if [ -n "$only" ] && [ -z "$(chosen)" ]; then fail "no server is called '$only'"; fi
case $action in
  start)
    if [ ! -x $httpd ]; then fail "$httpd is not there: packaging/install.sh demo"; fi
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd -P)
    site=${site:-$dir/site}
    "$here/photo_site.sh" "$site"
    site=$(cd "$site" && pwd -P)
    for index in $(chosen); do start_one "$index"; done
    list
    ;;
  list | stop)
    if [ ! -d "$dir" ]; then exit 0; fi
    dir=$(cd "$dir" && pwd -P)
    if [ "$action" = list ]; then
      list
    else
      for index in $(chosen); do stop_one "${names[$index]}"; done
    fi
    ;;
  *) usage ;;
esac
