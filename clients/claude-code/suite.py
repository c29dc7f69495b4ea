"""The real Claude Code over a model that is played here: what it shows the model, and what its calls leave behind."""

import json
import os
import pathlib
import shlex
import subprocess

from model import Model, Use
from served import PREFIX, Served
from verdict import Verdict

CLAUDE = pathlib.Path(os.environ["NODE_MODULES"]) / "@anthropic-ai/claude-code-linux-x64/claude"
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
CALLER = "claude-routine-agent"
TOOL = f"mcp__gapwright__{PREFIX}"


def use(tool, **arguments):
    return [Use(TOOL + tool, arguments)]


def main():
    with Verdict("claude-code") as verdict, Served() as server:
        connect(verdict, server)
        work(verdict, server)
        left_behind(verdict, server)
        heartbeat(verdict, server)
        refused(verdict, server)
        legacy(verdict, server)
        spellings(verdict, server)
        plugin(verdict, server)


class Session:
    """One `claude -p`, and what it told."""

    def __init__(self, verdict, server, name, play, prompt="go", token=None, installed=None, **environment):
        config = {"type": "http", "url": server.mcp, "headers": {"Authorization": f"Bearer {token or server.token}"}}
        path = server.folder / f"{name}.json"
        path.write_text(json.dumps({"mcpServers": {"gapwright": config}}))
        # Connected by hand, unless a plugin that is installed does it.
        flags = ["--allowedTools", "mcp__plugin_gapwright_gapwright"] if installed else ["--mcp-config", path, "--strict-mcp-config", "--allowedTools", "mcp__gapwright"]
        flags += ["--max-turns", "20"]
        told = ["--output-format", "stream-json", "--verbose", "--no-session-persistence"]
        with Model(play) as model:
            done = claude(server, "-p", prompt, *flags, *told, ANTHROPIC_BASE_URL=model.url, **environment)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        self.begin = next((line for line in lines if line.get("subtype") == "init"), {})
        self.end = lines[-1] if lines else {}
        self.shown = model.shown
        verdict.check(f"{name}: the play goes to its end", model.error is None, repr(model.error))
        ended = (done.returncode, self.end.get("is_error"), self.end.get("result"))
        verdict.check(f"{name}: the session ends well", ended == (0, False, "done"), (ended, done.stderr, done.stdout[-800:]))
        verdict.equal(f"{name}: no call was denied", self.end.get("permission_denials"), [])
        servers = [(s["name"], s["status"]) for s in self.begin.get("mcp_servers", [])]
        verdict.equal(f"{name}: it is connected", servers, [(installed or "gapwright", "connected")])


def claude(server, *words, **environment):
    """Runs Claude Code, which reaches no model but the one that is played."""
    nowhere = {
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
        "ANTHROPIC_API_KEY": "played",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
    }
    environment = server.environment | nowhere | environment
    project = server.folder / "project"
    project.mkdir(exist_ok=True)
    words = [CLAUDE, *words]
    return subprocess.run(
        words, cwd=project, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )


def connect(verdict, server):
    """The line that the server prints for people connects Claude Code."""
    program, *words = shlex.split(server.greeting["connect"])
    verdict.equal("the printed line is for claude", program, "claude")
    added = claude(server, *words)
    verdict.check("the printed line is taken", added.returncode == 0, added)
    listed = claude(server, "mcp", "list")
    verdict.check("claude says that it is connected", "Connected" in listed.stdout, listed)


def work(verdict, server):
    """A Routine's work from check-in to check-in, each answer as the model saw it."""
    server.operator("jobs", "add", "claude-job", "--kind", "chore", "--payload", '{"pr": 17}')
    server.operator("jobs", "trigger", "claude-job")

    def answered(sentence, results, **wanted):
        answer = results[0]
        found = {key: answer.json.get(key) for key in wanted}
        verdict.check(f"work: {sentence}", not answer.is_error and found == wanted, answer)
        return answer.json

    def play(said):
        verdict.check("work: the instructions reach the model", "Check in first and last" in said, said[-3000:])
        verdict.check("work: the names of the tools reach the model", TOOL + "acquire-lock" in said, said[-3000:])
        found = yield [Use("ToolSearch", {"query": f"select:{TOOL}acquire-lock,{TOOL}check-in", "max_results": 5})]
        verdict.check("work: the model may look tools up", not found[0].is_error, found)
        answered("checked in", (yield use("check-in", routine="claude", phase="start")), ok=True)
        lock = answered("a lock is acquired", (yield use("acquire-lock", key="pr-fix-17", holder="claude", ttl_secs=600)), acquired=True)
        again = yield use("acquire-lock", key="pr-fix-17", holder="other", ttl_secs=600)
        answered("a held lock says by whom", again, acquired=False, held_by="claude", reason="held")
        claim = answered("a job is claimed", (yield use("claim-routine-job", holder="claude", ttl_secs=600)), claimed=True)
        verdict.equal("work: with its payload", claim["job"]["untrusted"]["payload"], {"pr": 17})
        gap = use("report-gap", name="list-recent-deploys", kind="mcp-tool", reason="to see what changed", job="claude-job")
        answered("a gap is reported", (yield gap), ok=True)
        summary = "Fixed it.\nBLOCKING-GAP[kind=mcp-tool]: restart-one-pod - the job had to wait"
        end = use("complete-routine-job", name="claude-job", status="ok", claim_id=claim["claim_id"], summary=summary)
        answered("the job is completed, its marker read", (yield end), ok=True, gaps_recorded=1)
        answered("a second completion is stale", (yield end), ok=False)
        both = yield use("release-lock", lock_id=lock["lock_id"]) + use("acquire-lock", key="pr-fix-18", holder="claude", ttl_secs=600)
        answered("the lock is released, and", both, ok=True)
        answered("another taken in the same turn", both[1:], acquired=True)
        answered("checked in again", (yield use("check-in", routine="claude", phase="end")), ok=True)
        yield "done"

    Session(verdict, server, "work", play)


def left_behind(verdict, server):
    """What the operator sees of that work, all of it under the token's principal."""
    locks = [(lock["key"], lock["holder"], lock["principal"]) for lock in server.operator("locks", "list")["locks"]]
    verdict.equal("the lock that was not released is there", locks, [("pr-fix-18", "claude", CALLER)])
    runs = server.operator("runs", "list", "--job", "claude-job")["runs"]
    told = [(run["outcome"], run["status"], run["principal"], run["holder"]) for run in runs]
    verdict.check("the run is there once", len(told) == 1 and told[0][1:] == ("ok", CALLER, "claude"), runs)
    verdict.check("with its summary", "BLOCKING-GAP" in (runs[0]["summary"] if runs else ""), runs)
    for gap, source in [("list-recent-deploys", "report"), ("restart-one-pod", "marker")]:
        seen = server.operator("gaps", "show", gap)["last_sightings"]
        verdict.check(f"{gap} was sighted once", [(s["job"], s["principal"]) for s in seen] == [("claude-job", CALLER)], seen)
    routines = {routine["name"]: routine for routine in server.operator("routines", "list")["routines"]}
    times = routines.get("claude", {})
    verdict.check("the check-ins are there", times.get("started_at") and times.get("ended_at"), routines)
    entries = server.operator("audit", "tail", "--limit", "200")["entries"]
    tools = {entry["tool"].removeprefix(PREFIX) for entry in entries if entry["principal"] == CALLER}
    wanted = {"check-in", "acquire-lock", "claim-routine-job", "report-gap", "complete-routine-job", "release-lock"}
    verdict.check("each write is in the journal under the principal", wanted <= tools, entries[:20])


def heartbeat(verdict, server):
    """A prompt of the server runs as a slash command."""

    def play(said):
        verdict.check("heartbeat: the prompt reaches the model", f"Call {PREFIX}list-locks" in said, said[-3000:])
        began = yield use("check-in", routine="agent-mcp-heartbeat-routine", phase="start")
        verdict.equal("heartbeat: checked in", began[0].json.get("ok"), True)
        listed = yield use("list-locks")
        count = len(listed[0].json["locks"])
        sent = yield use("notify", message=f"agent-mcp heartbeat: {count} active locks")
        verdict.equal("heartbeat: the message is queued", sent[0].json.get("queued"), True)
        ended = yield use("check-in", routine="agent-mcp-heartbeat-routine", phase="end")
        verdict.equal("heartbeat: checked in again", ended[0].json.get("ok"), True)
        yield "done"

    session = Session(verdict, server, "heartbeat", play, prompt="/mcp__gapwright__agent-mcp-heartbeat")
    commands = [name for name in session.begin.get("slash_commands", []) if name.startswith("mcp__gapwright__")]
    _, listed = server.post("prompts/list", {})
    names = [f"mcp__gapwright__{prompt['name']}" for prompt in listed["result"]["prompts"]]
    verdict.equal("heartbeat: each prompt is a command", sorted(commands), sorted(names))


def refused(verdict, server):
    """A refusal reaches the model whole, with its code and its hint."""

    def play(said):
        no = yield use("acquire-lock", key="pr-fix-19", holder="viewer", ttl_secs=60)
        verdict.check("refused: by right", no[0].is_error and "forbidden" in no[0].text, no)
        no = yield use("list-locks", prefx="a")
        verdict.check("refused: by argument", no[0].is_error and "did you mean prefix?" in no[0].text, no)
        yes = yield use("list-locks", prefix="pr-fix-")
        verdict.check("refused: but it may read", not yes[0].is_error and "locks" in yes[0].json, yes)
        yield "done"

    Session(verdict, server, "refused", play, token=server.new_token("viewer", "claude-viewer"))


def legacy(verdict, server):
    """The old era, and every schema shown to the model at once."""

    def play(said):
        yes = yield use("list-locks")
        verdict.check("legacy: a call is answered", not yes[0].is_error and "locks" in yes[0].json, yes)
        yield "done"

    session = Session(verdict, server, "legacy", play, MCP_PROTOCOL_NEGOTIATION="legacy", ENABLE_TOOL_SEARCH="false")
    shown = sum(name.startswith(TOOL) for name in session.shown)
    verdict.equal("legacy: every tool is shown to the model", shown, server.get("/version")["tools"])


def spellings(verdict, server):
    """Clients and gateways rewrite names; the prompts of before use these."""
    for prefix in ("monolith-agent-", "monolith_agent_", "monolith-monolith-agent-"):
        name = prefix + ("list_locks" if "_" in prefix else "list-locks")
        status, reply = server.post("tools/call", {"name": name, "arguments": {}}, name=name)
        answer = reply.get("result", {}).get("structuredContent", {})
        verdict.check(f"{name} means list-locks", status == 200 and "locks" in answer, reply)


def plugin(verdict, server):
    """The plugin of this repository is taken without a warning, installed from it, and connects."""
    for what in (REPOSITORY, REPOSITORY / "plugin"):
        checked = claude(server, "plugin", "validate", what, "--strict")
        verdict.check(f"plugin: {what.name} is valid", checked.returncode == 0, checked)
    added = claude(server, "plugin", "marketplace", "add", REPOSITORY)
    verdict.check("plugin: the marketplace is added", added.returncode == 0, added)
    settings = ["--config", f"server_url={server.url}", "--config", f"token={server.token}"]
    done = claude(server, "plugin", "install", "gapwright@gapwright", *settings)
    verdict.check("plugin: it is installed", done.returncode == 0, done)
    removed = claude(server, "mcp", "remove", "gapwright")
    verdict.check("plugin: the connection by hand is removed", removed.returncode == 0, removed)

    def play(said):
        for skill in ("claim-work", "report-gap", "take-lock"):
            verdict.check(f"plugin: the model knows of the skill {skill}", f"gapwright:{skill}" in said, said[-3000:])
        tool = f"mcp__plugin_gapwright_gapwright__{PREFIX}"
        locks = yield [Use(tool + "list-locks", {})]
        verdict.check("plugin: a call is answered", not locks[0].is_error and "locks" in locks[0].json, locks)
        yield "done"

    Session(verdict, server, "plugin", play, installed="plugin:gapwright:gapwright")


if __name__ == "__main__":
    main()
