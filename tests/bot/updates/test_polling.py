from bot.updates.polling import confirming


def test_the_offset_confirms_everything_that_was_stored_whatever_its_order() -> None:
    assert confirming([{"update_id": 1000}, {"update_id": 5}]) == 1001


def test_after_silence_no_offset_hides_ids_that_began_anew() -> None:
    assert confirming([]) == 0
