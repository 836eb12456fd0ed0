"""What the fonts cannot draw is written by its code point, and never as an empty box."""

from hypothesis import given
from hypothesis import strategies as st

from predictions.glyphs import DRAWN, all_drawable, drawable

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)


def test_every_letter_that_is_drawn_is_in_the_fonts():
    """PDF/UA-1 refuses a file with a letter that its font lacks."""
    import typst  # noqa: PLC0415 - as the product does

    letters = "".join(sorted(DRAWN))
    document = b'#set document(title: "a")\n#set text(lang: "en")\n= a\n'
    document += b"#sys.inputs.letters\n#raw(sys.inputs.letters)"
    inputs = {"letters": letters}
    for bold in (document, document.replace(b"= a", b"= a\n#set text(weight: 700)")):
        assert typst.compile(
            bold, format="pdf", sys_inputs=inputs, pdf_standards=["ua-1"], ignore_system_fonts=True
        )


@given(texts)
def test_nothing_but_letters_that_are_drawn_is_left(text):
    assert set(drawable(text)) <= DRAWN | set("\n\u2039\u203a")


@given(texts, texts)
def test_two_references_never_look_the_same(first, second):
    assert (drawable(first) == drawable(second)) == (first == second)


def test_texts_are_found_wherever_they_stand():
    assert all_drawable({"a": ["中", {"b": ("\u202e", 1, None, True)}]}) == {
        "a": ["\u2039U+4E2D\u203a", {"b": ["\u2039U+202E\u203a", 1, None, True]}]
    }
