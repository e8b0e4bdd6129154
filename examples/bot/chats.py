"""What is remembered of each chat, and what waits to be answered there. Everything is bounded and in memory only."""
import threading
from collections import OrderedDict, deque

# Chats that are remembered; the one that was silent longest is forgotten first.
CHATS = 1000
# Messages of one chat that wait while another one is being answered.
WAITING = 5


class Chat:
    """The last turns of one chat."""

    def __init__(self, turns):
        self.turns = deque(maxlen=turns)
        self.job = None  # of the last reply
        self.inbox = deque()
        self.busy = False

    def messages(self, text):
        """The conversation so far and what is asked now, as the gateway takes it."""
        roles = [(role, said) for turn in self.turns for role, said in zip(("user", "assistant"), turn)]
        return [{"role": role, "content": said} for role, said in [*roles, ("user", text)]]

    def forget(self):
        """Back to the beginning."""
        self.turns.clear()


class Chats:
    """Every chat by its number. One message of a chat is answered at a time, in the order of their arrival."""

    def __init__(self, turns):
        self._turns = turns
        self._chats = OrderedDict()
        self._lock = threading.Lock()

    def put(self, number, text):
        """Takes a message. Answers the chat if somebody has to begin serving it, None if somebody does; raises Full."""
        with self._lock:
            chat = self._chats.setdefault(number, Chat(self._turns))
            self._chats.move_to_end(number)
            if len(chat.inbox) >= WAITING:
                raise Full
            chat.inbox.append(text)
            self._drop_old()
            begins, chat.busy = not chat.busy, True
            return chat if begins else None

    def next(self, chat):
        """The next message of a chat that is being served, as a list of one; empty where it is done."""
        with self._lock:
            chat.busy = bool(chat.inbox)
            return [chat.inbox.popleft()] if chat.busy else []

    def _drop_old(self):
        idle = (number for number, chat in self._chats.items() if not chat.busy and not chat.inbox)
        for number in list(idle)[: max(0, len(self._chats) - CHATS)]:
            del self._chats[number]


class Full(Exception):
    """Too many messages of a chat wait."""
