// Every word of the page. A test holds the two languages to the same keys.
export const TEXTS = {
  en: {
    "outside": "This page opens in Telegram: press the menu button beside the text field of the bot's chat.",
    "again": "Try again", "cancel": "Cancel", "done": "Done", "copy": "Copy", "copied": "Copied.", "copy_by_hand": "Selected: copy it by hand.",
    "tokens": "{n} tokens",
    "tab.spend": "Spend", "tab.keys": "Keys", "tab.invoices": "Invoices", "tab.house": "House",
    "plan": "Plan", "wallet": "Wallet", "left": "{left} of {all} tokens left", "renews": "Renews on {day}", "becomes": "{plan} from {day}",
    "held": "{usd} are held for answers under way", "owed": "{usd} are owed after a refund; the next top-up pays them first",
    "spend.none": "Nothing was asked in this period yet. Write to the bot, and it shows here.", "spend.none_that_day": "Nothing was asked on that day.",
    "spend.tokens": "Tokens this period", "spend.charged": "From the wallet", "spend.by_day": "Tokens by day", "spend.period": "By model", "spend.all": "All days", "spend.by_plan": "by the plan",
    "spend.bar": "{day}: {tokens} tokens, {usd}", "spend.sum": "Answers: {prompts} · tokens paid by the plan: {covered}",
    "keys.what": "For your programs: OpenAI's protocol at this address.", "keys.none": "You have no keys yet.",
    "keys.new": "New key", "keys.name": "Name", "keys.name_hint": "laptop", "keys.limit": "Tokens a month", "keys.no_limit": "No limit of its own", "keys.a_month": "{n} a month", "keys.create": "Make it",
    "keys.full": "You have {n} keys, which is the most. Revoke one first.",
    "keys.made": "made {day}", "keys.last": "last used {day}", "keys.never": "never used", "keys.used": "{used} tokens this month", "keys.used_of": "{used} of {limit} tokens this month",
    "keys.once_title": "Your new key", "keys.once": "It is shown this once. Copy it now: nobody can show it again.",
    "keys.revoke": "Revoke", "keys.revoke_title": "Revoke {name}?", "keys.revoke_sure": "No program can use {prefix}… any more, at once and for good.", "keys.revoked": "Revoked.",
    "invoices.none": "No invoice yet. Each month in which money moved gets one on the 1st of the next.", "invoices.pdf": "PDF",
    "invoices.else": "If your phone doesn't save the file: /invoice in the chat sends it.",
    "house.incidents": "Incidents", "house.no_incidents": "None open, and none within a week.", "house.open": "open", "house.closed": "over", "house.since": "since {at}", "house.acknowledged": "somebody is on it", "house.muted": "muted until {at}",
    "house.providers": "Providers", "house.no_providers": "None is configured.", "house.unconfigured": "Not configured: {names}", "house.price": "{model}: {input} in, {output} out per 1M",
    "house.first_word": "first word in {ms} ms", "house.odds": "{percent} % of tries fail", "house.limit": "takes {n} a minute", "house.retry": "again in {seconds} s", "house.free": "free tier of {model}: {n} left today",
    "house.margin": "Margin this month", "house.no_margin": "Nothing was answered this month yet.", "house.offer": "Offer", "house.sold": "Sold", "house.cost": "Cost", "house.left": "Margin", "house.more": "{n} more",
    "house.more_totals": "Waste, within the cost: {waste} · Stars: {stars}, paid out at {payout} · Still to be served: {liability}",
    "state.closed": "up", "state.open": "down", "state.half_open": "trying", "state.resting": "resting", "state.drained": "drained",
    "incident.provider_down": "down", "incident.key_refused": "key refused", "incident.balance_gone": "balance gone", "incident.everything_down": "everything is down",
    "error.offline": "There is no answer. Are you online?", "error.broken": "Something broke on our side; nothing was charged.",
    "error.invalid_init_data": "Telegram's word for you could not be checked. Close this and open it again with the bot's menu button.", "error.init_data_expired": "This was opened more than a day ago. Close it and open it again.",
    "error.not_begun": "We haven't met: press Start in the bot's chat, then open this again.",
    "error.account_closed": "The operator has closed this account. Your wallet stays; questions about payments: /paysupport in the chat.",
    "error.access_pending": "Welcome! The operator lets people in one by one. The bot will write as soon as you are in.",
    "error.access_declined": "The operator of this bot has declined. Nothing was kept but your Telegram id and name.",
    "error.too_many_keys": "You have as many keys as there may be. Revoke one first.", "error.rate_limit_exceeded": "That was often. Please try again later.", "error.not_found": "That is gone already.",
  },
  vi: {
    "outside": "Trang này mở trong Telegram: hãy bấm nút menu cạnh ô nhập tin trong cuộc trò chuyện với bot.",
    "again": "Thử lại", "cancel": "Hủy", "done": "Xong", "copy": "Sao chép", "copied": "Đã sao chép.", "copy_by_hand": "Đã chọn: hãy tự sao chép.",
    "tokens": "{n} token",
    "tab.spend": "Chi tiêu", "tab.keys": "Khóa", "tab.invoices": "Hóa đơn", "tab.house": "Vận hành",
    "plan": "Gói", "wallet": "Ví", "left": "Còn {left} trong {all} token", "renews": "Gia hạn ngày {day}", "becomes": "Chuyển sang {plan} từ {day}",
    "held": "{usd} đang tạm giữ cho câu trả lời đang chạy", "owed": "Còn nợ {usd} sau khi hoàn tiền; lần nạp tới sẽ trả trước",
    "spend.none": "Kỳ này bạn chưa hỏi gì. Hãy nhắn cho bot, rồi mức dùng sẽ hiện ở đây.", "spend.none_that_day": "Ngày đó bạn không hỏi gì.",
    "spend.tokens": "Token kỳ này", "spend.charged": "Trừ từ ví", "spend.by_day": "Token theo ngày", "spend.period": "Theo mô hình", "spend.all": "Mọi ngày", "spend.by_plan": "gói chi trả",
    "spend.bar": "{day}: {tokens} token, {usd}", "spend.sum": "Câu trả lời: {prompts} · token do gói chi trả: {covered}",
    "keys.what": "Cho chương trình của bạn: giao thức OpenAI tại địa chỉ này.", "keys.none": "Bạn chưa có khóa nào.",
    "keys.new": "Khóa mới", "keys.name": "Tên", "keys.name_hint": "máy tính", "keys.limit": "Token mỗi tháng", "keys.no_limit": "Không giới hạn riêng", "keys.a_month": "{n} mỗi tháng", "keys.create": "Tạo khóa",
    "keys.full": "Bạn có {n} khóa, là tối đa. Hãy thu hồi một khóa trước.",
    "keys.made": "tạo {day}", "keys.last": "dùng lần cuối {day}", "keys.never": "chưa dùng", "keys.used": "{used} token tháng này", "keys.used_of": "{used} trong {limit} token tháng này",
    "keys.once_title": "Khóa mới của bạn", "keys.once": "Khóa chỉ hiện một lần này. Hãy sao chép ngay: không ai có thể cho xem lại.",
    "keys.revoke": "Thu hồi", "keys.revoke_title": "Thu hồi {name}?", "keys.revoke_sure": "Không chương trình nào dùng được {prefix}… nữa, ngay lập tức và vĩnh viễn.", "keys.revoked": "Đã thu hồi.",
    "invoices.none": "Chưa có hóa đơn. Tháng nào có tiền ra vào thì hóa đơn được lập ngày 1 tháng sau.", "invoices.pdf": "PDF",
    "invoices.else": "Nếu điện thoại không lưu được tệp: /invoice trong cuộc trò chuyện sẽ gửi nó.",
    "house.incidents": "Sự cố", "house.no_incidents": "Không có sự cố nào đang mở hay trong tuần qua.", "house.open": "đang mở", "house.closed": "đã qua", "house.since": "từ {at}", "house.acknowledged": "đã có người lo", "house.muted": "im lặng đến {at}",
    "house.providers": "Nhà cung cấp", "house.no_providers": "Chưa cấu hình nhà cung cấp nào.", "house.unconfigured": "Chưa cấu hình: {names}", "house.price": "{model}: vào {input}, ra {output} mỗi 1M",
    "house.first_word": "chữ đầu sau {ms} ms", "house.odds": "{percent} % lần thử thất bại", "house.limit": "nhận {n} mỗi phút", "house.retry": "thử lại sau {seconds} giây", "house.free": "bậc miễn phí của {model}: còn {n} hôm nay",
    "house.margin": "Lãi gộp tháng này", "house.no_margin": "Tháng này chưa có câu trả lời nào.", "house.offer": "Mô hình", "house.sold": "Doanh thu", "house.cost": "Giá vốn", "house.left": "Lãi gộp", "house.more": "Thêm {n}",
    "house.more_totals": "Hao phí, trong giá vốn: {waste} · Stars: {stars}, chi trả {payout} · Còn phải phục vụ: {liability}",
    "state.closed": "chạy tốt", "state.open": "ngừng", "state.half_open": "đang thử", "state.resting": "đang nghỉ", "state.drained": "đã tạm rút",
    "incident.provider_down": "ngừng hoạt động", "incident.key_refused": "khóa bị từ chối", "incident.balance_gone": "hết số dư", "incident.everything_down": "mọi thứ ngừng hoạt động",
    "error.offline": "Không có phản hồi. Bạn có đang trực tuyến không?", "error.broken": "Có lỗi ở phía chúng tôi; bạn không bị tính tiền.",
    "error.invalid_init_data": "Không xác minh được bạn qua Telegram. Hãy đóng rồi mở lại bằng nút menu của bot.", "error.init_data_expired": "Trang này đã mở hơn một ngày. Hãy đóng rồi mở lại.",
    "error.not_begun": "Ta chưa gặp nhau: hãy bấm Start trong cuộc trò chuyện với bot, rồi mở lại trang này.",
    "error.account_closed": "Người vận hành đã đóng tài khoản này. Ví của bạn vẫn còn; hỏi về thanh toán: /paysupport trong cuộc trò chuyện.",
    "error.access_pending": "Chào bạn! Người vận hành duyệt từng người. Khi bạn được vào, bot sẽ nhắn ngay.",
    "error.access_declined": "Người vận hành bot này đã từ chối. Chỉ mã số và tên Telegram của bạn được giữ lại.",
    "error.too_many_keys": "Bạn đã có số khóa tối đa. Hãy thu hồi một khóa trước.", "error.rate_limit_exceeded": "Quá nhiều lần. Xin thử lại sau.", "error.not_found": "Mục đó không còn nữa.",
  },
};

let spoken = "en";
export const language = () => spoken;

// As Telegram writes it: "vi", "pt-br". English stands in for what nobody translated.
export function speak(code) {
  const wanted = String(code || "en").toLowerCase().split("-")[0];
  spoken = wanted in TEXTS ? wanted : "en";
  document.documentElement.lang = spoken;
}

export function t(key, values = {}) {
  const text = TEXTS[spoken][key];
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// A text for a key that may be new to this page.
export const known = (key, otherwise) => (key in TEXTS[spoken] ? t(key) : otherwise);

export const said = (code) => known(`error.${code}`, t("error.broken"));
