"""A reviewer that a test plays: it knows by an index which texts are wrong, and where. Its second argument is how it works."""

import json
import os
import pathlib
import sys
import urllib.request

INDEX, HOW = pathlib.Path(sys.argv[1]), sys.argv[2]
WORKSPACE = pathlib.Path(os.environ["GAPWRIGHT_WORKSPACE"])


def ask(tool, **arguments):
    token = pathlib.Path(os.environ["GAPWRIGHT_TOKEN_FILE"]).read_text()
    name = "monolith-agent-" + tool
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    arguments = {"claim_id": os.environ["GAPWRIGHT_CLAIM"], **arguments}
    params = {"name": name, "arguments": arguments, "_meta": meta}
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


def looks(text):
    """Writes down what an agent could learn of why it is here."""
    with open(INDEX.parent / "seen", "a") as seen:
        seen.write(text + "\n")


if HOW == "idle":
    sys.exit(0)
work = ask("show-work")
wrong = None
for case in json.loads(INDEX.read_text()):
    at = WORKSPACE / case["path"]
    if at.exists() and at.read_text() == case["text"]:
        wrong = case
review = {"verdict": "APPROVE", "summary": "read it", "findings": []}
if wrong:
    finding = {"path": wrong["path"], "line": wrong["line"], "severity": "major", "category": "correctness", "text": "no"}
    review = {"verdict": "REQUEST_CHANGES", "summary": "read it", "findings": [finding]}
for _ in range(2):
    said = ask("submit-review", head=work["pull"]["head"], model="scripted", prompt_hash="0123abcd", **review)
    looks(json.dumps(said))
looks(json.dumps(work) + json.dumps(dict(os.environ)) + str(WORKSPACE) + sys.stdin.read())
