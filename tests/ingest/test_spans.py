"""Values taken out of JSON where they stand: the rest is read as before, and not one byte moves."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ingest import spans

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DOCUMENTS = st.recursive(LEAVES, lambda each: st.lists(each) | st.dictionaries(st.text(), each), max_leaves=30)
WRITINGS = st.sampled_from(({}, {"indent": 2}, {"ensure_ascii": False}, {"separators": (",", ":")}))


@given(DOCUMENTS, WRITINGS)
def test_a_document_is_read_as_it_is_with_the_place_of_each_value(document: Any, how: dict[str, Any]) -> None:
    body = json.dumps(document, **how).encode(errors="surrogatepass")
    root = spans.read(body)
    assert root.value == document
    assert all(json.loads(body[node.start : node.end]) == node.value for node in root.nodes())


@given(st.lists(DOCUMENTS, min_size=1), WRITINGS, st.data())
def test_what_is_removed_leaves_the_others_in_their_order(
    items: list[Any], how: dict[str, Any], data: st.DataObject
) -> None:
    gone = data.draw(st.sets(st.integers(0, len(items) - 1)))
    body = json.dumps({"items": items}, **how).encode(errors="surrogatepass")
    listed = spans.read(body).items[0].items
    left = spans.removed(body, [listed[index] for index in sorted(gone)])
    assert len(left) == len(body)
    assert json.loads(left) == {"items": [item for index, item in enumerate(items) if index not in gone]}


@given(DOCUMENTS, WRITINGS, st.data())
def test_what_is_blanked_says_nothing_and_the_rest_stands(
    document: Any, how: dict[str, Any], data: st.DataObject
) -> None:
    body = json.dumps([document], **how).encode(errors="surrogatepass")
    leaves = list(spans.read(body).leaves())
    gone = data.draw(st.sets(st.integers(0, max(0, len(leaves) - 1)), max_size=len(leaves)))
    chosen = [leaves[index] for index in sorted(gone)]
    for change in (spans.blanked, spans.masked):
        changed = change(body, chosen)
        after = [leaf.value for leaf in spans.read(changed).leaves()]
        assert len(changed) == len(body)
        assert len(after) == len(leaves)
        assert all(after[n] == leaves[n].value for n in range(len(leaves)) if n not in gone)
        assert all(after[n] in (None, "", 0) or set(after[n]) == {"x"} for n in gone)
