"""docs/operations.md names every code that holds up a role or refuses its start, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ROOMS = ("runtime", "clients", "registry", "ingress", "processors", "sinks")
COMPOSED = ("cli/ground.py", "cli/main.py")
ENDS = {"MISCONFIGURED", "UNAVAILABLE"}


def test_every_code_of_a_waiting_sink_and_a_refused_start_is_on_the_page() -> None:
    named = set(re.findall(r"`([a-z_]+)`", _tables()))
    missing = {code for code in (*_refusals(), *_pauses()) if code not in named}
    assert not missing, f"docs/operations.md does not say what to do about {sorted(missing)}"


def test_the_page_names_no_code_that_nothing_raises() -> None:
    raised = {*_refusals(), *_pauses()}
    first_cells = re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \|", _tables(), flags=re.MULTILINE)
    named = {code for cell in first_cells for code in re.findall(r"`([a-z_]+)`", cell)}
    assert len(named) > 25
    assert not named - raised, f"nothing raises {sorted(named - raised)}"


def _tables() -> str:
    return PAGE[PAGE.index("## Alerts") :]


def _trees() -> Iterator[ast.AST]:
    files = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    for path in (*files, *(ROOT / name for name in COMPOSED)):
        yield ast.parse(path.read_text(encoding="utf-8"))


def _refusals() -> Iterator[str]:
    """The codes of refusals that end a role: `Refusal(UNAVAILABLE, "code", ..)`."""
    for tree in _trees():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if _name(call.func) == "Refusal" and len(call.args) > 1 and _names(call.args[0]) & ENDS:
                yield from _texts(call.args[1])


def _pauses() -> Iterator[str]:
    """The codes with which the HubSpot sink waits: of its troubles, and those it gives itself."""
    for tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and any("Trouble" in base for base in map(_name, node.bases)):
                yield from _class_code(node)
            elif isinstance(node, ast.Call) and _name(node.func) in {"NotSetUp", "failed"} and node.args:
                yield from _texts(node.args[0])
    yield "paused_by_operator"


def _class_code(node: ast.ClassDef) -> Iterator[str]:
    if "LineTrouble" in {_name(base) for base in node.bases}:
        return
    for statement in node.body:
        if isinstance(statement, ast.Assign) and [_name(target) for target in statement.targets] == ["code"]:
            yield from _texts(statement.value)


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _names(node: ast.AST) -> set[str]:
    return {_name(part) for part in ast.walk(node)}


def _texts(node: ast.AST) -> Iterator[str]:
    """The strings an expression can be; a conditional has two."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
