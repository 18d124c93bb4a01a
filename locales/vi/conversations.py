"""Vietnamese: the list of conversations, instructions and personas."""

TEXTS = {
    "history.head": "**Các cuộc trò chuyện của bạn**, mới nhất trước. Cuộc có dấu • đang mở.\n\n/history TỪ KHÓA để tìm cuộc có các từ đó.",
    "history.none": "Bạn chưa có cuộc trò chuyện nào. Cứ nhắn cho tôi.",
    "history.found": "Các cuộc trò chuyện có “{words}”:",
    "history.not_found": "Không có cuộc trò chuyện nào có “{words}”.",
    "history.one": "**{title}**\n{n} câu hỏi, câu cuối ngày {day}.",
    "history.is_open": "\nCuộc này đang mở.",
    "history.resume": "▶️ Tiếp tục",
    "history.delete": "🗑 Xóa",
    "history.back": "‹ Quay lại",
    "history.newer": "‹ Mới hơn",
    "history.older": "Cũ hơn ›",
    "history.resumed": "Bạn đã trở lại “{title}”. Mời bạn nói tiếp.",
    "history.gone": "Cuộc trò chuyện này đã bị xóa.",
    "history.sure": "Xóa “{title}” cùng {n} câu hỏi và các câu trả lời? Không thể hoàn tác.",
    "history.deleted": "Đã xóa cuộc trò chuyện.",
    "history.untitled": "Không có tên",
    "instructions.head": "**Tôi luôn ghi nhớ:**\n{text}\n\nVai của cuộc trò chuyện này: {persona}",
    "instructions.none": (
        "Hãy cho tôi biết điều tôi nên luôn nhớ hoặc làm, ví dụ nghề của bạn, trình độ ngoại ngữ hay độ dài câu trả lời. "
        "Tôi nhận nó cùng mỗi câu hỏi trong trò chuyện riêng; nó được tính như một phần của câu hỏi.\n\nVai của cuộc trò chuyện này: {persona}"
    ),
    "instructions.change": "✏️ Sửa",
    "instructions.clear": "🗑 Xóa hết",
    "instructions.personas": "🎭 Các vai",
    "instructions.ask": "Hãy gửi nội dung, tối đa {most} ký tự. Nó sẽ thay cho nội dung hiện tại.",
    "instructions.kept": "Từ nay tôi sẽ ghi nhớ điều đó.",
    "instructions.cleared": "Đã xóa chỉ dẫn của bạn.",
    "instructions.unchanged": "Không có gì thay đổi.",
    "instructions.long": "Nội dung có {n} ký tự; tối đa là {most}. Hãy rút ngắn lại.",
    "persona.head": "**Tôi nên trả lời thế nào trong cuộc này?** Lựa chọn có hiệu lực đến khi /new.",
    "persona.nobody": "Không đóng vai",
    "persona.new": "➕ Vai mới",
    "persona.one": "**{name}**\n{prompt}",
    "persona.ask": "Hãy gửi tên ở dòng đầu, và từ dòng thứ hai là cách vai này trả lời. Ví dụ:\n\nCướp biển\nTrả lời như một tên cướp biển, nhưng thông tin phải đúng.",
    "persona.needs_lines": "Tôi cần ít nhất hai dòng: dòng đầu là tên, sau đó là cách vai này trả lời.",
    "persona.long": "Nội dung quá dài: tên tối đa {name} ký tự, phần mô tả tối đa {prompt}.",
    "persona.too_many": "Bạn đã có {most} vai, là mức tối đa. Hãy xóa bớt một vai.",
    "persona.kept": "Đã lưu “{name}”.",
    "persona.teacher": "Giáo viên kiên nhẫn",
    "persona.prompt_teacher": (
        "Bạn là một giáo viên kiên nhẫn. Hãy giải thích từng bước bằng lời giản dị, nêu ý chính trước chi tiết, cho một ví dụ ngắn, "
        "và kết thúc bằng một câu hỏi để kiểm tra người học đã hiểu chưa."
    ),
    "persona.editor": "Biên tập viên",
    "persona.prompt_editor": (
        "Bạn là biên tập viên. Hãy sửa văn bản người dùng gửi: chữa lỗi, bỏ phần thừa, giữ giọng văn và ngôn ngữ của tác giả. "
        "Gửi văn bản đã sửa trước, rồi liệt kê ngắn ba thay đổi quan trọng nhất."
    ),
    "persona.translator": "Phiên dịch",
    "persona.prompt_translator": (
        "Bạn là phiên dịch giữa tiếng Việt và tiếng Anh. Hãy dịch nội dung người dùng gửi sang ngôn ngữ kia, tự nhiên như người bản xứ và giữ nguyên giọng điệu. "
        "Chỉ gửi bản dịch; nếu người dùng nêu ngôn ngữ khác thì dịch sang ngôn ngữ đó."
    ),
    "persona.programmer": "Lập trình viên",
    "persona.prompt_programmer": (
        "Bạn là lập trình viên giàu kinh nghiệm. Hãy trả lời bằng mã chạy được trước, rồi giải thích ngắn. Nêu phiên bản và giả định quan trọng, "
        "xử lý lỗi, và nói rõ khi có điều chưa chắc chắn."
    ),
    "persona.sparring": "Người phản biện",
    "persona.prompt_sparring": (
        "Bạn là người phản biện sắc sảo và thân thiện. Hãy thử thách ý tưởng của người dùng: nêu phản đối mạnh nhất, giả định ẩn và một phương án tốt hơn, "
        "mỗi điều vài câu. Đừng khen lấy lòng."
    ),
}
