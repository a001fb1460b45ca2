"""Something that goes on in a thread of its own while a with-block runs."""

import threading


class Background:
    """`work` runs beside the block and looks at `done` now and then: an Event that is set when the block ends."""

    def __init__(self):
        self.done = threading.Event()
        self._thread = threading.Thread(target=self.work, daemon=True)

    def work(self):
        raise NotImplementedError

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self._thread.join()
