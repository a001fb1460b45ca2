"""openssl s_client: a client that can be told which version, cipher, group or signature to use."""

from running import run

# Asks once and goes on reading until the edge closes, so that tickets arrive too.
ASK = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def s_client(address, *options, name="localhost", ask=ASK, trust=None, timeout=20):
    """One connection. Gives the CompletedProcess, both outputs in .text; `name` None sends no SNI."""
    sni = ["-servername", name] if name else ["-noservername"]
    authority = ["-CAfile", trust] if trust else []
    done = run("openssl", "s_client", "-connect", address, *sni, *authority, "-ign_eof", *options, check=False, stdin=ask,
               timeout=timeout)
    done.text = done.stdout + done.stderr
    return done


def negotiated(done):
    """What s_client says of the session, by name: Protocol, Cipher, "Server Temp Key", "Peer signature type" …"""
    found = {}
    for line in done.text.splitlines():
        key, colon, value = line.strip().partition(":")
        if colon and key not in found:
            found[key.strip()] = value.strip()
        if line.startswith(("New, ", "Reused, ")):
            found["Reused"] = line.startswith("Reused")
            found["Cipher"] = line.rsplit(" ", 1)[-1]
            found["Version"] = line.split(", ")[1]
    return found
