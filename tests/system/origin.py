"""Scripted servers: what stands behind the edge when it must misbehave."""

import socket
import ssl
import struct
import threading

from running import PATIENCE
from wire import Connection, Cut, response


class Peer(Connection):
    """The origin's side of one connection, as the handler gets it."""

    def __init__(self, sock, origin, number):
        super().__init__(sock)
        self.origin = origin
        self.number = number  # 0 for the origin's first connection

    def request(self, body=True):
        message = super().request(body)
        if message is not None:
            with self.origin.lock:
                self.origin.requests.append(message)
        return message

    def answer(self, status=200, fields=None, body=b"", reason="OK"):
        """Answers every request of the connection alike, until the other side closes."""
        while True:
            asked = self.request()
            if asked is None:
                return
            octets = response(status, fields, body, reason)
            self.send(octets[:len(octets) - len(body)] if asked.method == "HEAD" else octets)


class Origin:
    """A scripted server: `handler(peer)` runs in a thread of its own for each connection, and the connection is closed
    when it returns. What it raises fails the test, unless it is the other side's closing (Cut, reset, broken pipe).

    `requests` are all that were read with peer.request(), over all connections; `connections` counts them."""

    def __init__(self, handler, tls=None, path=None, backlog=128, host="127.0.0.1"):
        self.handler = handler
        self.tls = tls
        self.lock = threading.Lock()
        self.requests = []
        self.errors = []
        self.connections = 0
        self._peers = set()
        self._threads = []
        self._stopping = False
        if path:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(path))
            self.address = f"unix:{path}"
        else:
            self._listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((host, 0))
            self.port = self._listener.getsockname()[1]
            self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self._listener.listen(backlog)
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self.lock:
                if self._stopping:
                    sock.close()
                    return
                number, self.connections = self.connections, self.connections + 1
            thread = threading.Thread(target=self._serve, args=(sock, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock, number):
        peer = None
        try:
            sock.settimeout(10 * PATIENCE)
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            peer = Peer(sock, self, number)
            with self.lock:
                self._peers.add(peer)
            self.handler(peer)
        except (Cut, ConnectionError, ssl.SSLError):
            pass
        except BaseException as error:  # pylint: disable=broad-except
            if not self._stopping:
                self.errors.append(error)
        finally:
            with self.lock:
                self._peers.discard(peer)
            (peer or sock).close()

    def drop_connections(self):
        """Resets every connection that is open now."""
        with self.lock:
            peers = list(self._peers)
        for peer in peers:
            try:
                peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        """Stops listening and ends all connections. Raises the first thing that a handler raised."""
        with self.lock:
            self._stopping = True
            peers = list(self._peers)
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        for peer in peers:
            try:
                peer.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._acceptor.join(5)
        for thread in self._threads:
            thread.join(5)
        if self.errors:
            raise self.errors[0]
