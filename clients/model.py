"""A model that a suite plays: the Anthropic Messages API on this machine, over a generator of turns.

The generator yields turns, each a text or tool uses, and is sent the results of the tools that it used. It stands for
the model's choices alone: what the client does with them is the client's own doing.
"""

import http.server
import json
import threading
import uuid
from dataclasses import dataclass


@dataclass
class Use:
    """A tool that the model uses."""

    tool: str
    input: dict


@dataclass
class Result:
    """What the client gave the model for one use."""

    is_error: bool
    text: str

    @property
    def json(self):
        try:
            return json.loads(self.text)
        except ValueError:
            return {"not json": self.text}


class Model:
    """Serves one conversation for the time of a `with`."""

    def __init__(self, play):
        # The play is begun with what the model is first shown, and then sent results.
        self._play, self._turns, self._lock = play, [], threading.Lock()
        self.error, self.shown = None, []

    def __enter__(self):
        model = self

        class Handler(Messages):
            def turn(self, body):
                return model._turn(body)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def _turn(self, body):
        messages = body.get("messages", [])
        if not body.get("tools"):
            return "ok"  # A title or the like, not the conversation.
        step = sum(message["role"] == "assistant" for message in messages)
        with self._lock:
            self.shown = [tool.get("name") for tool in body["tools"]]
            # A request that the client repeats gets the turn that it got.
            while len(self._turns) <= step:
                self._turns.append(self._next(messages))
            return self._turns[step]

    def _next(self, messages):
        try:
            if not self._turns:
                self._play = self._play(texts(messages))
                return next(self._play)
            return self._play.send(results(messages))
        except StopIteration:
            return "the play is over"
        except Exception as error:  # Told to the suite, which fails by it.
            self.error = error
            return "the play broke"


def texts(messages):
    """Everything that was said to the model so far; the client says much of it in the name of the system."""
    contents = [message["content"] for message in messages if message["role"] != "assistant"]
    return "\n".join(c if isinstance(c, str) else "\n".join(part.get("text", "") for part in c) for c in contents)


def results(messages):
    """The results of the newest turn, in the order of its uses."""
    newest = max(at for at, message in enumerate(messages) if message["role"] == "assistant")
    contents = [message["content"] for message in messages[newest + 1 :] if isinstance(message["content"], list)]
    found = []
    for block in (block for content in contents for block in content if block.get("type") == "tool_result"):
        content = block.get("content") or ""
        text = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
        found.append(Result(bool(block.get("is_error")), text))
    return found


class Messages(http.server.BaseHTTPRequestHandler):
    """The part of the Messages API that the client uses."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer(200, {})

    def do_GET(self):
        self.answer(200, {"data": [], "has_more": False})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        path = self.path.split("?")[0]
        if path == "/v1/messages/count_tokens":
            return self.answer(200, {"input_tokens": 1000})
        if path != "/v1/messages":
            return self.answer(404, {"type": "error", "error": {"type": "not_found_error", "message": path}})
        turn = self.turn(body)
        blocks = [{"type": "text", "text": turn}] if isinstance(turn, str) else [
            {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex}", "name": use.tool, "input": use.input} for use in turn
        ]
        message = {
            "id": f"msg_{uuid.uuid4().hex}", "type": "message", "role": "assistant", "model": body.get("model"),
            "content": blocks, "stop_reason": "end_turn" if isinstance(turn, str) else "tool_use", "stop_sequence": None,
            "usage": {"input_tokens": 1000, "output_tokens": 100},
        }
        if body.get("stream"):
            self.stream(message)
        else:
            self.answer(200, message)

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def stream(self, message):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        self.event("message_start", message=message | {"content": [], "stop_reason": None})
        for index, block in enumerate(message["content"]):
            if block["type"] == "text":
                empty, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": block["text"]}
            else:
                empty = block | {"input": {}}
                delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
            self.event("content_block_start", index=index, content_block=empty)
            self.event("content_block_delta", index=index, delta=delta)
            self.event("content_block_stop", index=index)
        stop = {"stop_reason": message["stop_reason"], "stop_sequence": None}
        self.event("message_delta", delta=stop, usage={"output_tokens": 100})
        self.event("message_stop")

    def event(self, kind, **fields):
        self.wfile.write(f"event: {kind}\ndata: {json.dumps({'type': kind} | fields)}\n\n".encode())
