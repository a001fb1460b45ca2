#!/usr/bin/env python3
"""Which certificate a client gets, what is stapled to it, and how certificates change while the edge runs."""

import re
import shutil
import ssl
import threading
import time

import harness

HELLO = [{"name": "hello", "respond": {"body": "hello\n"}}]


class Names(harness.SystemTest):
    def setUp(self):
        super().setUp()
        self.made = self.certificates()
        self.trust = self.made.path("ca.crt")
        for name, names in (("site", ("www.example.com", "example.com")), ("wild", ("*.example.com",)),
                            ("other", ("other.example.org",))):
            self.made.make(name, names=names, addresses=(), days=20 if name == "site" else 30)
        self.made.make("rsa", names=("www.example.com", "example.com"), addresses=(), kind="rsa")
        several = ["www", "site", "wild", "rsa", "other"]
        self.shellac = self.edge(harness.config(routes=HELLO, listeners=[
            harness.tls_listener(several),
            harness.tls_listener(several, name="strict", tls={"unknown_sni": "abort"})]))

    def subject(self, name, *options, listener="https"):
        text = harness.s_client(self.shellac.address(listener), *options, name=name, trust=self.trust).text
        found = re.search(r"^subject=CN = (\S+)", text, re.MULTILINE)
        return found.group(1) if found else text

    def test_exact_wildcard_and_first(self):
        for name, expected in (("www.example.com", "www.example.com"), ("WWW.Example.COM", "www.example.com"),
                               ("example.com", "www.example.com"), ("api.example.com", "*.example.com"),
                               ("a.b.example.com", "localhost"), ("other.example.org", "other.example.org"),
                               ("unknown.test", "localhost"), (None, "localhost"), ("x.localhost", "localhost")):
            with self.subTest(name):
                self.assertEqual(self.subject(name), expected)

    def test_unknown_names_can_be_refused(self):
        for name in ("www.example.com", "api.example.com", None, "localhost"):
            with self.subTest(name):
                self.assertNotIn("alert", self.subject(name, listener="strict"))
        for name in ("unknown.test", "a.b.example.com", "xlocalhost"):
            with self.subTest(name):
                self.assertIn("tlsv1 unrecognized name", self.subject(name, listener="strict"))
        self.shellac.wait_metric("shellac_tls_handshakes_total", 3, result="unknown server name")

    def test_ecdsa_and_rsa_for_one_name(self):
        for version in ("-tls1_2", "-tls1_3"):
            for algorithms, kind in (("ECDSA+SHA256", "id-ecPublicKey"), ("RSA-PSS+SHA256:RSA+SHA256", "rsaEncryption"),
                                     ("RSA-PSS+SHA256:ECDSA+SHA256", "id-ecPublicKey")):
                with self.subTest(version=version, algorithms=algorithms):
                    # ECDSA+SHA256 stays for the authority's own signature.
                    text = harness.s_client(self.shellac.address("https"), version, "-sigalgs", algorithms,
                                            name="www.example.com", trust=self.trust).text
                    self.assertIn(f"a:PKEY: {kind}", text)
        text = harness.s_client(self.shellac.address("https"), "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256",
                                name="www.example.com", trust=self.trust).text
        self.assertIn("a:PKEY: rsaEncryption", text)

    def test_the_chain_is_sent_as_it_stands(self):
        text = harness.s_client(self.shellac.address("https"), "-showcerts", trust=self.trust).text
        self.assertEqual(text.count("BEGIN CERTIFICATE"), 2)

    def test_expiry_is_told(self):
        metrics = self.shellac.metrics()
        for name in ("localhost", "www.example.com", "*.example.com", "other.example.org"):
            # One series for a name, whatever the listeners and kinds of key; the one that ends first.
            found = metrics.find("shellac_certificate_expiry_seconds", name=name)
            self.assertEqual(len(found), 1, name)
            days = 20 if name == "www.example.com" else 30
            self.assertAlmostEqual(found[0][1], time.time() + days * 86400, delta=86400)
        told = {(one["name"], one["key"]) for one in self.shellac.api("/api/v1/status")["certificates"]}
        self.assertIn(("www.example.com", "rsa"), told)
        self.assertIn(("www.example.com", "ecdsa"), told)


class Stapling(harness.SystemTest):
    def staple(self, prepare):
        """What s_client says of the staple, and the edge, after `prepare` wrote tls/www.ocsp."""
        made = self.certificates()
        prepare(made)
        self.shellac = self.edge(harness.config(routes=HELLO, listeners=[harness.tls_listener(tls={"certificates": [
            {"chain": "tls/www.crt", "key": "tls/www.key", "ocsp": "tls/www.ocsp"}]})]))
        return harness.s_client(self.shellac.address("https"), "-status", trust=made.path("ca.crt")).text

    def test_an_answer_from_a_file(self):
        text = self.staple(lambda made: made.ocsp("www"))
        self.assertIn("OCSP Response Status: successful", text)
        self.assertIn("Cert Status: good", text)
        for version in ("-tls1_2", "-tls1_3"):
            self.assertIn("Cert Status: good", harness.s_client(self.shellac.address("https"), "-status", version).text)
        self.assertNotIn("OCSP Response Status", harness.s_client(self.shellac.address("https")).text)

    def test_one_for_another_certificate_is_not_served(self):
        def wrong(made):
            made.make("other")
            made.ocsp("other").rename(made.path("www.ocsp"))

        self.assertIn("OCSP response: no response sent", self.staple(wrong))
        self.shellac.wait_log(r"warn listener https: .*www\.ocsp does not speak of the certificate, nothing is stapled")

    def test_a_new_answer_comes_with_a_reload(self):
        def wrong(made):
            self.made = made
            made.make("other")
            made.ocsp("other").rename(made.path("www.ocsp"))

        self.assertIn("no response sent", self.staple(wrong))
        self.made.ocsp("www")
        self.shellac.reload()
        self.assertIn("Cert Status: good", harness.s_client(self.shellac.address("https"), "-status").text)


class Files(harness.SystemTest):
    """Certificate files that are wrong in some way."""

    def check(self, *, listener=None):
        """`shellac check` on a listener with tls/www.*; gives its output."""
        file = self.edge_folder() / "shellac.yaml"
        (file.parent / "admin.token").write_text(harness.Edge.TOKEN)
        harness.Edge.write_config(_At(file), harness.config(routes=HELLO, listeners=[listener or harness.tls_listener()]))
        done = harness.shellac("check", "--config", file, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_what_check_and_run_refuse(self):
        made = self.certificates()
        made.make("other")
        shutil.copy(made.path("www.key"), made.path("good.key"))
        harness.run("openssl", "ec", "-aes128", "-passout", "pass:secret", "-in", made.path("good.key"), "-out",
                    made.path("locked.key"))
        broken = made.path("www.crt").read_text().replace("\nMII", "\nAAA", 1)
        for what, prepare, expected in (
                ("another's key", lambda: shutil.copy(made.path("other.key"), made.path("www.key")),
                 r"www\.key does not match the certificate .*www\.crt"),
                ("encrypted key", lambda: shutil.copy(made.path("locked.key"), made.path("www.key")),
                 r"www\.key is encrypted, expected a private key without a passphrase"),
                ("no key", lambda: made.path("www.key").write_text(""), r"www\.key holds no private key"),
                ("missing key", lambda: made.path("www.key").unlink(), r"www\.key"),
                ("broken chain", lambda: made.path("www.crt").write_text(broken), r"certificate 1 in .*www\.crt cannot be parsed")):
            with self.subTest(what):
                shutil.copy(made.path("good.key"), made.path("www.key"))
                prepare()
                code, text = self.check()
                self.assertEqual(code, 1)
                self.assertRegex(text, r"shellac\.yaml:\d+:\d+: .*" + expected)
                done = harness.shellac("run", "--config", self.edge_folder() / "shellac.yaml", check=False)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stdout + done.stderr, expected)

    def test_what_is_served_with_a_warning(self):
        made = self.certificates()
        made.make("www", days=-1)
        made.path("www.key").chmod(0o644)
        self.assertEqual(self.check()[0], 0)
        edge = self.edge(harness.config(routes=HELLO, listeners=[harness.tls_listener()]))
        edge.wait_log(r"warn listener https: .*www\.crt has expired")
        edge.wait_log(r"warn listener https: .*www\.key can be read by every user of this machine")
        self.assertLess(edge.metrics().value("shellac_certificate_expiry_seconds", name="localhost"), time.time())
        with self.assertRaisesRegex(ssl.SSLError, "certificate has expired"):
            edge.connect("https", made.client_context())
        self.assertEqual(edge.ask(listener="https", tls=made.client_context(trust=None)).status, 200)

    def test_a_directory(self):
        made = self.certificates()
        folder = made.folder / "all"
        folder.mkdir()
        for name in ("one", "two"):
            made.make(name, names=(f"{name}.example.com",))
            made.path(f"{name}.crt").rename(folder / f"{name}.crt")
            made.path(f"{name}.key").rename(folder / f"{name}.key")
        made.ocsp("two").rename(folder / "two.ocsp")
        edge = self.edge(harness.config(routes=HELLO, listeners=[harness.tls_listener(tls={"certificates": [{"dir": "tls/all"}]})]))
        for name in ("one", "two"):
            text = harness.s_client(edge.address("https"), "-status", name=f"{name}.example.com").text
            self.assertIn(f"subject=CN = {name}.example.com", text)
            self.assertEqual("Cert Status: good" in text, name == "two")


class _At:
    """Enough of an Edge for write_config()."""

    def __init__(self, file):
        self.file = file


class Reload(harness.SystemTest):
    def serial(self):
        with self.shellac.connect("https", self.context) as client:
            return client.socket.getpeercert()["serialNumber"]

    def setUp(self):
        super().setUp()
        self.made = self.certificates()
        self.context = self.made.client_context()
        origin = self.origin(lambda peer: peer.answer(body=b"o" * 2000))
        self.shellac = self.edge(harness.config(origin.address, listeners=[harness.tls_listener()]))

    def test_a_new_certificate_is_seen_and_old_connections_stay(self):
        before = self.serial()
        with self.shellac.connect("https", self.context) as old:
            self.assertEqual(old.ask().status, 200)
            self.made.make("www")
            self.assertEqual(self.serial(), before, "files alone change nothing")
            self.shellac.reload()
            self.assertNotEqual(self.serial(), before)
            self.assertEqual(old.ask().status, 200)

    def test_a_bad_certificate_keeps_the_old_one(self):
        before = self.serial()
        good = self.made.path("www.key").read_text()
        self.made.make("other")
        shutil.copy(self.made.path("other.key"), self.made.path("www.key"))
        self.shellac.reload(expect="failed")
        self.assertEqual(self.serial(), before)
        self.shellac.wait_log(r"error reload failed, the old configuration stays: .*does not match the certificate")
        self.assertEqual(self.shellac.ctl("reload", check=False).returncode, 1)
        self.made.path("www.key").write_text(good)
        self.shellac.reload()
        self.assertEqual(self.serial(), before)

    def test_under_load_nobody_is_dropped(self):
        stop, failures, serials, counts = threading.Event(), [], set(), [0, 0]

        def new_connections():
            while not stop.is_set():
                try:
                    with self.shellac.connect("https", self.context) as client:
                        serials.add(client.socket.getpeercert()["serialNumber"])
                        if len(client.ask().body) != 2000:
                            raise AssertionError("short body")
                    counts[0] += 1
                except Exception as error:  # pylint: disable=broad-except
                    failures.append(error)

        def one_connection():
            try:
                with self.shellac.connect("https", self.context) as client:
                    while not stop.is_set():
                        if len(client.ask().body) != 2000:
                            raise AssertionError("short body")
                        counts[1] += 1
            except Exception as error:  # pylint: disable=broad-except
                failures.append(error)

        threads = [threading.Thread(target=target) for target in (new_connections, new_connections, one_connection)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(10):
                self.made.make("www")
                self.shellac.reload()
        finally:
            stop.set()
            for thread in threads:
                thread.join(20)
        self.assertEqual(failures, [])
        self.assertGreater(len(serials), 5)
        self.assertGreater(min(counts), 20)
        self.assertEqual(self.shellac.metrics().value("shellac_config_reloads_total", result="ok"), 10)

    def test_a_listener_gains_and_loses_tls(self):
        plain = dict(harness.tls_listener())
        del plain["tls"]
        origin = self.shellac.api("/api/v1/backends")[0]["address"]
        with self.shellac.connect("https", self.context) as old:
            self.assertEqual(old.ask().status, 200)
            self.shellac.reload(harness.config(origin, listeners=[plain]))
            self.assertEqual(self.shellac.ask(listener="https").status, 200)
            self.assertEqual(old.ask().status, 200)
            self.shellac.reload(harness.config(origin, listeners=[harness.tls_listener()]))
            self.assertEqual(self.shellac.ask(listener="https", tls=self.context).status, 200)


if __name__ == "__main__":
    harness.main()
