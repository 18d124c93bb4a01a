"""Tests of uploads and downloads."""

from tests.sandbox.telegram.bot_api import ANN, Bot, upload


async def test_document_is_sent_and_downloaded_again(bot: Bot) -> None:
    answer = await upload(bot, "sendDocument", "document", b"a,b\n1,2\n", name="usage.csv", caption="Your usage")
    message = answer.json()["result"]
    assert (message["document"]["file_name"], message["caption"]) == ("usage.csv", "Your usage")
    found = await bot.call("getFile", file_id=message["document"]["file_id"])
    assert found["file_size"] == 8
    assert found["file_path"].endswith(".csv")
    url = f"{bot.sandbox.telegram_url}/file/bot{bot.sandbox.token}/{found['file_path']}"
    assert (await bot.http.get(url)).content == b"a,b\n1,2\n"


async def test_upload_of_a_person_can_be_downloaded_by_the_bot(bot: Bot) -> None:
    form = {"chat_id": str(ANN), "user_id": str(ANN), "caption": "listen"}
    files = {"file": ("voice.ogg", b"OggS...", "audio/ogg")}
    assert (await bot.http.post(f"{bot.sandbox.url}/api/upload", data=form, files=files)).status_code == 200
    (update,) = await bot.updates()
    voice = update["message"]["voice"]
    path = (await bot.call("getFile", file_id=voice["file_id"]))["file_path"]
    answer = await bot.http.get(f"{bot.sandbox.telegram_url}/file/bot{bot.sandbox.token}/{path}")
    assert answer.content == b"OggS..."


async def test_invalid_files_are_refused(bot: Bot) -> None:
    assert await bot.refused("getFile", file_id="nothing") == "Bad Request: invalid file_id"
    assert await bot.refused("sendPhoto", chat_id=ANN) == "Bad Request: there is no photo in the request"
    why = await bot.refused("sendDocument", chat_id=ANN, document="nothing")
    assert why == "Bad Request: wrong file identifier/HTTP URL specified"
    big = bot.world.keep_file("big.bin", "application/octet-stream", bytes(20 * 1024 * 1024 + 1))
    assert await bot.refused("getFile", file_id=big) == "Bad Request: file is too big"
    long = await upload(bot, "sendPhoto", "photo", b"\x89PNG", caption="c" * 1025)
    assert long.json()["description"] == "Bad Request: message caption is too long"
    huge = await upload(bot, "sendPhoto", "photo", bytes(10 * 1024 * 1024 + 1))
    assert "is too big for a photo" in huge.json()["description"]
