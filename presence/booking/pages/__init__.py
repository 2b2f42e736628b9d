"""The customer's pages. They are complete without JavaScript; no GET changes anything."""

from starlette.routing import BaseRoute, Route

from presence.booking.pages import appointment, choosing, holding


def routes() -> list[BaseRoute]:
    """Every page from choosing to cancelling."""
    return [
        Route("/", choosing.services, methods=["GET"]),
        Route("/book", choosing.services, methods=["GET"]),
        Route("/book/hold/{token}", holding.hold_form, methods=["GET"]),
        Route("/book/hold/{token}", holding.book, methods=["POST"]),
        Route("/book/hold/{token}/keep", holding.keep, methods=["POST"]),
        Route("/book/hold/{token}/release", holding.release, methods=["POST"]),
        Route("/book/{service}", choosing.choose, methods=["GET"]),
        Route("/book/{service}/hold", holding.hold, methods=["POST"]),
        Route("/a/{token}", appointment.show, methods=["GET"]),
        Route("/a/{token}/invite.ics", appointment.invitation, methods=["GET"]),
        Route("/a/{token}/answers", appointment.answer, methods=["POST"]),
        Route("/a/{token}/move", appointment.move_form, methods=["GET"]),
        Route("/a/{token}/move", appointment.move, methods=["POST"]),
        Route("/a/{token}/cancel", appointment.cancel_form, methods=["GET"]),
        Route("/a/{token}/cancel", appointment.cancel, methods=["POST"]),
    ]
