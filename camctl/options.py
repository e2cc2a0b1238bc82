"""What `camctl area`, `camctl secrets` and `camctl tls` take; nothing heavy, since every command reads it."""

from __future__ import annotations

import argparse
from pathlib import Path


def _with_config(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--config", type=Path, default=Path("config.yaml"), metavar="FILE")
    return command


def add_area_commands(area: argparse.ArgumentParser) -> None:
    """`camctl area ...`."""
    commands = area.add_subparsers(dest="area_command", required=True, metavar="COMMAND")
    listed = _with_config(commands.add_parser("list", help="every area, by the tree"))
    listed.add_argument("--under", metavar="CODE", help="only this one and what lies in it")
    _with_config(commands.add_parser("show", help="one area and what lies in it")).add_argument("code", metavar="CODE")
    check = commands.add_parser("check", help="whether a table of areas is right, before cameras.areas names it")
    check.add_argument("file", type=Path, metavar="FILE.csv")
    boundaries = _with_config(
        commands.add_parser("import-boundaries", help="replace all boundaries by those of a file")
    )
    boundaries.add_argument("file", type=Path, metavar="FILE.geojson")
    boundaries.add_argument("--code-property", metavar="NAME", help="the property that holds an area's code")
    at = _with_config(commands.add_parser("at", help="in which area a place lies"))
    at.add_argument("lat", type=float, metavar="LAT", help="degrees, WGS 84")
    at.add_argument("lon", type=float, metavar="LON")


def add_secret_commands(secrets: argparse.ArgumentParser) -> None:
    """`camctl secrets ...`."""
    commands = secrets.add_subparsers(dest="secrets_command", required=True, metavar="COMMAND")
    _with_config(commands.add_parser("init", help="make the key file that secrets.key_file names"))
    seal = commands.add_parser(
        "seal", help="print a camera's password sealed; it is asked for, or read from standard input"
    )
    _with_config(seal).add_argument("camera", metavar="CAMERA", help="its id, for which alone it will open")
    _with_config(commands.add_parser("rotate", help="make a new key and seal the configuration's passwords with it"))
    _with_config(commands.add_parser("check", help="how every camera's password is kept, and whether it opens"))


def add_tls_commands(tls: argparse.ArgumentParser) -> None:
    """`camctl tls ...`."""
    commands = tls.add_subparsers(dest="tls_command", required=True, metavar="COMMAND")
    made = _with_config(commands.add_parser("self-signed", help="make a certificate for a trial, good for a year"))
    made.add_argument(
        "--name", action="append", required=True, metavar="HOST", help="a name or address in browsers; may be repeated"
    )
    made.add_argument("--folder", type=Path, metavar="FOLDER", help="where to write it (default: beside the database)")
    _with_config(commands.add_parser("show", help="what browsers are shown: names, end, SHA-256 fingerprint"))
