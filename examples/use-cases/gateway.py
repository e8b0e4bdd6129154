"""What the use cases share: the client, the privacy label, and the receipt behind a reply."""
import os
import sys
import time

import openai

# Planck of one DLLM.
DLLM = 10**12
# Seconds until a job has ended for good, or something is wrong.
PATIENCE = 300

LABEL = """privacy: sealed. On chain: a digest, the number of tokens, what it cost. The gateway reads everything;
the miners that run the model could guess it from hidden states. Nothing here is private in the strict sense."""


def connect():
    """OpenAI's own client (OPENAI_BASE_URL and OPENAI_API_KEY say which gateway), and a model: MODEL, or the first one."""
    client = openai.OpenAI(timeout=180)
    models = [os.environ["MODEL"]] if os.environ.get("MODEL") else [model.id for model in client.models.list()]
    if not models:
        sys.exit("no model is active on this chain: ask who runs the gateway")
    print(LABEL, file=sys.stderr)
    return client, models[0]


def stands_behind(told):
    """What the gateway adds to a reply, or to the last chunk of a stream: job, ceiling of the price, salt of the digest."""
    return (told.model_extra or {}).get("dllm")


def receipt(client, job):
    """The receipt of a job, once its end is final."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        told = client.get(f"/receipts/{job}", cast_to=object)
        if told["final"]:
            return told
        time.sleep(2)
    sys.exit(f"job {job} has not ended within {PATIENCE} s: GET /v1/receipts/{job} later")


def fee(told):
    """What a job cost, in DLLM; nothing where it was refunded."""
    return int(told["receipt"]["job"]["fee"]) / DLLM


def in_words(told):
    """A receipt in one line."""
    job = told["receipt"]["job"]["id"]
    if not told["settled"]:
        return f"job {job} was refunded: nobody vouches for this reply, and nothing was paid"
    workers = {part["worker"] for stage in told["receipt"]["stages"] for part in stage["participants"]}
    return f"job {job} is settled since block {told['block']['number']}: run and checked by {len(workers)} workers for {fee(told):.6f} DLLM"
