"""One side of benchmarks/serving.py, in a process of its own: handlers, a model, and requests to them.

    python serving_worker.py CODE MODEL

It imports CODE/inference.py, loads the folder MODEL, answers one request, and prints how long each took. Then
it reads lines, each a JSON list of request bodies, and answers each with a list of seconds and answers.
"""

import importlib
import json
import os
import sys
from itertools import pairwise
from time import perf_counter

JSON = "application/json"
FIRST = '{"inputs": "정말 재미있어요"}'


def main(code: str, model_dir: str) -> None:
    """Load, and answer until standard input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # What the handlers print goes with what they log.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.path.insert(0, code)
    times = [perf_counter()]
    handlers = importlib.import_module("inference")
    times.append(perf_counter())
    model = handlers.model_fn(model_dir)
    times.append(perf_counter())

    def answer(body: str) -> str:
        text: str = handlers.output_fn(handlers.predict_fn(handlers.input_fn(body, JSON), model), JSON)
        return text

    answer(FIRST)
    times.append(perf_counter())
    imports, load, first = (end - start for start, end in pairwise(times))
    print(json.dumps({"imports": imports, "load": load, "first": first}), file=answers, flush=True)
    for line in sys.stdin:
        answered = []
        for body in json.loads(line):
            began = perf_counter()
            text = answer(body)
            answered.append((perf_counter() - began, text))
        print(json.dumps(answered), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
