"""What an answer costs on this machine whatever is in it: Starlette and uvicorn with one JSON of a badge's size, nothing else.

Run: python -m bench.badge_floor PORT
"""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TEXTS = {f"text {number}": "as long as a text of the widget's" for number in range(24)}


async def answer(_request: Request) -> Response:
    return JSONResponse(TEXTS)


app = Starlette(routes=[Route("/", answer)])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
