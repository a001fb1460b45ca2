// PROXY protocol headers: no octets may crash the parser, and what it takes for whole depends on those octets alone.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "shellac/net/proxy_protocol.hpp"

using shellac::Endpoint;
using shellac::net::make_proxy_header;
using shellac::net::parse_proxy_header;
using shellac::net::ProxyHeader;
using shellac::net::SendProxy;
using State = shellac::net::ProxyHeader::State;

namespace {

void require(bool so) {
  if (!so) std::abort();
}

void require_equal(const ProxyHeader& a, const ProxyHeader& b) {
  require(a.state == b.state && a.local == b.local && a.source == b.source && a.destination == b.destination);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ProxyHeader header = parse_proxy_header(bytes);

  if (header.state != State::complete) {
    // A verdict stands; only need_more may change with more octets, and it has an end.
    if (header.state != State::need_more) require(parse_proxy_header(std::string(bytes) + "x").state == header.state);
    require(header.state != State::need_more || size < 16 + 4096);
    return 0;
  }

  require(header.size <= size && header.size > 0);
  const std::string_view whole = bytes.substr(0, header.size);
  require_equal(parse_proxy_header(whole), header);
  require_equal(parse_proxy_header(std::string(whole) + "GET / HTTP/1.1\r\n"), header);
  for (std::size_t part = 0; part < header.size; ++part)
    require(parse_proxy_header(whole.substr(0, part)).state == State::need_more);

  if (header.source.kind != Endpoint::Kind::ip || header.destination.kind != Endpoint::Kind::ip) return 0;
  for (const SendProxy version : {SendProxy::v1, SendProxy::v2}) {
    const std::string made = make_proxy_header(version, header.source, header.destination);
    const ProxyHeader again = parse_proxy_header(made);
    require(again.size == made.size());
    require_equal(again, header);
  }
  return 0;
}
