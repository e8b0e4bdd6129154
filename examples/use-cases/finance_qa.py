"""Answers a question about figures: python3 finance_qa.py figures.csv "How did revenue develop?" --evidence evidence.json

Sums and changes are computed here, exactly; the model only puts them into words. A number of its answer that stands
in no figure is pointed out. The evidence is what an auditor needs to ask the chain who computed the answer.
"""
import argparse
import csv
import json
import pathlib
import re
import sys
from decimal import Decimal

from gateway import connect, in_words, receipt, stands_behind

ASK = "Answer from these figures only, in at most two sentences, and say so where they do not tell.\n\n{figures}\nQuestion: {question}"
NUMBER = r"\d+(?:[.,]\d+)*"


def facts(rows):
    """The figures, one line an item, with the sum and the last change of each."""
    lines = []
    for name, *values in rows[1:]:
        figures = [Decimal(value) for value in values]
        line = ", ".join(f"{period} {figure}" for period, figure in zip(rows[0][1:], figures))
        line += f"; sum {sum(figures)}"
        if len(figures) > 1 and figures[-2]:
            line += f", last change {(figures[-1] / figures[-2] - 1) * 100:+.1f} %"
        lines.append(f"{name}: {line}\n")
    return "".join(lines)


def strangers(answer, *sources):
    """Numbers of an answer that no source has."""
    known = {number.replace(",", "") for source in sources for number in re.findall(NUMBER, source)}
    return [number for number in re.findall(NUMBER, answer) if number.replace(",", "") not in known]


def main():
    parser = argparse.ArgumentParser(description="Answers a question about figures, with evidence.")
    parser.add_argument("figures", type=pathlib.Path, help="a CSV file: names in the first column, periods in the first row")
    parser.add_argument("question")
    parser.add_argument("--evidence", type=pathlib.Path, help="where the evidence is written")
    parser.add_argument("--max-tokens", type=int, default=100)
    options = parser.parse_args()

    with options.figures.open(newline="", encoding="utf-8") as file:
        figures = facts(list(csv.reader(file)))
    client, model = connect()
    request = {
        "model": model,
        "messages": [{"role": "user", "content": ASK.format(figures=figures, question=options.question)}],
        "max_tokens": options.max_tokens,
        "temperature": 0,  # the same question gives the same answer
        "seed": 7,
    }
    told = client.chat.completions.create(**request)
    answer = told.choices[0].message.content
    print(answer)
    for number in strangers(answer, figures, options.question):
        print(f"careful: {number} stands in no figure", file=sys.stderr)
    behind = stands_behind(told)
    proof = receipt(client, behind["job"])
    print(in_words(proof), file=sys.stderr)
    if options.evidence:
        options.evidence.write_text(json.dumps({"request": request, "answer": answer, "salt": behind["salt"], "receipt": proof}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
