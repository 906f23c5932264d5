"""``simkit provider``: its flags reach the provider."""

from __future__ import annotations

import subprocess
import sys

import aiohttp

COMMAND = [sys.executable, "-m", "simkit", "provider", "--end-with-stdin"]


async def test_every_flag_of_limits_hints_and_brain_reaches_the_provider() -> None:
    flags = "--brain echo --hints none --otpm 60 --itpm 6000 --window 3600 --slowdown-at 100"
    faults = "--hangs --hang-share 0 --faults 0"
    with subprocess.Popen(  # noqa: ASYNC220  # its first line is there in a moment
        [*COMMAND, *flags.split(), *faults.split()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        messages = [{"role": "user", "content": "hello"}]
        body = {"model": "standin", "messages": messages, "max_tokens": 3600}
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{url}/chat/completions", json=body) as answer:
                content = (await answer.json())["choices"][0]["message"]["content"]
                assert "retry-after" not in answer.headers
            async with session.post(f"{url}/chat/completions", json=body) as refusal:
                refused = await refusal.json()
            async with session.get(url.removesuffix("/v1") + "/stats") as answer:
                limits = (await answer.json())["limits"]
        process.communicate()  # the end of its input ends it

    assert len(content) == 4 * 3600
    assert content.startswith("hello hello ")
    assert refused == {"error": {"message": "Too many requests", "type": "rate_limit_error"}}
    assert limits["output_tokens"]["permitted"] == 3600
    assert limits["input_tokens"]["per_minute"] == 6000
    assert process.returncode == 0


def test_a_wrong_value_is_one_clear_error() -> None:
    command = [*COMMAND, "--rpm", "1", "--window", "1"]
    outcome = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert outcome.returncode == 2
    assert "rpm must permit at least 1 in a window of 1 s" in outcome.stderr
    assert "Traceback" not in outcome.stderr
