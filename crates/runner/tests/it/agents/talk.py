"""An agent that a test plays: it works as its first argument says, and talks to the real server with the token of its run."""

import json
import os
import subprocess
import sys
import urllib.request

CLAIM = os.environ["GAPWRIGHT_CLAIM"]


def ask(tool, **arguments):
    with open(os.environ["GAPWRIGHT_TOKEN_FILE"]) as file:
        token = file.read()
    name = "monolith-agent-" + tool
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": name, "arguments": {"claim_id": CLAIM, **arguments}, "_meta": meta}
    request = urllib.request.Request(
        os.environ["GAPWRIGHT_MCP_URL"],
        data=json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode(),
        headers={
            "authorization": "Bearer " + token,
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2026-07-28",
            "mcp-method": "tools/call",
            "mcp-name": name,
        },
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        result = json.load(answer)["result"]
    if result.get("isError"):
        sys.exit(f"{tool}: {result['structuredContent']}")
    return result["structuredContent"]


def git(*words):
    subprocess.run(["git", *words], check=True)


def plans():
    ask(
        "submit-plan",
        approaches=[
            {"name": "a crate", "about": "apart", "lines": 300},
            {"name": "a function", "about": "little", "lines": 6},
        ],
        chosen="a function",
        steps="write it, test it",
    )


def drafts():
    work = ask("show-work")
    revises = "head" in work["pull"]
    if revises:
        assert work["untrusted"]["earlier"][0]["findings"][0]["line"] == 2, work
    with open("src/list.rs", "w") as file:
        file.write("pub fn list() -> Vec<String> {\n    %s\n}\n" % ("Vec::new()" if revises else "panic!()"))
    git("add", "--all")
    first = "feat: list what was deployed\n\nNobody could see it."
    git("commit", "--quiet", "--message", "fix: list nothing\n\nMended." if revises else first)


def patches():
    with open("src/list.rs", "w") as file:
        file.write("pub fn list() {}\n")
    git("add", "--all")
    patch = subprocess.run(["git", "diff", "--binary", "--cached"], check=True, capture_output=True, text=True).stdout
    ask("submit-change", patch=patch, title="feat: list", body="By a patch.")


def reviews(verdict, *findings):
    head = ask("show-work")["pull"]["head"]
    for _ in range(2):
        ask("submit-review", head=head, verdict=verdict, summary="read it", findings=list(findings))


def asks_for_changes():
    finding = {"path": "src/list.rs", "line": 2, "severity": "major", "category": "correctness", "text": "it panics"}
    reviews("REQUEST_CHANGES", finding)


def approves():
    reviews("APPROVE")


def asks():
    ask("ask-operator", question="Where from?", options=["from a file", "over the network"])


def judges():
    head = ask("show-work")["pull"]["head"]
    ask("submit-merge-verdict", head=head, verdict="APPROVE_FOR_HUMAN", summary="it coheres")


globals()[sys.argv[1]]()
