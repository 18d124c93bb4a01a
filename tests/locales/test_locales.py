"""Every language has every text, with the same placeholders; every text is used, and every used key exists."""

import ast
import re
import string
from pathlib import Path

import pytest

import locales
from bot.attachments.content import UNSEEN
from bot.command import Topic
from bot.error_texts import PERSONAL, VALUES, key_of
from bot.menu import discover
from bot.questions.personas import READY
from bot.scheduled.parsing import ScheduleFlaw
from bot.spending.ask_first import BRIEF, CHEAPER, GO_ON
from bot.spending.brake import Over
from documents.reading.file_content import Flaw
from engine import attempt_record
from engine.errors import ProviderError
from engine.routing.provider_health import Status
from locales.catalogs import SOURCE, TRANSLATION, read
from scheduler.alert_kinds import KINDS
from storage.billing import orders, payments
from storage.billing.subscriptions import CURRENT_STATES
from storage.schedules.scheduled_prompts import PausedFor
from tests.locales.places import ROOT, text_at, texts_at, uses_of
from tests.locales.used_keys import beginnings, called, literals
from tools.texts import placeholders, problems, source_text, translation_text
from web.miniapp.operators.tenants import FACTS

PAGE = ROOT / "web" / "miniapp" / "page"
ENGLISH = locales.LANGUAGES["en"]
OTHERS = [code for code in locales.LANGUAGES if code != locales.DEFAULT]

OUTCOMES = {
    attempt_record.ANSWERED,
    attempt_record.STOPPED,
    attempt_record.ABANDONED,
    attempt_record.UNREAD,
    attempt_record.HEDGED,
    attempt_record.CLOSING,
    attempt_record.NO_SPEECH,
    attempt_record.NO_PROVIDER,
    ProviderError.outcome,
    *(kind.outcome for kind in ProviderError.__subclasses__()),
}

FAMILIES: dict[str, set[str]] = {
    "access.wait_": {"approval", "invite"},
    "admin.access_": {"in", "pending", "declined"},
    "admin.mark_": {"pending", "declined"},
    "admin.subscription_": set(CURRENT_STATES),
    "log.action_": {
        "accept",
        "ban",
        "broadcast",
        "code",
        "credit",
        "decline",
        "drain",
        "exclusions",
        "invite",
        "refund",
        "resume",
        "revoke_key",
        "set_plan",
        "unban",
        "undo_credit",
        "undo_set_plan",
    },
    "chat.file_": {flaw.value for flaw in Flaw},
    "chat.part_": {"pages", "chars"},
    "chat.unseen_": set(UNSEEN),
    "alert.": {"key_refused", "balance_gone"},
    "alert.stars_": {"credited", "refunded", "amount", "unknown", "unlisted"},
    "button.": {"topup", "plan", "keys"},
    "cap.": {"day", "month"},
    "limit.button_": {"answer", "day"},
    "brake.": {*Over, GO_ON, BRIEF, CHEAPER, *(f"{way}_group" for way in (GO_ON, BRIEF, CHEAPER))},
    "command.": set(discover()),
    "help.topic_": set(Topic),
    "every.flaw_": {flaw.value for flaw in ScheduleFlaw},
    "every.skip_": {"late", "funds", "team", "limit", "day"},
    "every.paused_": {reason.value for reason in PausedFor if reason.value},
    "month.": {str(number) for number in range(1, 13)},
    "weekday.": {str(number) for number in range(1, 8)},
    "error.": {kind.__name__ for kind in VALUES},
    "incident.": set(KINDS),
    "keys.button_": {"limit", "rate", "models", "expiry", "name", "rotate"},
    "payment.": {"unknown", "other", "amount", "expired", "twice", "closed", "gone", "lower", "owed", "later"},
    "payment.kept_": {"gone", "replaced", "late", "lower", "twice", "owed"},
    "persona.": set(READY),
    "persona.prompt_": set(READY),
    "plan.is_": {"active", "canceled", "failed"},
    "providers.": {"drain", "resume"},
    "settings.": {"draft", "edit"},
    "variant.": {"again", "shorter", "longer"},
    "usage.": {"day", "model", "provider", "7", "30", "month"},
    "usage.title_": {"period", "month"},
    "why.outcome_": OUTCOMES,
    "why.charge_": {"wallet", "allowance", "both", "free"},
    "why.sponsor_": {"wallet", "allowance", "both"},
}
"""The keys that the code completes at run time, by their fixed beginning."""

PAGE_FAMILIES: dict[str, set[str]] = {
    "tab.": {"spend", "pay", "chats", "keys", "invoices", "tenants", "operator"},
    "tenants.": {"banned", "pending", "declined"},
    "tenant.": set(FACTS),
    "incident.": FAMILIES["incident."],
    "state.": {status.value for status in Status},
    "error.": {
        "offline",
        "broken",
        "invalid_init_data",
        "init_data_expired",
        "session_ended",
        "link_ended",
        "not_begun",
        "account_closed",
        "access_pending",
        "access_declined",
        "too_many_keys",
        "rate_limit_exceeded",
        "not_found",
        "telegram_silent",
        "nothing_to_probe",
        "idempotency_key_reused",
    },
}
FORMS = {"price", "exact", "month", "time", "clock", "seconds", "moment"}
NAMES = (
    "API",
    "CSV",
    "PDF",
    "JSON",
    "UTC",
    "token",
    "Token",
    "Telegram",
    "Stars",
    "VAT",
    "Farthing",
    "ms",
    "s",
    "auto",
)
"""Words that are the same in every language."""


def nested(code: str) -> set[tuple[str, str]]:
    """Return the texts that contain another text, with that text's key."""
    return {
        (key, spec)
        for key, text in locales.LANGUAGES[code].sentences.items()
        for form in text.forms
        for _, _, spec, _ in string.Formatter().parse(form)
        if spec and spec not in FORMS
    }


def page_code() -> str:
    return "".join(path.read_text() for path in sorted(PAGE.glob("*.js")))


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_is_translated(code: str) -> None:
    found = problems(locales.FOLDER, code)
    assert not found, f"translate these {len(found)} texts, until then shown in English: {', '.join(found[:20])}"


def test_catalogs_are_laid_out_as_make_texts_writes_them() -> None:
    assert (locales.FOLDER / "en" / SOURCE).read_text() == source_text(locales.FOLDER), "run `make texts`"
    for code in OTHERS:
        path = locales.FOLDER / code / TRANSLATION
        assert path.read_text() == translation_text(locales.FOLDER, code), "run `make texts`"


@pytest.mark.parametrize("code", OTHERS)
def test_no_text_is_left_in_english(code: str) -> None:
    """A text may equal the English one if only names, units and signs stand beside its placeholders."""
    own, english = read(locales.FOLDER / code), ENGLISH.sentences
    same = {key for key in own if own[key].general == english[key].general and not key.startswith(locales.FORMAT)}
    left = {key for key in same if re.sub(rf"\{{[^}}]*\}}|\b({'|'.join(NAMES)})\b|[\W\d_]", "", own[key].general)}
    assert texts_at(code, left) == [], "these texts equal the English ones: translate them, or add names to NAMES"


@pytest.mark.parametrize("code", locales.LANGUAGES)
def test_every_text_within_a_text_exists_and_counts(code: str) -> None:
    sentences = locales.LANGUAGES[code].sentences
    wrong = {key for key, name in nested(code) if name not in sentences or not sentences[name].count}
    assert texts_at(code, wrong) == [], "after the colon stands a form (price, exact, month, time …) or a counted noun"


def test_every_used_key_exists() -> None:
    missing = uses_of((literals() | called()) - set(ENGLISH.texts))
    assert not missing, f"locales/en/messages.pot lacks the texts of these keys: {', '.join(missing)}"


def test_every_completed_key_is_declared_here_and_exists() -> None:
    assert uses_of(beginnings() - set(FAMILIES)) == [], "declare the keys that these f-strings complete in FAMILIES"
    made = {head + tail for head, tails in FAMILIES.items() for tail in tails}
    missing = sorted(made - set(ENGLISH.texts))
    assert not missing, f"locales/en/messages.pot lacks the texts of these keys of FAMILIES: {', '.join(missing)}"


def test_no_text_is_unused() -> None:
    used = literals() | called() | {head + tail for head in beginnings() for tail in FAMILIES[head]}
    used |= {name for _, name in nested("en")}
    used |= {key_of(kind) for kind in VALUES} | {f"{key_of(kind)}_group" for kind in PERSONAL}
    assert texts_at("en", set(ENGLISH.texts) - used) == [], "nothing uses these texts"


def test_every_objection_to_a_payment_has_its_text() -> None:
    """The words that storage returns become keys: payment.<objection> and payment.kept_<reason>."""
    for module, head in ((orders, "payment."), (payments, "payment.kept_")):
        tree = ast.parse(Path(module.__file__ or "").read_text())
        returned = {
            node.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Constant)
        }
        assert {word for word in returned if isinstance(word, str) and word} <= FAMILIES[head]


def test_the_page_uses_every_text_and_no_other() -> None:
    code = page_code()
    keys = set(re.findall(r'"([a-z_]+(?:\.[a-z_]+)?)"', code)) & set(ENGLISH.miniapp)
    asked = set(re.findall(r'\bt\("([^"]+)"', code))
    heads = set(re.findall(r"`([a-z]+\.)\$\{", code))
    lacking = "locales/en lacks these texts, which web/miniapp/page uses"
    assert sorted(asked - set(ENGLISH.miniapp)) == [], lacking
    assert sorted(heads - set(PAGE_FAMILIES)) == [], "declare the keys that the page completes in PAGE_FAMILIES"
    made = {head + tail for head in heads for tail in PAGE_FAMILIES[head]}
    assert sorted(made - set(ENGLISH.miniapp)) == [], lacking
    assert texts_at("en", set(ENGLISH.miniapp) - keys - made, "miniapp") == [], "the page uses none of these texts"


def test_every_text_of_the_invoice_is_used() -> None:
    source = (ROOT / "documents" / "invoice.py").read_text()
    kinds = {"plan", "plan_credit", "topup", "credit", "refund", "repayment", "other"}
    unused = [key for key in ENGLISH.invoice if f'"{key}"' not in source and key not in kinds]
    assert texts_at("en", unused, "invoice") == [], "documents/invoice.py uses none of these texts"


@pytest.mark.parametrize("code", locales.LANGUAGES)
def test_every_text_can_be_filled_in(code: str) -> None:
    """The page and the invoice can fill in only plain placeholders."""
    for key, text in locales.LANGUAGES[code].sentences.items():
        for form in text.forms:
            filled = locales.text(code, key, **dict.fromkeys(placeholders(form) | {text.count}, "2"))
            assert "{" not in filled, text_at(code, key)
            assert ":" not in "".join(re.findall(r"\{.*?\}", form)) or not key.startswith(("pdf.", "page.")), text_at(
                code, key
            )


def test_every_folder_is_a_language() -> None:
    folders = {path.name for path in (ROOT / "locales").iterdir() if any(path.glob("*.po*"))}
    assert set(locales.LANGUAGES) == folders
    assert all(language.code == code and language.name for code, language in locales.LANGUAGES.items())


@pytest.mark.parametrize("code", locales.LANGUAGES)
def test_button_labels_are_short(code: str) -> None:
    texts = locales.LANGUAGES[code].texts
    labels = {key for key in texts if key.startswith("button.") and key not in {"button.stale", "button.not_yours"}}
    labels |= {"plan.cancel", "plan.resume", "topup.other", "topup.yes", "keys.make", "keys.no_limit", "forget.yes"}
    labels |= {"access.accept", "access.refuse", "alert.mute", "alert.drain", "alert.probe", "chat.as_text"}
    assert texts_at(code, (key for key in labels if len(texts[key]) > 20)) == [], "labels of at most 20 characters"
