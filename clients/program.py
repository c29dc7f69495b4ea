"""A program that a suite starts and ends, with what it logged."""

import os
import pathlib
import subprocess
import time
import urllib.error

# How long a program may take to end after it was told to.
STOP_SECS_MAX = 15

# How often a condition is looked at.
LOOK_SECS = 0.05


class Program:
    """A process in a folder of its suite's, with a log there and nothing of the caller's environment."""

    def __init__(self, name, words, folder, environment, **options):
        self.name, self.log = name, open(pathlib.Path(folder) / f"{name}.log", "w+")
        # Nothing of the caller's proxies: everything that is asked is on this machine.
        alone = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "NO_PROXY": "*"}
        self.environment = alone | environment
        options = {"stdin": subprocess.DEVNULL, "stdout": self.log, "stderr": self.log} | options
        self.process = subprocess.Popen([os.fspath(word) for word in words], cwd=folder, env=self.environment, **options)

    def wait_until_ready(self, ask, secs_max):
        """What `ask` gives as soon as the program answers it."""
        until = time.monotonic() + secs_max
        while True:
            try:
                return ask()
            except (urllib.error.URLError, ConnectionError) as not_yet:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise RuntimeError(f"{self.name} is not ready: {not_yet}; it logged: {self.logged()}") from not_yet
                time.sleep(LOOK_SECS)

    def logged(self):
        """The end of its log."""
        self.log.flush()
        self.log.seek(0)
        return self.log.read()[-2000:]

    def stop(self):
        """Ends it, by force when it does not end by itself; gives its exit code and the end of its log."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        logged = self.logged()
        if self.process.stdout:
            self.process.stdout.close()
        self.log.close()
        return self.process.returncode, logged
