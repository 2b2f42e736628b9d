"""libical (Evolution's and KDE's reader) through ctypes: does it keep RFC 5546's table of its method."""

import ctypes
from ctypes import c_char_p, c_int, c_longlong, c_void_p

import msgspec

_VEVENT = 4  # icalcomponent_kind


class _Time(ctypes.Structure):
    """struct icaltimetype of libical 3."""

    _fields_ = [
        *((name, c_int) for name in ("year", "month", "day", "hour", "minute", "second", "is_date", "is_daylight")),
        ("zone", c_void_p),
    ]


class Read(msgspec.Struct, frozen=True):
    """What libical makes of a calendar."""

    keeps_the_rules: bool
    errors: int
    components: int
    uid: str = ""
    sequence: int = 0
    start: int = 0
    end: int = 0
    in_utc: bool = False
    summary: str = ""
    description: str = ""


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL("libical.so.3")
    for name, answer, arguments in (
        ("icalparser_parse_string", c_void_p, [c_char_p]),
        ("icalrestriction_check", c_int, [c_void_p]),
        ("icalcomponent_count_errors", c_int, [c_void_p]),
        ("icalcomponent_count_components", c_int, [c_void_p, c_int]),
        ("icalcomponent_get_first_component", c_void_p, [c_void_p, c_int]),
        ("icalcomponent_get_uid", c_char_p, [c_void_p]),
        ("icalcomponent_get_summary", c_char_p, [c_void_p]),
        ("icalcomponent_get_description", c_char_p, [c_void_p]),
        ("icalcomponent_get_sequence", c_int, [c_void_p]),
        ("icalcomponent_get_dtstart", _Time, [c_void_p]),
        ("icalcomponent_get_dtend", _Time, [c_void_p]),
        ("icaltime_as_timet", c_longlong, [_Time]),
        ("icaltime_is_utc", c_int, [_Time]),
        ("icalcomponent_free", None, [c_void_p]),
        ("icalerror_set_errors_are_fatal", None, [c_int]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = answer, arguments
    library.icalerror_set_errors_are_fatal(0)
    return library


_LIBRARY = _library()


def read(calendar: bytes) -> Read:
    """Parse a calendar, check it against the table of its METHOD, and read its first event."""
    root = _LIBRARY.icalparser_parse_string(calendar)
    assert root, "libical cannot parse it"
    try:
        kept = bool(_LIBRARY.icalrestriction_check(root))
        found = Read(
            kept,
            _LIBRARY.icalcomponent_count_errors(root),
            _LIBRARY.icalcomponent_count_components(root, _VEVENT),
        )
        event = _LIBRARY.icalcomponent_get_first_component(root, _VEVENT)
        if not event:
            return found
        start, end = _LIBRARY.icalcomponent_get_dtstart(event), _LIBRARY.icalcomponent_get_dtend(event)
        return msgspec.structs.replace(
            found,
            uid=_LIBRARY.icalcomponent_get_uid(event).decode(),
            sequence=_LIBRARY.icalcomponent_get_sequence(event),
            start=_LIBRARY.icaltime_as_timet(start),
            end=_LIBRARY.icaltime_as_timet(end),
            in_utc=bool(_LIBRARY.icaltime_is_utc(start) and _LIBRARY.icaltime_is_utc(end)),
            summary=(_LIBRARY.icalcomponent_get_summary(event) or b"").decode(),
            description=(_LIBRARY.icalcomponent_get_description(event) or b"").decode(),
        )
    finally:
        _LIBRARY.icalcomponent_free(root)
