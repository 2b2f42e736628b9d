"""Rooms of others: where an appointment meets when its service names a room that is not ours. Pure."""

from urllib.parse import urlsplit

from presence.booking.model import Appointment
from presence.tokens import derived_token


def external_room(appointment: Appointment, key: bytes, language: str) -> str:
    """The address of an appointment's room elsewhere; empty: it meets in ours.

    Its name follows from the secret key, so nobody guesses it and nothing is stored. Only who is let through one of our
    doors learns it: mails and calendars carry the door's address.
    """
    name = derived_token(key, "room", appointment.uid)
    return _template(appointment).replace("{room}", name).replace("{language}", language)


def is_external(appointment: Appointment) -> bool:
    """Whether an appointment meets elsewhere."""
    return bool(_template(appointment))


def host_of(appointment: Appointment) -> str:
    """Whose room it is, for people to know where a link leads: "meet.example"; empty: ours."""
    return host_of_room(_template(appointment))


def host_of_room(room: str) -> str:
    """The host in a room's address."""
    return urlsplit(room).netloc


def _template(appointment: Appointment) -> str:
    """The service's, or the address of an adviser who has one of their own, as fixed meetings are."""
    if not appointment.service.room:
        return ""
    return next((one.room for one in appointment.advisers if one.room), appointment.service.room)
