"""What a suite found: each check by a sentence, told when it fails, and the count at the end."""

import signal
import sys
import traceback


class Verdict:
    """Counts the checks made within a `with`; leaving it tells the count and ends the program."""

    def __init__(self, suite):
        self.suite, self.passed, self.failed = suite, 0, 0

    def __enter__(self):
        # Told to stop, a suite unwinds, so that its server is stopped too.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return self

    def check(self, sentence, holds, found=""):
        """Notes whether a sentence is true, and what was found instead."""
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"  FAILED {sentence}: {str(found)[:1500]}")
        return bool(holds)

    def equal(self, sentence, found, wanted):
        return self.check(sentence, found == wanted, f"{found!r}, not {wanted!r}")

    def __exit__(self, kind, error, trace):
        if kind is not None and not issubclass(kind, SystemExit):
            self.failed += 1
            traceback.print_exception(kind, error, trace, file=sys.stdout)
        if kind is None or not issubclass(kind, SystemExit):
            print(f"suite {self.suite}: {self.passed} passed, {self.failed} failed", flush=True)
            sys.exit(1 if self.failed else 0)
