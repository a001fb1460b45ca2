"""Keys, certificates and OCSP answers, made by openssl."""

import pathlib
import ssl
import time

from running import run


class Certificates:
    """A folder of keys and certificates made by openssl: one authority, and what it signed."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._authority("ca")

    def path(self, name):
        return self.folder / name

    def _key(self, name, kind):
        curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        rsa = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        run("openssl", "genpkey", *(rsa if kind == "rsa" else curve), "-out", self.path(f"{name}.key"))
        self.path(f"{name}.key").chmod(0o600)

    def _authority(self, name):
        self._key(name, "ec")
        run("openssl", "req", "-x509", "-new", "-key", self.path(f"{name}.key"), "-subj", f"/CN=Test authority {name}",
            "-days", "30", "-sha256", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", self.path(f"{name}.crt"))

    def authority(self, name):
        """A second authority, that nobody trusts unless told to."""
        self._authority(name)
        return self.path(f"{name}.crt")

    def make(self, name, names=("localhost", "*.localhost"), addresses=("127.0.0.1", "::1"), kind="ec", signed_by="ca",
             days=30, client=False):
        """Writes NAME.crt (chain) and NAME.key and gives both paths. days=-1 makes one that has expired."""
        self._key(name, kind)
        alternatives = ",".join([f"DNS:{dns}" for dns in names] + [f"IP:{address}" for address in addresses])
        extensions = self.path(f"{name}.ext")
        extensions.write_text(
            "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\n"
            f"extendedKeyUsage={'clientAuth' if client else 'serverAuth'}\n"
            + (f"subjectAltName={alternatives}\n" if alternatives else ""))
        run("openssl", "req", "-new", "-key", self.path(f"{name}.key"), "-subj", f"/CN={names[0] if names else name}",
            "-out", self.path(f"{name}.csr"))
        run("openssl", "x509", "-req", "-in", self.path(f"{name}.csr"), "-CA", self.path(f"{signed_by}.crt"),
            "-CAkey", self.path(f"{signed_by}.key"), "-CAcreateserial", "-days", days, "-sha256",
            "-extfile", extensions, "-out", self.path(f"{name}.leaf"))
        chain = self.path(f"{name}.leaf").read_text() + self.path(f"{signed_by}.crt").read_text()
        self.path(f"{name}.crt").write_text(chain)
        return self.path(f"{name}.crt"), self.path(f"{name}.key")

    def ocsp(self, name, signed_by="ca"):
        """Writes NAME.ocsp, the authority's word that NAME is good, in DER."""
        serial = run("openssl", "x509", "-in", self.path(f"{name}.leaf"), "-noout", "-serial").stdout.strip().split("=")[1]
        index = self.path(f"{name}.index")
        index.write_text(f"V\t{time.strftime('%y%m%d%H%M%SZ', time.gmtime(time.time() + 86400 * 30))}\t\t{serial}\tunknown\t/CN={name}\n")
        run("openssl", "ocsp", "-index", index, "-rsigner", self.path(f"{signed_by}.crt"), "-rkey", self.path(f"{signed_by}.key"),
            "-CA", self.path(f"{signed_by}.crt"), "-issuer", self.path(f"{signed_by}.crt"), "-cert", self.path(f"{name}.leaf"),
            "-ndays", "7", "-respout", self.path(f"{name}.ocsp"))
        return self.path(f"{name}.ocsp")

    def client_context(self, trust="ca", certificate=None, alpn=None, check_hostname=True, maximum=None, minimum=None):
        """An SSLContext for a client: trust=None accepts any certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = check_hostname and trust is not None
        if trust is None:
            context.verify_mode = ssl.CERT_NONE
        else:
            context.load_verify_locations(self.path(f"{trust}.crt"))
        if certificate:
            context.load_cert_chain(self.path(f"{certificate}.crt"), self.path(f"{certificate}.key"))
        if alpn:
            context.set_alpn_protocols(alpn)
        if maximum:
            context.maximum_version = maximum
        if minimum:
            context.minimum_version = minimum
        return context

    def server_context(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(f"{name}.crt"), self.path(f"{name}.key"))
        return context
