#!/usr/bin/env python3
"""Sticky cookies as browsers and strangers send them: forged, cut, twice, among others; HAProxy's dated labels; TLS."""

import re
import time

import harness

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def dated(minutes):
    """A time so many minutes from now as HAProxy writes it: its seconds by four, in five letters, the highest first."""
    number = int(time.time() + 60 * minutes) >> 2
    return "".join(LETTERS[number >> shift & 63] for shift in (24, 18, 12, 6, 0))


class Sticky(harness.SystemTest):
    def echo(self, name):
        """Answers with its name, and with the Cookie fields that it was sent, as they were, in the body."""

        def handle(peer):
            while (asked := peer.request()) is not None:
                seen = [line for line in asked.head.split(b"\r\n") if line.lower().startswith(b"cookie:")]
                peer.send(harness.response(200, {"X-Server": name}, body=b"\n".join(seen)))

        return self.origin(handle)

    def ask(self, edge, *cookies, **more):
        """The server that answered, what it saw of the Cookie fields, and the value of the new cookie, if any."""
        lines = b"".join(b"Cookie: " + (one if isinstance(one, bytes) else one.encode()) + b"\r\n" for one in cookies)
        with edge.connect(**more) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + lines + b"\r\n")
            answer = client.response()
        self.assertEqual(answer.status, 200)
        new = [re.match(r"(?:SHELLAC|SRV)=([^;]*);", line) for line in answer.all("Set-Cookie")]
        self.assertLessEqual(len(new), 1)
        return answer.get("X-Server"), answer.body, new[0].group(1) if new else None

    def one(self, **pool):
        return self.edge(harness.config(self.echo("only").address, pool={"sticky": {}, **pool}))


class Strangers(Sticky):
    def test_every_forgery_counts_as_none_and_is_not_shown(self):
        edge = self.one()
        _, _, good = self.ask(edge)
        self.assertEqual(self.ask(edge, f"SHELLAC={good}"), ("only", b"", None))
        other = self.edge(harness.config(self.echo("other").address, pool={"sticky": {}}), name="other")  # and another key
        _, _, foreign = self.ask(other)
        forged = [good[:place] + ("B" if good[place] == "A" else "A") + good[place + 1:] for place in range(43)]
        for value in [foreign, good[::-1], good.swapcase(), "A" * 43, *forged]:
            server, seen, new = self.ask(edge, f"a=1; SHELLAC={value}")
            self.assertEqual((server, seen), ("only", b"Cookie: a=1"), value)
            self.assertIsNotNone(new, value)
        self.assertEqual(edge.metrics().value("shellac_sticky_total", result="invalid"), 47)

    def test_a_cut_or_grown_one_is_of_no_use(self):
        edge = self.one()
        _, _, good = self.ask(edge)
        for value in [*(good[:length] for length in range(1, 43)), good + "A", good + "=", good + good, good[1:], "x" * 4000]:
            server, _, new = self.ask(edge, f"SHELLAC={value}")
            self.assertEqual(server, "only")
            self.assertIsNotNone(new, value)

    def test_other_cookies_stay_octet_by_octet(self):
        edge = self.one()
        _, _, good = self.ask(edge)
        ours = f"SHELLAC={good}".encode()
        for others in (b"a=1", b'b="q x"', b"e=f=g; SHELLACK=1; shellac=2; XSHELLAC=3", b"c; =d", "k=\u00e9".encode(), b"l=%20%; m=1,2",
                       b"n=", b"o=\xff\xfe; p=a b"):
            for cookie in (ours + b"; " + others, others + b"; " + ours, ours + b"; " + others + b"; " + ours, ours + b";" + others):
                self.assertEqual(self.ask(edge, cookie), ("only", b"Cookie: " + others, None), cookie)
            self.assertEqual(self.ask(edge, others)[1], b"Cookie: " + others)
        self.assertEqual(self.ask(edge, b"a=1; " + ours + b"; b=2"), ("only", b"Cookie: a=1; b=2", None))
        self.assertEqual(self.ask(edge, b"a=1", ours, b"b=2"), ("only", b"Cookie: a=1; b=2", None))

    def test_an_applications_cookie_of_the_same_name_beside_ours(self):
        """A browser sends both when their paths differ."""
        edge = self.one()
        _, _, good = self.ask(edge)
        for cookie in (f"SHELLAC=theirs; SHELLAC={good}", f"SHELLAC={good}; SHELLAC=theirs"):
            self.assertEqual(self.ask(edge, cookie), ("only", b"Cookie: SHELLAC=theirs", None), cookie)
        self.assertEqual(self.ask(edge, "SHELLAC=theirs", f"SHELLAC={good}"), ("only", b"Cookie: SHELLAC=theirs", None))


class Labels(Sticky):
    """Who is not known goes to w1: w2 has the weight 0, and visitors only."""

    def start(self, **sticky):
        backends = [{"name": f"s{i}", "label": f"w{i}", "address": self.echo(f"w{i}").address, "weight": 2 - i} for i in (1, 2)]
        return self.edge(harness.config(*backends, pool={"sticky": {"cookie": "SRV", "mode": "plain", **sticky}}))

    def test_dates_end_a_cookie(self):
        edge = self.start(max_idle="4h", max_life="24h")
        now, first = dated(0), dated(-300)
        for label in (f"w2|{now}|{now}", f"w2|{dated(-30)}|{first}", f"w2|{dated(1380)}|{dated(1380)}"):
            self.assertEqual(self.ask(edge, f"SRV={label}"), ("w2", b"", None), label)
        server, _, new = self.ask(edge, f"SRV=w2|{dated(-70)}|{first}")  # more than a quarter of four hours ago
        self.assertEqual(server, "w2")
        self.assertRegex(new, rf"^w2\|{now[:3]}..\|{re.escape(first)}$")
        for label in (f"w2|{dated(-250)}|{first}",       # max_idle
                      f"w2|{dated(-10)}|{dated(-1500)}",  # max_life
                      f"w2|{dated(1500)}|{now}", f"w2|{now}|{dated(1500)}"):  # from the day after tomorrow
            server, _, new = self.ask(edge, f"SRV={label}")
            self.assertEqual(server, "w1", label)
            self.assertRegex(new, rf"^w1\|{now[:3]}..\|{now[:3]}..$", label)
        self.assertEqual(edge.metrics().value("shellac_sticky_total", result="expired"), 4)

    def test_a_label_without_dates_counts_once_and_is_dated(self):
        edge = self.start()
        server, seen, new = self.ask(edge, "a=1; SRV=w2")
        self.assertEqual((server, seen), ("w2", b"Cookie: a=1"))
        self.assertRegex(new, r"^w2\|(.{5})\|\1$")
        self.assertEqual(self.ask(edge, f"SRV={new}"), ("w2", b"", None))
        server, _, new = self.ask(edge, f"SRV=w2|{dated(-420)}")  # one date: it began then, too
        self.assertEqual((server, new[-6:]), ("w2", "|" + dated(-420)))

    def test_nonsense_counts_as_none(self):
        edge = self.start()
        now = dated(0)
        for label in ("w3", f"w3|{now}|{now}", "w2|", f"w2|abc|{now}", f"w2|{now}|", f"w2|{now}|{now}|{now}", f"w2|_____|{now}",
                      f"W2|{now}|{now}", "s2", "|", f"|{now}|{now}"):
            server, _, new = self.ask(edge, f"SRV={label}")
            self.assertEqual(server, "w1", label)
            self.assertRegex(new, r"^w1\|", label)

    def test_with_both_times_off_the_dates_do_not_matter(self):
        edge = self.start(max_idle="0s", max_life="0s")
        for label in ("w2", f"w2|{dated(0)}|{dated(0)}", f"w2|{dated(-90000)}|{dated(-90000)}"):
            self.assertEqual(self.ask(edge, f"SRV={label}"), ("w2", b"", None), label)
        self.assertEqual(self.ask(edge)[2], "w1")


class Secure(Sticky):
    def test_over_tls_the_cookie_is_secure(self):
        authority = self.certificates()
        listeners = [{"name": "http", "bind": "127.0.0.1:0"}, harness.tls_listener()]
        edge = self.edge(harness.config(self.echo("only").address, listeners=listeners, pool={"sticky": {"same_site": "none"}}))
        tail = r"=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; %sSameSite=None; Max-Age=86400$"
        plain = edge.ask().get("Set-Cookie")
        self.assertRegex(plain, "^SHELLAC" + tail % "")
        tls = edge.ask(listener="https", tls=authority.client_context()).get("Set-Cookie")
        self.assertRegex(tls, "^SHELLAC" + tail % "Secure; ")


if __name__ == "__main__":
    harness.main()
