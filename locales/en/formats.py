"""English: formats."""

from locales.formats import Formats

FORMATS = Formats(
    decimal=".",
    group=",",
    minus="−",
    dollars="${n}",
    cents="{n} ¢",
    day_pattern="{day} {name} {year}",
    month_pattern="{name} {year}",
    months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
