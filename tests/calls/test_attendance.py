"""Late, missed, or fine: what follows from who came when."""

import pytest

from presence.calls.attendance import LATE, Attendance, Attended, attendance, came, late, took_place
from tests.support import MONDAY

START, END = MONDAY, MONDAY + 1800
GRACE = 15 * 60


@pytest.mark.parametrize(
    ("customer", "adviser", "at", "said"),
    [
        (None, None, LATE - 1, "fine"),
        (None, None, LATE, "customer_late"),
        (None, None, GRACE, "customer_late"),  # neither came: perhaps they meet elsewhere
        (None, None, 1800, "fine"),
        (None, 0, LATE, "customer_late"),
        (None, 0, GRACE - 1, "customer_late"),
        (None, 0, GRACE, "customer_missed"),
        (None, 0, 7200, "customer_missed"),
        (-60, None, LATE - 1, "fine"),
        (-60, None, LATE, "adviser_late"),
        (-60, None, GRACE, "adviser_missed"),
        (-60, 1200, GRACE + 600, "fine"),
        (1200, 0, GRACE + 600, "fine"),
    ],
)
def test_who_is_late_and_who_has_missed_it(
    customer: int | None, adviser: int | None, at: int, said: Attendance
) -> None:
    def moment(offset: int | None) -> int | None:
        return None if offset is None else START + offset

    one = Attended(starts_at=START, ends_at=END, customer_at=moment(customer), adviser_at=moment(adviser))
    assert attendance(one, START + at, GRACE) == said


def test_a_grace_of_nothing_says_of_nobody_that_they_missed_it() -> None:
    alone = Attended(starts_at=START, ends_at=END, adviser_at=START)
    assert attendance(alone, START + GRACE, 0) == "customer_late"
    assert attendance(alone, END, 0) == "fine"


def test_whoever_only_looked_in_before_the_start_has_not_come() -> None:
    assert came(START - 600, START - 300, START) is None
    assert came(START - 600, None, START) == START - 600  # is still there
    assert came(START - 600, START + 5, START) == START - 600
    assert came(None, None, START) is None


def test_the_customer_is_late_from_two_minutes_after_the_start_until_the_end() -> None:
    assert [late(START, END, None, now) for now in (START, START + LATE, END - 1, END)] == [False, True, True, False]
    assert not late(START, END, START + 300, START + 400)


def test_it_took_place_once_they_met_and_its_time_is_over() -> None:
    met = Attended(starts_at=START, ends_at=END, customer_at=START, adviser_at=START, connected_at=START + 5)
    assert (took_place(met, END - 1), took_place(met, END)) == (False, True)
    assert not took_place(Attended(starts_at=START, ends_at=END, customer_at=START, adviser_at=START), END)
