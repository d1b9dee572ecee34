"""Requests of every kind, and the status and the error that each must get."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

JSON, JSON_LINES, CSV, PLAIN = "application/json", "application/jsonlines", "text/csv", "text/plain"


class Case(NamedTuple):
    """A request; `error` is the code of the error that it must get, empty where the toolkit refuses it."""

    name: str
    body: bytes
    headers: Mapping[str, str]
    status: int = 200
    error: str | None = None


def case(
    name: str,
    body: str | bytes | Mapping[str, Any],
    content_type: str | None = JSON,
    *,
    accept: str | None = None,
    status: int = 200,
    error: str | None = None,
) -> Case:
    """Return a case; an object goes as JSON."""
    if isinstance(body, Mapping):
        body = json.dumps(body, ensure_ascii=False)
    headers = {"Content-Type": content_type, "Accept": accept}
    return Case(
        name,
        body.encode() if isinstance(body, str) else body,
        {key: value for key, value in headers.items() if value is not None},
        status,
        error,
    )


TEXTS = [
    "영화 정말 좋았어요",
    "음악",
    "이야기 지루해요 시간이 아까워요 실망이에요 0점",
    "배우 최고예요 ㅋㅋ",
] * 9
PAIR = {"text": "영화 정말 좋았어요", "text_pair": "음악 별로예요"}

KOREAN = {
    "NFC": "한글",
    "NFD": "\u1112\u1161\u11ab\u1100\u1173\u11af",
    "compatibility jamo": "ㅎㅏㄴㄱㅡㄹ",
    "half-width jamo": "\uffbe\uffc2\uffa4\uffa1\uffda\uffa9",
    "laughter": "ㅋ" * 5000,
    "old Hangul": "나랏말ᄊᆞ미 듀ᇰ귁에 달아",
    "a lone final consonant": "\u11a8영화",
    "emoji": "👍🏽👨‍👩‍👧‍👦🇰🇷❤️ 좋아요",
    "zero-width characters": "\u200b영\u200d화\ufeff 좋\u2060아요",
    "right to left": "\u202e요아좋\u202c",
    "Hanja and fullwidth": "大韓民國 ＮＩＣＥ １０점",
    "control characters": "영화\x00\x1b[31m\x7f\u0085\u2028좋아요",
    "many combining marks": "영" + "\u0301" * 400,
    "beyond the basic plane": "𠮷野家 🄰 𝄞",
    "unassigned and private": "\u0378\ue000\U0010ffff 영화",
    "spaces of all kinds": "\u3000영화\u00a0\t좋았어요\r\n",
}

ANSWERED = [
    case("a text", {"inputs": TEXTS[0]}),
    case("a list", {"inputs": TEXTS}),
    case("a list of one", {"inputs": TEXTS[:1]}),
    case("parameters: none", {"inputs": TEXTS[0], "parameters": {}}),
    case("text", {"text": TEXTS[0]}),
    case("text and text_pair", PAIR),
    case("a pair", {"inputs": PAIR}),
    case("texts and pairs", {"inputs": [PAIR, TEXTS[0], {"text": TEXTS[1]}]}),
    *(
        case(f"Content-Type {content_type}", {"inputs": TEXTS[0]}, content_type)
        for content_type in (
            "application/json; charset=utf-8",
            'application/json;charset="UTF-8"',
            "Application/JSON",
            "application/json; profile=x",
        )
    ),
    *(case(f"Korean: {name}", {"inputs": text}) for name, text in KOREAN.items()),
    case("Korean, escaped", json.dumps({"inputs": list(KOREAN.values())})),
    case(
        "every Korean text as a line",
        "".join(f"{json.dumps(text)}\n" for text in KOREAN.values()),
        JSON_LINES,
    ),
    case("top_k of a text", {"inputs": TEXTS[0], "parameters": {"top_k": 1}}),
    case("top_k of a list", {"inputs": TEXTS[:3], "parameters": {"top_k": 2}}),
    case("top_k: null", {"inputs": TEXTS[0], "parameters": {"top_k": None}}),
    case("top_k above the labels", {"inputs": TEXTS[0], "parameters": {"top_k": 10**30}}),
    case("threshold", {"inputs": TEXTS[:3], "parameters": {"threshold": 0.5}}),
    case("threshold: 1", {"inputs": TEXTS[0], "parameters": {"threshold": 1}}),
    case("max_length", {"inputs": TEXTS[2], "parameters": {"max_length": 4}}),
    case("truncation", {"inputs": "영화 " * 1000, "parameters": {"truncation": True}}),
    case("no truncation of a short text", {"inputs": TEXTS[0], "parameters": {"truncation": False}}),
    case("JSON Lines: texts", '"좋아요"\n"별로예요"\n', JSON_LINES),
    case(
        "JSON Lines: objects",
        '{"text": "좋아요"}\r\n{"inputs": "별로예요", "parameters": {"top_k": 1}}',
        JSON_LINES,
    ),
    case(
        "JSON Lines: some are bad",
        '"좋아요"\n{"text": \n\n3\n{"text": "별로예요"}\n[]\n"\\ud800"',
        JSON_LINES,
    ),
    case("JSON Lines: one is not UTF-8", b'"\xec\xa2\x8b"\n"\xc1\xc1"\n"\xec\xa2\x8b"', JSON_LINES),
    case("CSV: one column", '좋아요\n"네, 별로예요"\n', CSV),
    case("CSV: two columns", '좋아요,별로예요\r\n"a ""b""",c\r\n', CSV),
    case("CSV: some are bad", '좋아요\n"열림\na,b,c\n\n별로예요', CSV),
    case("CSV: one is not UTF-8", b"\xec\xa2\x8b\n\xc1\xc1\n", "text/csv; charset=utf-8"),
    case("CSV: with a byte order mark", "\ufeff좋아요\n별로예요", CSV),
    case("plain text", "좋아요\n \n별로예요\n", PLAIN),
    *(
        case(f"Accept {accept} for {content_type}", body, content_type, accept=accept)
        for content_type, body in ((JSON, '{"inputs": ["좋아요", "별로예요"]}'), (CSV, "좋아요\n별로예요\n"))
        for accept in (
            JSON,
            JSON_LINES,
            CSV,
            "*/*",
            "application/*",
            "text/*",
            "text/html, application/json;q=0.9",
            "application/json;q=0.1, text/csv;q=0.9",
        )
    ),
    case("Accept with é", {"inputs": "좋아요"}, accept="application/json, é"),
    case("top_k as CSV", {"inputs": TEXTS[:3], "parameters": {"top_k": 2}}, accept=CSV),
    case("bad lines as CSV", '좋아요\n"열림\n', CSV, accept=CSV),
    case("bad lines as JSON", "좋아요\n\n", PLAIN, accept=JSON),
]

REFUSED = [
    case("an empty body", "", status=400, error="malformed_json"),
    case("half a body", '{"inputs": "좋', status=400, error="malformed_json"),
    case("text after the JSON", '{"inputs": "좋아요"} x', status=400, error="malformed_json"),
    case("nested too deep", '{"inputs": ' + "[" * 100_000, status=400, error="malformed_json"),
    case("NaN", '{"inputs": "좋아요", "parameters": {"threshold": NaN}}', status=400, error="malformed_json"),
    case("a name twice", '{"inputs": "좋아요", "inputs": "별로예요"}', status=400, error="malformed_json"),
    case("a number too long", '{"inputs": ' + "9" * 5000 + "}", status=400, error="malformed_json"),
    case("a byte order mark", '\ufeff{"inputs": "좋아요"}', status=400, error="malformed_json"),
    case("a list as the body", '["좋아요"]', status=400, error="wrong_type"),
    case("null as the body", "null", status=400, error="wrong_type"),
    case("no inputs", "{}", status=400, error="missing_field"),
    case("inputs: null", {"inputs": None}, status=400, error="wrong_type"),
    case("inputs: a number", {"inputs": 3}, status=400, error="wrong_type"),
    case("inputs: a list in a list", {"inputs": [["좋아요", "별로예요"]]}, status=400, error="wrong_type"),
    case("inputs: a null in a list", {"inputs": ["좋아요", None]}, status=400, error="wrong_type"),
    case("inputs: empty", {"inputs": []}, status=400, error="no_texts"),
    case("inputs: too many", {"inputs": ["a"] * 10_001}, status=413, error="too_many_texts"),
    case("a text: empty", {"inputs": ""}, status=400, error="empty_text"),
    case("a text: blank", {"inputs": ["좋아요", "\u200b \u3164"]}, status=400, error="empty_text"),
    case("a text: half a character", r'{"inputs": "\ud83d"}', status=400, error="half_character"),
    case("a text: too long", {"inputs": "a" * 100_001}, status=413, error="text_too_long"),
    case("a text: marks", {"inputs": "a" + "\u0301\u0316" * 5000}, status=400, error="too_many_marks"),
    case("a pair without a text", {"inputs": {"text_pair": "좋아요"}}, status=400, error="missing_field"),
    case("a pair: unknown field", {"inputs": PAIR | {"label": 1}}, status=400, error="unknown_field"),
    case("an unknown field", {"inputs": "좋아요", "options": {}}, status=400, error="unknown_field"),
    case(
        "an unknown field: half a character",
        r'{"inputs": "a", "\ud800": 1}',
        status=400,
        error="unknown_field",
    ),
    *(
        case(f"parameters: {given}", {"inputs": "좋아요", "parameters": given}, status=400, error=error)
        for given, error in (
            (None, "wrong_type"),
            ([], "wrong_type"),
            ({"topk": 2}, "unknown_parameter"),
            ({"top_k": 0}, "wrong_parameter"),
            ({"top_k": True}, "wrong_parameter"),
            ({"top_k": 1.5}, "wrong_parameter"),
            ({"threshold": 1.01}, "wrong_parameter"),
            ({"threshold": "0.5"}, "wrong_parameter"),
            ({"truncation": "no"}, "wrong_parameter"),
            ({"max_length": 0}, "wrong_parameter"),
            ({"max_length": 10**9}, "wrong_parameter"),
        )
    ),
    case(
        "parameters: half a character",
        r'{"inputs": "a", "parameters": {"\ud800": 2}}',
        status=400,
        error="unknown_parameter",
    ),
    case(
        "a text over the length, not to be cut",
        {"inputs": ["영화", "영화 " * 100], "parameters": {"truncation": False}},
        status=400,
        error="text_too_long",
    ),
    case("JSON Lines: an empty body", "", JSON_LINES, status=400, error="no_texts"),
    case("CSV: too many lines", "a\n" * 10_001, CSV, status=413, error="too_many_texts"),
    case(
        "JSON in UTF-16",
        '{"inputs": "좋아요"}'.encode("utf-16"),
        "application/json; charset=utf-8",
        status=400,
        error="not_utf_8",
    ),
    case(
        "JSON in CP949",
        '{"inputs": "좋아요"}'.encode("cp949"),
        "application/json; charset=utf-8",
        status=400,
        error="not_utf_8",
    ),
    case("no Content-Type", {"inputs": "좋아요"}, None, status=415, error="content_type_not_supported"),
    *(
        case(f"Content-Type {content_type}", {"inputs": "좋아요"}, content_type, status=415, error=error)
        for content_type, error in (
            ("application/x-npy", "content_type_not_supported"),
            ("text/html", "content_type_not_supported"),
            ("json", "content_type_not_supported"),
            ("application/json, text/csv", "content_type_not_supported"),
            ("application/json; charset=euc-kr", "charset_not_supported"),
        )
    ),
    case(
        "Accept image/png", {"inputs": "좋아요"}, accept="image/png", status=406, error="accept_not_supported"
    ),
    case("Accept nothing", {"inputs": "좋아요"}, accept="*/*;q=0", status=406, error="accept_not_supported"),
    # The toolkit refuses these before the handlers are asked.
    case("JSON in CP949, without a charset", '{"inputs": "좋아요"}'.encode("cp949"), status=400, error=""),
    case("CSV in CP949, without a charset", "좋아요".encode("cp949"), CSV, status=400, error=""),
]

CASES = ANSWERED + REFUSED
