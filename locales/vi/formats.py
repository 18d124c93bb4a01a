"""Vietnamese: formats. Dates are ISO, so that they match the CSV files."""

from locales.formats import Formats

FORMATS = Formats(decimal=".", group=",", minus="−", day_pattern="%Y-%m-%d", month_pattern="%Y-%m")
