"""A third language with a few texts only: a copy of the folder of languages that includes Russian."""

import shutil
from pathlib import Path

import locales
from locales.catalogs import TRANSLATION

PLURALS = "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);"
HEADER = f"""\
msgid ""
msgstr ""
"Language: ru\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {PLURALS}\\n"
"""
TEXTS = """
msgctxt "command.new"
msgid "Start a new conversation"
msgstr "Начать новый разговор"

msgctxt "group.share {n}"
msgid "• {name}: {usd}, {n} answer"
msgid_plural "• {name}: {usd}, {n} answers"
msgstr[0] "• {name}: {usd}, {n} ответ"
msgstr[1] "• {name}: {usd}, {n} ответа"
msgstr[2] "• {name}: {usd}, {n} ответов"

msgctxt "pdf.invoice"
msgid "Invoice"
msgstr "Счёт"

msgctxt "page.tab.keys"
msgid "Keys"
msgstr "Ключи"

msgctxt "page.tokens {n}"
msgid "{n} token"
msgid_plural "{n} tokens"
msgstr[0] "{n} токен"
msgstr[1] "{n} токена"
msgstr[2] "{n} токенов"
"""


def with_russian(folder: Path, texts: str = HEADER + TEXTS) -> Path:
    """Return a folder of languages that includes Russian."""
    shutil.copytree(locales.FOLDER, folder / "locales", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "locales" / "ru").mkdir()
    (folder / "locales" / "ru" / TRANSLATION).write_text(texts)
    return folder / "locales"
