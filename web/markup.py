"""HTML from templates in web/templates.

Law: whatever is put into a template is escaped, unless it is Markup, and only this module makes Markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from html import escape
from importlib import resources
from string import Template

from schemas.cloud_events import rfc3339


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def render(name: str, **values: object) -> Markup:
    """The template `name`.html with the values in its `$places`, escaped; an absent value is a KeyError."""
    return Markup(_template(name).substitute({place: text_of(value) for place, value in values.items()}))


def text_of(value: object) -> str:
    """The value as safe HTML: Markup as it is, None as nothing, everything else escaped."""
    if isinstance(value, Markup):
        return value
    return "" if value is None else escape(str(value), quote=True)


def joined(parts: Iterable[Markup]) -> Markup:
    """Pieces one after the other."""
    return Markup("".join(parts))


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> Markup:
    """A table with a head; cells are escaped."""
    head = "".join(f'<th scope="col">{text_of(cell)}</th>' for cell in heads)
    body = "".join("<tr>" + "".join(f"<td>{text_of(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return Markup(f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>')


def facts(pairs: Iterable[tuple[str, object]]) -> Markup:
    """A list of names and values; pairs without a value are left out."""
    return Markup(
        "<dl>"
        + "".join(f"<dt>{text_of(name)}</dt><dd>{text_of(value)}</dd>" for name, value in pairs if value is not None)
        + "</dl>"
    )


def moment(ms: int) -> Markup:
    """A time (ms UTC) for a table: to the second for people, whole for programs."""
    whole = rfc3339(ms)
    return Markup(f'<time datetime="{whole}">{whole[:10]} {whole[11:19]}Z</time>')


def choice(name: str, label: str, options: Iterable[str], chosen: str | None) -> Markup:
    """A labelled list of a form to choose one of, or none."""
    items = "".join(
        f'<option value="{text_of(one)}"{" selected" * (one == chosen)}>{text_of(one)}</option>' for one in options
    )
    empty = '<option value="">–</option>'
    return Markup(f'<label>{text_of(label)} <select name="{text_of(name)}">{empty}{items}</select></label> ')


def tick(name: str, label: str, *, ticked: bool) -> Markup:
    """A labelled box of a form; `1` when it is ticked."""
    box = f'<input type="checkbox" name="{text_of(name)}" value="1"{" checked" * ticked}>'
    return Markup(f"<label>{box} {text_of(label)}</label> ")


@cache
def _template(name: str) -> Template:
    return Template(resources.files("web").joinpath("templates", f"{name}.html").read_text(encoding="utf-8"))
