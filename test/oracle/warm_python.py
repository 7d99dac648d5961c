"""
Runs programs of this repository one after the other, each in a fork of a process that, with --transformers, has already
imported what they begin with: importing takes longer than most of what they do.

Reads lines of JSON, `{"script": PATH, "args": [...], "input": TEXT}`, and answers each with a line,
`{"status": NUMBER, "output": TEXT, "errors": TEXT}`. Ends with its input.
"""

import json
import os
import runpy
import sys
import tempfile
import traceback

if "--transformers" in sys.argv:
    import torch  # noqa: F401
    from transformers import (  # noqa: F401
        AutoTokenizer,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2VLForConditionalGeneration,
        Qwen2VLImageProcessor,
    )


def run(script: str, args: list[str]) -> int:
    """In the fork: the program as if it had been started by itself."""
    sys.argv = [script, *args]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        return 1
    return 0


def forked(job: dict) -> dict:
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        given.write(job["input"].encode())
        given.seek(0)
        child = os.fork()
        if child == 0:
            for place, file in enumerate((given, output, errors)):
                os.dup2(file.fileno(), place)
            status = 1
            try:
                status = run(job["script"], job["args"])
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(status)
        _, ended = os.waitpid(child, 0)

        def said(file) -> str:
            file.seek(0)
            return file.read().decode()

        return {"status": os.waitstatus_to_exitcode(ended), "output": said(output), "errors": said(errors)}


for line in sys.stdin:
    sys.stdout.write(json.dumps(forked(json.loads(line))) + "\n")
    sys.stdout.flush()
