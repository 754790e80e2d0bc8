"""Tiles and entry bundles: paths, widths and bytes as C2SP tlog-tiles has them."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tanji.errors import EvidenceMissing, LogError, TrustError
from tanji.trust.tiles import LARGEST_ENTRY, TILE_PATH, Tiles, bundle, tile_path, unbundle
from tanji.trust.tree import Tree


@pytest.mark.parametrize(
    ("level", "number", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 1234067, 256, "tile/0/x001/x234/067"),  # the example of the specification
        (None, 999, 256, "tile/entries/999"),
        (None, 1000, 256, "tile/entries/x001/000"),
        (1, 5, 17, "tile/1/005.p/17"),
        (63, 12345, 1, "tile/63/x012/345.p/1"),
    ],
)
def test_paths(level: int | None, number: int, width: int, path: str) -> None:
    assert tile_path(level, number, width) == path
    assert TILE_PATH.fullmatch(path)


@pytest.mark.parametrize(
    "path",
    ["tile/64/000", "tile/00/000", "tile/0/00", "tile/0/0000", "tile/0/x00/000", "tile/0/000.p/0", "tile/0/000.p/256",
     "tile/0/000.p/01", "tile/0/000.p/", "tile/a/000", "tile/0/x000", "tile/0/001/002", "tile/0/000/", "/tile/0/000"],
)  # fmt: skip
def test_what_is_no_path(path: str) -> None:
    assert not TILE_PATH.fullmatch(path)


def test_bundles_hold_entries_with_their_length_in_two_bytes() -> None:
    entries = [b"", b"a", bytes(300), b"x" * LARGEST_ENTRY]
    data = bundle(entries)
    assert data.startswith(b"\0\0\0\1a\1\x2c")
    assert unbundle(data) == entries
    for cut in (1, 3, 4, 100, len(data) - 1):
        with pytest.raises(TrustError, match="half an entry"):
            unbundle(data[:cut])
    with pytest.raises(TrustError, match="at most 65535 bytes"):
        bundle([b"x" * (LARGEST_ENTRY + 1)])


def files(folder: Path) -> list[str]:
    """Every tile on disk."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_tree_of_70000_has_the_tiles_the_specification_counts(tmp_path: Path) -> None:
    # C2SP tlog-tiles: 273 full level 0 tiles and one of 112, one full level 1 tile and one of 17, a level 2 tile of 1.
    entries = [b"%d" % number for number in range(70_000)]
    tree = Tree()
    for entry in entries:
        tree.append(entry)
    tiles = Tiles(tmp_path)
    tiles.write(tree, old=0, new=70_000, entries=lambda low, high: entries[low:high])
    found = files(tmp_path)
    assert sum(path.startswith("tile/0/") for path in found) == 274
    assert [path for path in found if ".p/" in path] == [
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
        "tile/entries/273.p/112",
    ]
    assert [path for path in found if path.startswith("tile/1/")] == ["tile/1/000", "tile/1/001.p/17"]
    assert tiles.hashes(0, low=0, high=70_000) == tree.levels[0]
    assert tiles.hashes(1, low=256, high=273) == tree.levels[8][256:]
    assert (tmp_path / "tile/2/000.p/1").read_bytes() == tree.root(65_536)
    assert tiles.entries(273, width=112) == entries[-112:]


def test_every_published_size_stays_readable_until_its_full_tile_is_there(tmp_path: Path) -> None:
    entries = [b"%d" % number for number in range(600)]
    tree, tiles = Tree(), Tiles(tmp_path)
    sizes = [0, 1, 7, 255, 256, 300, 511, 513, 600]
    for old, new in itertools.pairwise(sizes):
        for entry in entries[old:new]:
            tree.append(entry)
        tiles.write(tree, old=old, new=new, entries=lambda low, high: entries[low:high])
        tiles.tidy(old=old, new=new)
        for size in [each for each in sizes if 0 < each <= new]:
            assert tiles.hashes(0, low=0, high=size) == tree.levels[0][:size]
            number, width = divmod(size - 1, 256)
            assert tiles.entries(number, width=width + 1) == entries[number * 256 : size]
    assert [path for path in files(tmp_path) if ".p/" in path] == [
        "tile/0/002.p/1",
        "tile/0/002.p/88",
        "tile/1/000.p/1",
        "tile/1/000.p/2",
        "tile/entries/002.p/1",
        "tile/entries/002.p/88",
    ]


def test_tiles_that_are_missing_short_or_unreadable_say_so(tmp_path: Path) -> None:
    tree, tiles = Tree(), Tiles(tmp_path)
    tree.append(b"one")
    tree.append(b"two")
    tiles.write(tree, old=0, new=2, entries=lambda low, high: [b"one", b"two"][low:high])
    with pytest.raises(EvidenceMissing, match="no file"):
        tiles.hashes(0, low=0, high=3)
    (tmp_path / "tile/0/000.p/2").write_bytes(bytes(33))
    with pytest.raises(TrustError, match="2 hashes"):
        tiles.hashes(0, low=0, high=2)
    (tmp_path / "tile/entries/000.p/2").write_bytes(bundle([b"one"]))
    with pytest.raises(TrustError, match="2 entries"):
        tiles.entries(0, width=2)
    (tmp_path / "tile/0/000.p/2").unlink()
    (tmp_path / "tile/0/000.p/2").mkdir()
    with pytest.raises(LogError, match="cannot be read"):
        tiles.hashes(0, low=0, high=2)
