#!/usr/bin/env python3
"""Held-out texts for `make accuracy`: python heldout.py OUT.json [--texts 160] [--tasks 12]
Pairs of question and reply for perplexity, drawn like those of evaluate.py, and questions with one right answer. Needs no packages."""
import argparse, json, random
import corpus

ap = argparse.ArgumentParser(); ap.add_argument("out"); ap.add_argument("--texts", type=int, default=160); ap.add_argument("--tasks", type=int, default=12); a = ap.parse_args()
r = random.Random(4242); texts = []
for _ in range(a.texts):
    kind = r.choices(["s", "a", "f", "n", "t"], [24, 26, 24, 9, 11])[0]
    texts.append(list({"s": lambda: corpus.story(r, True, r.choice(["ao", "aa", "ap"]))[:2], "a": lambda: corpus.arithmetic(r, True), "f": lambda: corpus.fact(r, True), "n": lambda: corpus.network(r, True), "t": lambda: corpus.tool(r, True)}[kind]()))
kept = {}
for e in corpus.eval_set():
    if e["intent"] != "story" and "history" not in e: kept.setdefault(e["intent"], []).append([e["prompt"], e["expected"]])
tasks = {intent: pairs[:: max(1, len(pairs) // a.tasks)][: a.tasks] for intent, pairs in sorted(kept.items())}
json.dump({"texts": texts, "tasks": tasks}, open(a.out, "w"), indent=0, ensure_ascii=False)
