"""Gapwright as a suite meets it: the real program over a database of its own, and what the operator sees."""

import json
import os
import pathlib
import subprocess
import tempfile
import urllib.error
import urllib.request

from program import Program

PREFIX = "monolith-agent-"
MODERN, LEGACY = "2026-07-28", "2025-11-25"

# How long the program may take to be ready.
READY_SECS_MAX = 20


class Served:
    """A server for the time of a `with`. It has its own folder, its own SQLite file and a free port of this machine."""

    def __init__(self, *flags):
        self.program = os.environ["GAPWRIGHT_BIN"]
        self.flags = flags

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="gapwright-")
        self.folder = pathlib.Path(self._folder.name)
        self.database = str(self.folder / "gapwright.db")
        words = [self.program, "serve", "--json", "--listen", "127.0.0.1:0", "--database", self.database, *self.flags]
        self._serve = Program("serve", words, self.folder, {}, stdout=subprocess.PIPE, text=True)
        self.environment = self._serve.environment
        try:
            greeting = self._serve.process.stdout.readline()
            if not greeting:
                raise RuntimeError(f"gapwright serve said nothing and logged: {self.logged()}")
            self.greeting = json.loads(greeting)
            self.url, self.mcp, self.token = (self.greeting[key] for key in ("url", "mcp_url", "token"))
            self._serve.wait_until_ready(lambda: urllib.request.urlopen(f"{self.url}/readyz", timeout=2).close(), READY_SECS_MAX)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.exit_code, _ = self._serve.stop()
        self._folder.cleanup()

    def logged(self):
        """The end of the server's log."""
        return self._serve.logged()

    def operator(self, *command):
        """What `gapwright COMMAND --json` answers over the same database."""
        words = [self.program, *command, "--json", "--database", self.database]
        done = subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=30)
        if done.returncode:
            raise RuntimeError(f"gapwright {' '.join(command)} exited with {done.returncode}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def new_token(self, role, name):
        return self.operator("token", "create", "--role", role, "--name", name)["token"]

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10) as reply:
            return json.load(reply)

    def post(self, method, params, name=None, token=None):
        """A request of the modern era, by hand: the status and the reply."""
        meta = {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params | {"_meta": meta}}
        headers = {
            "Authorization": f"Bearer {token or self.token}",
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            "MCP-Protocol-Version": MODERN,
            "Mcp-Method": method,
        }
        if name:
            headers["Mcp-Name"] = name
        request = urllib.request.Request(self.mcp, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read() or b"null")
