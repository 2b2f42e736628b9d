"""What is typed arrives as plain text, bounded."""

import pytest
from starlette.datastructures import FormData

from presence.web.forms import MAX_FIELDS, Form
from tests.web.cast import echoing, small_app, visiting


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("Éloïse d’Aubigné", "Éloïse d’Aubigné"),
        ("two\r\nlines\rthree", "two\nlines\nthree"),
        ("a\x00b\x1b[31m\x7f", "ab[31m"),
        ("tab\there", "tab\there"),
    ],
)
async def test_texts_come_without_what_nobody_types(typed: str, read: str) -> None:
    async with visiting(small_app([echoing()])) as client:
        assert (await client.post("/echo", data={"text": typed})).text == read


async def test_too_many_fields_are_refused() -> None:
    fields = {f"field{n}": "" for n in range(MAX_FIELDS + 1)}
    async with visiting(small_app([echoing()], body_bytes=100_000)) as client:
        urlencoded = await client.post("/echo", data=fields)
        multipart = await client.post("/echo", data=fields, files={"a": b""})
    assert (urlencoded.status_code, multipart.status_code) == (400, 400)


async def test_a_file_is_not_taken() -> None:
    async with visiting(small_app([echoing()])) as client:
        assert (await client.post("/echo", files={"text": b"a file"})).status_code == 400


async def test_bytes_that_are_no_text_do_no_harm() -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    async with visiting(small_app([echoing()])) as client:
        assert (await client.post("/echo", content=b"text=%ff%fe&%00", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("typed", "read"), [("12", 12), ("", None), ("-1", None), ("1.5", None), ("٣", None), ("9" * 16, None)]
)
def test_whole_numbers_are_whole(typed: str, read: int | None) -> None:
    assert Form(FormData([("n", typed)])).whole("n") == read


def test_fields_of_one_kind_are_found_by_their_prefix() -> None:
    form = Form(
        FormData([("answers.a", "1"), ("answers.b\x00", "2\x00"), ("other", "3"), ("guest", "x"), ("guest", "y")])
    )
    assert form.named("answers.") == {"a": "1", "b": "2"}
    assert form.texts("guest") == ("x", "y")
