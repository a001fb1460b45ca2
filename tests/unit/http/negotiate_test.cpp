#include "shellac/http/negotiate.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace shellac::http {
namespace {

struct Row {
  std::string_view accept;
  ErrorType type;
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) EXPECT_EQ(choose_error_type(row.accept), row.type) << row.accept;
}
using enum ErrorType;

TEST(Negotiate, WhatClientsSend) {
  check({
      {"", text},
      {"*/*", text},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", html},
      {"application/json", json},
      {"application/json, text/plain, */*", text},  // Axios: the tie goes to text
      {"application/problem+json", json},
      {"image/avif,image/webp,*/*;q=0.8", text},
      {"text/css,*/*;q=0.1", text},
      {"application/xml", text},  // nothing that we have
  });
}

TEST(Negotiate, QualityWins) {
  check({
      {"text/html;q=0.5, application/json;q=0.9", json},
      {"text/html;q=0.9, application/json;q=0.5", html},
      {"text/plain;q=0.1, text/html;q=0.2, application/json;q=0.3", json},
      {"text/html;q=0.001", html},
      {"text/html; Q=1.000 , */*;q=0.999", html},
      {"text/html;level=1;q=0.3, application/json;q=0.2", html},
      {"TEXT/HTML", html},
      {"text/plain;q=0, */*", html},
  });
}

TEST(Negotiate, TheMoreSpecificRangeWins) {
  check({
      {"*/*;q=0.1, text/html;q=0.5", html},
      {"text/html;q=0.5, */*;q=0.1", html},
      {"text/*, text/html;q=0.1, text/plain;q=0.1, application/json;q=0.5", json},
      {"text/*;q=0.5, text/plain;q=0.1", html},
      {"application/*", json},
      {"application/*;q=0.5, text/html;q=0.6", html},
      {"*/*;q=0.9, text/*;q=0", json},
      {"text/html, */*", html},
  });
}

TEST(Negotiate, ZeroIsNotAcceptable) {
  check({
      {"text/html;q=0", text},
      {"*/*;q=0", text},  // something has to be said
      {"text/html;q=0.0, application/json;q=0.000, text/plain;q=0.1", text},
      {"application/json;q=0, application/problem+json;q=0.1", json},
  });
}

// A weight that is none weighs nothing.
TEST(Negotiate, MalformedWeights) {
  for (const std::string_view bad :
       {"q=", "q=2", "q=-1", "q=.5", "q=1.0000", "q=0,5", "q=a", "q=0.a", "q=00.5", "q=\"1\"", "q=1 0"}) {
    const std::string accept = "text/html;" + std::string(bad) + ";x";
    EXPECT_EQ(choose_error_type(accept), text) << accept;
  }
  check({
      {"text/html;q=1.5", html},  // at most one
      {"text/html;q =0", html},   // no weight at all: white space is not allowed there
      {"text/html;q=0.5;q=0", html},
      {",,;, text/html", html},
      {"text/html/x", text},
      {"text", text},
      {"*", text},
      {"*/html", text},
      {"text/ht*", text},
  });
}

TEST(Negotiate, TypesOfFiles) {
  for (const auto& [path, type] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"/a.jpg", "image/jpeg"},
           {"/a.JPEG", "image/jpeg"},
           {"/a.b.png", "image/png"},
           {"robots.txt", "text/plain; charset=utf-8"},
           {"/index.html", "text/html; charset=utf-8"},
           {"/a.webp", "image/webp"},
           {"/a.tar.gz", "application/gzip"},
           {"/.well-known/acme-challenge/token", "application/octet-stream"},
           {"/a.d/file", "application/octet-stream"},
           {"/a.", "application/octet-stream"},
           {"/a", "application/octet-stream"},
           {"", "application/octet-stream"},
           {".html", "text/html; charset=utf-8"},
           {"/a.htmlx", "application/octet-stream"},
       })
    EXPECT_EQ(media_type_of(path), type) << path;
}

}  // namespace
}  // namespace shellac::http
