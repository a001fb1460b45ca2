"""The source tree as the layout tests see it: which files there are, and what they include."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]

# DESIGN: areas stand on floors, and an area includes only areas on lower floors.
FLOORS = {
    "programs": 6,
    "edge": 5, "gateway": 5, "spot": 5,
    "proxy": 4,
    "front": 3, "upstream": 3, "web": 3,
    "route": 2, "tls": 2, "wire": 2, "cache": 2, "s3": 2, "store": 2,
    "http": 1, "balance": 1, "net": 1, "config": 1, "sql": 1,
    "metrics": 0, "core": 0,
}
# The exceptions, in both directions: one neighbour that may be included, and lower areas that may not.
MAY_ALSO = {("metrics", "core")}
NEVER = {(top, low) for top in ("gateway", "spot") for low in ("proxy", "front", "upstream", "cache", "balance")}

UPPER = {"edge", "gateway", "spot", "programs"}
# Third-party headers and the areas that own them. The first prefix that fits decides.
OWNERS = [
    ("boost/asio", {"net", "tls", "front", "upstream", "web", "proxy"} | UPPER),
    ("boost/beast", {"web"}),
    ("boost/json", UPPER),
    ("boost/", set(FLOORS)),  # header-only vocabulary (system::result, intrusive, unordered) belongs to everyone
    ("CLI/", UPPER),
    ("openssl/ssl", {"tls"}),
    ("openssl/", {"core", "tls"}),  # libcrypto is core's; tls needs its types (X509, EVP_PKEY, BIO) to use libssl at all
    ("llhttp", {"http"}),
    ("nghttp2/", {"http"}),
    ("yaml-cpp/", {"config"}),
    ("prometheus/", {"metrics"}),
    ("spdlog/", {"core"}),
    ("fmt/", set(FLOORS)),  # what std::format will be
    ("sqlite3.h", {"sql"}), ("mysql", {"sql"}), ("mariadb", {"sql"}),
    ("libmemcached", {"spot"}), ("curl/", {"spot"}), ("vips/", {"spot"}), ("sodium", {"spot"}), ("mustache", {"spot"}),
    ("pugixml", {"s3"}),
    ("xxhash.h", {"cache"}),
    ("zlib.h", {"cache"}), ("brotli/", {"cache"}), ("zstd", {"cache"}),
    ("rados/", {"store"}),
]
# The standard library has names without a dot or slash; these are the system's.
SYSTEM = re.compile(r"^((sys|linux|netinet|arpa|net|asm|sanitizer)/[\w./]+|[a-z0-9_]+\.h)$")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def files():
    """Paths of all files that are tracked, or would be, relative to ROOT. Without git: all but what is generated."""
    done = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                          capture_output=True, check=False)
    if done.returncode == 0:
        names = sorted(set(done.stdout.decode().split("\0")) - {""})
        return [pathlib.Path(name) for name in names if (ROOT / name).is_file()]
    generated = {"build", ".git", ".run", "__pycache__", "node_modules"}
    return sorted(path.relative_to(ROOT) for path in ROOT.rglob("*")
                  if path.is_file() and not generated & set(path.relative_to(ROOT).parts))


def area_of(path):
    """The area that a file of src/ or include/ belongs to; None for any other."""
    parts = path.parts
    if parts[0] == "src" and len(parts) >= 3:
        return parts[1]
    if parts[:2] == ("include", "shellac") and len(parts) >= 4:
        return parts[2]
    return None


def is_cpp(path):
    return path.suffix in (".cpp", ".hpp")


def includes(text):
    """(quoted?, name) of each include."""
    return [(mark == '"', name) for mark, name in INCLUDE.findall(text)]
