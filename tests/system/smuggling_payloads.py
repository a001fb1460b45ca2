"""Requests that others read differently (refused, whoever is right) and requests that are odd but legal (served)."""

HOST = "Host: edge\r\n"
# Behind every payload: an answer to it, or its arrival at the origin, is a request smuggled.
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: edge\r\n\r\n"


def get(lines="", line="GET /x HTTP/1.1"):
    return f"{line}\r\n{HOST}{lines}\r\n".encode("latin-1")


def post(lines, body="", line="POST /x HTTP/1.1"):
    return f"{line}\r\n{HOST}{lines}\r\n{body}".encode("latin-1")


def chunks(body):
    return post("Transfer-Encoding: chunked\r\n", body)


EMPTY = "0\r\n\r\n"

TWO_LENGTHS = [post(lines, EMPTY) for lines in (
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
    "Content-Length: 5\r\ntransfer-encoding: CHUNKED\r\n",
    "Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
    "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n",
    "Content-Length: 5\r\nTransfer-Encoding:\r\n",
    "Content-Length: 5\r\nTransfer-Encoding: chunked, identity\r\n",
    "Content-Length: x\r\nTransfer-Encoding: chunked\r\n",
    "Content-Length:\r\nTransfer-Encoding: chunked\r\n",
    "Content-Length: 5\r\nX: y\r\nTransfer-Encoding: chunked\r\nConnection: Content-Length\r\n",
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: Transfer-Encoding\r\n",
    "Content-Length: 5\r\nContent-Length: 6\r\n",
    "Content-Length: 5\r\nContent-Length: 5\r\n",
    "Content-Length: 5\r\ncontent-length: 5\r\n",
    "Content-Length: 0\r\nX: y\r\nContent-Length: 5\r\n",
    "Content-Length: 5\r\nContent-Length:\r\n",
)]

LENGTHS = [post(f"Content-Length:{value}\r\n", EMPTY) for value in (
    " 5, 5", " 5,6", " 5,", " ,5", " +5", " -5", " -0", " 5 5", " 0x5", " 5x", " x", "", " ", " 5.0", " 5e0", " 1_0", " '5'", ' "5"', " 5;a=b",
    " 5\t5", " \u00b2", " 9223372036854775808", " 18446744073709551616", " 18446744073709551621", " 99999999999999999999999999",
    " 0000000000000000000000000000000000000000 5")]

ENCODINGS = [post(f"Transfer-Encoding:{value}\r\n", EMPTY) for value in (
    "", " ", " ,", " chunked,", " ,chunked", " chunked, chunked", " chunked,chunked", " gzip, chunked", " chunked, gzip", " gzip",
    " identity", " identity, chunked", " chunked, identity", " xchunked", " chunkedx", " chunked;q=1", " chunked; a=b", " chunked chunked",
    ' "chunked"', " 'chunked'", " chun ked", " chunked\u00a0", " \u00a0chunked", " deflate", " chu\u00ffnked", " compress, chunked")] + [
    post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", EMPTY),
    post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", EMPTY),
    post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", EMPTY),
    post("Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n", EMPTY),
    post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", EMPTY),
    post("Transfer-Encoding: chunked\r\n", EMPTY, "POST /x HTTP/1.0"),
    post("Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n", EMPTY, "POST /x HTTP/1.0"),
    post("Transfer-Encoding: identity\r\n", EMPTY, "POST /x HTTP/1.0"),
]

# Fields that some servers take for the real ones.
DISGUISED = [post(lines, EMPTY) for lines in (
    "Transfer-Encoding : chunked\r\n", "Transfer-Encoding\t: chunked\r\n", " Transfer-Encoding: chunked\r\n", "\tTransfer-Encoding: chunked\r\n",
    "X: y\r\n Transfer-Encoding: chunked\r\n", "Transfer-Encoding\r\n: chunked\r\n", "Transfer-Encoding:\r\n chunked\r\n",
    "Transfer-Encoding: chunked\r\n \r\n", "X: y\nTransfer-Encoding: chunked\r\n", "X: y\rTransfer-Encoding: chunked\r\n",
    "X: y\r\n\nTransfer-Encoding: chunked\r\n", "X: y\r\r\nTransfer-Encoding: chunked\r\n", "X: y\0\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: \0chunked\r\n", "Transfer-Encoding:\x0bchunked\r\n", "Transfer-Encoding:\x0cchunked\r\n",
    "Transfer-Encoding: chunked\x0b\r\n", "Transfer-Encoding: chunked\x7f\r\n", "Transfer-Encoding\x00: chunked\r\n", "\0Transfer-Encoding: chunked\r\n",
    "\x0bTransfer-Encoding: chunked\r\n", "Transfer Encoding: chunked\r\n", "Transfer-Encoding\u00ff: chunked\r\n", "[Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding; chunked\r\n", "Transfer-Encoding= chunked\r\n", "Transfer-Encoding chunked\r\n", ":Transfer-Encoding: chunked\r\n", ": x\r\n",
    "Content-Length : 5\r\n", "Content-Length\t: 5\r\n", " Content-Length: 5\r\n", "Content-Length:\r\n 5\r\n", "Content-Length: 5\r\n 6\r\n",
    "Content-Length: 5\n\r\n", "Content-Length: \x0b5\r\n", "Content-Length: 5\0\r\n", "Content-Length: \x01\r\n", "X\r\n", "X\n", "X\r",
    "Content-Length: 5\rX: y\r\n",
)]

LINES = [octets + SMUGGLED for octets in (
    b"GET /x HTTP/1.1\nHost: edge\r\n\r\n", b"GET /x HTTP/1.1\r\nHost: edge\n\r\n", b"GET /x HTTP/1.1\r\nHost: edge\r\n\n",
    b"GET /x HTTP/1.1\nHost: edge\n\n", b"\nGET /x HTTP/1.1\r\nHost: edge\r\n\r\n", b"\rGET /x HTTP/1.1\r\nHost: edge\r\n\r\n",
    b"GET /x HTTP/1.1\r\r\nHost: edge\r\n\r\n", b"GET /x HTTP/1.1\r\n\rHost: edge\r\n\r\n", b"GET /x HTTP/1.1\r\nHost: edge\r\n\r\r\n",
    b" GET /x HTTP/1.1\r\nHost: edge\r\n\r\n", b"GET  /x HTTP/1.1\r\nHost: edge\r\n\r\n", b"GET /x  HTTP/1.1\r\nHost: edge\r\n\r\n",
    b"GET\t/x HTTP/1.1\r\nHost: edge\r\n\r\n", b"GET /x\tHTTP/1.1\r\nHost: edge\r\n\r\n", b"GET /x\x0bHTTP/1.1\r\nHost: edge\r\n\r\n",
    b"GET /x HTTP/1.1 \r\nHost: edge\r\n\r\n", b"GET /x HTTP/1.1\t\r\nHost: edge\r\n\r\n", b"GET /x y HTTP/1.1\r\nHost: edge\r\n\r\n",
    b"GET /x HTTP/1.1 HTTP/1.1\r\nHost: edge\r\n\r\n", b"GET /x\r\nHost: edge\r\n\r\n", b"GET /x\r\n\r\n", b"GET\r\n\r\n", b"/x HTTP/1.1\r\nHost: edge\r\n\r\n",
    b"GET /x\0 HTTP/1.1\r\nHost: edge\r\n\r\n", b"GET /x\x01 HTTP/1.1\r\nHost: edge\r\n\r\n", b"GET /x\x7f HTTP/1.1\r\nHost: edge\r\n\r\n",
    b"GET /x\xff HTTP/1.1\r\nHost: edge\r\n\r\n", b"GET /x# HTTP/1.1\r\nHost: edge\r\n\r\n", b"G\0T /x HTTP/1.1\r\nHost: edge\r\n\r\n",
    b"GET:/x HTTP/1.1\r\nHost: edge\r\n\r\n", b"HTTP/1.1 200 OK\r\nHost: edge\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /x HTTP/1.1\r\n Host: edge\r\n\r\n", b"GET /x HTTP/1.1\r\n\tX: y\r\nHost: edge\r\n\r\n",
)]

VERSIONS = [f"GET /x {version}\r\n{HOST}\r\n".encode() for version in (
    "HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3.0", "HTTP/1.10", "HTTP/01.1", "HTTP/1.01", "HTTP/1", "HTTP/11", "HTTP/1.", "HTTP/.1", "HTTP/1,1",
    "http/1.1", "Http/1.1", "HTTP/1.1x", "xHTTP/1.1", "HTTP 1.1", "HTTP/ 1.1", "HTTP/-1.1", "HTTP/+1.1", "RTSP/1.0", "ICE/1.0", "SIP/2.0", "HTTPS/1.1")] + [
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]

METHODS = [f"{method} /x HTTP/1.1\r\n{HOST}\r\n".encode() for method in (
    "get", "Get", "GETX", "XGET", "FOO", "DESCRIBE", "SETUP", "SOURCE", "PRI", "SM", "G(ET", "G=ET", "\"GET\"", "CONNECT")] + [
    b"CONNECT edge:443 HTTP/1.1\r\nHost: edge:443\r\n\r\n",
    b"CONNECT edge:443 HTTP/1.1\r\nHost: edge:443\r\nContent-Length: 5\r\n\r\n",
]

HOSTS = [f"GET {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") for target, lines in (
    ("/x", ""), ("/x", "X: y\r\n"), ("/x", HOST + HOST), ("/x", HOST + "Host: other\r\n"), ("/x", HOST + "host: edge\r\n"), ("/x", HOST + "Host:\r\n"),
    ("/x", "Host:\r\n"), ("/x", "Host: edge, other\r\n"), ("/x", "Host: edge other\r\n"), ("/x", "Host: edge/x\r\n"), ("/x", "Host: user@edge\r\n"),
    ("/x", "Host: edge?\r\n"), ("/x", "Host: edge#\r\n"), ("/x", "Host: edge\\other\r\n"), ("/x", "Host: edge:\r\n"), ("/x", "Host: edge:x\r\n"),
    ("/x", "Host: edge:65536\r\n"), ("/x", "Host: edge:80:80\r\n"), ("/x", "Host: :80\r\n"), ("/x", "Host: [::1\r\n"), ("/x", "Host: ::1\r\n"),
    ("/x", "Host: [::1]x\r\n"), ("/x", "Host: [x]\r\n"), ("/x", "Host: ed%67e\r\n"), ("/x", "Host: edg\u00e9\r\n"), ("/x", "Host: http://edge\r\n"),
    ("/x", 'Host: "edge"\r\n'), ("/x", "Host: <edge>\r\n"), ("/x", "Host: edge\t.other\r\n"), ("/x", "Host : edge\r\n"), ("/x", "Host: edge\r\n other\r\n"),
    ("http://other/x", HOST), ("http://edge:81/x", HOST), ("http://edge/x", ""), ("http://edge/x", HOST + HOST), ("http://user@edge/x", "Host: user@edge\r\n"),
    ("http:///x", HOST), ("http://", HOST), ("http:/x", HOST), ("http:x", HOST), ("//edge/x\\", ""), ("ftp://edge/x", HOST), ("edge/x", HOST), ("edge:80", HOST),
    ("*", HOST), ("x", HOST), ("?x", HOST), ("\\x", HOST), ("http://[::1/x", HOST), ("http://edge#x", HOST),
)]

# Refused for their bodies: with `buffer_request` 0 the origin has seen the head by then, and never the end.
CHUNKS = [chunks(body) for body in (
    "1\nx\r\n0\r\n\r\n", "1\r\nx\n0\r\n\r\n", "1\rx\r\n0\r\n\r\n", "1\r\nx\r0\r\n\r\n", "1\r\nxy\r\n0\r\n\r\n", "1\r\nx0\r\n\r\n", "1\r\nx\r\n\r\n0\r\n\r\n",
    "0x1\r\nx\r\n0\r\n\r\n", "0X1\r\nx\r\n0\r\n\r\n", "x1\r\nx\r\n0\r\n\r\n", "+1\r\nx\r\n0\r\n\r\n", "-1\r\nx\r\n0\r\n\r\n", " 1\r\nx\r\n0\r\n\r\n",
    "\t1\r\nx\r\n0\r\n\r\n", "1 \r\nx\r\n0\r\n\r\n", "1\t\r\nx\r\n0\r\n\r\n", "1 1\r\nx\r\n0\r\n\r\n", "1,\r\nx\r\n0\r\n\r\n", "1_\r\nx\r\n0\r\n\r\n", "1h\r\nx\r\n0\r\n\r\n",
    "g\r\nx\r\n0\r\n\r\n", "\r\nx\r\n0\r\n\r\n", "\r\n\r\n", ";a\r\nx\r\n0\r\n\r\n", "1\0\r\nx\r\n0\r\n\r\n", "1\x0b\r\nx\r\n0\r\n\r\n", "\xb9\r\nx\r\n0\r\n\r\n",
    "00000000000000001\r\nx\r\n0\r\n\r\n", "10000000000000001\r\nx\r\n0\r\n\r\n", "ffffffffffffffff\r\nx\r\n0\r\n\r\n", "8000000000000000\r\nx\r\n0\r\n\r\n",
    "1;\r\nx\r\n0\r\n\r\n", "1;;a\r\nx\r\n0\r\n\r\n", "1; \r\nx\r\n0\r\n\r\n", "1;a=\r\nx\r\n0\r\n\r\n", "1;a\nx\r\n0\r\n\r\n", "1;a\rb\r\nx\r\n0\r\n\r\n", "1;a\0\r\nx\r\n0\r\n\r\n",
    '1;a="\r\nx\r\n0\r\n\r\n', '1;a="b\nc"\r\nx\r\n0\r\n\r\n', '1;a="b"c\r\nx\r\n0\r\n\r\n', "1;a=b c\r\nx\r\n0\r\n\r\n", "1;a\x0b=b\r\nx\r\n0\r\n\r\n", "1;\xe9\r\nx\r\n0\r\n\r\n",
    "1\r\nx\r\n0\n\r\n", "1\r\nx\r\n0\r\n\n", "1\r\nx\r\n0\r\n\rX", "1\r\nx\r\n00000000000000000\r\n\r\n", "1\r\nx\r\n0 \r\n\r\n",
    "0\r\nX\r\n\r\n", "0\r\nX : y\r\n\r\n", "0\r\n X: y\r\n\r\n", "0\r\nX: y\r\n z\r\n\r\n", "0\r\nX: y\n\r\n", "0\r\nX: y\0\r\n\r\n", "0\r\nX: \x01\r\n\r\n", "0\r\n: y\r\n\r\n",
    "0\r\nContent-Length: 5\r\n\r\n", "0\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\nHost: other\r\n\r\n", "0\r\nConnection: close\r\n\r\n", "0\r\nTrailer: X\r\n\r\n",
    "0\r\nUpgrade: x\r\n\r\n", "0\r\nTE: x\r\n\r\n", "0\r\n" + "X: y\r\n" * 200 + "\r\n", "0\r\nX: " + "y" * 20000 + "\r\n\r\n", "1;" + "a" * 20000 + "\r\nx\r\n0\r\n\r\n",
)]

REFUSED_HEADS = {"two lengths": TWO_LENGTHS, "length": LENGTHS, "encoding": ENCODINGS, "disguised": DISGUISED, "lines": LINES, "version": VERSIONS,
                 "method": METHODS, "host": HOSTS}

# Octets, and what the origin must see of them: (method, target, body) of each request.
LEGAL = [
    (b"\r\n" + get(), [("GET", "/x", b"")]),
    (b"\r\n\r\n" + get(), [("GET", "/x", b"")]),
    (get() + b"\r\n" + get(), [("GET", "/x", b""), ("GET", "/x", b"")]),
    (post("Content-Length: 5\r\n", "hello", "GET /x HTTP/1.1"), [("GET", "/x", b"hello")]),
    (post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n" + EMPTY, "GET /x HTTP/1.1"), [("GET", "/x", b"hello")]),
    (post("Content-Length: 5\r\n", "hello", "DELETE /x HTTP/1.1"), [("DELETE", "/x", b"hello")]),
    (post("Content-Length: 5\r\n", "hello", "HEAD /x HTTP/1.1"), [("HEAD", "/x", b"hello")]),
    (post("Content-Length: 0\r\n"), [("POST", "/x", b"")]),
    (post(""), [("POST", "/x", b"")]),
    (post("Content-Length: 0000000005\r\n", "hello"), [("POST", "/x", b"hello")]),
    (post("Content-Length:5\r\n", "hello"), [("POST", "/x", b"hello")]),
    (post("CONTENT-LENGTH: \t 5  \r\n", "hello"), [("POST", "/x", b"hello")]),
    (post(f"Content-Length: {len(SMUGGLED)}\r\n", SMUGGLED.decode()), [("POST", "/x", SMUGGLED)]),
    (chunks(f"{len(SMUGGLED):x}\r\n{SMUGGLED.decode()}\r\n" + EMPTY), [("POST", "/x", SMUGGLED)]),
    (chunks("5\r\nhello\r\n" + EMPTY), [("POST", "/x", b"hello")]),
    (chunks("05\r\nhello\r\n000" + EMPTY), [("POST", "/x", b"hello")]),
    (chunks("0000000000000005\r\nhello\r\n" + EMPTY), [("POST", "/x", b"hello")]),
    (chunks("A\r\n0123456789\r\na\r\n0123456789\r\n" + EMPTY), [("POST", "/x", b"01234567890123456789")]),
    (chunks("2\r\n\r\n\r\n3\r\n0\r\n\r\n" + EMPTY), [("POST", "/x", b"\r\n0\r\n")]),
    (chunks("5;a\r\nhello\r\n0;b\r\n\r\n"), [("POST", "/x", b"hello")]),
    (chunks("5;a=b;c=\"d;\\\" e\"\r\nhello\r\n" + EMPTY), [("POST", "/x", b"hello")]),
    (chunks("5 ; a = b\r\nhello\r\n" + EMPTY), [("POST", "/x", b"hello")]),
    (chunks("5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"), [("POST", "/x", b"hello")]),
    (chunks("5\r\nhello\r\n0\r\nX-Sum:\r\nX-Sum: 2\r\n\r\n"), [("POST", "/x", b"hello")]),
    (post("transfer-encoding:CHUNKED\r\n", "5\r\nhello\r\n" + EMPTY), [("POST", "/x", b"hello")]),
    (post("Transfer-Encoding: \t chunked\t \r\n", "5\r\nhello\r\n" + EMPTY), [("POST", "/x", b"hello")]),
    (post("Connection: Content-Length\r\nContent-Length: 5\r\n", "hello"), [("POST", "/x", b"hello")]),
    (post("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n" + EMPTY), [("POST", "/x", b"hello")]),
    (post("X-Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "hello"), [("POST", "/x", b"hello")]),
    (post("Content-Length: 5\r\n", "hello", "POST /x HTTP/1.0"), [("POST", "/x", b"hello")]),
    (get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"), [("GET", "/x", b"")]),
    (b"GET http://edge/x HTTP/1.1\r\nHost: EDGE\r\n\r\n", [("GET", "/x", b"")]),
    (b"GET HTTP://edge/x?http://other/ HTTP/1.1\r\nHost: edge\r\n\r\n", [("GET", "/x?http://other/", b"")]),
    (b"GET /x?a=b%0d%0aX:y HTTP/1.1\r\nHost: edge\r\n\r\n", [("GET", "/x?a=b%0d%0aX:y", b"")]),
    (b"OPTIONS * HTTP/1.1\r\nHost: edge\r\n\r\n", [("OPTIONS", "*", b"")]),
    (b"GET /x HTTP/1.1\r\nHOST:edge\r\nX-Empty:\r\nX-Text: \xe9\xff\t \"\\(\r\n\r\n", [("GET", "/x", b"")]),
    (b"GET /x HTTP/1.0\r\n\r\n", [("GET", "/x", b"")]),
    (b"PURGE /x HTTP/1.1\r\nHost: edge:8080\r\n\r\n", [("PURGE", "/x", b"")]),
    (b"M-SEARCH /x HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", [("M-SEARCH", "/x", b"")]),
]
