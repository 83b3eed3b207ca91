"""Files are read as YAML 1.2, and a file that is not plain keys and values is refused in one line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrec.errors import UserError
from entrec.yaml_reader import read_yaml

TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=20)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda values: st.lists(values, max_size=4) | st.dictionaries(TEXT, values, max_size=4),
    max_leaves=10,
)


@pytest.fixture
def read(tmp_path):
    """Read a text or bytes as a file."""

    def read(content):
        path = tmp_path / "odd.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_yaml(path)

    return read


@given(values=st.dictionaries(TEXT, VALUES, max_size=4))
def test_json_is_read_as_json(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("json", numbered=True) / "values.yaml"
    path.write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")
    assert read_yaml(path) == values


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-6", 1e-6),
        ("1.0e-6", 1e-6),
        ("0256", 256),
        ("0o400", 256),
        ("0x100", 256),
        ("1:30", "1:30"),
        ("yes", "yes"),
        ("off", "off"),
        ("true", True),
        ("null", None),
        ("2020-01-01", "2020-01-01"),
    ],
)
def test_plain_words_mean_what_yaml_1_2_says(read, written, value):
    found = read(f"key: {written}")["key"]
    assert (found, type(found)) == (value, type(value))


def test_a_merge_adds_keys_and_lets_its_own_stand(read):
    text = "base: &base {a: 1, b: 2}\nnested: {inner: &inner {<<: *base, a: 3}}\nouter: {<<: *inner, b: 4}"
    assert read(text)["outer"] == {"a": 3, "b": 4}


@pytest.mark.parametrize("text", ["a: 1\nb: {c: 1, c: 1}", "a: &a {b: 1}\nc: {<<: *a, c: 2, c: 2}", "1: x\n'1': x"])
def test_a_key_given_twice_is_refused_with_its_line(read, text):
    line = text.count("\n") + 1
    with pytest.raises(UserError, match=rf"odd.yaml, line {line}: [bc.1]+: this key is given twice"):
        read(text)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"title: x\n? [a, b]\n: 1\n", "line 2: a key must be text"),
        (b"title: x\n{a: 1}: 1\n", "line 2: a key must be text"),
        (b"title: x\n b: 1\n", "line 2: mapping values are not allowed here"),
        (b"title: x\ndescription: \xff\n", "line 2: not UTF-8"),
        (b"title: x\ndescription: \0\n", r"line 2: character '\\x00' is not allowed"),
        (b"title: x\ndescription: !!binary eA==\n", "line 2: description: tag '!!binary': only plain values are read"),
        (b"title: x\ndescription: !!set {a, b}\n", "line 2: description: tag '!!set': only plain values are read"),
        (b"title: !!int x\n", "line 1: title: 'x': no int"),
        (
            b"title: 9223372036854775808\n",
            "line 1: title: '9223372036854775808': a whole number must have at most 63 bits",
        ),
        (b"title: &title [*title]\n", r"line 1: title.0: \*title: a value that holds itself"),
        (b"[" * 2000, "line 1: nested deeper than 32 levels"),
        (b"- a\n", "expected keys and values, found a list"),
        (b"", "the file is empty"),
        (b"# only a comment\n", "the file is empty"),
    ],
)
def test_what_is_not_plain_yaml_is_one_line_that_names_file_and_line(read, content, says):
    with pytest.raises(UserError, match=rf"odd\.yaml(, |: ){says}") as caught:
        read(content)
    assert "\n" not in str(caught.value)


def test_every_wrong_item_of_a_list_is_named(read):
    with pytest.raises(UserError) as caught:
        read("a: [.inf, 1, .nan]\nb: .inf\n")
    assert [line.split(": ")[1] for line in str(caught.value).split("\n")] == ["a.0", "a.2", "b"]


def test_a_missing_file_and_a_folder_in_its_place_are_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.yaml: no such file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(UserError, match=rf"{tmp_path}: cannot be read \(Is a directory\)"):
        read_yaml(tmp_path)
