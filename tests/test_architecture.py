"""The arrows between packages are those of the table below, SQL is in one package, and no test patches."""

import ast
import configparser
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# An upper package may import a lower one; nothing else.
MAY_IMPORT = {
    "publishing": {"menus", "cases", "store", "sync", "channel"},
    "desk": {
        "publishing",
        "menus",
        "cases",
        "store",
        "sync.outbox",
        "sync.status",
        "sync.codes",
        "sync.blobs.publish",
        "locales",
    },
    "channel": {"menus", "cases", "store", "sync.outbox", "sync.codes"},
    "menus": set(),
    "cases": {"store", "sync.outbox", "sync.codes"},
    "sync": {"store"},
    "store": set(),
}
# The inner packages, and which others of ours each may import.
INNER_MAY_IMPORT = {
    "store/tables": {"store.tables", "store.transaction", "store.errors"},
    "store/engines": {"store.engines", "store.errors"},
    "sync/wire": {"sync.wire", "sync.codes", "store.tables"},
    "sync/link": {"sync.link", "sync.codes", "sync.errors", "sync.outbox", "sync.wire", "store"},
    "cases/registers": {"cases", "store", "sync.outbox", "sync.codes"},
    "channel/gateways": {
        "channel.gateways",
        "channel.contract",
        "channel.request",
        "menus",
        "sync.outbox",
        "sync.codes",
    },
    "menus/language": {"menus.language", "menus.gsm", "menus.invisible", "menus.misfits"},
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
GATEWAY_REGISTRY = "channel/gateways/registry.py"
PACKAGES = (*MAY_IMPORT, "cli", "locales")
SQL = re.compile(
    r"\b(SELECT\b.+\bFROM\b|INSERT INTO\b|UPDATE \w+ SET\b|DELETE FROM\b|(CREATE|ALTER|DROP) TABLE\b|PRAGMA \w"
    r"|\b(SAVEPOINT|ROLLBACK|RELEASE) \w)",
    re.DOTALL,
)

# LIKE is taken by both, and means another thing to each.
SQLITE_ONLY = re.compile(
    r"^\s*(import|from) sqlite|\b(PRAGMA|sqlite_master|rowid|WITHOUT ROWID|GLOB|LIKE|BEGIN IMMEDIATE|INSERT OR)\b"
    r"|INSERT INTO \w+ VALUES|[=<>(] *\?"
)


def imports(file: Path, root: Path = ROOT) -> Iterator[str]:
    """The dotted name of every module that a file imports, wherever in it; `from sado.sync import outbox` is
    sado.sync.outbox."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from _from(node, file, root)


def _from(node: ast.ImportFrom, file: Path, root: Path) -> Iterator[str]:
    base = ["sado", *file.relative_to(root).parts[: -node.level]] if node.level else []
    module = ".".join([*base, *([node.module] if node.module else [])])
    folder = ROOT.joinpath(*module.split(".")[1:])
    for alias in node.names:
        is_module = (folder / f"{alias.name}.py").exists() or (folder / alias.name).is_dir()
        yield f"{module}.{alias.name}" if is_module else module


def product_files() -> list[Path]:
    return [*ROOT.glob("*.py"), *(file for name in PACKAGES for file in sorted((ROOT / name).rglob("*.py")))]


def wrong_arrows(package: str, root: Path = ROOT, table: Mapping[str, set[str]] = MAY_IMPORT) -> list[str]:
    """Every import of a package that the table does not have; a name of ours without `sado.` is one too."""
    top = package.partition("/")[0]
    allowed = {f"sado.{name}" for name in (table[package] | {top} if package in MAY_IMPORT else table[package])}
    return [
        f"{file.relative_to(root)} imports {name}"
        for file in sorted((root / package).rglob("*.py"))
        for name in imports(file, root)
        if not is_allowed(name, allowed) or is_never(name, top, file == root / FOREIGN_DATABASE)
    ]


def is_allowed(name: str, allowed: set[str]) -> bool:
    if name.partition(".")[0] in (*PACKAGES, "settings", "station", "wsgi", "tests", "bench"):
        return False
    return not f"{name}.".startswith("sado.") or any(f"{name}.".startswith(f"{one}.") for one in allowed)


def is_never(name: str, package: str, is_let: bool) -> bool:
    top = name.partition(".")[0]
    return top in NEVER.get(package, set()) and not (is_let and top == "sqlite3")


def circles(modules: Mapping[str, set[str]]) -> list[set[str]]:
    """The sets of modules that reach each other by their imports."""
    reach = {name: _reached(name, modules) for name in modules}
    joined = {frozenset(other for other in reach[name] if name in reach[other]) for name in modules}
    return [set(names) for names in joined if len(names) > 1]


def _reached(start: str, modules: Mapping[str, set[str]]) -> set[str]:
    seen, waiting = {start}, [start]
    while waiting:
        new = modules.get(waiting.pop(), set()) - seen
        seen |= new
        waiting += new
    return seen


def product_modules() -> dict[str, set[str]]:
    """What each module of ours imports of ours, imports for types alone included."""
    names = {_dotted(file): set(imports(file)) for file in product_files()}
    return {name: {other for other in found if other in names} for name, found in names.items()}


def _dotted(file: Path) -> str:
    return ".".join(["sado", *file.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")


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
        ("menus", "from sado.store import Store"),
        ("store", "import sado.cases.service"),
        ("cases", "from sado.sync import exchange"),
        ("channel", "from sado.sync.dispatch import step"),
        ("channel", "from sado.desk import pages"),
        ("channel", "import sqlite3"),
        ("sync", "def late():\n    from sado.cases import service"),
        ("desk", "from ..channel import turns"),
        ("cases", "import sado.settings"),
        ("channel", "import sado.settings"),
        ("cases", "from store import Store"),
        ("publishing", "from sado.desk import pages"),
    ],
)
def test_a_planted_wrong_arrow_is_noticed(tmp_path: Path, package: str, line: str) -> None:
    (tmp_path / package).mkdir()
    (tmp_path / package / "planted.py").write_text(line)
    assert len(wrong_arrows(package, tmp_path)) == 1


@pytest.mark.parametrize(
    "line", ["from sado.sync import outbox", "from sado.sync.outbox import SMS", "import sado.store", "import json"]
)
def test_a_right_arrow_is_let_pass(tmp_path: Path, line: str) -> None:
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "planted.py").write_text(line)
    assert wrong_arrows("cases", tmp_path) == []


@pytest.mark.parametrize("inner", INNER_MAY_IMPORT)
def test_an_inner_package_imports_only_what_its_table_has(inner: str) -> None:
    assert list((ROOT / inner).rglob("*.py"))
    assert wrong_arrows(inner, table=INNER_MAY_IMPORT) == []


@pytest.mark.parametrize(
    ("inner", "line"),
    [
        ("store/tables", "from sado.store import engine"),
        ("store/tables", "from sado.store.engines import sqlite"),
        ("sync/wire", "from sado.sync.exchange import client"),
        ("channel/gateways", "from sado.channel.ussd import session"),
        ("menus/language", "from sado.menus import engine"),
    ],
)
def test_a_planted_wrong_arrow_of_an_inner_package_is_noticed(tmp_path: Path, inner: str, line: str) -> None:
    (tmp_path / inner).mkdir(parents=True)
    (tmp_path / inner / "planted.py").write_text(line)
    assert len(wrong_arrows(inner, tmp_path, INNER_MAY_IMPORT)) == 1


def test_a_gateway_is_imported_by_its_registry_alone() -> None:
    gateways = {
        _dotted(file) for file in (ROOT / "channel/gateways").glob("*.py") if "\ndef build(" in file.read_text()
    }
    assert gateways
    for gateway in gateways:
        importing = {file.relative_to(ROOT).as_posix() for file in product_files() if gateway in imports(file)}
        assert importing == {GATEWAY_REGISTRY}


def test_a_role_s_pages_import_no_other_s() -> None:
    roles = ("operator", "officer", "administrator", "phone")
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for role in roles
        for file in (ROOT / "desk" / role).rglob("*.py")
        for name in imports(file)
        if name.startswith(tuple(f"sado.desk.{other}" for other in roles if other != role))
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(product_modules()) == []


def test_a_circle_is_noticed_also_a_wide_one() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_every_package_is_installed() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    folders = {_dotted(file) for file in product_files() if file.name == "__init__.py"}
    assert set(config["options"]["packages"].split()) == folders


def test_menus_read_no_clock() -> None:
    assert [place for file in (ROOT / "menus").rglob("*.py") for place in clocks_read_in(file)] == []


@pytest.mark.parametrize("line", ["datetime.datetime.now()", "date.today()", "tell = datetime.utcnow"])
def test_a_planted_clock_is_noticed(tmp_path: Path, line: str) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(f"import datetime\n{line}\n")
    assert clocks_read_in(planted) == ["planted.py:2"]


def test_sql_stands_in_the_store_alone() -> None:
    files = [file for file in product_files() if ROOT / "store" not in file.parents and file != ROOT / FOREIGN_DATABASE]
    assert [place for file in files for place in sql_in(file)] == []


def test_the_file_that_meets_a_foreign_database_imports_no_store() -> None:
    names = list(imports(ROOT / FOREIGN_DATABASE))
    assert "sqlite3" in names
    assert not [name for name in names if name.startswith(("sado.store", "sqlite_utils"))]


def sqlite_only_in(file: Path) -> list[str]:
    """The lines of a file of the store that no other engine would take."""
    lines = enumerate(file.read_text("utf-8").splitlines(), 1)
    return [f"{file.name}:{number}" for number, line in lines if SQLITE_ONLY.search(line)]


def test_what_only_sqlite_takes_stands_in_its_engine_alone() -> None:
    files = [file for file in (ROOT / "store").rglob("*.py") if file.parent.name != "engines"]
    assert [place for file in files for place in sqlite_only_in(file)] == []


@pytest.mark.parametrize(
    "line",
    [
        "import sqlite3",
        "from sqlite_utils import Database",
        'run("PRAGMA foreign_keys = ON")',
        '"SELECT name FROM sqlite_master"',
        '"CREATE TABLE toys (name TEXT PRIMARY KEY) WITHOUT ROWID"',
        '"SELECT rowid FROM cases"',
        '"INSERT OR IGNORE INTO toys (name) VALUES (:name)"',
        '"INSERT INTO toys VALUES (:name)"',
        "\"SELECT * FROM toys WHERE name LIKE 'a%'\"",
        '"SELECT name FROM toys WHERE name = ?"',
    ],
)
def test_what_only_sqlite_takes_is_noticed(tmp_path: Path, line: str) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(line)
    assert sqlite_only_in(planted) == ["planted.py:1"]


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
