"""The table of operations: routes and the OpenAPI document are both made from it, so neither can lag behind."""

from typing import Any, NamedTuple

import msgspec

from presence import __version__
from presence.booking.api import shapes


class Parameter(NamedTuple):
    """A query parameter or header and its JSON schema."""

    name: str
    schema: dict[str, Any]
    description: str
    where: str = "query"
    required: bool = False


class Operation(NamedTuple):
    """One method of one path; `fails` are the statuses of its problems beside those every operation has."""

    name: str  # of the handler, and the operationId
    method: str
    path: str
    summary: str
    gives: Any = None
    status: int = 200
    takes: Any = None
    parameters: tuple[Parameter, ...] = ()
    fails: tuple[int, ...] = ()
    media_type: str = "application/json"


_MOMENT = {"type": "string", "format": "date-time"}
_SLUG = {"type": "string", "maxLength": 64}
_MEDIUM = {"type": "string", "enum": ["video", "audio", "text"]}
_DURATION = Parameter("duration", {"type": "integer", "minimum": 5, "maximum": 1440}, "minutes, one of the service's")
_KEY = Parameter(
    "Idempotency-Key",
    {"type": "string", "maxLength": 128, "pattern": "^[A-Za-z0-9_.-]+$"},
    "the same key again answers with the appointment it made the first time",
    "header",
)

OPERATIONS: tuple[Operation, ...] = (
    Operation("list_services", "GET", "/services", "What can be booked", shapes.ServicesShape),
    Operation("show_service", "GET", "/services/{service}", "One service", shapes.ServiceShape, fails=(404,)),
    Operation(
        "list_starts",
        "GET",
        "/services/{service}/starts",
        "Free starts",
        shapes.StartsShape,
        parameters=(
            _DURATION,
            Parameter("adviser", _SLUG, "this adviser's, or the pool's if they have none soon"),
            Parameter("medium", _MEDIUM, "only of advisers who offer it"),
            Parameter("spoken", _SLUG, "only of advisers who speak this language"),
            Parameter("since", _MOMENT, "from this instant on"),
            Parameter("until", _MOMENT, "before this instant"),
        ),
        fails=(404, 422),
    ),
    Operation(
        "explain_start",
        "GET",
        "/services/{service}/why",
        "For each adviser, why a start is not offered",
        shapes.WhyShape,
        parameters=(Parameter("at", _MOMENT, "the start", required=True), _DURATION),
        fails=(404, 422),
    ),
    Operation(
        "hold_start",
        "POST",
        "/holds",
        "Keep a start while a form is filled in",
        shapes.HoldShape,
        201,
        shapes.HoldBody,
        fails=(404, 409, 422),
    ),
    Operation("show_hold", "GET", "/holds/{token}", "What is kept", shapes.HoldShape, fails=(410,)),
    Operation("release_hold", "DELETE", "/holds/{token}", "Give it back", status=204),
    Operation(
        "book",
        "POST",
        "/appointments",
        "Make an appointment",
        shapes.AppointmentShape,
        201,
        shapes.BookBody,
        parameters=(_KEY,),
        fails=(404, 409, 410, 422),
    ),
    Operation(
        "show_appointment", "GET", "/appointments/{token}", "An appointment", shapes.AppointmentShape, fails=(404,)
    ),
    Operation(
        "move_appointment",
        "POST",
        "/appointments/{token}/move",
        "Move it to another free start",
        shapes.AppointmentShape,
        takes=shapes.MoveBody,
        fails=(404, 409, 422),
    ),
    Operation(
        "cancel_appointment",
        "POST",
        "/appointments/{token}/cancel",
        "Cancel it",
        shapes.AppointmentShape,
        takes=shapes.CancelBody,
        fails=(404, 409, 422),
    ),
    Operation(
        "answer_questions",
        "PUT",
        "/appointments/{token}/answers",
        "Answer the service's questions",
        shapes.AppointmentShape,
        takes=shapes.AnswersBody,
        fails=(404, 409, 422),
    ),
    Operation(
        "download_invitation",
        "GET",
        "/appointments/{token}/invite.ics",
        "The appointment for a calendar",
        fails=(404,),
        media_type="text/calendar",
    ),
)

_EVERYWHERE = {401: "No key, or not a valid one", 429: "Too many requests", 503: "Not now; nothing was stored"}
_MEANINGS = {
    400: "Not JSON",
    404: "Not found",
    409: "Taken, too late, or not possible any more",
    410: "The hold is over",
    413: "Too large",
    422: "Something in the request is wrong; `errors` names the fields",
}


def document(base_url: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    types = [one for op in OPERATIONS for one in (op.gives, op.takes) if one is not None] + [shapes.Problem]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        described = _described(operation, schema_of)
        paths.setdefault(f"/api/v1{operation.path}", {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "presence",
            "version": __version__,
            "description": "Book appointments with advisers. Problems are RFC 9457.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base_url}],
        "security": [{"site": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"site": {"type": "http", "scheme": "bearer", "description": "A site's key"}},
        },
    }


def _described(operation: Operation, schema_of: dict[Any, Any]) -> dict[str, Any]:
    named = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [{"name": name, "in": "path", "required": True, "schema": _SLUG} for name in named]
        + [
            {
                "name": one.name,
                "in": one.where,
                "required": one.required,
                "schema": one.schema,
                "description": one.description,
            }
            for one in operation.parameters
        ],
        "responses": _responses(operation, schema_of),
    }
    if operation.takes is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema_of[operation.takes]}},
        }
    return described


def _responses(operation: Operation, schema_of: dict[Any, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": operation.summary}
    if operation.gives is not None:
        good["content"] = {"application/json": {"schema": schema_of[operation.gives]}}
    elif operation.status == 200:
        good["content"] = {operation.media_type: {"schema": {"type": "string"}}}
    responses = {str(operation.status): good}
    if operation.name == "book":
        responses["200"] = good | {"description": "Made before, by the same key"}
    if operation.name in {"list_starts", "list_services"}:
        responses["304"] = {"description": "Not modified"}
    fails = set(operation.fails) | set(_EVERYWHERE) | ({400, 413} if operation.takes is not None else set())
    problem = {"application/problem+json": {"schema": schema_of[shapes.Problem]}}
    for status in sorted(fails):
        meaning = _MEANINGS.get(status) or _EVERYWHERE[status]
        responses[str(status)] = {"description": meaning, "content": problem}
    return responses
