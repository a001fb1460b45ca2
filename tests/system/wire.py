"""HTTP/1 as octets: connections that hide nothing, and the messages on them."""

import dataclasses
import socket
import ssl
import struct
import time

from running import PATIENCE


class Cut(ConnectionError):
    """The other side closed before the message was whole. `.received` is what there was of the body."""

    def __init__(self, what, received=b""):
        super().__init__(f"connection ended inside {what}")
        self.received = received


@dataclasses.dataclass
class Message:
    """A request or a response as it came: `fields` in order, names as written."""

    first: str
    fields: list
    head: bytes
    body: bytes = b""
    trailers: list = dataclasses.field(default_factory=list)
    interim: list = dataclasses.field(default_factory=list)

    @property
    def status(self):
        return int(self.first.split(" ")[1])

    @property
    def method(self):
        return self.first.split(" ")[0]

    @property
    def target(self):
        return self.first.split(" ")[1]

    @property
    def version(self):
        return self.first.split(" ")[0] if self.first.startswith("HTTP/") else self.first.split(" ")[-1]

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name, default=None):
        """The field's value, lists joined as RFC 9110 §5.3 says."""
        values = self.all(name)
        return ", ".join(values) if values else default

    def __contains__(self, name):
        return bool(self.all(name))


def request(method="GET", target="/", fields=None, body=b"", host="localhost", version="HTTP/1.1"):
    """The octets of a request. `fields`: a dict or a list of pairs. A body gets Content-Length unless framing is given."""
    pairs = list(fields.items()) if isinstance(fields, dict) else list(fields or [])
    given = {name.lower() for name, _ in pairs}
    if host is not None and "host" not in given:
        pairs.insert(0, ("Host", host))
    if body and not given & {"content-length", "transfer-encoding"}:
        pairs.append(("Content-Length", str(len(body))))
    return _head(f"{method} {target} {version}", pairs) + body


def response(status=200, fields=None, body=b"", reason="OK", version="HTTP/1.1"):
    """The octets of a response; Content-Length is added unless framing is given or the status has no body."""
    pairs = list(fields.items()) if isinstance(fields, dict) else list(fields or [])
    given = {name.lower() for name, _ in pairs}
    if status >= 200 and status not in (204, 304) and not given & {"content-length", "transfer-encoding"}:
        pairs.append(("Content-Length", str(len(body))))
    return _head(f"{version} {status} {reason}", pairs) + body


def _head(first, pairs):
    lines = [first] + [f"{name}: {value}" for name, value in pairs]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunked(*parts, trailers=()):
    """The octets of a chunked body with these parts, its end and the trailers (pairs)."""
    out = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part)
    return out + b"0\r\n" + b"".join(f"{name}: {value}\r\n".encode() for name, value in trailers) + b"\r\n"


class Connection:
    """A socket with a buffer, that reads HTTP/1 as it is and hides nothing. Both sides of the tests use it."""

    def __init__(self, sock, timeout=10.0):
        self.socket = sock
        self.socket.settimeout(timeout * PATIENCE)
        self.buffer = b""
        self.ended = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- writing

    def send(self, *octets):
        for one in octets:
            self.socket.sendall(one if isinstance(one, (bytes, bytearray, memoryview)) else one.encode("latin-1"))

    def send_slowly(self, octets, step=1, pause=0.005):
        for start in range(0, len(octets), step):
            self.send(octets[start:start + step])
            time.sleep(pause)

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass

    def reset(self):
        """Closes with RST instead of FIN."""
        raw = self.socket
        if isinstance(raw, ssl.SSLSocket):
            raw = socket.socket(fileno=raw.detach())
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()

    # --- reading

    def _more(self):
        """Reads once. False at the end: FIN, RST and a TLS connection cut without close_notify alike."""
        if self.ended:
            return False
        try:
            octets = self.socket.recv(262144)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            octets = b""
        if not octets:
            self.ended = True
            return False
        self.buffer += octets
        return True

    def read_until(self, mark, what="a line"):
        while mark not in self.buffer:
            if not self._more():
                raise Cut(what, self.buffer)
        octets, _, self.buffer = self.buffer.partition(mark)
        return octets + mark

    def read(self, count, what="a body"):
        parts, missing = [], count
        while True:
            part, self.buffer = self.buffer[:missing], self.buffer[missing:]
            parts.append(part)
            missing -= len(part)
            if missing == 0:
                return b"".join(parts)
            if not self._more():
                raise Cut(what, b"".join(parts))

    def read_some(self):
        """What is there, at least one octet; b"" at the end."""
        if not self.buffer:
            self._more()
        octets, self.buffer = self.buffer, b""
        return octets

    def read_to_end(self):
        while self._more():
            pass
        octets, self.buffer = self.buffer, b""
        return octets

    def is_closed(self, timeout=5.0):
        """True when the other side ends the connection within the time, without another octet."""
        before = self.socket.gettimeout()
        self.socket.settimeout(timeout * PATIENCE)
        try:
            return not self.buffer and not self._more()
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(before)

    def is_open(self, timeout=0.2):
        """True when for this long nothing comes and nobody closes."""
        before = self.socket.gettimeout()
        self.socket.settimeout(timeout)
        try:
            self._more()
            return False
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(before)

    def head(self, what="a head"):
        if not self.buffer and not self._more():
            raise Cut(what)
        octets = self.read_until(b"\r\n\r\n", what)
        first, *lines = octets[:-4].decode("latin-1").split("\r\n")
        fields = []
        for line in lines:
            name, _, value = line.partition(":")
            fields.append((name, value.strip(" \t")))
        return Message(first, fields, octets)

    def _chunks(self):
        parts = []
        try:
            while True:
                size = int(self.read_until(b"\r\n", "a chunk size").split(b";")[0].strip(), 16)
                if size == 0:
                    break
                parts.append(self.read(size, "a chunk"))
                if self.read(2, "a chunk") != b"\r\n":
                    raise AssertionError("a chunk does not end with CRLF")
            trailers = []
            while True:
                line = self.read_until(b"\r\n", "the trailers")[:-2].decode("latin-1")
                if not line:
                    return b"".join(parts), trailers
                name, _, value = line.partition(":")
                trailers.append((name, value.strip()))
        except Cut as cut:
            raise Cut("a chunked body", b"".join(parts) + cut.received) from None

    def _body(self, message, until_end):
        if "chunked" in message.get("Transfer-Encoding", "").lower():
            message.body, message.trailers = self._chunks()
        elif "Content-Length" in message:
            message.body = self.read(int(message.all("Content-Length")[0]))
        elif until_end:
            message.body = self.read_to_end()
        return message

    def request(self, body=True):
        """Reads one request; None when the other side closed before one began."""
        try:
            message = self.head("a request")
        except Cut as cut:
            if cut.received:
                raise
            return None
        return self._body(message, until_end=False) if body else message

    def response(self, method="GET", body=True):
        """Reads one response. Interim ones are gathered in `.interim`. Raises Cut when it is not whole."""
        interim = []
        while True:
            message = self.head("a response")
            if message.status >= 200 or message.status == 101:
                break
            interim.append(message)
        message.interim = interim
        if not body or method == "HEAD" or message.status in (101, 204, 304):
            return message
        return self._body(message, until_end=True)

    def ask(self, method="GET", target="/", fields=None, body=b"", host="localhost"):
        """Sends a request and reads its response."""
        self.send(request(method, target, fields, body, host))
        return self.response(method)


def dial(address, tls=None, name="localhost", timeout=10.0, receive_buffer=None, source=None):
    """Connects to "host:port", "[v6]:port" or "unix:PATH"; with an SSLContext in `tls` also shakes hands for `name`."""
    if address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        target = address[5:]
    else:
        host, port = address.rsplit(":", 1)
        family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
        sock = socket.socket(family)
        target = (host.strip("[]"), int(port))
    sock.settimeout(timeout * PATIENCE)
    try:
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            sock.bind((source, 0))
        sock.connect(target)
        if not address.startswith("unix:"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            sock = tls.wrap_socket(sock, server_hostname=name)
    except BaseException:
        sock.close()
        raise
    return Connection(sock, timeout)
