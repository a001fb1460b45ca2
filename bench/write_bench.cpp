// What it costs to write a head that is sent on: a proxied request with the fields that backends are told, and its
// answer.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>
#include <vector>

#include "shellac/core/arena.hpp"
#include "shellac/http/forwarding.hpp"
#include "shellac/http/parser.hpp"
#include "shellac/http/writer.hpp"

namespace {

using namespace shellac;
using namespace shellac::http;

constexpr std::string_view kRequest =
    "GET /spots/2026/11/porsche-911-gt3-rs-amsterdam.jpg?size=large HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    "Accept: image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
    "\r\n";

constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Date: Mon, 23 Nov 2026 13:00:00 GMT\r\n"
    "Last-Modified: Mon, 23 Nov 2026 12:00:00 GMT\r\n"
    "ETag: \"400-5f0c1b2a3d4e5\"\r\n"
    "Content-Length: 1024\r\n"
    "Content-Type: image/jpeg\r\n"
    "\r\n";

void write_request(benchmark::State& state) {
  RequestHead head;
  if (parse_request(kRequest, head)) return state.SkipWithError("refused");
  std::vector<char> out(head_size_max(head, {}) + head.path.size() + head.query.size());
  const std::string target = std::string(head.path) + std::string(head.query);
  for (auto _ : state) benchmark::DoNotOptimize(write_head(head, target, {}, out));
}
BENCHMARK(write_request);

void write_response(benchmark::State& state) {
  ResponseHead head;
  if (parse_response(kResponse, Method::get, head)) return state.SkipWithError("refused");
  const WireFraming framing{Framing::length, 1024, false, false, {}};
  std::vector<char> out(head_size_max(head, framing));
  for (auto _ : state) benchmark::DoNotOptimize(write_head(head, framing, nullptr, out));
}
BENCHMARK(write_response);

// All that a request goes through between parser and writer, and back: parsing is in it, since the head is edited.
void forward_request(benchmark::State& state) {
  Forwarding from;
  from.client = *parse_endpoint("192.0.2.7:51234");
  from.scheme = "https";
  from.request_id = "0123456789abcdef01234567";
  const NetworkSet trusted;
  std::vector<char> out(4096);
  for (auto _ : state) {
    RequestHead head;
    Arena arena;
    if (parse_request(kRequest, head)) return state.SkipWithError("refused");
    const ClientIdentity client = identify_client(head, from, trusted);
    strip_hop_by_hop(head);
    add_forwarding_fields(head, from, client, arena);
    benchmark::DoNotOptimize(write_head(head, head.path, {}, out));
  }
}
BENCHMARK(forward_request);

}  // namespace
