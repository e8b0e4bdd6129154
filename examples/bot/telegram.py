"""Telegram's HTTP API, as far as a bot needs it that reads and writes text."""
import http.client
import json
import time
import urllib.error
import urllib.request

# Seconds for which Telegram holds a question for news, and by which any answer may be late.
POLL = 50
LATE = 15
# Telegram takes 4096 UTF-16 units a message, and a character has at most two.
LONGEST = 2048
# Attempts at a message that Telegram asks to send later.
ATTEMPTS = 4


class TelegramError(Exception):
    """Telegram refused (`code` is its own) or cannot be reached (no `code`). Never names the address: the token is in it."""

    def __init__(self, method, reason, code=None, retry_after=None):
        super().__init__(f"{method}: {reason}")
        self.code, self.retry_after = code, retry_after


class Telegram:
    """One bot's side of Telegram."""

    def __init__(self, url, token):
        self._base = f"{url.rstrip('/')}/bot{token}"

    def updates(self, offset, wait=POLL):
        """What was written since; an `offset` tells Telegram that everything before it has arrived."""
        return self._call("getUpdates", timeout=wait, allowed_updates=["message"], **({"offset": offset} if offset else {}))

    def say(self, chat, text):
        """Writes to a chat, in as many messages as it takes."""
        for start in range(0, len(text), LONGEST):
            self._patiently("sendMessage", chat_id=chat, text=text[start : start + LONGEST])

    def typing(self, chat):
        """Shows for a few seconds that an answer is on its way."""
        self._call("sendChatAction", chat_id=chat, action="typing")

    def _patiently(self, method, **fields):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._call(method, **fields)
            except TelegramError as error:
                if error.retry_after is None or attempt == ATTEMPTS:
                    raise
                time.sleep(error.retry_after)

    def _call(self, method, **fields):
        request = urllib.request.Request(f"{self._base}/{method}", json.dumps(fields).encode(), {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=fields.get("timeout", 0) + LATE) as answer:
                return json.load(answer)["result"]
        except urllib.error.HTTPError as error:
            raise _refusal(method, error) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TelegramError(method, type(error).__name__) from None


def _refusal(method, error):
    try:
        told = json.load(error)
    except (OSError, http.client.HTTPException, ValueError):
        told = {}
    return TelegramError(method, told.get("description", error.reason), error.code, told.get("parameters", {}).get("retry_after"))
