#!/usr/bin/env python3
"""`shellac explain` says what the daemon then does: one table of requests, asked of both."""

import json
import pathlib

import harness

ROUTES = [
    {"name": "host", "match": {"host": ["a.example", "*.b.example"]}, "pool": "web"},
    {"name": "path", "match": {"path": ["/p/*", "/exact"]}, "rewrite": {"prefix": "/moved/"}, "pool": "web"},
    {"name": "safe", "match": {"path": "/safe/*"}, "normalize_path": "safe", "pool": "web"},
    {"name": "none", "match": {"path": "/none/*"}, "normalize_path": "none", "rewrite": {"prefix": "/n/"}, "pool": "web"},
    {"name": "seam", "match": {"path": "/seam*"}, "rewrite": {"prefix": "/s/"}, "pool": "web"},
    {"name": "method", "match": {"method": ["PURGE", "PUT"]}, "respond": {"status": 202, "body": "done", "type": "text/x"}},
    {"name": "header", "match": {"header": {"X-A": "b*", "Cookie": "*k=1*"}}, "respond": {"status": 203}},
    {"name": "client", "match": {"client": "127.0.0.0/8", "path": "/client"}, "respond": {"body": "local"}},
    {"name": "denied", "match": {"path": "/denied"}, "deny": "127.0.0.1", "respond": {"body": "x"}},
    {"name": "allowed", "match": {"path": "/allowed"}, "allow": "10.0.0.0/8", "respond": {"body": "x"}},
    {"name": "moved", "match": {"path": "/go/*"}, "redirect": {"to": "https://$host$path$query", "status": 301}},
    {"name": "away", "match": {"path": "/away"}, "redirect": {"to": "/x${path}$query"}},
    {"name": "star", "match": {"method": "OPTIONS"}, "redirect": {"to": "https://new.example$path"}},
    {"name": "files", "match": {"path": "/files/*"}, "respond": {"dir": "files"}},
    {"name": "last", "match": {"path": "/l*"}, "respond": {"body": "last"}},
]

# Method, target, Host, further fields.
REQUESTS = [
    ("GET", "/x", "a.example", {}),
    ("GET", "/x", "A.EXAMPLE.", {}),
    ("GET", "/x?q=1", "deep.er.b.example", {}),
    ("GET", "/x", "b.example", {}),
    ("GET", "/p/a%2fb/../c?d", "h", {}),
    ("HEAD", "/p/%7Ea", "h", {}),
    ("GET", "/exact", "h", {}),
    ("GET", "/exact/", "h", {}),
    ("GET", "/p/../exact", "h", {}),
    ("GET", "/p/../../exact", "h", {}),
    ("GET", "/safe//a/../%62", "h", {}),
    ("GET", "/none//a/../%62", "h", {}),
    ("GET", "/none//a/../%62%zz", "h", {}),
    ("GET", "/seamless", "h", {}),
    ("GET", "/seam../x", "h", {}),
    ("GET", "/seam%2e%2e", "h", {}),
    ("PURGE", "/x", "h", {}),
    ("PUT", "/p/x", "h", {}),
    ("POST", "/x", "h", {}),
    ("GET", "/x", "h", {"X-A": "bc", "Cookie": "a=b; k=1"}),
    ("GET", "/x", "h", {"X-A": "bc", "Cookie": "k=2"}),
    ("GET", "/x", "h", {"X-A": "cb", "Cookie": "k=1"}),
    ("GET", "/client", "h", {}),
    ("GET", "/denied", "h", {}),
    ("GET", "/allowed", "h", {}),
    ("GET", "/go/a/../b?c=%20", "old.example:8080", {}),
    ("POST", "/go/%7E'\"", "[2001:db8::1]:80", {}),
    ("GET", "/away?x", "h", {}),
    ("OPTIONS", "/o", "h", {}),
    ("GET", "/files/a.txt", "h", {}),
    ("HEAD", "/files/a.txt", "h", {}),
    ("POST", "/files/a.txt", "h", {}),
    ("GET", "/files/", "h", {}),
    ("GET", "/files/missing", "h", {}),
    ("GET", "/files/sub", "h", {}),
    ("GET", "/files/link", "h", {}),
    ("GET", "/files/.secret", "h", {}),
    ("GET", "/files/..%2fshellac.yaml", "h", {}),
    ("GET", "/last", "h", {}),
    ("GET", "/%zz", "h", {}),
    ("GET", "/%00", "h", {}),
    ("GET", "/nobody", "h", {}),
    ("CONNECT", "/l", "h", {}),
    ("BREW", "/l", "h", {}),
    ("GET", "/l", "h", {"X-Long": "x" * 40000}),
    ("GET", "/l" + "x" * 20000, "h", {}),
]


class Explain(harness.SystemTest):
    def setUp(self):
        super().setUp()
        folder = self.edge_folder()
        (folder / "files" / "sub").mkdir(parents=True)
        (folder / "files" / "a.txt").write_text("text")
        (folder / "files" / ".secret").write_text("no")
        (folder / "files" / "link").symlink_to("a.txt")
        self.backend = self.origin(lambda peer: peer.answer(status=299))
        listeners = [{"name": "http", "bind": "127.0.0.1:0"}, {"name": "plain", "bind": "127.0.0.1:0", "redirect": "https"}]
        # (Escaped: ${path} would be the environment's.)
        routes = json.loads(json.dumps(ROUTES).replace("${path}", "$${path}"))
        self.listening = self.edge(harness.config(self.backend.address, routes=routes, listeners=listeners))

    def explained(self, method, target, host, fields, config=None):
        words = [word for name, value in fields.items() for word in ("-H", f"{name}: {value}")]
        done = harness.shellac("explain", "--config", config or self.listening.file, "--json", "-X", method, "-H", f"Host: {host}",
                               "--client", "127.0.0.1", *words, f"http://h{target}")
        return json.loads(done.stdout)

    def check(self, request):
        method, target, host, fields = request
        told = self.explained(*request)
        with self.listening.connect() as client:
            client.send(harness.request(method, target, fields, host=host))
            answer = client.response(method)
        line = self.listening.wait_access(id=answer.get("X-Request-Id"))[0]
        self.assertEqual(told.get("route"), line["route"])
        if told["outcome"] == "pool":
            self.assertEqual((answer.status, told["pool"]), (299, line["pool"]))
            self.assertIn(line["backend"], [one["backend"] for one in told["backends"]])
            got = self.backend.requests[-1]
            self.assertEqual(told["target"], f"{got.method} {got.target}")
            return
        self.assertIsNone(line["pool"])
        self.assertEqual(told["status"], answer.status)
        if told["outcome"] == "redirect":
            self.assertEqual(told["location"], answer.get("Location"))
        elif told["outcome"] == "refused":
            self.assertIn("Proxy-Status", answer)
        elif answer.get("Content-Type"):
            self.assertEqual(told["type"], answer.get("Content-Type"))

    def test_the_table(self):
        for request in REQUESTS:
            with self.subTest(request=str(request)[:120]):
                self.check(request)

    def test_each_route_is_reached(self):
        reached = {self.explained(*request).get("route") for request in REQUESTS}
        self.assertEqual(reached - {None}, {route["name"] for route in ROUTES})

    def test_the_reasons(self):
        rows = {row["route"]: row["why"] for row in self.explained("GET", "/allowed", "h", {})["routes"]}
        self.assertEqual(rows["host"], "host differs")
        self.assertEqual(rows["path"], "path differs")
        self.assertEqual(rows["method"], "method differs")
        self.assertEqual(rows["header"], "header differs")
        self.assertEqual(rows["allowed"], "everything fits")
        self.assertNotIn("last", rows)

    def test_redirecting_listener(self):
        config = self.listening.folder / "only.yaml"
        config.write_text(json.dumps({
            "listeners": [{"name": "plain", "bind": "127.0.0.1:80", "redirect": "https"}],
            "routes": [{"name": "all", "respond": {"body": "x"}}]}))
        for target in ("/x", "/.well-known/acme-challenge/x"):
            told = self.explained("GET", target, "h", {}, config)
            answer = self.listening.ask("GET", target, listener="plain")
            self.assertEqual(told["outcome"] == "redirect", answer.status == 308, target)

    def test_as_text(self):
        text = harness.shellac("explain", "--config", self.listening.file, "-X", "GET", "http://h/p/x?y").stdout
        self.assertRegex(text, r"(?m)^route +path$")
        for part in ("/p/ becomes /moved/", "GET /moved/x?y", pathlib.Path(self.backend.address).name):
            self.assertIn(part, text)

    def test_wrong_words(self):
        def code(*words):
            return harness.shellac("explain", "--config", self.listening.file, *words, check=False).returncode

        self.assertEqual(code("ftp://h/"), 2)
        self.assertEqual(code("http://h/", "-H", "no colon"), 2)
        self.assertEqual(code("http://h/", "--client", "somebody"), 2)
        self.assertEqual(code("http://h/", "-X", "GE T"), 2)
        self.assertEqual(code(), 2)
        self.assertEqual(harness.shellac("explain", "--config", "/nonexistent.yaml", "http://h/", check=False).returncode, 1)


if __name__ == "__main__":
    harness.main()
