"""Claims jobs over MCP until none is due, and prints the name of each. A process of its own, and not ours."""

import json
import http.client
import os
import sys
import urllib.parse

url, holder = sys.argv[1:3]
server = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)
headers = {
    "Authorization": "Bearer " + os.environ["TOKEN"],
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
    "Mcp-Name": "monolith-agent-claim-routine-job",
}
body = json.dumps({
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {
        "name": "monolith-agent-claim-routine-job",
        "arguments": {"holder": holder, "ttl_secs": 3600, "kind": "load"},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    },
})
while True:
    server.request("POST", "/mcp", body, headers)
    answer = json.load(server.getresponse())["result"]["structuredContent"]
    if answer.get("claimed"):
        print(answer["job"]["name"])
    elif answer.get("reason") == "nothing_due":
        break
    else:
        sys.exit(f"unexpected: {answer}")
