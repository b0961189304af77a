"""The arrows between packages are those of the table below, SQL is in one package, and no test patches."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# An upper package may import a lower one; nothing else.
MAY_IMPORT = {
    "desk": {"menus", "cases", "store", "sync.outbox", "sync.standing", "locales"},
    "channel": {"menus", "cases", "store", "sync.outbox"},
    "menus": set(),
    "cases": {"store", "sync.outbox"},
    "sync": {"store"},
    "store": set(),
}
NEVER = {
    "menus": {"flask", "sqlite3", "sqlite_utils", "psycopg", "requests", "time", "random"},
    "cases": {"flask", "sqlite3", "sqlite_utils", "requests"},
    "channel": {"sqlite3", "sqlite_utils"},
    "desk": {"sqlite3", "sqlite_utils"},
    "store": {"flask", "requests"},
}
# The one that meets another program in that program's own SQLite database. SQL for ours stays in the store.
FOREIGN_DATABASE = "channel/gateways/gammu.py"
CLOCKS = {"now", "today", "utcnow"}
OURS = {
    *MAY_IMPORT,
    "settings",
    "gateway_settings",
    "gateways",
    "wsgi",
    "sado",
    "local",
    "publishing",
    "cli",
    "demo",
    "training",
    "tests",
    "bench",
}
SQL = re.compile(
    r"\b(SELECT\b.+\bFROM\b|INSERT INTO\b|UPDATE \w+ SET\b|DELETE FROM\b|(CREATE|ALTER|DROP) TABLE\b|PRAGMA \w"
    r"|\b(SAVEPOINT|ROLLBACK|RELEASE) \w)",
    re.DOTALL,
)


def imports(file: Path, root: Path = ROOT) -> Iterator[str]:
    """The dotted name of every module that a file imports, wherever in it; `from sync import outbox` is
    sync.outbox."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from _from(node, file, root)


def _from(node: ast.ImportFrom, file: Path, root: Path) -> Iterator[str]:
    base = [*file.relative_to(root).parts[: -node.level]] if node.level else []
    module = ".".join([*base, *([node.module] if node.module else [])])
    folder = ROOT.joinpath(*module.split("."))
    for alias in node.names:
        is_module = (folder / f"{alias.name}.py").exists() or (folder / alias.name).is_dir()
        yield f"{module}.{alias.name}" if is_module else module


def wrong_arrows(package: str, root: Path = ROOT) -> list[str]:
    """Every import of a package that the table does not have."""
    found = []
    for file in sorted((root / package).rglob("*.py")):
        for name in imports(file, root):
            top = name.partition(".")[0]
            allowed = MAY_IMPORT[package] | {package}
            is_ours = top in OURS and not any(name == one or name.startswith(f"{one}.") for one in allowed)
            is_let = file == root / FOREIGN_DATABASE and top == "sqlite3"
            if is_ours or (top in NEVER.get(package, set()) and not is_let):
                found.append(f"{file.relative_to(root)} imports {name}")
    return found


def clocks_read_in(file: Path) -> list[str]:
    """Where a file asks what time it is; the types of `datetime` are values like any other."""
    return [
        f"{file.name}:{node.lineno}"
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS
    ]


def sql_in(file: Path) -> list[str]:
    """The lines of a file where a statement of SQL stands, comments and docstrings apart."""
    tree = ast.parse(file.read_text("utf-8"))
    described = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in described]
    return [
        f"{file.name}:{node.lineno}" for node in constants if isinstance(node.value, str) and SQL.search(node.value)
    ]


def patches_in(file: Path) -> list[str]:
    """Where a test puts something in the place of a name in a module."""
    found = []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom) and re.search(r"\b(mock|pytest_mock)\b", ast.unparse(node)):
            found.append(ast.unparse(node))
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            by_path = called == "monkeypatch.setattr" and node.args and isinstance(node.args[0], ast.Constant)
            if called == "patch" or called.endswith("mock.patch") or by_path:
                found.append(f"line {node.lineno}: {called}")
    return found


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_the_table_has(package: str) -> None:
    assert wrong_arrows(package) == []


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_is_there_to_be_looked_at(package: str) -> None:
    assert list((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ("menus", "import flask"),
        ("menus", "from store import Store"),
        ("store", "import cases.service"),
        ("cases", "from sync import exchange"),
        ("channel", "from sync.dispatch import step"),
        ("channel", "from desk import pages"),
        ("channel", "import sqlite3"),
        ("sync", "def late():\n    from cases import service"),
        ("desk", "from ..channel import hop"),
        ("cases", "import settings"),
    ],
)
def test_a_planted_wrong_arrow_is_noticed(tmp_path: Path, package: str, line: str) -> None:
    (tmp_path / package).mkdir()
    (tmp_path / package / "planted.py").write_text(line)
    assert len(wrong_arrows(package, tmp_path)) == 1


@pytest.mark.parametrize(
    "line", ["from sync import outbox", "from sync.outbox import SMS", "import store", "import json"]
)
def test_a_right_arrow_is_let_pass(tmp_path: Path, line: str) -> None:
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "planted.py").write_text(line)
    assert wrong_arrows("cases", tmp_path) == []


def test_menus_read_no_clock() -> None:
    assert [place for file in (ROOT / "menus").rglob("*.py") for place in clocks_read_in(file)] == []


@pytest.mark.parametrize("line", ["datetime.datetime.now()", "date.today()", "tell = datetime.utcnow"])
def test_a_planted_clock_is_noticed(tmp_path: Path, line: str) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(f"import datetime\n{line}\n")
    assert clocks_read_in(planted) == ["planted.py:2"]


def test_sql_stands_in_the_store_alone() -> None:
    rooms = [ROOT / name for name in sorted(OURS - {"store", "tests", "bench", "training"})]
    files = [file for room in rooms for file in (room.rglob("*.py") if room.is_dir() else [room.with_suffix(".py")])]
    assert [place for file in files if file != ROOT / FOREIGN_DATABASE for place in sql_in(file)] == []


def test_the_file_that_meets_a_foreign_database_imports_no_store() -> None:
    names = list(imports(ROOT / FOREIGN_DATABASE))
    assert "sqlite3" in names
    assert not [name for name in names if name.partition(".")[0] in ("store", "sqlite_utils")]


def test_planted_sql_is_noticed(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text('"""SELECT it FROM there, as they say."""\nrun("DELETE FROM cases")\nrun("SAVEPOINT here")\n')
    assert sql_in(planted) == ["planted.py:2", "planted.py:3"]


def test_no_test_patches() -> None:
    found = {file.name: patches_in(file) for file in (ROOT / "tests").rglob("*.py")}
    assert {name: places for name, places in found.items() if places} == {}


@pytest.mark.parametrize(
    "line", ["from unittest import mock", "patch('a.b')", "mock.patch('a.b')", "monkeypatch.setattr('a.b', 1)"]
)
def test_a_planted_patch_is_noticed(tmp_path: Path, line: str) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(line)
    assert len(patches_in(planted)) == 1
