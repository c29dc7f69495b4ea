"""A gap's whole way to its merge by the real Claude Code: `gapwright work` runs it for each stage, over the local forge.

The choices of the model are played; what Claude Code, the runner, the server, the broker and git make of them is theirs.
"""

import tempfile

from model import Use
from stand import SECRET, STAGES, TOOL, Stand, seek, use, workspace_of
from verdict import Verdict

GAP, SILENT, GREEDY = "list-recent-deploys", "read-flaky-tests", "find-owner-of-file"
BRANCH = f"gapwright/mcp-tool.{GAP}-1"
FIRST = "pub fn list() -> Vec<String> {\n    panic!()\n}\n"
SECOND = FIRST.replace("panic!()", "Vec::new()")
TITLE, BODY, ANSWER = "feat: list what was deployed", "Nobody could see it.", "src/list.rs:2: done"
FINDING = {"path": "src/list.rs", "line": 2, "severity": "major", "category": "correctness", "text": "it panics"}


def main():
    with Verdict("pipeline") as verdict, tempfile.TemporaryDirectory(prefix="gapwright-") as folder:
        with Stand(verdict, folder) as stand:
            take_up(stand)
            plan(stand)
            first = draft(stand)
            ask_for_changes(stand, first)
            second = revise(stand, first)
            approve(stand, second)
            judge(stand, second)
            merge(stand, second)
            come_to_nothing(stand)
            overreach(stand)


def take_up(stand):
    """Gaps become issues; a person lets agents act on one."""
    stand.report(GAP, "nobody could see what was deployed")
    stand.report(SILENT, "nobody knows which tests are flaky")
    stand.report(GREEDY, "nobody knows whom to ask")
    stand.operator("schedules", "trigger", "register-jobs")
    stand.comes_true("each gap has an issue", lambda: all(map(stand.issue_of, (GAP, SILENT, GREEDY))), True)
    let_agents_act(stand, GAP)


def let_agents_act(stand, gap):
    stand.operator("issues", "label", str(stand.issue_of(gap)), "claude")
    stand.comes_true(f"{gap} is taken up", lambda: stand.state_of(gap), "planning")


def handed_in(run, gap, state):
    """Checks all that holds of a run that went as it is meant to."""
    run.ends("handed in", 0)
    run.stand.comes_true(f"{run.name}: it is {state}", lambda: run.stand.state_of(gap), state)
    run.is_booked(gap)
    run.is_in_line()


def answered(verdict, sentence, results, **wanted):
    """Checks an answer of the server as the model saw it, and gives it."""
    answer = results[0]
    found = {key: answer.json.get(key) for key in wanted}
    verdict.check(sentence, not answer.is_error and found == wanted, answer)
    return answer.json


def plan(stand):
    verdict = stand.verdict

    def play(said):
        verdict.check("the planner is told what a planner does", "You are the planner of one job" in said, said[-3000:])
        verdict.check("and nothing that others wrote", "nobody could see" not in said, said[-3000:])
        found = yield seek("show-work", "my-budget", "submit-plan")
        verdict.check("the model may look tools up", not found[0].is_error, found)
        work = answered(verdict, "the planner sees its work", (yield use("show-work", said)), stage="planner")
        verdict.equal("which tells the gap", work.get("pull", {}).get("gap"), f"mcp-tool/{GAP}")
        told = work["untrusted"]["reports"][0]["text"]
        verdict.equal("and what was reported, marked as what it is", told, "nobody could see what was deployed")
        code = yield [Use("Read", {"file_path": f"{workspace_of(said)}/src/lib.rs"})]
        verdict.check("the planner reads the code", "A website." in code[0].text, code)
        no = yield [Use("Write", {"file_path": f"{workspace_of(said)}/src/x.rs", "content": "x"})]
        verdict.check("but writes none", no[0].is_error, no)
        approaches = [{"name": "a crate", "about": "apart", "lines": 300}, {"name": "a function", "about": "little", "lines": 6}]
        plan = use("submit-plan", said, approaches=approaches, chosen="a function", steps="write it, test it")
        answered(verdict, "the plan is taken", (yield plan), ok=True, state="implementing")
        yield "done"

    handed_in(stand.work("plan", "planner", play), GAP, "implementing")


def draft(stand):
    verdict = stand.verdict

    def play(said):
        yield seek("show-work")
        work = answered(verdict, "the implementer sees its work", (yield use("show-work", said)), stage="implementer")
        verdict.equal("with the plan", work["untrusted"]["plan"]["chosen"], "a function")
        place = workspace_of(said)
        around = yield [Use("Bash", {"command": "env; git remote -v; git config --list; cat ~/.netrc ~/.git-credentials", "description": "look"})]
        verdict.check("its commands find no credential", "HOME=" in around[0].text and SECRET not in around[0].text, around)
        yield [Use("Read", {"file_path": f"{place}/src/lib.rs"})]
        edit = {"file_path": f"{place}/src/lib.rs", "old_string": "//! A website.\n", "new_string": "//! A website.\n\npub mod list;\n"}
        made = yield [Use("Edit", edit), Use("Write", {"file_path": f"{place}/src/list.rs", "content": FIRST})]
        verdict.check("Claude edits and writes", not any(result.is_error for result in made), made)
        yield from commit(verdict, f"{TITLE}\n\n{BODY}")
        yield "It is written and committed."

    handed_in(stand.work("draft", "implementer", play), GAP, "needs_review")
    pull = stand.pull_of(GAP)
    verdict.equal("it is called by its commit", (pull["change"]["title"], pull["change"]["body"]), (TITLE, BODY))
    verdict.equal("its branch is where it is recorded", tip(stand), pull["change"]["head"])
    verdict.equal("it has a change of two files", changed(stand), ["src/lib.rs", "src/list.rs"])
    shows(stand, "needs-bot-review", "iteration:0")
    return pull["change"]["head"]


def commit(verdict, message):
    done = yield [Use("Bash", {"command": f"git add --all && git commit --quiet --message '{message}'", "description": "commit"})]
    verdict.check("Claude commits", not done[0].is_error, done)


def tip(stand):
    return stand.git("--git-dir", str(stand.git_folder), "rev-parse", f"refs/heads/{BRANCH}")


def changed(stand):
    return stand.git("--git-dir", str(stand.git_folder), "diff", "--name-only", f"main...{BRANCH}").split()


def shows(stand, *labels):
    """The labels by which a pull request shows on the forge how it stands."""
    ours = lambda: sorted({*labels} & {*stand.labels_of(stand.pull_of(GAP)["number"])})
    stand.comes_true(f"its labels are {' and '.join(labels)}", ours, sorted(labels))


def review(stand, head, verdict_word, findings, told, first_pass):
    """A play of both passes of a review, of a change that is described so."""
    verdict = stand.verdict

    def play(said):
        verdict.check("the reviewer is not told what it is for", GAP not in said, said[-3000:])
        yield seek("show-work", "submit-review")
        results = yield use("show-work", said)
        work = answered(verdict, "the reviewer sees its work", results, stage="reviewer")
        verdict.check("which does not tell either", GAP not in results[0].text and BODY not in results[0].text, results)
        verdict.equal("but the head", work["pull"]["head"], head)
        yield from first_pass(work)
        code = yield [Use("Read", {"file_path": f"{workspace_of(said)}/src/list.rs"})]
        verdict.check("the reviewer reads the code", "pub fn list" in code[0].text, code)
        words = {"head": head, "verdict": verdict_word, "summary": "read it", "findings": findings}
        first = answered(verdict, "the first pass is taken", (yield use("submit-review", said, **words)), **{"pass": "first"})
        verdict.equal("and is answered with what it is for", first["untrusted"]["description"]["text"], told)
        state = "changes_requested" if findings else "approved"
        final = use("submit-review", said, **words)
        answered(verdict, "the second pass counts", (yield final), **{"pass": "final", "state": state})
        yield "done"

    return play


def ask_for_changes(stand, head):
    verdict = stand.verdict

    def first_pass(work):
        verdict.check("the difference has the line", "panic!()" in str(work["untrusted"]["diff"]), work)
        return iter(())

    run = stand.work("ask for changes", "reviewer", review(stand, head, "REQUEST_CHANGES", [FINDING], BODY, first_pass))
    handed_in(run, GAP, "changes_requested")
    found = [(f["path"], f["line"], f["severity"]) for f in stand.pull_of(GAP)["findings"]]
    verdict.equal("the line is cited", found, [("src/list.rs", 2, "major")])
    shows(stand, "bot-requested-changes", "iteration:0")


def revise(stand, first):
    verdict = stand.verdict

    def play(said):
        yield seek("show-work")
        work = answered(verdict, "the implementer sees what was found", (yield use("show-work", said)), stage="implementer")
        found = work["untrusted"]["earlier"][0]["findings"][0]
        verdict.equal("with the line", (found["path"], found["line"]), ("src/list.rs", 2))
        place = f"{workspace_of(said)}/src/list.rs"
        yield [Use("Read", {"file_path": place})]
        made = yield [Use("Edit", {"file_path": place, "old_string": "panic!()", "new_string": "Vec::new()"})]
        verdict.check("Claude mends it", not made[0].is_error, made)
        yield from commit(verdict, f"fix: list nothing where nothing is\n\n{ANSWER}")
        yield "It is mended."

    handed_in(stand.work("revise", "implementer", play), GAP, "needs_review")
    head = stand.pull_of(GAP)["change"]["head"]
    verdict.equal("its branch is at the revision", tip(stand), head)
    parents = stand.git("--git-dir", str(stand.git_folder), "rev-list", f"{first}..{head}").split()
    verdict.equal("which is one commit on top of the first", parents, [head])
    shows(stand, "needs-bot-review", "iteration:1")
    return head


def approve(stand, head):
    verdict = stand.verdict

    def first_pass(work):
        verdict.check("the difference has the mended line", "Vec::new()" in str(work["untrusted"]["diff"]), work)
        return iter(())

    run = stand.work("approve", "reviewer", review(stand, head, "APPROVE", [], BODY, first_pass))
    handed_in(run, GAP, "approved")


def judge(stand, head):
    verdict = stand.verdict

    def play(said):
        yield seek("show-work", "submit-merge-verdict")
        work = answered(verdict, "the merger sees its work", (yield use("show-work", said)), stage="merger")
        verdict.check("with the whole of it", work["untrusted"]["plan"] and work["untrusted"]["diff"]["complete"], work)
        words = {"head": head, "verdict": "APPROVE_FOR_HUMAN", "summary": "it coheres"}
        answered(verdict, "the verdict is taken", (yield use("submit-merge-verdict", said, **words)), state="needs_human")
        yield "done"

    handed_in(stand.work("judge", "merger", play), GAP, "needs_human")
    shows(stand, "bot-approved-needs-human", "iteration:1", "capability-gap", "claude")
    who = {turn["principal"] for turn in stand.pull_of(GAP)["rounds"]}
    verdict.equal("each stage was somebody else", who, set(STAGES.values()))


def merge(stand, head):
    """A person merges, and nobody else."""
    verdict, number = stand.verdict, stand.pull_of(GAP)["number"]
    main = ["--git-dir", str(stand.git_folder), "rev-parse", "main"]
    before = stand.git(*main)
    merged = stand.operator("pulls", "merge", str(number), "--head", head, "--by", "joan")
    verdict.check("the main branch moved by that", stand.git(*main) == merged["commit"] != before, merged)
    shown = stand.git("--git-dir", str(stand.git_folder), "show", "main:src/list.rs")
    verdict.equal("it has what was approved", shown, SECOND.strip())
    stand.comes_true("it is merged", lambda: stand.state_of(GAP), "merged")
    stand.comes_true("its gap is merged", lambda: stand.operator("gaps", "show", GAP)["state"], "merged")
    spent, pull = 0, stand.pull_of(GAP)
    spent = sum(turn["micro_usd"] for turn in pull["rounds"])
    verdict.equal("its cost is the sum of its runs", (pull["micro_usd"], len(pull["rounds"])), (spent, 6))


def come_to_nothing(stand):
    """A Claude that ends without handing anything in."""
    let_agents_act(stand, SILENT)

    def play(said):
        yield "I would rather not."

    run = stand.work("come to nothing", "planner", play)
    run.ends("failed", 1)
    why = "ended without handing anything in"
    run.check("it says why", why in str(run.end.get("why")), run.end)
    job = run.end.get("job")
    ended = [(one["outcome"], why in one["status"], one["attempt"]) for one in stand.operator("runs", "list", "--job", job)["runs"]]
    run.equal("the run is an error, and an attempt", ended, [("error", True, 1)])
    run.equal("the pull request stands where it stood", stand.state_of(SILENT), "planning")
    run.is_booked(SILENT)


def overreach(stand):
    """A Claude that takes another job with the token of its own, and runs a command that its stage has no use for."""
    verdict = stand.verdict
    stand.operator("pulls", "stop", stand.pull_of(SILENT)["id"], "--reason", "nobody plans it anyhow")
    let_agents_act(stand, GREEDY)

    def play(said):
        wish = {"holder": "pia", "ttl_secs": 600, "kind": "planner"}
        no = yield [Use(TOOL + "claim-routine-job", wish), Use("Bash", {"command": "git push", "description": "push"})]
        verdict.check("a second job is refused", no[0].is_error and "forbidden" in no[0].text, no)
        verdict.check("a command is refused", no[1].is_error, no)
        yield "I could not."

    run = stand.work("overreach", "planner", play)
    run.ends("failed", 1)
    run.equal("the pull request stands where it stood", stand.state_of(GREEDY), "planning")
    held = [job["name"] for job in stand.operator("jobs", "list")["jobs"] if job["state"] == "held"]
    run.equal("it holds nothing", held, [])
    run.is_booked(GREEDY)


if __name__ == "__main__":
    main()
