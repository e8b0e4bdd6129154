"""Summarises a clinic's note: python3 clinic_notes.py note.txt --name "Anna Berg" [--show]

Names that it is told, dates, numbers of five digits or more and addresses of e-mail are replaced before anything
leaves this machine, and put back into the summary here. `--show` only prints what would be sent.
"""
import argparse
import pathlib
import re
import sys

from gateway import connect, in_words, receipt, stands_behind

ASK = "Summarise this note of a clinic in at most three sentences: why the patient came, what was found, what is planned.\n\n"

# What gives a patient away, by the word that stands for it. Dates come first: their digits are no record number.
GIVEAWAYS = {
    "EMAIL": r"[\w.+-]+@[\w-]+\.[\w.]+\b",
    "DATE": r"\b(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4})\b",
    "NUMBER": r"\+?\d(?:[ -]?\d){4,}\b",
}


def mask(text, names):
    """The text without what gives a patient away, and what stands for what."""
    kept = {}

    def stand_in(kind):
        def replace(found):
            known = [word for word, was in kept.items() if was == found[0] and word.startswith(f"[{kind}")]
            word = known[0] if known else f"[{kind}{1 + sum(word.startswith(f'[{kind}') for word in kept)}]"
            kept[word] = found[0]
            return word

        return replace

    for name in names:
        text = re.sub(rf"\b{re.escape(name)}\b", stand_in("NAME"), text)
    for kind, pattern in GIVEAWAYS.items():
        text = re.sub(pattern, stand_in(kind), text)
    return text, kept


def unmask(text, kept):
    """The text with what was replaced."""
    for word, was in kept.items():
        text = text.replace(word, was)
    return text


def main():
    parser = argparse.ArgumentParser(description="Summarises a clinic's note without what gives the patient away.")
    parser.add_argument("note", type=pathlib.Path)
    parser.add_argument("--name", action="append", default=[], help="a name in the note; can be repeated")
    parser.add_argument("--show", action="store_true", help="print what would be sent, and send nothing")
    parser.add_argument("--max-tokens", type=int, default=120)
    options = parser.parse_args()

    masked, kept = mask(options.note.read_text(encoding="utf-8"), options.name)
    if options.show:
        print(masked, end="")
        return
    client, model = connect()
    told = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": ASK + masked}], max_tokens=options.max_tokens, temperature=0
    )
    print(unmask(told.choices[0].message.content, kept))
    print(in_words(receipt(client, stands_behind(told)["job"])), file=sys.stderr)


if __name__ == "__main__":
    main()
