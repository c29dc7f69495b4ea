"""Gaps and their issues against a GitHub that somebody else wrote: by reading alone, and by its own signed webhooks.

Not asked here, for the emulator is not GitHub in it: whether a read that changed nothing costs anything (it knows no
ETag), and all that is about pull requests and their heads (it never moves one). The fake GitHub of our own answers both.
"""

import contextlib
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request

from hub import APP, APP_ID, BOT, BOTS_TOKEN, INSTALLATION, Door, Hub, Repository
from served import PREFIX, Served
from verdict import Verdict

SECRET = "a-secret-that-only-this-suite-knows"

# How long a change may take to arrive. With webhooks everything is read only each five minutes, so what arrives in time
# was told by one.
ARRIVAL_SECS_MAX = 90
POLL, POLL_SECS, POLL_RARELY = "10s", 10, "5m"

# A webhook is looked into within a second or two.
QUIET_SECS = 5

# How often a condition is looked at.
LOOK_SECS = 0.3

SWEEP = "register-jobs"
JOB = "deploy-check"
KIND = "mcp-tool"
PRIORITY, WONTFIX, CLOSED, TALKED = "list-recent-deploys", "read-flaky-tests", "find-owner-of-file", "show-build-log"
GAPS = [PRIORITY, WONTFIX, CLOSED, TALKED]


class Story:
    """One server and its repository."""

    def __init__(self, verdict, way, server, repository, door, quiet_secs):
        self.verdict, self.way, self.server, self.repository, self.door = verdict, way, server, repository, door
        # So long nothing may happen, before it counts as quiet.
        self.quiet_secs = quiet_secs

    def check(self, sentence, holds, found=""):
        return self.verdict.check(f"{self.way}: {sentence}", holds, found)

    def equal(self, sentence, found, wanted):
        return self.verdict.equal(f"{self.way}: {sentence}", found, wanted)

    def comes_true(self, sentence, look, wanted):
        """Waits until a look shows what is wanted, and notes whether it did in time."""
        until = time.monotonic() + ARRIVAL_SECS_MAX
        while (found := look()) != wanted and time.monotonic() < until:
            time.sleep(LOOK_SECS)
        return self.equal(sentence, found, wanted) or self.tell()

    def tell(self):
        print("   ", self.server.logged()[-600:].replace("\n", "\n    "))
        print("    asked last:", self.door.requests[-8:])

    def call(self, tool, **arguments):
        name = PREFIX + tool
        status, reply = self.server.post("tools/call", {"name": name, "arguments": arguments}, name)
        self.check(f"{tool} is answered", status == 200 and not reply["result"].get("isError"), reply)

    def report(self, gap):
        self.call("report-gap", name=gap, kind=KIND, job=JOB, reason="wanted by a run that could not go on without it")

    def gap(self, name):
        return self.server.operator("gaps", "show", name)

    def state(self, name):
        return self.gap(name)["state"]

    def number(self, name):
        return self.gap(name)["issue"]["number"]

    def on_hub(self, name):
        """How the issue of a gap stands on GitHub, and why, with its labels."""
        issue = self.repository.issue(self.number(name))
        return issue["state"], issue["state_reason"], sorted(label["name"] for label in issue["labels"])

    def last_sweep(self):
        jobs = self.server.operator("schedules", "list")["scheduled_jobs"]
        return next((job["last_run_at"], job["last_status"]) for job in jobs if job["name"] == SWEEP)

    def sweep(self, says):
        before = self.last_sweep()
        self.server.operator("schedules", "trigger", SWEEP)
        until = time.monotonic() + ARRIVAL_SECS_MAX
        while (now := self.last_sweep()) == before and time.monotonic() < until:
            time.sleep(LOOK_SECS)
        went = str(now[1]).startswith("ok: ") and says in now[1]
        self.check(f"a sweep says: {says}", now != before and went, now) or self.tell()


def main():
    with Verdict("emulate") as verdict, Hub("by-reading", "by-webhook") as hub:
        with mirroring(hub, "by-reading", POLL, token_file="token") as place:
            story = Story(verdict, "by reading, with a token", *place, POLL_SECS * 1.5)
            play(story, BOT)
            stop(story)
        as_app = {"app_id": str(APP_ID), "app_key_file": "app.pem", "installation": INSTALLATION}
        with mirroring(hub, "by-webhook", POLL_RARELY, **as_app) as place:
            story = Story(verdict, "by webhook, as an App", *place, QUIET_SECS)
            hook = subscribe(story)
            play(story, f"{APP}[bot]", forge_webhooks)
            stop(story)
            heard(story, hook)


@contextlib.contextmanager
def mirroring(hub, name, poll, **credential):
    """A server that mirrors to one of the hub's repositories; it comes with the door that it goes through."""
    repository, place = Repository(hub, name), hub.folder / name
    place.mkdir()
    for file, secret in {"token": BOTS_TOKEN, "app.pem": hub.app_key, "webhook": SECRET}.items():
        (place / file).write_text(secret)
        (place / file).chmod(0o600)
    with Door(hub) as door:
        settings = {"kind": "github", "repository": repository.name, "api": door.api, "poll": poll, **credential}
        settings["webhook_secret_file"] = "webhook"
        of_a_file = lambda key, value: str(place / value) if key.endswith("_file") else value
        # A text of JSON is one of TOML, and so is a number.
        lines = [f"{key} = {json.dumps(of_a_file(key, value))}" for key, value in settings.items()]
        (place / "gapwright.toml").write_text("\n".join(["[forge]", *lines, ""]))
        with Served("--config", str(place / "gapwright.toml")) as server:
            yield server, repository, door


def play(story, author, between=lambda story: None):
    """A gap's whole life on the forge, told from both sides; with a look `between` when nothing is there yet to look at."""
    at_observe(story)
    between(story)
    opened(story, author)
    people_act(story)
    people_think_again(story)
    operators_act(story)


def at_observe(story):
    story.call("register-routine-job", name=JOB, kind="check", interval_secs=86_400)
    for gap in GAPS:
        story.report(gap)
    story.sweep("at the level observe nothing leaves the house")
    story.equal("at observe nothing leaves the house", story.door.requests, [])
    story.server.operator("level", "raise", "--override", "this suite tries what comes next")
    story.equal("the level is propose", story.server.operator("level", "show")["level"], "propose")


def opened(story, author):
    story.sweep("4 issues opened")
    for gap in GAPS:
        story.comes_true(f"{gap} has an issue", lambda: (story.gap(gap)["issue"] or {}).get("state"), "known")
    issues = story.repository.issues()
    story.equal("each gap has one issue", sorted(issue["title"] for issue in issues), sorted(map(title, GAPS)))
    for issue in issues:
        story.equal(f"{issue['title']} has our label", [label["name"] for label in issue["labels"]], ["capability-gap"])
        marks = [gap for gap in GAPS if f"<!-- gapwright-gap: {KIND}/{gap} -->" in issue["body"]]
        story.equal(f"{issue['title']} has its marker", [title(gap) for gap in marks], [issue["title"]])
        story.equal(f"{issue['title']} is ours", issue["user"]["login"], author)
    label = story.repository.ask("GET", "/labels/capability-gap")
    story.check("our label was made with its colour and its meaning", label["color"] != "ededed" and label["description"], label)
    # Somebody copies a marker, somebody meets the same gap once more.
    forged = {"title": "not ours", "body": f"<!-- gapwright-gap: {KIND}/{PRIORITY} -->"}
    forged = story.repository.ask("POST", "/issues", forged)["number"]
    story.report(PRIORITY)
    story.sweep("4 gaps in 5 sightings; 0 issues opened")
    story.equal("a second sweep opens none", len(story.repository.issues()), len(GAPS) + 1)
    story.check("an issue with a copied marker is not taken for ours", story.number(PRIORITY) != forged, forged)
    story.equal("and is left alone", story.repository.issue(forged)["state"], "open")


def title(gap):
    return f"Capability gap: {gap} ({KIND})"


def people_act(story):
    repository = story.repository
    rank = story.gap(PRIORITY)["rank"]
    repository.label(story.number(PRIORITY), "priority:high")
    repository.label(story.number(WONTFIX), "wontfix")
    repository.close(story.number(CLOSED), "completed")
    repository.comment(story.number(TALKED), "the old dashboard can do this")
    story.comes_true("a priority arrives", lambda: story.gap(PRIORITY)["priority"], "high")
    story.check("and lifts the gap", story.gap(PRIORITY)["rank"] > rank, (rank, story.gap(PRIORITY)))
    story.comes_true("a wontfix arrives", lambda: story.state(WONTFIX), "wontfix")
    closed = ("closed", "not_planned", ["capability-gap", "wontfix"])
    story.comes_true("and its issue is closed", lambda: story.on_hub(WONTFIX), closed)
    story.comes_true("closed as completed is merged", lambda: story.state(CLOSED), "merged")
    said = [("mona", "the old dashboard can do this")]
    story.comes_true(
        "a comment arrives", lambda: [(c["author"], c["body"]) for c in story.gap(TALKED)["comments"]], said
    )


def people_think_again(story):
    repository = story.repository
    repository.reopen(story.number(CLOSED))
    repository.unlabel(story.number(WONTFIX), "wontfix")
    repository.close(story.number(PRIORITY), "not_planned")
    story.comes_true("reopened is open", lambda: story.state(CLOSED), "open")
    story.comes_true("without its wontfix it is open", lambda: story.state(WONTFIX), "open")
    story.comes_true("and its issue too", lambda: story.on_hub(WONTFIX)[0], "open")
    story.comes_true("closed as not planned is wontfix", lambda: story.state(PRIORITY), "wontfix")
    labels = ["capability-gap", "priority:high", "wontfix"]
    story.comes_true("which its labels say", lambda: story.on_hub(PRIORITY), ("closed", "not_planned", labels))


def operators_act(story):
    operator = story.server.operator
    operator("gaps", "wontfix", TALKED, "--reason", "the old dashboard can do this")
    closed = ("closed", "not_planned", ["capability-gap", "wontfix"])
    story.comes_true("an operator's wontfix closes the issue", lambda: story.on_hub(TALKED), closed)
    operator("gaps", "reopen", TALKED, "--reason", "the old dashboard was switched off")
    found = lambda: (story.on_hub(TALKED)[0], story.on_hub(TALKED)[2])
    story.comes_true("an operator's reopening opens it", found, ("open", ["capability-gap"]))
    operator("gaps", "priority", TALKED, "critical")
    labels = ["capability-gap", "priority:critical"]
    story.comes_true("an operator's priority is a label", lambda: story.on_hub(TALKED)[2], labels)
    story.equal("and all the while no gap had a second issue", len(story.repository.issues()), len(GAPS) + 1)


def stop(story):
    """Lowered, nothing leaves the house: neither what operators do, nor what people do, nor a sweep calls forth anything."""
    settled(story)
    before = story.door.count()
    story.server.operator("level", "lower", "--reason", "the end of this story")
    story.equal("the level is observe", story.server.operator("level", "show")["level"], "observe")
    story.report("never-to-be-opened")
    story.server.operator("gaps", "wontfix", TALKED, "--reason", "nobody is to hear of this")
    story.repository.label(story.number(CLOSED), "priority:low")
    story.sweep("at the level observe nothing leaves the house")
    # What was under way when the level was lowered has ended with the sweep; from here on nothing is even asked.
    count = story.door.count()
    story.equal("nothing is asked any more", story.door.since(count, story.quiet_secs), [])
    story.equal("nothing was written since", story.door.writes(before), [])
    story.equal("the issue stands as it stood", story.on_hub(TALKED)[0], "open")
    story.equal("no issue was opened", len(story.repository.issues()), len(GAPS) + 1)


def settled(story):
    """Waits until what was written to the forge has been seen there, so that nothing is on its way."""
    looked = lambda: [story.gap(gap)["issue"]["labels"] == story.on_hub(gap)[2] for gap in GAPS]
    story.comes_true("both sides agree", looked, [True] * len(GAPS))


def subscribe(story):
    config = {"url": f"{story.server.url}/hooks/github", "secret": SECRET, "content_type": "json"}
    events = ["issues", "issue_comment", "label", "repository"]
    return story.repository.ask("POST", "/hooks", {"config": config, "events": events, "active": True})["id"]


def forge_webhooks(story):
    """What the emulator did not sign is not believed; what came before is not taken twice."""
    body = json.dumps({"action": "labeled", "issue": {"number": 1}}).encode()
    right, wrong = (f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}" for key in (SECRET.encode(), b"guessed"))
    for why, signature in [("unsigned", None), ("signed with another secret", wrong), ("signed as of old", "sha1=" + "0" * 40)]:
        story.equal(f"a webhook that is {why} is refused", deliver(story, signature, body)[0], 401)
    story.equal("a signed webhook is written down", deliver(story, right, body), (202, {"received": "queued"}))
    story.equal("once", deliver(story, right, body), (200, {"received": "duplicate"}))


def deliver(story, signature, body):
    headers = {"X-GitHub-Event": "issues", "X-GitHub-Delivery": "by-hand", "Content-Type": "application/json"}
    if signature:
        headers["X-Hub-Signature-256"] = signature
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{story.server.url}/hooks/github", body, headers), timeout=10) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def heard(story, hook):
    deliveries = story.repository.ask("GET", f"/hooks/{hook}/deliveries?per_page=100")
    answers = sorted({(delivery["event"], delivery["status_code"]) for delivery in deliveries})
    told = {event for event, _ in answers}
    story.check("the emulator told of issues and comments", {"issues", "issue_comment"} <= told, answers)
    story.check("and each of its webhooks was taken", all(status in (200, 202) for _, status in answers), answers)


if __name__ == "__main__":
    main()
