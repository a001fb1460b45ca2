// What it costs to understand a head (scan, then parse with every framing rule) and to find a body in chunks.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "shellac/http/body_decoder.hpp"
#include "shellac/http/head_scan.hpp"
#include "shellac/http/parser.hpp"

namespace {

using namespace shellac::http;

// 560 octets, as a browser sends them.
constexpr std::string_view kRequest =
    "GET /spots/2026/11/porsche-911-gt3-rs-amsterdam.jpg?size=large HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 "
    "Safari/537.36\r\n"
    "Accept: image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.9,nl;q=0.8\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Connection: keep-alive\r\n"
    "Referer: https://www.example.com/spots/2026/11/\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
    "Sec-Fetch-Dest: image\r\n"
    "\r\n";

constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Date: Mon, 23 Nov 2026 13:00:00 GMT\r\n"
    "Server: Apache\r\n"
    "Last-Modified: Mon, 23 Nov 2026 12:00:00 GMT\r\n"
    "ETag: \"400-5f0c1b2a3d4e5\"\r\n"
    "Accept-Ranges: bytes\r\n"
    "Content-Length: 1024\r\n"
    "Cache-Control: max-age=3600\r\n"
    "Content-Type: image/jpeg\r\n"
    "\r\n";

void parse_request_head(benchmark::State& state) {
  for (auto _ : state) {
    HeadScan scan(HeadScan::Kind::request, {});
    if (scan.scan(kRequest) != HeadScan::State::complete) state.SkipWithError("not complete");
    RequestHead head;
    if (parse_request(kRequest.substr(scan.start(), scan.size() - scan.start()), head)) state.SkipWithError("refused");
    benchmark::DoNotOptimize(head.fields.size());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(kRequest.size()) * state.iterations());
}
BENCHMARK(parse_request_head);

void parse_response_head(benchmark::State& state) {
  for (auto _ : state) {
    HeadScan scan(HeadScan::Kind::response, {});
    if (scan.scan(kResponse) != HeadScan::State::complete) state.SkipWithError("not complete");
    ResponseHead head;
    if (parse_response(kResponse.substr(scan.start(), scan.size() - scan.start()), Method::get, head))
      state.SkipWithError("refused");
    benchmark::DoNotOptimize(head.fields.size());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(kResponse.size()) * state.iterations());
}
BENCHMARK(parse_response_head);

// One MiB in chunks of the given size.
void decode_chunks(benchmark::State& state) {
  constexpr std::size_t kBody = 1024 * 1024;
  const auto size = static_cast<std::size_t>(state.range(0));
  char begin[32];
  std::snprintf(begin, sizeof begin, "%zx\r\n", size);
  std::string octets;
  for (std::size_t sent = 0; sent < kBody; sent += size) octets += begin + std::string(size, 'x') + "\r\n";
  octets += "0\r\n\r\n";
  for (auto _ : state) {
    BodyDecoder decoder(Framing::chunked, 0);
    std::string_view left = octets;
    while (!decoder.is_complete()) {
      const auto step = decoder.step(left);
      if (step.state == BodyDecoder::State::refused) {
        state.SkipWithError("refused");
        break;
      }
      left.remove_prefix(step.consumed);
    }
    benchmark::DoNotOptimize(decoder.received());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(octets.size()) * state.iterations());
}
BENCHMARK(decode_chunks)->Arg(64)->Arg(4096)->Arg(65536);

}  // namespace
