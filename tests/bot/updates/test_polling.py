from bot.updates.polling import next_offset


def test_offset_confirms_all_stored_updates_in_any_order() -> None:
    assert next_offset([{"update_id": 1000}, {"update_id": 5}]) == 1001


def test_no_offset_is_sent_after_an_empty_answer() -> None:
    assert next_offset([]) == 0
