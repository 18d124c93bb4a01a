"""Vietnamese: conversations, commands, settings and duties."""

TEXTS = {
    "menu.app": "Tài khoản",
    "command.start": "Tôi làm được gì và bạn còn bao nhiêu",
    "command.help": "Hướng dẫn sử dụng",
    "command.new": "Bắt đầu cuộc trò chuyện mới",
    "command.stop": "Dừng câu trả lời",
    "command.retry": "Hỏi lại câu gần nhất",
    "command.ask": "Hỏi tôi (trong nhóm)",
    "command.model": "Chọn mô hình",
    "command.usage": "Token và tiền bạn đã dùng",
    "command.plan": "Xem hoặc đổi gói",
    "command.topup": "Nạp tiền bằng Telegram Stars",
    "command.invoice": "Hóa đơn các tháng trước (PDF)",
    "command.keys": "Khóa API cho chương trình của bạn",
    "command.why": "Biên nhận của câu trả lời gần nhất",
    "command.settings": "Ngôn ngữ, chân trang, bộ nhớ, bảng",
    "command.export": "Tải toàn bộ dữ liệu về bạn",
    "command.forget": "Xóa các cuộc trò chuyện của bạn",
    "command.terms": "Điều khoản dịch vụ",
    "command.privacy": "Lưu những gì và lưu bao lâu",
    "command.paysupport": "Hỗ trợ thanh toán",
    "start.hello": (
        "Chào {name}! Tôi trả lời mọi câu hỏi bằng mô hình AI rẻ nhất đang hoạt động, và cho bạn thấy chính xác chi phí.\n\n"
        "**Cứ nhắn cho tôi.** Gói *{plan}* của bạn còn {left} token.\n\n"
        "/model để chọn mô hình, /usage để xem mức dùng, /why cho biết ai đã trả lời và giá bao nhiêu, /help liệt kê các lệnh còn lại."
    ),
    "help.head": "**Tôi làm được gì**\n\nHãy nhắn tin, gửi ảnh kèm câu hỏi, hoặc gửi tệp văn bản hay PDF. Trong nhóm, hãy dùng /ask hoặc trả lời tin nhắn của tôi.\n",
    "help.voice": "\nTin nhắn thoại cũng được: tôi chép thành chữ trước, {price} mỗi phút, trừ vào ví của bạn.\n",
    "help.privacy_on": "\nTrong nhóm tôi chỉ thấy lệnh và tin trả lời tôi. Tôi thấy được lời nhắc tên khi quản trị viên cho tôi làm quản trị viên.",
    "new.done": "Đã bắt đầu cuộc trò chuyện mới. Mời bạn hỏi.",
    "new.nothing": "Cuộc trò chuyện này vẫn còn mới.",
    "stop.nothing": "Hiện tôi không trả lời câu nào.",
    "retry.nothing": "Không có gì để hỏi lại: cuộc trò chuyện này còn mới.",
    "ask.usage": "Hãy viết câu hỏi sau lệnh, ví dụ: /ask Núi Everest cao bao nhiêu?",
    "chat.stopped_empty": "Đã dừng trước khi có câu trả lời. Không tính phí.",
    "chat.refused": "Mô hình từ chối trả lời câu này.",
    "chat.tokens": "{n} token",
    "chat.restarted": "{provider} bị đứt giữa chừng; {by} đã trả lời lại từ đầu.",
    "chat.stopped": "Đã dừng. Phí cho phần đã nhận: {paid}.",
    "chat.filtered": "Bộ lọc an toàn của nhà cung cấp đã dừng câu trả lời này.",
    "chat.as_text": "Hiện dạng chữ",
    "chat.text_gone": "Câu trả lời này không còn được lưu nên tôi không hiện lại thành chữ được. Hãy hỏi lại.",
    "chat.length": "Câu trả lời đã chạm giới hạn độ dài. Hãy nhắn “tiếp đi” để nhận phần còn lại.",
    "chat.forgot": "Cuộc trò chuyện dài hơn mức mô hình đọc được, nên từ đây các tin cũ nhất bị bỏ qua. /new để bắt đầu cuộc mới.",
    "chat.anonymous": "Người gửi ẩn danh không có ví để trả phí. Hãy nhắn bằng tài khoản của bạn, tôi sẽ trả lời.",
    "chat.old": "Bạn hỏi câu này khi tôi ngoại tuyến. Bạn còn muốn tôi trả lời không?",
    "chat.answer_old": "Có, trả lời đi",
    "chat.no_voice": "Tôi không nghe được bản ghi âm: ở đây chưa cài chép lời. Hãy viết câu hỏi.",
    "chat.unreadable": "Tôi không đọc được nội dung này. Hãy gửi văn bản, ảnh, tệp văn bản hoặc PDF.",
    "chat.file_kind": "Tôi không đọc được loại tệp này. Hãy gửi tệp văn bản hoặc PDF.",
    "chat.file_empty": "Tôi không thấy chữ nào trong tệp đó. Nếu là bản quét, hãy gửi từng trang dưới dạng ảnh.",
    "chat.file_long": "Tệp quá dài: tối đa {chars} ký tự. Hãy gửi tệp ngắn hơn.",
    "chat.image_kind": "Tôi xem được ảnh JPEG, PNG, WebP và GIF. Hãy gửi dưới dạng ảnh, đừng gửi dưới dạng tệp.",
    "chat.file_gone": "Telegram không đưa tệp đó cho tôi. Không tính phí. Hãy gửi lại.",
    "chat.file_big": "Tệp quá lớn: Telegram chỉ cho tôi tải tối đa 20 MB. Hãy gửi tệp nhỏ hơn.",
    "chat.files_minute": "Bạn gửi quá {minute} tệp trong một phút. Hãy chờ một lát rồi gửi lại.",
    "chat.files_day": "Bạn đã dùng hết {mb} MB tệp của một ngày. Văn bản vẫn gửi được; ngày mai hãy gửi tệp tiếp.",
    "voice.long": "Bản ghi âm dài quá: tối đa {minutes} phút. Không tính phí. Hãy gửi bản ngắn hơn.",
    "voice.nothing": "Tôi không nghe thấy lời nào trong bản ghi âm. Không tính phí. Hãy thử lại, hoặc viết câu hỏi.",
    "voice.wallet_short": (
        "Bản ghi âm được trả từ ví, ví có {wallet} USD; bạn cần thêm ít nhất {missing} USD. Chưa tải gì và không tính phí. "
        "Câu hỏi viết ra thì dùng gói của bạn."
    ),
    "voice.old": "Bản ghi âm này đến cách đây hơn một giờ, khi tôi ngoại tuyến. Nếu vẫn cần câu trả lời, hãy gửi lại: nghe tốn một ít phí.",
    "unknown_command": "Tôi không biết lệnh đó. /help liệt kê các lệnh.",
    "in_private_only": "Lệnh này chỉ dùng trong trò chuyện riêng: hãy mở @{bot} và gửi /{command} ở đó.",
    "button.stale": "Nút này không còn dùng được. Hãy gửi lại lệnh.",
    "button.not_yours": "Nút này dành cho người khác.",
    "button.topup": "⭐ Nạp tiền",
    "button.plan": "Các gói",
    "button.keys": "Khóa API",
    "button.cancel": "Hủy",
    "access.welcome": "Bạn đã được vào: cứ nhắn cho tôi.",
    "access.wait_approval": "Chào bạn! Người vận hành duyệt từng người và đã được hỏi về bạn. Khi có quyết định, tôi sẽ nhắn ngay.",
    "access.wait_invite": "Chào bạn! Bot này chỉ dành cho người được mời. Hãy mở liên kết mời, hoặc gửi /start CODE với mã mời của bạn.",
    "access.bad_code": "Mã mời không hợp lệ hoặc đã được dùng. Hãy xin một mã khác.",
    "access.declined": "Người vận hành đã từ chối yêu cầu của bạn. Chỉ mã số và tên Telegram của bạn được lưu.",
    "access.banned": "Người vận hành đã đóng tài khoản của bạn. Ví vẫn được giữ; hỏi về thanh toán: /paysupport.",
    "access.unbanned": "Tài khoản của bạn đã mở lại: cứ nhắn cho tôi.",
    "model.choose": "**Mô hình nào nên trả lời?** Hiện tại: *{model}*.\n\n{lines}",
    "model.auto": "auto: rẻ nhất đang hoạt động, {usd} USD mỗi 1 triệu token, trừ vào gói trước",
    "model.markup": "{name}: giá vốn × {times}, từ ví (hiện khoảng {usd} USD mỗi câu)",
    "model.flat": "{name}: {usd} USD mỗi 1 triệu token, trừ vào gói trước",
    "model.more": "\n• mô hình khác: /model TÊN, ví dụ {name}",
    "model.named": "{name}: khoảng {usd} USD mỗi câu, từ ví",
    "model.set": "Từ nay *{model}* sẽ trả lời.",
    "why.none": "Chưa có câu trả lời nào nên chưa có biên nhận. Hãy hỏi tôi trước đã.",
    "why.head": "**Biên nhận** cho *{model}*: {charge}, {seconds} giây",
    "why.charge_wallet": "{usd} USD từ ví",
    "why.charge_allowance": "{tokens} token từ gói",
    "why.charge_both": "{tokens} token từ gói và {usd} USD từ ví",
    "why.charge_free": "không tính phí",
    "why.tokens": "\n{input} token vào ({cached} từ bộ đệm), {output} token ra{estimated}.",
    "why.estimated": " (ước lượng: nhà cung cấp không báo)",
    "why.tried": "\n\n**Đã hỏi, theo thứ tự**\n{lines}",
    "why.attempt": "{n}. {offer}: {outcome}, {seconds} giây{cost}",
    "why.route": "\n\n**Thứ tự dự kiến, rẻ nhất trước**\n{lines}",
    "why.dropped": "\n\n**Bị loại**\n{lines}",
    "why.gpt4o": "\n\nGPT-4o theo giá niêm yết: {usd} USD.",
    "why.cost": " · giá vốn {usd} USD",
    "why.answered": "đã trả lời",
    "why.stopped": "bạn đã dừng",
    "settings.head": (
        "**Cài đặt**\n\nNgôn ngữ: {language}\nChân trang có phí: {footer}\nBộ nhớ: {memory} tin\nCách hiện: {stream}\n"
        "Bảng dạng tin nhắn phong phú (cần ứng dụng mới): {tables}"
    ),
    "settings.on": "bật",
    "settings.off": "tắt",
    "settings.draft": "bản nháp",
    "settings.edit": "tin được sửa",
    "settings.button_footer": "Bật/tắt chân trang",
    "settings.button_stream": "Bản nháp/sửa tin",
    "settings.button_memory": "Nhớ {n}",
    "settings.button_tables": "Bật/tắt bảng phong phú",
    "export.done": "Toàn bộ dữ liệu tôi có về bạn.",
    "forget.sure": (
        "Xóa mọi cuộc trò chuyện, câu trả lời đã lưu, biên nhận và tên của bạn? Không thể hoàn tác.\n"
        "Dữ liệu thanh toán vẫn được giữ theo luật, không kèm tên. Ví và gói vẫn là của bạn."
    ),
    "forget.kept": "Không xóa gì cả.",
    "forget.yes": "Có, xóa",
    "forget.done": "Xong. Đã xóa tên của bạn và {n} tin. Các khoản thanh toán vẫn ở trong sổ, chỉ ghi bằng một con số.",
    "terms.text": (
        "**Điều khoản** ngày {version}\n\n1. Câu trả lời đến từ mô hình AI của nhiều nhà cung cấp và có thể sai. "
        "Hãy kiểm tra điều quan trọng.\n2. Token của gói chỉ dùng trong kỳ đã mua; ví không hết hạn.\n"
        "3. Mỗi câu trả lời tính phí một lần, cho phần đã nhận, theo giá ở /model. Câu trả lời hỏng không tính phí.\n"
        "4. Dùng trái pháp luật thì tài khoản bị đóng.\n"
        "5. Thanh toán bằng Telegram Stars. Hoàn tiền: /paysupport. Bộ phận hỗ trợ của Telegram không giải quyết được giao dịch ở đây."
    ),
    "terms.seller": "\n\nNgười vận hành: {seller}",
    "privacy.text": (
        "**Quyền riêng tư**\n\nCâu hỏi của bạn được gửi tới nhà cung cấp trả lời nó (/why nêu tên). "
        "Câu hỏi được giữ trong cuộc trò chuyện này đến 30 ngày sau /new, hoặc đến khi bạn dùng /forget. "
        "Sổ sách chỉ giữ con số, không giữ nội dung. Nhật ký không chứa câu hỏi. "
        "/export đưa bạn mọi dữ liệu, /forget xóa chúng.{voice}{free}"
    ),
    "privacy.voice": "\n\nBản ghi âm của bạn còn được gửi tới {provider} để chép thành chữ; bản ghi âm không được lưu ở đây.",
    "privacy.free": "\n\nĐang dùng bậc miễn phí: nhà cung cấp của nó có thể dùng câu hỏi của bạn để huấn luyện.",
    "paysupport.operator": "người vận hành",
    "paysupport.text": (
        "**Hỗ trợ thanh toán**\n\nHãy viết cho {contact}: chuyện gì đã xảy ra, ngày nào và số tiền bao nhiêu. "
        "Chúng tôi trả lời trong hai ngày và hoàn tiền cho những gì chưa giao. "
        "Bộ phận hỗ trợ của Telegram không giải quyết được giao dịch ở đây."
    ),
}
