"""Vietnamese: commands and alerts for operators."""

TEXTS = {
    "command.providers": "Nhà cung cấp: tình trạng, giá, điều khiển",
    "command.tenants": "Liệt kê hoặc tìm khách: [CHỮ]",
    "command.tenant": "Xem một khách: ID, @username hoặc tên",
    "command.credit": "Cộng tiền vào ví: ID USD",
    "command.setplan": "Đổi gói của một khách: ID PLAN",
    "command.ban": "Chặn một khách: ID",
    "command.unban": "Bỏ chặn hoặc cho vào: ID",
    "command.margin": "Doanh thu, giá vốn, lãi gộp: [DAYS]",
    "command.alerts": "Sự cố đang mở",
    "command.refund": "Hoàn tiền một khoản thanh toán: CHARGE_ID",
    "command.code": "Tạo mã nạp tiền: USD [N]",
    "command.invite": "Tạo mã mời: [N]",
    "command.access": "Những người đang chờ duyệt",
    "command.log": "Ai đã thay đổi gì: [ID]",
    "command.jobs": "Lần chạy gần nhất của các tác vụ",
    "command.broadcast": "Gửi tin cho mọi người: TEXT",
    "help.admin": "\n**Dành cho người vận hành**\n",
    "providers.head": "**Nhà cung cấp**\n\n{lines}",
    "providers.line": "{mark} **{name}**: {status}{reason}{latency}{price}{more}",
    "providers.is_answering": "đang trả lời",
    "providers.is_failing": "đang lỗi ({percent} % lần gọi{since})",
    "providers.since": ", từ {at} UTC",
    "providers.is_resting": "tạm nghỉ đến {until} UTC",
    "providers.is_out": "ngừng hoạt động đến khi lỗi được sửa",
    "providers.is_drained_by": "do {by} ngừng giao việc",
    "providers.is_drained": "đã ngừng giao việc",
    "providers.page": "trang trạng thái ghi: {said}",
    "providers.offer_rests": "{model} tạm nghỉ đến {until} UTC",
    "providers.offer_fails": "{model} bị lỗi ở những lần gọi gần nhất",
    "providers.offer_out": "{model} ngừng hoạt động đến khi lỗi được sửa",
    "providers.offers_more": "còn {n} mô hình khác không trả lời",
    "providers.limit": ", giới hạn {n} mỗi phút",
    "providers.free": ", bậc miễn phí của {model}: hôm nay còn {n}",
    "providers.reason": ", {reason}",
    "providers.latency": ", token đầu sau {ms} ms",
    "providers.price": ", {model} {input:price}/{output:price} mỗi 1 triệu token",
    "providers.unconfigured": "\nChưa cấu hình: {names}",
    "providers.drain": "Ngừng {name}",
    "providers.resume": "Dùng lại {name}",
    "providers.probe": "Thử {name}",
    "providers.probed": "{name} trả lời được.",
    "providers.probe_failed": "{name} bị lỗi: {outcome}.",
    "providers.drained": "{name} không nhận câu hỏi nào cho đến khi bạn dùng lại.",
    "providers.resumed": "{name} đã hoạt động lại.",
    "admin.usage": "Cách dùng: {usage}",
    "admin.no_tenant": "Không có khách nào là {id}: theo mã khách, mã Telegram, @username hay tên. /tenants liệt kê tất cả.",
    "admin.bad_amount": "“{text}” không phải số tiền lớn hơn 0. Hãy viết như 5 hoặc 0.50.",
    "admin.no_plan": "Không có gói {plan}. Các gói: {plans}.",
    "admin.tenant": (
        "**{name}** · khách {id} · Telegram {telegram}\nGói {plan}, còn {left} trong {allowance} token, gia hạn {renews}\n"
        "Ví {wallet}, tạm giữ {held}, còn nợ {owed}{banned}"
    ),
    "admin.banned": "\n**Đã bị chặn**",
    "admin.tenant_more": "\nTham gia {since}, {access}{blocked} · điều khoản {terms} · khóa API: {keys}\nTháng này: {prompts} câu trả lời, thu {charged}, giá vốn {cost}",
    "admin.access_in": "được dùng",
    "admin.access_pending": "đang chờ duyệt",
    "admin.access_declined": "đã từ chối",
    "admin.blocked": ", đã chặn bot",
    "admin.subscription": "\nĐăng ký gói {plan}: {state}, đến {until}",
    "admin.subscription_active": "đang hoạt động",
    "admin.subscription_canceled": "đã hủy",
    "admin.subscription_failed": "thanh toán lỗi",
    "admin.payment": "\n{day}: {stars} ⭐ `{charge}`{refunded}",
    "admin.payment_refunded": " (đã hoàn)",
    "admin.mark_banned": " · đã chặn",
    "admin.mark_pending": " · đang chờ",
    "admin.mark_declined": " · đã từ chối",
    "admin.older": "Cũ hơn ▸",
    "admin.tenants": "**Khách: {count}**, mới nhất trước:\n\n{lines}",
    "admin.yes": "Có, thực hiện",
    "admin.nothing_done": "Không có gì thay đổi.",
    "admin.bad_change": "“{text}” không phải số tiền. Hãy viết như 5, 0.50, hoặc -2 để trừ từ ví; nhiều nhất 1000000.",
    "admin.credit_sure": "Cộng {amount} vào ví của {name}? Ví đang có {wallet}.",
    "admin.debit_sure": "Trừ {amount} từ ví của {name}? Ví đang có {wallet}; phần thiếu được ghi nợ.",
    "admin.debited": "Đã trừ tiền. Ví của {name} có {wallet}, còn nợ {owed}.",
    "admin.plan_sure": "Chuyển {name} từ gói {before} sang gói {plan}?",
    "admin.ban_sure": "Chặn {name}? Bot và API sẽ từ chối mọi yêu cầu của khách này. Ví vẫn giữ {wallet}; bạn có thể hoàn tác.",
    "admin.refund_sure": "Hoàn {stars} ⭐ cho {name}? Ví đang có {wallet}; phần thiếu được ghi nợ.",
    "admin.credited": "Đã cộng tiền. Ví của {name} có {wallet}.",
    "admin.plan_set": "{name} đang dùng gói {plan}.",
    "admin.ban_done": "Đã chặn {name}.",
    "admin.unban_done": "{name} lại được dùng bot.",
    "admin.refund_unknown": "Không có khoản thanh toán nào mang mã đó. /tenant ID liệt kê các khoản của một khách.",
    "admin.refund_done": "Đã hoàn: trừ {taken} từ ví, còn nợ {owed}.",
    "admin.refund_failed": "Telegram từ chối hoàn tiền: {reason}. Chưa ghi gì vào sổ.",
    "admin.several": "Có nhiều khách khớp {text}; hãy dùng mã số:\n\n{lines}",
    "admin.found": "**Tìm thấy**\n\n{lines}",
    "admin.undo": "Hoàn tác",
    "admin.yourself": "Đây là tài khoản của chính bạn.",
    "admin.ban_operator": "{name} là người vận hành: không chặn người vận hành. Trước hết hãy bỏ mã đó khỏi ADMIN_IDS.",
    "admin.last_error": "\nLỗi gần nhất: {outcome} ở {where}, {at} UTC",
    "admin.button_keys": "Khóa API",
    "admin.button_plan": "Gói",
    "admin.button_ban": "Chặn",
    "admin.button_unban": "Bỏ chặn",
    "admin.button_log": "Nhật ký",
    "admin.refresh": "Làm mới",
    "admin.back": "◂ Quay lại",
    "admin.plans": "{name} đang dùng gói {plan}. Chuyển sang:",
    "admin.keys": "**Khóa API của {name}**\n\n{lines}",
    "admin.no_keys": "Khách này không có khóa API.",
    "admin.revoke": "Thu hồi {prefix}…",
    "admin.revoke_sure": "Thu hồi khóa {prefix}…? Chương trình đang dùng khóa bị từ chối ngay. Không hoàn tác được; có thể tạo khóa mới.",
    "admin.revoked": "Đã thu hồi khóa {prefix}….",
    "log.head": "**Việc người vận hành đã làm**, mới nhất trước:\n\n{lines}",
    "log.line": "{at} {by}: {action}{tenant}{detail}",
    "log.tenant": ", khách {id}",
    "log.admin_key": "khóa quản trị",
    "log.empty": "Chưa người vận hành nào thay đổi gì.",
    "jobs.head": "**Tác vụ** (giờ UTC)\n\n{lines}",
    "jobs.none": "Chưa tác vụ nào chạy.",
    "jobs.line": "{mark} {name}: {at}, {state}{late}",
    "jobs.took": "mất {ms} ms",
    "jobs.running": "đang chạy",
    "jobs.failed": "lỗi: {error}",
    "jobs.late": ", trễ {seconds} giây",
    "broadcast.missed": " Không tới được {missed} người: {names}.",
    "access.asked": "**{name}**{username} (khách {id}) xin dùng bot.",
    "access.accept": "Đồng ý",
    "access.refuse": "Từ chối",
    "access.let_in": "Đã cho {name} vào.",
    "access.turned_away": "Đã từ chối {name}.",
    "access.decided": "Việc này đã được quyết định rồi.",
    "access.list": "**Đang chờ duyệt** (chế độ: {mode})\n\n{lines}\n\n/unban ID để cho một người vào.",
    "access.nobody": "Không có ai đang chờ.",
    "code.made": "{count} × {usd}. Mỗi mã dùng một lần và chỉ hiện lúc này. Để nạp: /topup CODE\n\n{lines}",
    "invite.made": "Số mã mời: {count}. Mỗi mã cho một người và chỉ hiện lúc này:\n\n{lines}",
    "broadcast.usage": "Hãy viết nội dung sau lệnh, trong một tin: /broadcast Chúng tôi đã trở lại.",
    "broadcast.sure": "{count} người sẽ nhận tin này:\n\n{text}",
    "broadcast.send": "Gửi tới {count}",
    "broadcast.begun": "Đang gửi. Khi xong tôi sẽ báo.",
    "broadcast.dropped": "Đã hủy: không ai nhận được.",
    "broadcast.decided": "Việc này đã được quyết định rồi.",
    "broadcast.text": "{text}",
    "broadcast.done": "Đã gửi xong: {sent} người nhận được.{missed}",
    "margin.head": (
        "**Lãi gộp {days} ngày qua**\n\nThu {charge} + token của gói trị giá {allowance} − giá vốn {cost} − hao phí "
        "{waste} = **{margin}**{percent}\n\n{lines}"
    ),
    "margin.line": "{day} · {offer}: {prompts} câu trả lời, thu {charge}, giá vốn {cost}, lãi {margin}",
    "margin.percent": " · {percent} % doanh thu",
    "margin.stars": "\n\nStars trong thời gian này: {stars}, chi trả {payout}.\nChưa phải doanh thu: {liability} (ví {wallets}, token chưa dùng của gói {allowances}).",
    "margin.chart": "Lãi gộp {days} ngày qua",
    "margin.sold": "Đã bán: ví và gói",
    "margin.spent": "Giá vốn và hao phí",
    "margin.days": "{days} ngày",
    "margin.none": "Không có câu trả lời nào trong thời gian này.",
    "alerts.none": "Không có sự cố nào đang mở.",
    "alerts.head": "**Sự cố đang mở**\n\n{lines}",
    "alerts.line": "{subject}: {kind} từ {since} UTC",
    "alerts.is_muted": " · tắt tiếng đến {until}",
    "alerts.is_acknowledged": " · đã ghi nhận",
    "alerts.mute": "Tắt tiếng {subject} 1 giờ",
    "alerts.ack": "✓ {subject}",
    "alerts.muted": "Đã tắt tiếng một giờ.",
    "alerts.acknowledged": "Đã ghi nhận: bạn đang xử lý.",
    "incident.provider_down": "ngừng hoạt động",
    "incident.key_refused": "khóa bị từ chối",
    "incident.balance_gone": "hết số dư",
    "incident.everything_down": "mọi thứ ngừng hoạt động",
    "incident.offer_down": "mô hình ngừng hoạt động",
    "incident.offer_avoided": "mô hình bị tránh",
    "incident.offer_slow": "chậm",
    "incident.balance_low": "sắp hết số dư",
    "incident.database_slow": "cơ sở dữ liệu chậm",
    "incident.disk_low": "đĩa gần đầy",
    "incident.clock_wrong": "đồng hồ sai",
    "incident.other_poller": "một tiến trình khác đang nhận tin của bot",
    "cap.day": "ngày",
    "cap.month": "tháng",
    "alert.provider_down": (
        "🔴 {provider} ngừng hoạt động: {error}, {count} lần lỗi\n\nTừ {since} UTC · gần nhất: {error}{status}{limited}\n"
        "Trước đó phục vụ {share} % lưu lượng. {now}{mend}{page}{returned}"
    ),
    "alert.limited": "\nNhà cung cấp còn trả lời 429 (giới hạn tốc độ) {n} lần, nên có thể giới hạn đã bị giảm.",
    "alert.now": "Hiện {offer} trả lời, {usd} mỗi câu.",
    "alert.nobody": "Hiện không nhà cung cấp nào khác trả lời được!",
    "alert.provider_back": "🟢 {provider} đã trở lại sau {minutes} phút. Trong lúc đó các bên khác trả lời {prompts} câu, hết {cost}{more}.",
    "alert.more": " (đi vòng tốn thêm: {usd})",
    "alert.key_refused": "\nKhóa API bị từ chối: hãy thay khóa trong cấu hình. Mỗi phút được thử lại một lần, miễn phí.",
    "alert.balance_gone": "\nSố dư ở đó đã hết: hãy nạp thêm. Mỗi phút được thử lại một lần, miễn phí.",
    "alert.one_key": "🔑 {provider} từ chối một khóa API ({error}); các khóa khác vẫn hoạt động. Mỗi phút khóa đó được thử lại một lần, miễn phí.",
    "alert.returned": "\nĐã trở lại rồi lại ngừng: {n} lần.",
    "alert.relapsed": "🔴 {subject} đã trở lại rồi lại ngừng: xem tin ở trên.",
    "alert.everything_down": "🚨 Mọi thứ ngừng hoạt động: {what} Người dùng được báo, không tính phí.\n{states}",
    "alert.failed_everywhere": "{count} câu hỏi thất bại ở mọi nhà cung cấp từ {since} UTC.",
    "alert.all_rest": "mọi nhà cung cấp đang tạm nghỉ hoặc ngừng hoạt động.",
    "alert.model_rests": "mọi nơi bán {models} đang tạm nghỉ hoặc ngừng hoạt động.",
    "alert.everything_back": "🟢 Đã trả lời lại được, sau {minutes} phút.",
    "alert.offer_avoided": (
        "🟡 {offer} đang bị tránh: {percent} % lần gọi bị lỗi ({error})\n\nTính trong 5 phút kể từ {since} UTC. Nơi này chưa ngừng hoạt động, "
        "nên vẫn được gọi khi dự tính rẻ hơn.\nViệc đi vòng tốn khoảng {usd} mỗi ngày: các lần gọi lãng phí, và câu trả lời đắt hơn từ nơi khác.{returned}"
    ),
    "alert.offer_preferred": "🟢 {offer} đã trả lời ổn định trở lại, sau {minutes} phút.",
    "alert.limit_fell": "📉 {offer} trả lời 429 ở mức {now} yêu cầu/phút; trước đây nhận được {before}. Từ giờ tôi giữ dưới mức này.",
    "alert.price_unreadable": (
        "🏷 Không đọc được chính xác giá của {offer}. Nguồn này bị loại ra cho "
        'đến khi danh mục có giá đọc được hoặc [prices."{offer}"] trong farthing.toml đặt giá.'
    ),
    "alert.usage_disputed": (
        "🧮 {offer} báo mức dùng tự mâu thuẫn: các phần và tổng không khớp ({count} câu trả lời trong giờ qua). "
        "Số lớn hơn được ghi sổ, cả token lẫn giá vốn. Hãy so với hóa đơn của nhà cung cấp."
    ),
    "alert.price_changed": (
        "🏷 {offer} có giá mới: {new_input:price}/{new_output:price} mỗi 1 triệu token vào/ra; trước là {old_input:price}/{old_output:price}.\n"
        "Theo mức dùng 7 ngày qua, giá vốn mỗi tuần thay đổi {more}, lãi từ {margin} thành {after}."
    ),
    "alert.invoice_off": "📕 Một hóa đơn chưa được lập vì sổ sách không khớp: {what}. Hãy chạy `python -m main audit`.",
    "alert.wrong_admin_keys": (
        "🔐 {n} khóa quản trị sai được gửi tới trong một phút. Trong lúc đó, khóa sai bị từ chối với mã 429; "
        "ADMIN_API_KEY đúng vẫn luôn dùng được. Nếu bạn không gõ nhầm, có thể có người đang dò khóa."
    ),
    "alert.page": "\nTrang trạng thái của nơi này ghi: {said}",
    "alert.offer_slow": (
        "🐢 {offer} đang chậm: cứ 20 câu trả lời có một câu chờ từ đầu tiên {now_ms} ms trở lên; tuần trước đó là {usual_ms} ms.\n\n"
        "Nơi này được gọi ít hơn khi chờ đợi tốn hơn một nơi khác. Chưa cần làm gì; nếu kéo dài, hãy tạm ngưng nó."
    ),
    "alert.offer_slow_over": "🟢 {offer} đã nhanh như thường lệ, sau {minutes} phút.",
    "alert.balance_low": "🪫 {provider} còn {balance}; bạn muốn được báo khi dưới {least}.{lasts}\n\nHãy nạp thêm ở đó: khi hết tiền, nhà cung cấp khác sẽ trả lời, theo giá của họ.",
    "alert.lasts": " Với mức chi của tuần qua, số này đủ dùng {days} ngày.",
    "alert.balance_cny": "¥{amount}",
    "alert.balance_up": "🔋 {provider} đã được nạp thêm: hiện có {balance}.",
    "alert.margin_low": (
        "🟠 Hôm nay {model} lãi dưới mức sàn {floor} % của bạn: {prompts} câu trả lời bán được {sold}, tốn {cost}, lãi {margin}.\n\n"
        "/margin cho thấy từng ngày; hãy tăng usd_per_mtok hoặc markup, hoặc chọn nơi rẻ hơn."
    ),
    "alert.anomaly": (
        "📈 {name} (khách {id}) dùng {tokens} token trong một giờ qua, {answers} câu trả lời; bình thường là {usual}. Đã tính {charge}.\n\n"
        "Có thể một chương trình chạy lặp hoặc khóa bị lộ. /tenant {id} có nút thu hồi khóa hoặc chặn."
    ),
    "alert.database_slow": (
        "🐌 Cơ sở dữ liệu đang chậm: một lần ghi nhỏ mất {seconds} giây. Câu trả lời phải chờ.\n\n"
        "Hãy xem tải của đĩa và máy; với PostgreSQL, tìm giao dịch đang giữ khóa."
    ),
    "alert.database_slow_over": "🟢 Cơ sở dữ liệu đã nhanh như thường lệ, sau {minutes} phút.",
    "alert.disk_low": (
        "💾 Đĩa gần đầy: còn {megabytes} MB; bạn muốn được báo khi dưới {least} MB. Hết chỗ thì không ghi sổ được, "
        "nên không câu hỏi nào được trả lời.\n\nHãy dọn đĩa, hoặc chuyển cơ sở dữ liệu hay bản sao lưu: DATABASE_URL, và folder trong [backup]."
    ),
    "alert.disk_low_over": "🟢 Đĩa đã có chỗ trống, sau {minutes} phút.",
    "alert.clock_wrong": (
        "🕰 Đồng hồ của máy này {off} so với Telegram. Giá theo giờ, kỳ của gói và ngày trong sổ sách đều theo đồng hồ này.\n\n"
        "Hãy bật đồng bộ thời gian: `timedatectl set-ntp true`."
    ),
    "alert.clock_slow": "chậm {seconds} giây",
    "alert.clock_fast": "nhanh {seconds} giây",
    "alert.clock_wrong_over": "🟢 Đồng hồ của máy này đã đúng, sau {minutes} phút.",
    "alert.other_poller": (
        "👯 Một tiến trình khác đang nhận tin của bot này (thấy lúc {since} UTC): mỗi tin chỉ tới một trong hai, nên có thể thiếu câu trả lời.\n\n"
        "Hãy dừng tiến trình kia. Nếu không biết nó là gì, hãy thu hồi token ở @BotFather và đặt token mới."
    ),
    "alert.other_poller_over": "🟢 Không còn tiến trình nào khác nhận tin của bot này, sau {minutes} phút.",
    "alert.scheduler_late": (
        "⏰ Không tác vụ nào chạy trong {minutes} phút, từ {since} tới {until} UTC: dịch vụ đã dừng, hoặc máy quá tải hay ngủ. "
        "Cảnh báo về khoảng thời gian đó giờ mới tới."
    ),
    "alert.group": "{sections}",
    "alert.providers": "Mọi nhà cung cấp",
    "alert.mute": "Tắt tiếng 1 giờ",
    "alert.drain": "Ngừng giao việc",
    "alert.probe": "Thử",
    "alert.audit": "⚖️ **Sổ sách không khớp**: lần kiểm toán đêm qua thấy {n} vấn đề.\n{rules}\nChạy `python -m main audit` để xem từng dòng.",
    "alert.backup": "💾 **Sao lưu ban đêm thất bại**: {error}",
    "alert.cap_near": "🟠 Chi phí nhà cung cấp đã tới {percent} % mức trần của {per} này: {spent} trong {most}. Khi chạm trần, câu hỏi mới bị từ chối.",
    "alert.cap_full": (
        "🔴 Chi phí nhà cung cấp đã chạm mức trần của {per} này: {spent} trong {most} ({percent} %). "
        "Câu hỏi mới bị từ chối đến hết {per}, hoặc đến khi bạn nâng trần trong [house]."
    ),
    "alert.model_loses": (
        "🟠 {model} hôm nay lỗ {lost}; max_loss_usd_per_day là {most}. "
        "Đến 00:00 UTC, các nơi có giá vốn cao hơn giá bán bị bỏ qua. Nếu không còn nơi nào, câu hỏi mới bị từ chối."
    ),
    "alert.farming": '🟠 {count} tài khoản mới trong một giờ: gói miễn phí có thể đang bị lạm dụng. /tenants để xem; [access] mode = "approval" để duyệt từng tài khoản mới.',
    "alert.stars_credited": "🟠 Telegram có một khoản thanh toán chưa tới bot; nay đã cộng: {stars} ⭐ `{charge}`.",
    "alert.stars_refunded": "🟠 Telegram có một khoản hoàn tiền chưa tới bot; nay đã ghi sổ: {stars} ⭐ `{charge}`.",
    "alert.stars_amount": "🔴 Một khoản bị lệch: Telegram ghi {stars} ⭐, sổ ghi {ours} ⭐ `{charge}`. Chưa đổi gì.",
    "alert.stars_unknown": "🟠 Telegram có một khoản thanh toán không thuộc về ai trong sổ: {stars} ⭐ `{charge}`. Chưa ghi gì.",
    "alert.stars_more": "… và {count} khoản tương tự, tổng cộng {stars} ⭐. Nhật ký ghi từng khoản.",
    "alert.stars_unlisted": "🔴 Telegram không có một khoản thanh toán hay hoàn tiền trong sổ: {ours} ⭐ `{charge}`.",
    "alert.subscription_goes_on": "🟠 Telegram không chịu hủy đăng ký đã thay của người dùng {user}, gói {plan} (`{charge}`). Stars thu thêm sẽ vào ví.",
    "digest.day": (
        "📒 **{day}**\n\n{prompts} câu trả lời · {tokens} token\n"
        "Thu {charge} + gói {allowance} − giá vốn {cost} − hao phí {waste} = **{margin}**{percent}\n"
        "Lần gọi bị lỗi: {failures}{worst} · câu hỏi không được trả lời: {unanswered}\n"
        "Stars: {stars}, chi trả {payout} · chưa phải doanh thu: {liability}\n\n**Khách dùng nhiều nhất**\n{tenants}\n\n"
        "**Sự cố**\n{incidents}"
    ),
    "digest.tenant": "• {name}: {prompts} câu trả lời · {tokens} token · {usd}",
    "digest.incident": "• {subject}: {kind}, {since}–{until} UTC",
    "digest.quiet": "📒 {day}: một ngày yên ắng, không ai hỏi gì.",
}
