from engine.routing.offer_health import SlotDemand


def test_place_is_worth_less_while_others_are_free() -> None:
    demand = SlotDemand()
    for saving in range(30):
        demand.add(10, saving)
    assert demand.slot_atto(10, 10, free=0) == 19
    assert demand.slot_atto(11, 10, free=5) == 9
    assert demand.slot_atto(12, 10, free=10) == 0
