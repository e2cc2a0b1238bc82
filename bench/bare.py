"""The peer of `requests`: one bare FastAPI route, which answers like a camera of ours and asks nobody for anything.

    python -m bench.bare ANSWER_AS_JSON

It makes the same model for each request and is served by uvicorn with the service's settings (camctl/api/server.py):
httptools, asyncio's loop, no access log. The first line on standard output is {"port"}; it ends with its parent.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI

from bench.program import answer, lines_of_stdin
from camctl.api.schemas import CameraOut
from camctl.api.server import bind


def application(found: dict[str, Any]) -> FastAPI:
    """With the route alone."""
    app = FastAPI()

    @app.get("/cameras/{camera_id}")
    async def camera(camera_id: str) -> CameraOut:  # noqa: ARG001  the path has it, as the service's
        return CameraOut.model_validate(found)

    return app


async def main() -> None:
    """Serve until the parent is gone."""
    listening = bind("127.0.0.1", 0)
    config = uvicorn.Config(
        application(json.loads(sys.argv[1])), log_config=None, access_log=False, lifespan="off", http="httptools",
        timeout_keep_alive=30, server_header=False, proxy_headers=False,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    answer(port=listening.getsockname()[1])
    questions = lines_of_stdin()
    while await questions.get() is not None:
        pass
    server.should_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(main())
