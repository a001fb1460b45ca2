"""The Prometheus text format, read."""

import re


class Metrics:
    """A scrape, parsed. value("shellac_requests_total", route="web") sums all series that carry these labels."""

    _line = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?$")
    _label = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')

    def __init__(self, text):
        self.text = text
        self.series = []
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            found = self._line.match(line)
            if not found:
                raise AssertionError(f"not a line of the Prometheus text format: {line!r}")
            name, labels, value = found.groups()
            self.series.append((name, dict(self._label.findall(labels or "")), float(value)))

    def find(self, name, /, **labels):
        wanted = labels.items()
        return [(have, value) for key, have, value in self.series if key == name and wanted <= have.items()]

    def value(self, name, /, **labels):
        return sum(value for _, value in self.find(name, **labels))

    def has(self, name, /, **labels):
        return bool(self.find(name, **labels))
