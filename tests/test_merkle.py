"""The tree is that of RFC 9162: known roots, and every line's path leads to the root."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage import merkle
from lineage.contract.lines import stretches
from lineage.integrity.index import Leaves
from lineage.kernel import kernel, reason

# The eight leaves and roots that Certificate Transparency's own tests use (RFC 6962, the same tree).
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def tree_of(hashes, target=None):
    tree = merkle.Tree(target=target)
    for leaf in hashes:
        tree.add(leaf)
    return tree.finish()


def test_the_roots_are_those_of_certificate_transparency():
    hashes = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]
    assert [tree_of(hashes[:size])[0].hex() for size in range(1, 9)] == ROOTS
    assert tree_of([])[0] == merkle.EMPTY


def test_every_leafs_path_leads_to_the_root_and_from_no_other_place():
    hashes = [merkle.leaf_hash(bytes([n])) for n in range(40)]
    for size in range(1, 41):
        for index in range(size):
            root, path = tree_of(hashes[:size], index)
            assert merkle.proved_root(hashes[index], index, size, path) == root
            for other in {0, index - 1, index + 1, size} - {index}:
                assert merkle.proved_root(hashes[index], other, size, path) != root
            assert merkle.proved_root(hashes[index], index, size, [*path, root]) is None
            assert not path or merkle.proved_root(hashes[index], index, size, path[:-1]) is None


LINES = st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=20)


@given(LINES, st.booleans(), st.integers(1, 7))
def test_the_leaves_are_the_lines_with_their_endings_wherever_a_stretch_ends(lines, ended, step):
    data = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    kept = data.split(b"\n")
    expected = [line + b"\n" for line in kept[:-1]] + ([kept[-1]] if kept[-1] else [])
    offsets = [sum(map(len, expected[:n])) for n in range(len(expected))]
    for longest in (1 << 20, 10):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("lineage.contract.lines.STRETCH", step)
            patch.setattr("lineage.contract.lines.MAX_LINE", longest)
            found = []
            leaves = Leaves(found.append)
            for stretch in stretches(io.BytesIO(data)):
                leaves.take(stretch)
            leaves.finish()
        assert b"".join(found) == b"".join(merkle.row(at, merkle.leaf_hash(line)) for at, line in zip(offsets, expected, strict=True))


@pytest.mark.skipif(not kernel, reason=f"the kernel is not there: {reason}")
@given(LINES, st.booleans())
def test_the_kernel_hashes_as_python_does(lines, ended):
    data = b"\n".join(lines) + (b"\n" if ended else b"")
    fast, rows = merkle.Tree(), merkle.rows(data, 7)
    fast.extend(rows[:80])
    fast.extend(rows[80:])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merkle, "kernel", None)
        slow = merkle.Tree()
        assert merkle.rows(data, 7) == rows
        slow.extend(rows)
    assert fast.finish() == slow.finish() and merkle.short(rows) == b"".join(rows[at : at + 16] for at in range(0, len(rows), 40))
