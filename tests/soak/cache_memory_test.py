#!/usr/bin/env python3
"""The cache's cap is a cap on the process: objects of 1 KiB to 8 MiB, far more than fit, asked for by Zipf's law, with slow readers,
clients that leave, transfers of unknown length and purges in between. Resident memory never passes the cap by more than 64 MiB,
and every answer is right."""

import math
import random
import threading
import time

import harness
from cache_origin import Tagged

MIB = 1 << 20
SLACK = 64 * MIB
OBJECTS = 40_000


class Sizes:
    """Sizes of a photo site, by name: log-normal, from 1 KiB to 8 MiB."""

    def __init__(self, seed):
        dice = random.Random(seed)
        self.sizes = [min(max(int(dice.lognormvariate(math.log(90_000), 1.6)), 1024), 8 * MIB) for _ in range(OBJECTS)]

    def pick(self, dice):
        """Mostly by Zipf's law with exponent 1, of which this is the inversion; the rest is a crawler that takes what it finds."""
        return int(OBJECTS ** dice.random()) - 1 if dice.random() < 0.7 else dice.randrange(OBJECTS)


class Memory(harness.SystemTest):
    def ask_on(self, seed, slow):
        """One client until the end. A slow one takes its answers in sips, and sometimes leaves in the middle."""
        dice = random.Random(seed)
        while not self.stopping.is_set():
            try:
                with self.shellac.connect(receive_buffer=8192 if slow else None) as client:
                    for _ in range(3 if slow else 200):
                        if self.stopping.is_set() or not self.ask_one(client, dice, slow):
                            break
            except (OSError, harness.Cut, AssertionError, ValueError) as error:
                with self.lock:
                    self.failures.append(repr(error))

    def ask_one(self, client, dice, slow):
        number = self.sizes.pick(dice)
        size = self.sizes.sizes[number]
        target = f"/{size}/{number}" + ("?chunks" if number % 7 == 0 else "")
        client.send(harness.request(target=target))
        if slow:
            client.response(body=False)
            for _ in range(dice.randrange(5, 30)):
                size -= len(client.read_some())
                if size <= 0 or self.stopping.wait(0.1):
                    break
            return False
        answer = client.response()
        if answer.status != 200 or not self.origin_.is_right(answer.body, number, size):
            raise AssertionError(f"{target}: {answer.status}, {len(answer.body)} octets")
        with self.lock:
            self.answers += 1
        return True

    def watch(self, until, cap):
        """Samples the process until the end. Gives its largest size, and the most that the cache told of itself."""
        largest, told, number = 0, 0, 0
        while time.monotonic() < until:
            largest = max(largest, self.shellac.resident_bytes())
            number += 1
            if number % 20 == 0:
                told = max(told, self.shellac.metrics().value("shellac_cache_bytes"))
            if number % 100 == 0:
                self.shellac.admin("POST", "/api/v1/purge", {"tag": f"t{number // 100 % 16}"})
            self.assertLess(largest, cap + SLACK, "resident memory passed the cap")
            time.sleep(0.05)
        return largest, told

    def test_resident_memory_stays_within_the_cap(self):
        seconds = min(harness.soak_seconds(), 600)
        cap = 2048 * MIB if seconds >= 300 else 512 * MIB
        self.sizes, self.lock, self.stopping = Sizes(2), threading.Lock(), threading.Event()
        self.failures, self.answers = [], 0
        self.origin_ = Tagged()
        origin = self.origin(self.origin_.handle, backlog=1024)
        self.shellac = self.edge(harness.config(
            origin.address, log={"level": "info", "access": {"format": "off"}}, limits={"buffers": "32MiB"},
            pool={"connections": {"max_idle": 64}}, cache={"memory": f"{cap // MIB}MiB", "policies": {"p": {"max_object": "8MiB"}}},
            routes=[{"name": "all", "pool": "web", "cache": "p"}]))
        clients = [threading.Thread(target=self.ask_on, args=(seed, seed >= 12), daemon=True) for seed in range(28)]
        for one in clients:
            one.start()
        try:
            largest, told = self.watch(time.monotonic() + seconds, cap)
        finally:
            self.stopping.set()
            for one in clients:
                one.join(30)
        metrics = self.shellac.metrics()
        evicted = metrics.value("shellac_cache_evictions_total")
        print(f"{self.answers} answers, {self.origin_.count} fetches; resident at most {largest >> 20} MiB of {cap >> 20}, "
              f"the cache told at most {int(told) >> 20} MiB; {int(evicted)} evicted", flush=True)
        self.assertEqual(self.failures, [])
        self.assertLessEqual(told, cap)
        # It must have been full, or this proves nothing.
        self.assertGreater(told, cap * 0.8, "the cache never filled")
        self.assertGreater(evicted, 100)
        self.assertGreater(metrics.value("shellac_cache_lookups_total", result="hit"), 100)
        self.assertEqual(metrics.value("shellac_internal_errors_total"), 0)


if __name__ == "__main__":
    harness.main()
