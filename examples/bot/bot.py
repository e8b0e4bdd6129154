"""A Telegram bot that answers through a DLLM gateway and OpenAI's client: python3 bot.py

TELEGRAM_TOKEN, OPENAI_BASE_URL and OPENAI_API_KEY say who it is and whom it asks; README.md has the rest.
"""
import os
import signal
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import openai

from chats import Chats, Full
from telegram import Telegram, TelegramError

# Chats that are answered at once.
AT_ONCE = 8
# Longest pause, in seconds, before Telegram is asked again after it failed.
LONGEST_PAUSE = 60
# Planck of one DLLM.
DLLM = 10**12

HELLO = """Hello! I pass what you write to an open language model, which runs on machines of several strangers.

Privacy: sealed. Only a digest of what you write stands on the chain. Telegram, who runs me, and my gateway can read it, and the miners that run the model could guess it from what they compute. Send nothing that must stay secret.

/reset makes me forget what we said. /receipt shows who computed my last reply."""


class Bot:
    """Answers every chat, several at once, each in order."""

    def __init__(self, telegram, client, model, max_tokens, turns):
        self.telegram, self.client, self.model, self.max_tokens = telegram, client, model, max_tokens
        self.chats = Chats(turns)
        self.pool = ThreadPoolExecutor(AT_ONCE)
        self.offset = None

    def run(self):
        """Listens until it is interrupted; then answers what it has taken."""
        try:
            self._listen()
        except KeyboardInterrupt:
            log("stopping: what was asked is answered")
        self.pool.shutdown()
        try:
            self.telegram.updates(self.offset, wait=0)  # or Telegram would tell the last ones again
        except TelegramError as error:
            log(error)

    def _listen(self):
        pause = 1
        while True:
            try:
                updates = self.telegram.updates(self.offset)
                pause = 1
            except TelegramError as error:
                if error.code in (401, 404):
                    sys.exit(f"Telegram does not know this bot ({error}): correct TELEGRAM_TOKEN")
                log(f"{error}; again in {error.retry_after or pause} s")
                time.sleep(error.retry_after or pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            for update in updates:
                if "message" in update:
                    self._take(update["message"])
                self.offset = update["update_id"] + 1

    def _take(self, message):
        number = message["chat"]["id"]
        try:
            chat = self.chats.put(number, message.get("text"))
        except Full:
            self.pool.submit(self._say, number, "One after the other, please: I am still answering.")
            return
        if chat:
            self.pool.submit(self._serve, number, chat)

    def _serve(self, number, chat):
        while waiting := self.chats.next(chat):
            try:
                answer = self._answer(number, chat, waiting[0])
            except openai.OpenAIError as error:
                log(f"chat {number}: {type(error).__name__}: {error}")
                answer = excuse(error)
            except Exception:  # a chat whose turn failed must still get the next one
                traceback.print_exc()
                answer = "Something went wrong here: please try again."
            self._say(number, answer)

    def _say(self, number, text):
        try:
            self.telegram.say(number, text)
        except TelegramError as error:
            log(f"chat {number}: {error}")

    def _answer(self, number, chat, text):
        command = (text or "").split("@")[0].strip()
        if text is None:
            return "I can read text only."
        if command in ("/start", "/help"):
            return HELLO
        if command == "/reset":
            chat.forget()
            return "I have forgotten what we said."
        if command == "/receipt":
            return self._receipt(chat)
        try:
            self.telegram.typing(number)
        except TelegramError as error:
            log(f"chat {number}: {error}")
        return self._reply(number, chat, text)

    def _reply(self, number, chat, text):
        """Asks the gateway, with as much of the conversation as the model can hold."""
        self.model = self.model or next((model.id for model in self.client.models.list()), None)
        if self.model is None:
            return "Nobody offers a model right now: please try again later."
        while True:
            try:
                told = self.client.chat.completions.create(model=self.model, messages=chat.messages(text), max_tokens=self.max_tokens)
                break
            except openai.BadRequestError as error:
                if error.code != "context_length_exceeded" or not chat.turns:
                    raise
                chat.turns.popleft()
        said = told.choices[0].message.content.strip()
        chat.job = told.model_extra["dllm"]["job"]
        log(f"chat {number}: job {chat.job}, {told.usage.prompt_tokens} tokens in, {told.usage.completion_tokens} out")
        chat.turns.append((text, said))
        return said or "(The model had nothing to say.)"

    def _receipt(self, chat):
        if chat.job is None:
            return "There is no reply yet that could have a receipt."
        told = self.client.get(f"/receipts/{chat.job}", cast_to=object)
        if not told["final"]:
            return f"Job {chat.job} is still being verified: ask again in half a minute."
        if not told["settled"]:
            return f"Job {chat.job} was refunded: nobody vouches for that reply, and nothing was paid."
        receipt = told["receipt"]
        workers = {part["worker"] for stage in receipt["stages"] for part in stage["participants"]}
        fee = int(receipt["job"]["fee"]) / DLLM
        return f"Job {chat.job} is settled since block {told['block']['number']}: {len(workers)} workers ran and checked it for {fee:.6f} DLLM."


def excuse(error):
    """What a person is told of an error: what it means for them, and what to do."""
    code = getattr(error, "code", None)
    status = getattr(error, "status_code", None)
    if code == "context_length_exceeded":
        return "That is too long for this model: please write it shorter."
    if status == 402:
        return "My budget is used up: please tell who runs me."
    if status in (401, 403):
        return "My gateway does not let me in: please tell who runs me."
    if status == 429:
        return "Too many are asking at once: please try again in a minute."
    if status in (404, 503):
        return "Nobody serves the model right now: please try again later."
    if isinstance(error, openai.APITimeoutError):
        return "That took too long: please try again."
    if isinstance(error, openai.APIConnectionError):
        return "I cannot reach my gateway: please try again later."
    return "The model could not answer that: please try again."


def log(text):
    """Says on stderr what happens, without what people write."""
    print(text, file=sys.stderr, flush=True)


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    env = os.environ
    for name in ("TELEGRAM_TOKEN", "OPENAI_BASE_URL", "OPENAI_API_KEY"):
        if not env.get(name):
            sys.exit(f"{name} is not set: README.md says what it is")
    telegram = Telegram(env.get("TELEGRAM_URL", "https://api.telegram.org"), env["TELEGRAM_TOKEN"])
    bot = Bot(telegram, openai.OpenAI(timeout=180), env.get("MODEL"), int(env.get("MAX_TOKENS", 200)), int(env.get("TURNS", 6)))
    bot.run()


if __name__ == "__main__":
    main()
