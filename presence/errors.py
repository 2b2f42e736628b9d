"""What can go wrong, in the client's words. Edges map each class once: to a page, or to a problem+json (RFC 9457).

Texts are English message ids for gettext with `%(name)s` places; whoever shows them translates them.
"""

from typing import Any, ClassVar


class PresenceError(Exception):
    """The root. `code` is stable and goes into problem types; `status` is the HTTP status."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, message: str = "", **values: Any) -> None:
        super().__init__(message or self.title)
        self.message = message or self.title
        self.values = values

    @property
    def members(self) -> dict[str, Any]:
        """What else programs are told of it (RFC 9457 3.2)."""
        return {}


class NotFound(PresenceError):
    """Unknown, expired and foreign alike."""

    code = "not-found"
    status = 404
    title = "There is nothing here"


class Invalid(PresenceError):
    """Input that cannot be taken; `fields` tells for each field's name what is wrong (message id, values)."""

    code = "invalid"
    status = 422
    title = "Please check what is marked"

    def __init__(self, fields: "dict[str, FieldError]") -> None:
        super().__init__()
        self.fields = fields


class FieldError:
    """What is wrong with one field: a message id and its values."""

    def __init__(self, message: str, **values: Any) -> None:
        self.message = message
        self.values = values

    def __repr__(self) -> str:
        return f"FieldError({self.message!r}, {self.values!r})"


class SlotTaken(PresenceError):
    """The start is not free any more; `nearest` are the free starts closest to it (instants)."""

    code = "slot-taken"
    status = 409
    title = "This hour has just been taken"

    def __init__(self, nearest: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.nearest = nearest


class HoldGone(PresenceError):
    """The hold is unknown, has expired, or has been used."""

    code = "hold-gone"
    status = 410
    title = "This hour is no longer kept for you"


class TooLate(PresenceError):
    """The cut-off for moving or cancelling has passed."""

    code = "too-late"
    status = 409
    title = "It is too late to change this appointment here"


class NotPossible(PresenceError):
    """The appointment's state does not allow it: it was cancelled, or is over."""

    code = "not-possible"
    status = 409
    title = "This is not possible any more"


class Nobody(PresenceError):
    """Nobody is there who could be rung; `until`: when somebody is expected, in milliseconds."""

    code = "nobody"
    status = 409
    title = "Nobody can answer just now"

    def __init__(self, until: int | None = None) -> None:
        super().__init__()
        self.until = until

    @property
    def members(self) -> dict[str, Any]:
        return {"until": self.until, "instead": ["message", "book"]}


class Busy(PresenceError):
    """Those who could be rung are there, and all of them are talking."""

    code = "busy"
    status = 409
    title = "Everybody is busy just now"

    @property
    def members(self) -> dict[str, Any]:
        return {"instead": ["message", "book"]}


class Calling(PresenceError):
    """Another call of theirs is on; `call` is its uid, `room` its address once it may be entered."""

    code = "calling"
    status = 409
    title = "You are on a call already"

    def __init__(self, call: str, room: str = "") -> None:
        super().__init__()
        self.call = call
        self.room = room

    @property
    def members(self) -> dict[str, Any]:
        return {"call": self.call, "room": self.room}


class Taken(PresenceError):
    """A colleague has answered: `name` is theirs."""

    code = "taken"
    status = 409
    title = "A colleague has taken this call"

    @property
    def members(self) -> dict[str, Any]:
        return {"name": self.values.get("name", "")}


class Over(PresenceError):
    """A call that has ended."""

    code = "over"
    status = 409
    title = "This call is over"


class Unauthorised(PresenceError):
    """No key or session, or a wrong one."""

    code = "unauthorised"
    status = 401
    title = "Please sign in"


class Forbidden(PresenceError):
    """A request that this browser was led into, or that a role may not make."""

    code = "forbidden"
    status = 403
    title = "This is not allowed"


class IdentityNeeded(PresenceError):
    """A site's page has to say who its customer is before anything is said."""

    code = "identity-needed"
    status = 403
    title = "Please sign in first"


class IdentityRefused(PresenceError):
    """What a site has signed of its customer is not believed; `reason` says why, for programs, and the message for people."""

    code = "identity-refused"
    status = 403
    title = "This site could not show who you are"

    def __init__(self, reason: str, message: str = "", **values: Any) -> None:
        super().__init__(message, **values)
        self.reason = reason

    @property
    def members(self) -> dict[str, Any]:
        return {"reason": self.reason}


class TooMany(PresenceError):
    """A rate limit; `retry_after` in seconds."""

    code = "too-many"
    status = 429
    title = "Too many requests; please wait a moment"

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class Malformed(PresenceError):
    """A body that cannot be read at all."""

    code = "malformed"
    status = 400
    title = "This request cannot be read"


class TooLarge(PresenceError):
    """A body over the limit."""

    code = "too-large"
    status = 413
    title = "This is too large"


class Unavailable(PresenceError):
    """The database cannot take it now: full, gone, or too much is waiting. Nothing was acknowledged."""

    code = "unavailable"
    status = 503
    title = "We cannot take this just now; please try again"


class ConfigError(Exception):
    """The configuration cannot be used; the text names the key, what was found and what is allowed."""
