"""A tutor at the terminal: python3 tutor.py, then one question a line; an empty line or Ctrl-D ends it.

Replies come word by word. The last turns go along with each question, and the lesson's cost is told at its end.
"""
import os
import sys
from collections import deque

import openai

from gateway import connect, fee, in_words, receipt, stands_behind

ROLE = "You are a patient tutor. Give a hint first, and the whole solution only when asked for it."
TURNS = 3


def ask(client, model, messages):
    """Prints a reply as it comes; answers its text and its job."""
    stream = client.chat.completions.create(model=model, messages=messages, max_tokens=int(os.environ.get("MAX_TOKENS", 150)), stream=True)
    said, job = "", None
    for chunk in stream:
        piece = chunk.choices[0].delta.content or "" if chunk.choices else ""
        print(piece, end="", flush=True)
        said += piece
        job = (stands_behind(chunk) or {}).get("job", job)
    print(flush=True)
    return said, job


def main():
    client, model = connect()
    turns, jobs = deque(maxlen=TURNS), []
    for line in sys.stdin:
        question = line.strip()
        if not question:
            break
        before = [message for turn in turns for message in turn]
        asked = {"role": "user", "content": question}
        try:
            said, job = ask(client, model, [{"role": "system", "content": ROLE}, *before, asked])
        except openai.OpenAIError as error:
            print(f"that did not work ({error}): ask again", file=sys.stderr)
            continue
        jobs.append(job)
        turns.append((asked, {"role": "assistant", "content": said}))
    receipts = [receipt(client, job) for job in jobs]
    for told in receipts:
        print(in_words(told), file=sys.stderr)
    print(f"{len(receipts)} questions, {sum(map(fee, receipts)):.6f} DLLM", file=sys.stderr)


if __name__ == "__main__":
    main()
