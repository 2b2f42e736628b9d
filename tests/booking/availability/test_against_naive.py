"""The engine against a model that steps through datetimes minute by minute, in zones that change their clocks."""

import datetime as dt
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from presence.booking.availability import free_at, free_starts, why
from presence.booking.model import Agenda, Busy, Opening, Pool, PoolMember, Service
from presence.roster.model import MEDIA, Absence, Adviser, DayException, Medium, WeeklyHours
from tests.booking.availability import naive
from tests.booking.availability.cast import adviser, at, pool_of, shown

# Where something happens to the clock, and an instant close to it.
MOMENTS = (
    ("Europe/Paris", at("2026-03-29 01:00")),
    ("Europe/Paris", at("2026-10-25 01:00")),
    ("America/New_York", at("2026-11-01 06:00")),
    ("America/Santiago", at("2026-04-05 03:00")),
    ("America/Santiago", at("2026-09-06 04:00")),
    ("Australia/Sydney", at("2026-04-04 16:00")),
    ("Australia/Sydney", at("2026-10-03 16:00")),
    ("Australia/Lord_Howe", at("2026-04-04 15:00")),
    ("Australia/Lord_Howe", at("2026-10-03 15:30")),
    ("Pacific/Chatham", at("2026-04-04 14:00")),
    ("Africa/Cairo", at("2026-04-23 22:00")),
    ("America/Havana", at("2026-11-01 05:00")),
    ("Asia/Kolkata", at("2026-01-26 00:00")),
    ("Antarctica/Troll", at("2026-03-29 01:00")),
    ("Pacific/Kiritimati", at("2026-12-31 10:00")),
    ("Pacific/Pago_Pago", at("2026-12-31 10:00")),
)
FIVE = 300


class Scenario(NamedTuple):
    """Everything that decides on free starts."""

    service: Service
    duration: int
    agendas: tuple[Agenda, ...]
    opening: Opening
    now: int
    asked: dict[str, Any]

    def naively(self) -> list[set[int]]:
        """Each adviser's free starts by the naive model."""
        return [
            naive.starts_of(self.service, self.duration, one, self.opening, self.now, **self.asked)
            for one in self.agendas
        ]


def clock_face(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@st.composite
def texts_of_ranges(draw: st.DrawFn) -> tuple[str, ...]:
    """No to three ranges, some over midnight, some around two in the morning."""
    found = []
    for _ in range(draw(st.integers(0, 3))):
        begins = draw(st.one_of(st.integers(0, 287), st.integers(10, 40))) * 5
        length = draw(st.sampled_from((5, 30, 60, 75, 120, 240, 480, 900, 1435, 1440)))
        ends = begins + length
        found.append(f"{clock_face(begins)}-{clock_face(ends if ends <= 1440 else ends % 1440)}")
    return tuple(found)


def weekly(*, mostly_open: bool = False) -> st.SearchStrategy[WeeklyHours]:
    """Hours of all kinds; enough of them long, or nothing would be offered to compare."""
    full = st.just(WeeklyHours(*[("00:00-24:00",)] * 7))
    night = st.just(WeeklyHours(*[("00:00-03:30", "22:00-24:00")] * 7))
    drawn = st.builds(WeeklyHours, *[texts_of_ranges()] * 7)
    return st.sampled_from((full, full, night, drawn) if mostly_open else (full, night, drawn)).flatmap(
        lambda kind: kind
    )


@st.composite
def agendas(draw: st.DrawFn, number: int, zone: str, now: int) -> Agenda:
    days = [dt.datetime.fromtimestamp(now + n * 86_400, dt.UTC).date().isoformat() for n in range(-1, 4)]
    closed = draw(st.lists(st.sampled_from(days), unique=True, max_size=2))
    exceptions = tuple(DayException(day, draw(texts_of_ranges())) for day in closed)
    absences = tuple(
        Absence(now + begins * 60, now + (begins + length) * 60)
        for begins, length in draw(st.lists(st.tuples(st.integers(-600, 4000), st.integers(1, 900)), max_size=2))
    )
    limit = st.sampled_from((None, None, None, 0, 1, 2, 4))
    return Agenda(
        Adviser(
            id=number,
            slug=f"adviser-{number}",
            name="",
            email="",
            zone=zone,
            languages=draw(st.sampled_from((("fr", "en"), ("en",), ("fr",)))),
            media=draw(st.sampled_from((MEDIA, MEDIA, ("text",), ("video", "audio")))),
            hours=draw(weekly()),
            holidays=draw(st.sampled_from(("", "", "FR", "GB-ENG", "AU-NSW", "IN"))),
            daily_limit=draw(limit),
            weekly_limit=draw(limit),
            exceptions=exceptions,
            absences=absences,
        ),
        tuple(draw(st.lists(busy_times(now), max_size=6))),
    )


@st.composite
def busy_times(draw: st.DrawFn, now: int) -> Busy:
    first = now // FIVE + draw(st.integers(-2000, 900))
    expires = draw(st.one_of(st.none(), st.integers(-2, 2)))
    owner = draw(st.sampled_from(("appointment:7", "appointment:8", "hold:1", "hold:2")))
    length = draw(st.integers(0, 40))
    return Busy(first, first + length, owner, first * FIVE, None if expires is None else now + expires)


@st.composite
def scenarios(draw: st.DrawFn, *, collective: bool | None = None) -> Scenario:
    zone, moment = draw(st.sampled_from(MOMENTS))
    others = [zone, "Europe/Paris", "America/New_York", "Asia/Kolkata"]
    now = moment + draw(st.integers(-2 * 86_400, 3600))
    together = draw(st.booleans()) if collective is None else collective
    people = tuple(
        draw(agendas(number, zone if number == 0 else draw(st.sampled_from(others)), now))
        for number in range(draw(st.integers(1, 3)))
    )
    medium: Medium | None = draw(st.sampled_from((None, None, "text", "video")))
    wanted = Service(
        slug="advice",
        name={"en": "Advice"},
        grid=draw(st.sampled_from((5, 10, 15, 20, 30, 45, 60))),
        buffer_before=draw(st.sampled_from((0, 0, 5, 30))),
        buffer_after=draw(st.sampled_from((0, 0, 10, 60))),
        notice=draw(st.sampled_from((0, 1, 60, 600))),
        horizon=draw(st.integers(0, 2)),
        horizon_kind=draw(st.sampled_from(("days", "business_days"))),
        media=draw(st.sampled_from((MEDIA, ("video",)))),
        pool=Pool(advisers=tuple(PoolMember(adviser=one.adviser.slug) for one in people), collective=together),
    )
    opening = Opening(
        zone=draw(st.sampled_from(others)),
        hours=draw(weekly(mostly_open=True)),
        holidays=draw(st.sampled_from(("", "", "FR"))),
    )
    asked = {
        "medium": medium,
        "spoken": draw(st.sampled_from(("", "", "en"))),
        "ignoring": draw(st.sampled_from(("", "", "hold:1", "appointment:7"))),
    }
    duration = draw(st.sampled_from((5, 15, 30, 60, 90)))
    return Scenario(wanted, duration, people, opening, now, asked)


bounded = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@settings(bounded, max_examples=200)
@given(scenarios())
def test_the_engine_offers_exactly_what_the_naive_model_offers(scene: Scenario) -> None:
    pool = pool_of(*scene.agendas, now=scene.now, horizon=scene.service.horizon, opening=scene.opening)
    found = free_starts(scene.service, scene.duration, pool, scene.opening, scene.now, **scene.asked)
    expected = sorted(naive.combined(scene.service, scene.naively()))
    assert shown(found) == shown(expected)
    assert list(found) == expected


@settings(bounded, max_examples=60)
@given(scenarios(), st.lists(st.integers(-400, 900), min_size=8, max_size=8))
def test_offering_taking_and_explaining_agree_on_every_start(scene: Scenario, cells: list[int]) -> None:
    service, duration, _, opening, now, asked = scene
    pool = pool_of(*scene.agendas, now=now, horizon=service.horizon, opening=opening)
    found = free_starts(service, duration, pool, opening, now, **asked)
    step = max(len(found) // 20, 1)
    near = {start + shift for start in found[::step] for shift in (-FIVE, 0, 1, FIVE)}
    alone = [free_starts(one_of(service), duration, [calendar], opening, now, **asked) for calendar in pool]
    for start in near | {(now // FIVE + cell) * FIVE for cell in cells}:
        able = free_at(service, duration, start, pool, opening, now, **asked)
        reasons = why(service, duration, start, pool, opening, now, **asked)
        assert bool(able) == (start in found)
        assert bool(reasons) == (start not in found)
        if reasons:  # of each adviser, or of the service, unless this one could take it
            of_service = any(one.adviser is None for one in reasons)
            accused = {one.adviser for one in reasons}
            for calendar, own in zip(pool, alone, strict=True):
                assert (of_service or calendar.adviser.slug in accused) == (start not in own)


def one_of(service: Service) -> Service:
    """The service as if any one adviser would do."""
    values = {name: getattr(service, name) for name in service.__struct_fields__}
    return Service(**(values | {"pool": Pool(team="all")}))


@settings(bounded, max_examples=60)
@given(scenarios(collective=False))
def test_adding_an_adviser_never_removes_a_start(scene: Scenario) -> None:
    pool = pool_of(*scene.agendas, now=scene.now, horizon=scene.service.horizon, opening=scene.opening)
    before: set[int] = set()
    for count in range(1, len(pool) + 1):
        found = free_starts(scene.service, scene.duration, pool[:count], scene.opening, scene.now, **scene.asked)
        assert before <= set(found)
        before = set(found)


@settings(bounded, max_examples=60)
@given(scenarios(), st.lists(st.integers(-3, 3), min_size=4, max_size=4))
def test_what_is_kept_is_what_would_be_built_anew(scene: Scenario, shifts: list[int]) -> None:
    service, duration, _, opening, now, asked = scene
    kept = pool_of(*scene.agendas, now=now, horizon=service.horizon, opening=opening)
    for shift in shifts:  # to and fro over the ends of holds
        fresh = pool_of(*scene.agendas, now=now, horizon=service.horizon, opening=opening)
        expected = free_starts(service, duration, fresh, opening, now + shift, **asked)
        assert free_starts(service, duration, kept, opening, now + shift, **asked) == expected


def test_the_naive_model_itself_knows_the_night_in_paris() -> None:
    alice = Agenda(adviser(hours=WeeklyHours(sun=("02:00-03:00",))))
    wanted = Service(slug="advice", name={}, grid=30, notice=0, horizon=1, pool=Pool())
    opening = Opening(zone="UTC", hours=WeeklyHours(*[("00:00-24:00",)] * 7))
    asked: dict[str, Any] = {"medium": None, "spoken": "", "ignoring": ""}
    spring, autumn = at("2026-03-28 12:00"), at("2026-10-24 12:00")
    assert naive.starts_of(wanted, 30, alice, opening, spring, **asked) == set()
    assert shown(sorted(naive.starts_of(wanted, 30, alice, opening, autumn, **asked))) == [
        "25 00:00",
        "25 00:30",
        "25 01:00",
        "25 01:30",
    ]
