"""The Python client in both eras over HTTP and stdio: every answer is held against the schema of its tool."""

import asyncio
import json

import httpx2
import jsonschema
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import ResourceTemplateReference

from served import LEGACY, MODERN, PREFIX, Served
from verdict import Verdict

CALLER = "claude-routine-agent"


class Caller:
    """A connected client whose calls are checked."""

    def __init__(self, verdict, way, client, tools):
        self.verdict, self.way, self.client = verdict, way, client
        self.tools = {tool.name.removeprefix(PREFIX): tool for tool in tools}

    def check(self, sentence, holds, found=""):
        return self.verdict.check(f"{self.way}: {sentence}", holds, found)

    def equal(self, sentence, found, wanted):
        return self.verdict.equal(f"{self.way}: {sentence}", found, wanted)

    async def result(self, tool, **arguments):
        """The answer or the refusal, which the schema describes and the text repeats."""
        result = await self.client.call_tool(PREFIX + tool, arguments)
        answer = result.structured_content
        schema = self.tools[tool].output_schema
        faults = [fault.message for fault in jsonschema.Draft202012Validator(schema).iter_errors(answer)]
        self.check(f"{tool} answers by its schema", not faults, (faults, answer))
        self.equal(f"{tool} says the same as text", [json.loads(c.text) for c in result.content], [answer])
        return result.is_error, answer

    async def call(self, tool, **arguments):
        is_error, answer = await self.result(tool, **arguments)
        self.check(f"{tool} is answered", not is_error, answer)
        return answer

    async def refused(self, why, tool, code, **arguments):
        is_error, refusal = await self.result(tool, **arguments)
        self.check(f"{why} is refused", (is_error, refusal.get("code")) == (True, code), refusal)
        self.check(f"{why}: the refusal says what to do", refusal.get("message") and refusal.get("hint"), refusal)
        return refusal


async def main():
    with Verdict("python") as verdict, Served() as server:
        for mode in ("auto", "legacy"):
            headers = {"Authorization": f"Bearer {server.token}"}
            async with httpx2.AsyncClient(headers=headers, trust_env=False) as http:
                await tour(verdict, server, f"http-{mode}", mode, streamable_http_client(server.mcp, http_client=http))
            environment = {
                "GAPWRIGHT_TOKEN": server.token,
                "GAPWRIGHT__DATABASE__URL": f"sqlite:{server.database}",
            }
            stdio = StdioServerParameters(command=server.program, args=["mcp"], env=environment, cwd=server.folder)
            with open(server.folder / "mcp.log", "w") as log:
                await tour(verdict, server, f"stdio-{mode}", mode, stdio_client(stdio, errlog=log))
        verdict.check("the journal holds", server.operator("audit", "verify"))


async def tour(verdict, server, way, mode, transport):
    async with Client(transport, mode=mode) as client:
        listed = await client.list_tools()
        caller = Caller(verdict, way, client, listed.tools)
        caller.equal("the era", client.protocol_version, MODERN if mode == "auto" else LEGACY)
        caller.equal("the server's name", client.server_info.name, "gapwright")
        caller.check("instructions are given", "lock" in (client.instructions or ""), client.instructions)
        await words(caller, server)
        await locks(caller, server)
        await jobs(caller, server)
        await reads(caller)
        await refusals(caller)
        await prompts_and_resources(caller)


async def words(caller, server):
    caller.equal("as many tools as the server says", len(caller.tools), server.get("/version")["tools"])
    caller.equal("tools are in order", list(caller.tools), sorted(caller.tools))
    for name, tool in caller.tools.items():
        hints = tool.annotations
        told = (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint)
        caller.check(f"{name} has title, description and all four hints", tool.title and tool.description and None not in told, told)
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        caller.equal(f"{name} takes nothing unnamed", tool.input_schema.get("additionalProperties"), False)


async def locks(caller, server):
    key, holder = f"python-{caller.way}", "python"
    granted = await caller.call("acquire-lock", key=key, holder=holder, ttl_secs="60")
    caller.equal("the lock is granted", granted.get("acquired"), True)
    refused = await caller.call("acquire-lock", key=key, holder=holder, ttl_secs=60)
    caller.equal("a held lock is an answer", (refused["acquired"], refused.get("held_by")), (False, holder))
    extended = await caller.call("extend-lock", lock_id=granted["lock_id"], ttl_secs=600)
    caller.check("an extension moves the end", extended.get("new_expires_at", "") > granted["expires_at"], extended)
    listed = await caller.call("list-locks", prefix=key)
    caller.equal("the lock is listed with its principal", [lock["principal"] for lock in listed["locks"]], [CALLER])
    caller.equal("the operator sees it too", server.operator("locks", "show", key)["fencing_token"], granted["fencing_token"])
    caller.equal("it is released", (await caller.call("release-lock", lock_id=granted["lock_id"]))["ok"], True)
    caller.equal("once", (await caller.call("release-lock", lock_id=granted["lock_id"]))["ok"], False)
    again = await caller.call("acquire-lock", key=key, holder=holder, ttl_secs=1)
    caller.check("the next token is larger", again["fencing_token"] > granted["fencing_token"], again)


async def jobs(caller, server):
    name, kind = f"python-{caller.way}", f"kind-{caller.way}"
    payload = {"deep": {"list": [1, "\u00e9", None]}}
    once = {"name": name, "kind": kind, "payload": payload, "idempotency_key": f"register-{name}"}
    caller.equal("a job is registered", (await caller.call("register-routine-job", **once))["ok"], True)
    caller.equal("a repeated call gives the first answer", (await caller.call("register-routine-job", **once))["ok"], True)
    await caller.refused("another call with its key", "register-routine-job", "idempotency_mismatch", **(once | {"kind": "other"}))
    await caller.refused("a name that is taken", "register-routine-job", "already_exists", name=name, kind=kind)
    nothing = await caller.call("claim-routine-job", holder="python", ttl_secs=60, kind=kind)
    caller.equal("nothing due is an answer", (nothing["claimed"], nothing.get("reason")), (False, "nothing_due"))
    caller.equal("it is triggered", (await caller.call("trigger-routine-job", name=name))["ok"], True)
    due = await caller.call("list-routine-jobs", due_only=True, kind=kind)
    caller.equal("it is due", [job["name"] for job in due["jobs"]], [name])
    claim = await caller.call("claim-routine-job", holder="python", ttl_secs=60, kind=kind)
    caller.equal("it is claimed with its payload", claim.get("job", {}).get("untrusted", {}).get("payload"), payload)
    renewed = await caller.call("renew-routine-job", claim_id=claim["claim_id"], ttl_secs=600, progress="half way")
    caller.equal("the claim is renewed", renewed["ok"], True)
    deferred = await caller.call("defer-routine-job", claim_id=claim["claim_id"], seconds=1, reason="quota")
    caller.equal("the job is deferred", deferred["ok"], True)
    second = await caller.call("claim-routine-job", holder="python", ttl_secs=60, name=name)
    caller.check("the next claim has a larger token", second["fencing_token"] > claim["fencing_token"], second)
    stale = await caller.call("complete-routine-job", name=name, status="ok", claim_id=claim["claim_id"])
    caller.equal("a stale worker is told so", (stale["ok"], stale.get("reason")), (False, "stale_claim"))
    complete = {"name": name, "status": "ok", "claim_id": second["claim_id"], "gaps": [{"name": f"gap-{caller.way}", "kind": "mcp-tool"}]}
    both = await caller.call("complete-and-claim", complete=complete, claim={"holder": "python", "ttl_secs": 60, "kind": kind})
    caller.equal("it is completed with its gap", (both["completed"]["ok"], both["completed"].get("gaps_recorded")), (True, 1))
    caller.equal("nothing is next", both["next"]["claimed"], False)
    runs = server.operator("runs", "list", "--job", name)["runs"]
    caller.check("the history has the run", [r for r in runs if r["claim_id"] == second["claim_id"] and r["principal"] == CALLER], runs)
    caller.equal("it is removed", (await caller.call("deregister-routine-job", name=name))["ok"], True)
    gap = await caller.call("report-gap", name=f"gap-{caller.way}", kind="mcp-tool", reason="wanted by a test")
    caller.check("a gap is reported", gap.get("sighting_id"), gap)
    for phase in ("start", "end"):
        caller.equal(f"checked in: {phase}", (await caller.call("check-in", routine=name, phase=phase))["ok"], True)
    caller.equal("a message is queued", (await caller.call("notify", message=name, level="warn"))["queued"], True)
    caller.equal("a scheduled job is triggered", (await caller.call("trigger-job", name="retention"))["ok"], True)


async def reads(caller):
    """Every tool that only reads can be called with nothing, or with the little that it requires; of a claim, only the claim."""
    for name, tool in caller.tools.items():
        if tool.annotations.read_only_hint and "claim_id" in tool.input_schema.get("required", []):
            await caller.refused(f"{name} of a claim that is nobody's", name, "stale_claim", claim_id="01" + "Z" * 24)
        elif tool.annotations.read_only_hint:
            little = {"name": f"gap-{caller.way}"}
            await caller.call(name, **{key: little.get(key, 10) for key in tool.input_schema.get("required", [])})


async def refusals(caller):
    near = await caller.refused("an unknown argument", "list-locks", "unknown_argument", prefx="a")
    caller.check("the nearest argument is named", "prefix" in near["hint"], near)
    short = await caller.refused("an empty key", "acquire-lock", "invalid_argument", key="", holder="h", ttl_secs=1)
    caller.equal("its field is named", short.get("field"), "key")
    await caller.refused("a missing argument", "acquire-lock", "invalid_argument", key="k")
    await caller.refused("a channel that is not allowed", "notify", "channel_not_allowed", message="m", channel="elsewhere")
    try:
        await caller.client.call_tool("no-such-tool", {})
        caller.check("an unknown tool is an error of the protocol", False)
    except MCPError as error:
        caller.equal("an unknown tool is an error of the protocol", error.error.code, -32602)


async def prompts_and_resources(caller):
    client = caller.client
    listed = (await client.list_prompts()).prompts
    caller.check("there are prompts", len(listed) >= 5, listed)
    for prompt in listed:
        text = (await client.get_prompt(prompt.name)).messages[0].content.text
        caller.check(f"prompt {prompt.name} names our tools", PREFIX + "check-in" in text, text)
    for resource in (await client.list_resources()).resources:
        contents = (await client.read_resource(resource.uri)).contents
        caller.check(f"resource {resource.name} has text", contents[0].text, contents)
    template = (await client.list_resource_templates()).resource_templates[0].uri_template
    name = f"gap-{caller.way}"
    gap = json.loads((await client.read_resource(template.replace("{name}", name))).contents[0].text)
    caller.equal("both sightings of the gap are told", len(gap["last_sightings"]), 2)
    found = await client.complete(ResourceTemplateReference(uri=template), {"name": "name", "value": name[:-1]})
    caller.check("the name of a gap is completed", name in found.completion.values, found)
    try:
        await client.read_resource("gapwright://nothing")
        caller.check("an unknown resource is an error", False)
    except MCPError as error:
        wanted = -32602 if client.protocol_version == MODERN else -32002
        caller.equal("an unknown resource is an error of its era", error.error.code, wanted)


if __name__ == "__main__":
    asyncio.run(main())
