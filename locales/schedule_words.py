"""The words for repetitions in all languages together, as parts of regular expressions."""

EVERY = r"every|each|on|the|mỗi|hằng|hàng|vào|các|cứ"
AT = r"at|@|lúc|vào lúc|from|từ"
HOURS, MINUTES, DAYS, WEEKS = r"hours?|hrs?|h|giờ|tiếng", r"minutes?|mins?|phút", r"days?|ngày", r"weeks?|tuần"
ONE_HOUR = r"hour|hourly|giờ|tiếng"
DAY = r"day|everyday|daily|ngày"
WORKDAYS = r"weekdays?|workdays?|(?:business|working|work) days?|ngày thường|ngày làm việc|ngày trong tuần"
WEEKEND = r"weekends?|cuối tuần|ngày cuối tuần"
MONTH = r"month|monthly|tháng"
OF_MONTH = r"of (?:the|each|every) month|(?:hằng|hàng|mỗi) tháng"
LAST_DAY = r"(?:the )?last day|ngày cuối tháng|ngày cuối cùng|cuối tháng"
ORDINAL = r"(\d{1,2})(?:st|nd|rd|th)"
MONTH_DAY = r"(?:ngày )?(?:mùng|mồng) (\d{1,2})"
NUMBERED_DAY = r"(?:ngày|day|on day|on the) (\d{1,2})"
AND, TO = r"\s*(?:,|&|and|và)\s*", r"\s*(?:-|–|to|through|đến|tới)\s*"
WEEKDAYS = (
    r"mondays?|mon|thứ hai|thứ 2|t2",
    r"tuesdays?|tues?|thứ ba|thứ 3|t3",
    r"wednesdays?|wed|thứ tư|thứ bốn|thứ 4|t4",
    r"thursdays?|thurs?|thu|thứ năm|thứ 5|t5",
    r"fridays?|fri|thứ sáu|thứ 6|t6",
    r"saturdays?|sat|thứ bảy|thứ bẩy|thứ 7|t7",
    r"sundays?|sun|chủ nhật|cn",
)
"""From Monday on."""
BEFORE_NOON = r"a\.?m\.?|o'clock|morning|sáng"
AFTER_NOON = r"p\.?m\.?|afternoon|evening|chiều|tối"
NIGHT = r"night|đêm|khuya"
MIDDAY = r"trưa"
PARTS_OF_DAY = r"mornings?|afternoons?|evenings?|nights?|sáng|chiều|tối|đêm"
LATE_PARTS = r"afternoons?|evenings?|nights?|chiều|tối|đêm"
NOON, MIDNIGHT = r"noon|midday|giữa trưa", r"midnight|nửa đêm"
HALF = "rưỡi"
HOUR_SIGN = r"giờ|h"
