"""What the pipeline's suite stands on: a served program over the local forge, runners of each stage, and a look behind.

The agent is the real Claude Code. The program named `claude` that a runner finds is a shell that first copies all that it
was given, so that the suite sees it as the agent did, and then runs the real one with it.
"""

import json
import os
import pathlib
import re
import sqlite3
import subprocess
import time

from model import Model, Use
from served import PREFIX, Served

CLAUDE = pathlib.Path(os.environ["NODE_MODULES"]) / "@anthropic-ai/claude-code-linux-x64/claude"
TOOL = f"mcp__gapwright__{PREFIX}"
STAGES = {"planner": "pia", "implementer": "ivo", "reviewer": "rea", "merger": "max"}
REPO = "ann/website"

# No agent may come to know any of these, which are all around a runner.
SECRET = "ghp_a-credential-of-the-forge"
AROUND = ["GITHUB_TOKEN", "GH_TOKEN", "GAPWRIGHT__FORGE__TOKEN", "GIT_CREDENTIALS"]

# One run of Claude Code takes seconds.
RUN_SECS_MAX = 120

# The server's ticks are a second apart, and its poll is ten: a hint that comes while something is looked at is found by it.
ARRIVAL_SECS_MAX = 60
POLL = "10s"

# How often a condition is looked at.
LOOK_SECS = 0.1

WATCHED = """#!/bin/bash
set -o pipefail
mkdir -p {seen} && env -0 >{seen}/environment && printf '%s\\0' "$@" >{seen}/arguments
cp -r "$PWD" {seen}/workspace && cp -r "$HOME" {seen}/home
{claude} "$@" | tee {seen}/stream
"""


class Stand:
    """A server at the level pipeline for the time of a `with`, and a caller for each stage."""

    def __init__(self, verdict, folder):
        self.verdict, self.folder = verdict, pathlib.Path(folder)
        self.git_folder, self.config = self.folder / "site.git", self.folder / "gapwright.toml"
        forge = {"kind": "local", "repository": REPO, "git": str(self.git_folder), "poll": POLL}
        # A text of JSON is one of TOML.
        self.config.write_text("\n".join(["[forge]", *(f"{key} = {json.dumps(value)}" for key, value in forge.items()), ""]))
        self.runs = 0

    def __enter__(self):
        self._begin_repository()
        self._put_secrets()
        self._served = Served("--config", str(self.config))
        self.server = self._served.__enter__()
        for _ in range(2):
            self.operator("level", "raise", "--override", "this suite tries the whole way")
        made = {stage: self.operator("token", "create", "--role", stage, "--name", name) for stage, name in STAGES.items()}
        self.tokens = {stage: token["token"] for stage, token in made.items()}
        self.roots = {stage: token["id"] for stage, token in made.items()}
        return self

    def __exit__(self, *why):
        self._served.__exit__(*why)

    def _begin_repository(self):
        """A repository as a person has it."""
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.git_folder))
        person = self.folder / "person"
        self.git("clone", "--quiet", str(self.git_folder), str(person))
        (person / "src").mkdir()
        (person / "src/lib.rs").write_text("//! A website.\n")
        for words in (["add", "--all"], ["commit", "--quiet", "--message", "begin"], ["push", "--quiet", "origin", "HEAD:main"]):
            self.git("-C", str(person), *words)

    def _put_secrets(self):
        """The runner's user has credentials where git looks for them."""
        self.home = self.folder / "home"
        self.home.mkdir()
        (self.home / ".git-credentials").write_text(f"https://joan:{SECRET}@forge.example\n")
        (self.home / ".netrc").write_text(f"machine forge.example login joan password {SECRET}\n")
        (self.home / ".gitconfig").write_text("[credential]\n\thelper = store\n")
        self.programs = self.folder / "bin"
        self.programs.mkdir()

    def git(self, *words):
        who = ["-c", "user.name=joan", "-c", "user.email=joan@example.com"]
        done = subprocess.run(["git", *who, *words], capture_output=True, text=True, timeout=30)
        if done.returncode:
            raise RuntimeError(f"git {words}: {done.stderr}")
        return done.stdout.strip()

    def operator(self, *words):
        return self.server.operator(*words, "--config", str(self.config))

    def comes_true(self, sentence, look, wanted):
        """Waits until a look shows what is wanted, and notes whether it did in time."""
        until = time.monotonic() + ARRIVAL_SECS_MAX
        while (found := look()) != wanted and time.monotonic() < until:
            time.sleep(LOOK_SECS)
        return self.verdict.equal(sentence, found, wanted) or print("   ", self.server.logged()[-1000:])

    def report(self, gap, reason):
        name = PREFIX + "report-gap"
        arguments = {"name": gap, "kind": "mcp-tool", "reason": reason}
        status, reply = self.server.post("tools/call", {"name": name, "arguments": arguments}, name)
        self.verdict.check(f"{gap} is reported", status == 200 and not reply["result"].get("isError"), reply)

    def issue_of(self, gap):
        listed = [issue["number"] for issue in self.operator("issues", "list")["issues"] if gap in issue["title"]]
        return listed[0] if listed else None

    def pull_of(self, gap):
        """The pull request of a gap, and all that is known of it."""
        pulls = [pull["id"] for pull in self.operator("pulls", "list", "--all")["pulls"] if pull["gap"] == f"mcp-tool/{gap}"]
        return self.operator("pulls", "show", pulls[0]) if pulls else {}

    def state_of(self, gap):
        return self.pull_of(gap).get("state")

    def rows(self, sql, *arguments):
        """What the database holds; nothing is written."""
        with sqlite3.connect(f"file:{self.server.database}?mode=ro", uri=True) as database:
            return database.execute(sql, arguments).fetchall()

    def labels_of(self, number):
        """The labels of an issue or pull request, as the local forge has them."""
        sql = "SELECT name FROM local_labelled JOIN local_label ON local_label.id = label WHERE number = ? ORDER BY name"
        return [name for name, in self.rows(sql, number)]

    def answers(self, token):
        """What a token opens. A server that has just seen one may take it for 2 s more."""
        name = PREFIX + "list-locks"
        return self.server.post("tools/call", {"name": name, "arguments": {}}, name, token)[0]

    def work(self, name, stage, play):
        """One run of a stage, by `gapwright work --once` with Claude Code and a model that plays."""
        self.runs += 1
        return Run(self, f"{self.runs} {name}", stage, play)


class Run:
    """One `gapwright work --once`, what it told, and what its agent was given."""

    def __init__(self, stand, name, stage, play):
        self.stand, self.name, self.stage, self.said = stand, name, stage, ""
        self.seen = stand.folder / "seen" / str(stand.runs)
        watched = stand.programs / "claude"
        watched.write_text(WATCHED.format(seen=self.seen, claude=CLAUDE))
        watched.chmod(0o700)

        def heard(said):
            self.said = said
            return play(said)

        words = ["work", "--kind", stage, "--agent", "claude", "--once", "--json", "--config", str(stand.config)]
        words += ["--server", stand.server.url, "--folder", str(stand.folder / "brokers" / stage)]
        # Nothing may be left where rooms are made.
        rooms = stand.folder / "rooms"
        rooms.mkdir(exist_ok=True)
        began = time.monotonic()
        with Model(heard) as model:
            environment = {
                "HOME": str(stand.home), "PATH": f"{stand.programs}:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "NO_PROXY": "*",
                "TMPDIR": str(rooms), "ANTHROPIC_API_KEY": "played", "ANTHROPIC_BASE_URL": model.url,
                "GAPWRIGHT_WORK_TOKEN": stand.tokens[stage], **dict.fromkeys(AROUND, SECRET),
            }
            done = subprocess.run(
                [stand.server.program, *words], cwd=stand.folder, env=environment, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=RUN_SECS_MAX,
            )
        self.secs = time.monotonic() - began
        self.code, self.errors = done.returncode, done.stderr
        self.events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        self.end = self.events[-1] if self.events else {}
        self.check("the play goes to its end", model.error is None, repr(model.error))
        self.equal("nothing of the run is left", list(rooms.iterdir()), [])
        self.look_behind()

    def check(self, sentence, holds, found=""):
        return self.stand.verdict.check(f"{self.name}: {sentence}", holds, found)

    def equal(self, sentence, found, wanted):
        return self.stand.verdict.equal(f"{self.name}: {sentence}", found, wanted)

    @property
    def claim(self):
        return claim_of(self.said)

    def ends(self, word, code):
        """Checks how it ended."""
        self.check(f"it is {word}", (self.end.get("end"), self.code) == (word, code), (self.code, self.events[-6:], self.errors))

    def look_behind(self):
        """What the agent was given: a token for its claim alone, now dead, and nothing else that opens anything."""
        if not self.check("the agent ran", (self.seen / "stream").is_file(), (self.code, self.events, self.errors)):
            return
        given = b"\0".join(path.read_bytes() for path in self.seen.rglob("*") if path.is_file()) + self.said.encode()
        for what, secret in [("credential of the forge", SECRET), ("token of the runner", self.stand.tokens[self.stage])]:
            self.check(f"the agent sees no {what}", secret.encode() not in given)
        names = {line.split("=")[0] for line in (self.seen / "environment").read_text().split("\0")}
        self.equal("its environment has nothing of the runner's", sorted(names & {*AROUND, "GAPWRIGHT_WORK_TOKEN"}), [])
        self.check("its home is not the runner's", f"HOME={self.stand.home}\0" not in (self.seen / "environment").read_text())
        settings = (self.seen / "workspace/.git/config").read_text()
        self.check("its workspace has no remote", "[remote" not in settings and "url" not in settings, settings)
        bearer = json.loads((self.seen / "home/mcp.json").read_text())["mcpServers"]["gapwright"]["headers"]["Authorization"]
        token = bearer.removeprefix("Bearer ")
        self.check("it is none of its arguments", token not in (self.seen / "arguments").read_text())
        self.stand.comes_true(f"{self.name}: the token of the run is dead", lambda: self.stand.answers(token), 401)
        self.equal("the token of the runner is not", self.stand.answers(self.stand.tokens[self.stage]), 200)
        roots = self.stand.rows("SELECT root, principal, role FROM token WHERE claim_id = ?", self.claim)
        self.equal("it came from the runner's", roots, [(self.stand.roots[self.stage], STAGES[self.stage], self.stage)])

    def told(self):
        """What Claude Code says that it used: tokens, and millionths of a dollar."""
        lines = [json.loads(line) for line in (self.seen / "stream").read_text().splitlines() if line.startswith("{")]
        result = next(line for line in reversed(lines) if line["type"] == "result")
        kinds = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")
        tokens = sum(model[kind] for model in result["modelUsage"].values() for kind in kinds)
        return tokens, round(result["total_cost_usd"] * 1_000_000)

    def is_booked(self, gap):
        """Checks that what Claude Code said is what is booked."""
        rounds = [turn for turn in self.stand.pull_of(gap)["rounds"] if turn["claim_id"] == self.claim]
        booked = [(turn["tokens"], turn["micro_usd"], turn["usage_known"]) for turn in rounds]
        told = self.told()
        self.check("it cost something", min(told) > 0, told)
        self.equal("what Claude says that it cost is booked", booked, [(*told, True)])
        self.equal("and it is what the runner tells", (self.end.get("tokens"), self.end.get("micro_usd")), told)

    def is_in_line(self):
        """Checks that who handed in is written down, with where its token came from."""
        hands = self.stand.rows("SELECT stage, principal, lineage FROM pull_hand WHERE claim_id = ?", self.claim)
        self.equal("its lineage is written down", hands, [(self.stage, STAGES[self.stage], self.stand.roots[self.stage])])


def use(tool, said, **arguments):
    """A tool of the pipeline, used with the claim of which the runner's words tell."""
    return [Use(TOOL + tool, {"claim_id": claim_of(said), **arguments})]


def claim_of(said):
    return re.search(r"Its claim_id is (\S+);", said)[1]


def workspace_of(said):
    return re.search(r"Your workspace is (\S+),", said)[1]


def seek(*tools):
    """Claude Code shows the names of tools only, until the model looks them up."""
    return [Use("ToolSearch", {"query": "select:" + ",".join(TOOL + tool for tool in tools), "max_results": 5})]
