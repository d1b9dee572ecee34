"""Requests that no honest client sends: malformed, lying, huge, deep, wrongly encoded."""

import itertools
import json
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.toolkit.cases import CASES, CSV, JSON, JSON_LINES, KOREAN, PLAIN

KINDS = (JSON, JSON_LINES, CSV, PLAIN)
HUGE = 6_000_000  # bytes; the server itself refuses 6,553,501
EVERY_HUGE = 250  # requests, of which the last is huge

_PIECES = [
    *(text.encode() for text in KOREAN.values() if len(text) < 100),
    *(rb"\ud800", rb"\udc00\ud800", rb"\u0000", rb"\x", b"\\", b'"', b'""', b",", b":", b"{", b"}", b"["),
    *(b"NaN", b"-Infinity", b"1e999", b"-0", b"9" * 5000, b"null", b"true", b"__proto__", b"{{7*7}}"),
    *(b'"inputs"', b'"parameters"', b'"top_k"', b'"text_pair"', b"\0", b"\r", b"\n", b"\r\n", b"\x1a"),
    *(b"\xff", b"\xfe\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x80\xa8"),
    *("영화".encode(encoding) for encoding in ("cp949", "utf-16", "utf-32", "utf-7", "iso2022_kr", "johab")),
]
# All headers of a request together have less than 8 KB: more is refused before anybody looks at it.
_CONTENT_TYPES = [
    *(*KINDS * 3, "", ";", "/", "*/*", "application/json;", "application/json\tx", '"application/json"', "é"),
    *("application/json; charset=utf-16", "text/csv;charset=,", "text/plain; charset=UTF-8; charset=cp949"),
    *("APPLICATION/JSONLINES", "application/octet-stream", "application/x-npy", "text/html", "a" * 1000),
]
_ACCEPTS = [
    *(*KINDS, "", "*/*", "*", ";q=1", "application/json;q=NaN", "application/json;q=1e9", "text/*;q=-1"),
    *("*/*;q=0", ",,,", "é", "\x80", "image/*", "application/json;" * 400, "application/json; q = 0.5 ;;"),
]
_SPELLINGS = ["content-type", "CONTENT-TYPE", "Content-type", "ContentType", "Content-Typ"]
_NAMES = ["inputs", "parameters", "text", "text_pair", "top_k", "threshold", "truncation", "max_length"]
_SCALARS = [
    *("null", "true", "false", "[]", "{}", '""', r'"\ud800"', r'"\udc00\ud800"', "NaN", "Infinity", "1e999"),
    *("0", "1", "-1", "0.5", "-0.0", "01", "0x1", "1_0", ".", "2147483648", "9223372036854775808", "-1e-999"),
]


class Hostile(NamedTuple):
    """A request; its headers may repeat a name."""

    body: bytes
    headers: list[tuple[str, str]]


def hostile_requests(seed: int) -> Iterator[Hostile]:
    """Yield requests without end, the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    huge = itertools.cycle(_HUGE)
    for number in itertools.count(1):
        make = next(huge) if number % EVERY_HUGE == 0 else chance.choice(_MAKERS)
        kind, body = make(chance)
        yield Hostile(body, _headers(chance, kind))


def _headers(chance: random.Random, kind: str) -> list[tuple[str, str]]:
    if chance.random() < 0.2:
        kind = chance.choice(_CONTENT_TYPES)
    name = chance.choice(_SPELLINGS) if chance.random() < 0.05 else "Content-Type"
    headers = [(name, kind)] if chance.random() < 0.98 else []
    if chance.random() < 0.3:
        headers.append(("Accept", chance.choice(_ACCEPTS)))
    if chance.random() < 0.05:
        headers.append(("Content-Type", chance.choice(KINDS)))
    if chance.random() < 0.05:
        headers.insert(0, (chance.choice(("Content-Type-Options", "X-Content", "Content-Encoding")), "gzip"))
    return headers


def _mutated(chance: random.Random) -> tuple[str, bytes]:
    """A right or a wrong request, changed here and there."""
    case = chance.choice(CASES)
    body = bytearray(case.body[: chance.choice((100, 1000, 10_000))])
    for _ in range(chance.randint(1, 6)):
        at, end = sorted(chance.choices(range(len(body) + 1), k=2))
        match chance.randrange(6):
            case 0:
                body[at:at] = chance.choice(_PIECES)
            case 1:
                body[at : at + 1] = chance.randbytes(1)
            case 2:
                del body[at:end]
            case 3:
                body[at:at] = body[at:end]
            case 4:
                body[at:end] = chance.choice(_PIECES)
            case 5:
                body[at:] = chance.choice(CASES).body[:1000]
        del body[20_000:]
    return case.headers.get("Content-Type", JSON), bytes(body)


def _value(chance: random.Random, depth: int = 0) -> str:
    """Text that is JSON more often than not."""
    match chance.randrange(6 if depth < 4 else 4):
        case 0:
            return json.dumps(chance.choice(list(KOREAN.values()))[:50], ensure_ascii=chance.random() < 0.5)
        case 1 | 2:
            return chance.choice(_SCALARS)
        case 3:
            return chance.choice(_PIECES).decode("utf-8", "replace")
        case 4:
            return f"[{','.join(_value(chance, depth + 1) for _ in range(chance.randrange(4)))}]"
        case _:
            return f"{{{','.join(_member(chance, depth + 1) for _ in range(chance.randrange(4)))}}}"


def _member(chance: random.Random, depth: int) -> str:
    name = json.dumps(chance.choice(_NAMES)) if chance.random() < 0.8 else _value(chance, 9)
    return f"{name}:{_value(chance, depth)}"


def _json(chance: random.Random) -> tuple[str, bytes]:
    """An object of the right names with anything in them."""
    return JSON, f"{{{','.join(_member(chance, 0) for _ in range(chance.randint(1, 3)))}}}".encode()


def _parameters(chance: random.Random) -> tuple[str, bytes]:
    """A right text with parameters of any kind."""
    inputs = chance.choice(['"좋아요"', '["좋아요", "영화"]', '{"text": "좋아요", "text_pair": "영화"}'])
    members = ",".join(_member(chance, 2) for _ in range(chance.randint(1, 3)))
    return JSON, f'{{"inputs": {inputs}, "parameters": {{{members}}}}}'.encode()


def _deep(chance: random.Random) -> tuple[str, bytes]:
    """Nesting about as deep as Python's stack."""
    opening, closing = chance.choice([("[", "]"), ('{"text":', "}"), ('{"parameters":', "}")])
    depth = chance.choice([chance.randint(900, 1010), chance.randint(1, 20_000)])
    head = chance.choice(
        ['{"inputs":', '{"inputs":"a","parameters":', '{"inputs":"a","parameters":{"top_k":', ""]
    )
    tail = closing * depth + "}" * head.count("{") if chance.random() < 0.7 else ""
    return chance.choice((JSON, JSON_LINES)), f"{head}{opening * depth}1{tail}".encode()


def _lines(chance: random.Random) -> tuple[str, bytes]:
    """Lines, some right and some not, with ends of every kind."""
    made: list[Callable[[], bytes]] = [
        lambda: _value(chance).encode(),
        lambda: _parameters(chance)[1],
        lambda: chance.choice(_PIECES) * chance.randrange(4),
        lambda: ",".join(chance.choices(['"좋아요"', '"a', 'b"', '""', "", '"a""b"', "\0"], k=3)).encode(),
    ]
    ends = [*[b"\n"] * 6, b"\r\n", b"\r", b"\n\n", b"\n\r", b"\r\r\n", b"\x0b", b"\x0c", b"\x85", b"\0"]
    body = b"".join(chance.choice(made)() + chance.choice(ends) for _ in range(chance.randint(1, 12)))
    return chance.choice((JSON_LINES, CSV, PLAIN)), body


def _encoded(chance: random.Random) -> tuple[str, bytes]:
    """A right request in an encoding that it must not have."""
    text = json.dumps({"inputs": ["좋아요", "영화 별로"]}, ensure_ascii=False)
    encoding = chance.choice(("cp949", "utf-16", "utf-16-be", "utf-32", "utf-7", "utf-8-sig", "johab"))
    kind = chance.choice((JSON, "application/json; charset=utf-8", JSON_LINES, PLAIN))
    return kind, text.encode(encoding)[: chance.choice((None, -1, -2))]


def _noise(chance: random.Random) -> tuple[str, bytes]:
    """Bytes without meaning."""
    return chance.choice(KINDS), chance.randbytes(chance.choice((0, 1, 2, 3, 16, 300, 5000)))


def _form(chance: random.Random) -> tuple[str, bytes]:
    """A form, whose fields the server hands on as if they were headers."""
    name = chance.choice(("body", "accept", "Accept", "content-type", "Content-Type", "inputs"))
    if chance.random() < 0.5:
        return "application/x-www-form-urlencoded", f"{name}=%EC%98%81".encode()
    field = f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n영화\r\n--x--\r\n'
    return "multipart/form-data; boundary=x", field.encode()


Maker = Callable[[random.Random], tuple[str, bytes]]
"""What makes a content type and a body."""

_MAKERS: list[Maker] = [*[_mutated] * 6, *[_json] * 3, *[_parameters] * 2, *[_lines] * 4, *[_encoded] * 2]
_MAKERS += [_noise, _noise, _deep, _form]

_HUGE: list[Maker] = [
    lambda _: (JSON, b'{"inputs": "' + b"a" * HUGE + b'"}'),
    lambda _: (JSON, b'{"inputs": [' + b'"a",' * (HUGE // 4) + b'"a"]}'),
    lambda _: (JSON, b"[" * HUGE),
    lambda _: (JSON, b'{"inputs":' * (HUGE // 10)),
    lambda _: (JSON, b'{"inputs": ' + b"9" * HUGE + b"}"),
    lambda _: (JSON, b"{" + b",".join(b'"%x":0' % number for number in range(HUGE // 12)) + b',"z":0,"z":0}'),
    lambda _: (JSON, b'{"inputs": ["' + b'","'.join([b"a" * 90_000] * (HUGE // 90_003)) + b'"]}'),
    lambda _: (JSON, json.dumps({"inputs": ["영화 정말 좋았어요 " * 4] * 2000}).encode()),
    lambda _: (JSON, json.dumps({"inputs": "영" + "\u0301" * 90_000}).encode()),
    lambda _: (JSON_LINES, b'"a"\n' * (HUGE // 4)),
    lambda _: (JSON_LINES, b"[]\n" * 9_999),
    lambda _: (PLAIN, b"\n" * HUGE),
    lambda _: (PLAIN, ("\u200b\u3164" * (HUGE // 6)).encode()),
    lambda _: (CSV, b"," * HUGE),
    lambda _: (CSV, b'"' * HUGE),
    lambda _: (CSV, b"a" * HUGE),
    lambda chance: (chance.choice(KINDS), chance.randbytes(HUGE)),
]

ROUND = EVERY_HUGE * len(_HUGE)
"""Requests until every huge one has been sent."""
