"""A real gateway between: every tool, prompt and resource arrives unchanged, and calls go through."""

import asyncio
import contextlib
import json
import secrets
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import httpx
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from program import Program
from served import PREFIX, Served
from verdict import Verdict

# The gateway makes its tables at its first start.
READY_SECS_MAX = 120


class Gateway:
    """A fresh gateway for the time of a `with`."""

    def __init__(self, folder):
        self.folder = folder
        secret = secrets.token_hex(32)
        self.environment = {
            "HOME": str(folder), "PATH": "/usr/bin:/bin", "ENVIRONMENT": "development", "CACHE_TYPE": "none",
            "DATABASE_URL": f"sqlite:///{folder}/gateway.db", "PLUGINS_ENABLED": "false",
            "SSRF_ALLOW_LOCALHOST": "true", "SSRF_ALLOW_PRIVATE_NETWORKS": "true",
            "JWT_SECRET_KEY": secret, "AUTH_ENCRYPTION_SECRET": secrets.token_hex(32),
        } | {key: f"Pw-{secrets.token_hex(12)}!" for key in ("BASIC_AUTH_PASSWORD", "PLATFORM_ADMIN_PASSWORD", "DEFAULT_USER_PASSWORD")}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        make = ["-m", "mcpgateway.utils.create_jwt_token", "--username", "admin@example.com", "--exp", "120", "--admin"]
        secret = self.environment["JWT_SECRET_KEY"]
        made = subprocess.run(
            [sys.executable, *make, "--secret", secret],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=True,
        )
        self.token = made.stdout.strip().splitlines()[-1]
        serve = ["-m", "uvicorn", "mcpgateway.main:app", "--host", "127.0.0.1", "--port", str(self.port)]
        self._gateway = Program("gateway", [sys.executable, *serve], self.folder, self.environment)
        try:
            self._gateway.wait_until_ready(lambda: self.ask("/health"), READY_SECS_MAX)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        _, self.logged = self._gateway.stop()

    def ask(self, path, document=None):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        body = None if document is None else json.dumps(document).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, body, headers), timeout=60) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as refused:
            raise RuntimeError(f"{path}: {refused.code} {refused.read()[:1000]}") from refused


async def main():
    with Verdict("gateway") as verdict, Served() as server, Gateway(server.folder) as gateway:
        asked = {"name": "peer", "url": server.mcp, "transport": "STREAMABLEHTTP", "visibility": "public"}
        peer = gateway.ask("/gateways", asked | {"auth_type": "bearer", "auth_token": server.token})
        verdict.equal("no tool is skipped", peer.get("skippedTools") or [], [])
        async with session(server.mcp, server.token) as ours:
            tools = {tool.name: tool for tool in (await ours.list_tools()).tools}
            prompts = {prompt.name: prompt for prompt in (await ours.list_prompts()).prompts}
            resources = {str(resource.uri): resource for resource in (await ours.list_resources()).resources}
        stored = {kind: gateway.ask(f"/{kind}?limit=0&include_pagination=false") for kind in ("tools", "prompts", "resources")}
        arrived(verdict, "tool", {name: t.description for name, t in tools.items()}, stored["tools"], "originalName")
        arrived(verdict, "prompt", {name: p.description for name, p in prompts.items()}, stored["prompts"], "originalName")
        arrived(verdict, "resource", {uri: r.description for uri, r in resources.items()}, stored["resources"], "uri")
        ids = {kind: [thing["id"] for thing in stored[kind]] for kind in stored}
        virtual = {f"associated_{kind}": ids[kind] for kind in ids} | {"name": "virtual"}
        made = gateway.ask("/servers", {"server": virtual, "visibility": "public"})
        async with session(f"{gateway.url}/servers/{made['id']}/mcp", gateway.token) as through:
            await calls(verdict, tools, through)


@contextlib.asynccontextmanager
async def session(url, token):
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False) as http:
        async with streamable_http_client(url, http_client=http) as (read, write, *_), ClientSession(read, write) as it:
            await it.initialize()
            yield it


def arrived(verdict, kind, sent, stored, key):
    found = {thing.get(key) or thing["name"]: thing["description"] for thing in stored}
    for name, description in sent.items():
        verdict.equal(f"{kind} {name} arrives with its description", found.get(name), description)
    verdict.equal(f"no other {kind} arrives", sorted(set(found) - set(sent)), [])


async def calls(verdict, tools, through):
    listed = {tool.name: tool for tool in (await through.list_tools()).tools}
    for name, ours in tools.items():
        theirs = listed.get(f"peer-{name}")
        found = theirs and (theirs.description, theirs.inputSchema, theirs.outputSchema, theirs.annotations.readOnlyHint)
        wanted = (ours.description, ours.inputSchema, ours.outputSchema, ours.annotations.readOnlyHint)
        verdict.equal(f"{name} is listed as we list it", found, wanted)
    lock = {"key": "through-the-gateway", "holder": "peer", "ttl_secs": 60}
    granted = await through.call_tool(f"peer-{PREFIX}acquire-lock", lock)
    verdict.check("a lock is acquired through it", (granted.structuredContent or {}).get("acquired"), granted)
    refused = await through.call_tool(f"peer-{PREFIX}acquire-lock", lock | {"key": ""})
    verdict.check("a refusal comes through whole", refused.isError and "invalid_argument" in str(refused.content), refused)


if __name__ == "__main__":
    asyncio.run(main())
