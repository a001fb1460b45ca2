// A server and its clients on one event loop and one thread.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "shellac/web/server.hpp"

namespace shellac::web {

// A directory of its own for each test, removed at its end.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "shellac-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A client that sends and expects octets. Runs the loop while it waits.
class Peer {
 public:
  Peer(boost::asio::io_context& context, const Endpoint& to) : context_(context), socket_(context) {
    sockaddr_storage address{};
    const socklen_t length = to.to(address);
    socket_.connect(boost::asio::generic::stream_protocol::endpoint(&address, length));
  }
  Peer& send(std::string_view octets) {
    boost::system::error_code ignored;  // the server may have closed already
    boost::asio::write(socket_, boost::asio::buffer(octets), ignored);
    return *this;
  }
  Peer& finish() {
    boost::system::error_code ignored;
    socket_.shutdown(boost::asio::socket_base::shutdown_send, ignored);
    return *this;
  }
  // What has come up to and with `end`; everything when the server closes first.
  std::string receive_until(std::string_view end) {
    while (!closed_ && received_.find(end) == std::string::npos) read_some();
    const std::size_t found = received_.find(end);
    const std::size_t size = found == std::string::npos ? received_.size() : found + end.size();
    std::string part = received_.substr(0, size);
    received_.erase(0, size);
    return part;
  }
  // Everything until the server closes.
  std::string receive_all() {
    while (!closed_) read_some();
    return std::exchange(received_, {});
  }

 private:
  void read_some() {
    bool done = false;
    socket_.async_read_some(boost::asio::buffer(octets_), [&](boost::system::error_code error, std::size_t size) {
      received_.append(octets_, size);
      closed_ = static_cast<bool>(error);
      done = true;
    });
    while (!done) context_.run_one();
  }

  boost::asio::io_context& context_;
  boost::asio::generic::stream_protocol::socket socket_;
  char octets_[4096];
  std::string received_;
  bool closed_ = false;
};

class ServerTest : public testing::Test {
 protected:
  // Starts a server with what `router` and `options` hold now.
  Endpoint start() {
    server = std::make_unique<Server>(context, log, router, options);
    const auto outcome = server->listen(parse_endpoint("127.0.0.1:0").value());
    EXPECT_EQ(outcome.problem, "");
    return outcome.bound;
  }
  // The whole conversation of one connection: these octets, no more, and all that comes back.
  std::string talk(std::string_view octets) {
    if (!server) address = start();
    return Peer(context, address).send(octets).finish().receive_all();
  }

  TempDir dir;
  Log log{LogLevel::off};
  boost::asio::io_context context{1};
  Router router;
  ServerOptions options;
  std::unique_ptr<Server> server;
  Endpoint address;
};

}  // namespace shellac::web
