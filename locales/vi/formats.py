"""Vietnamese: formats."""

from locales.formats import Formats

FORMATS = Formats(
    decimal=",",
    group=".",
    minus="−",
    dollars="{n} $",
    cents="{n} ¢",
    day_pattern="{day:02}/{month:02}/{year}",
    month_pattern="{month:02}/{year}",
    months=tuple(f"tháng {number}" for number in range(1, 13)),
)
