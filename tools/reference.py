"""Writes docs/reference from the code, or with --check says what is out of date there (exit code 1)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from camctl.api.application import describe  # noqa: E402  the tree's own code, not an installed one
from camctl.config import Config  # noqa: E402


def documents() -> dict[str, str]:
    """What belongs into docs/reference, by file name."""
    return {
        "openapi.json": json.dumps(describe().openapi(), indent=1, sort_keys=True) + "\n",
        "config.schema.json": json.dumps(Config.model_json_schema(), indent=1, sort_keys=True) + "\n",
    }


def main() -> int:
    """Write the files, or check them."""
    folder = ROOT / "docs" / "reference"
    stale = []
    for name, text in documents().items():
        path = folder / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
    if "--check" in sys.argv and stale:
        print(f"docs/reference is out of date ({', '.join(stale)}): run `make docs` and commit the result")
        return 1
    print("docs/reference: " + (", ".join(stale) + " written" if stale else "up to date"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
