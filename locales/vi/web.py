"""Vietnamese: the page of GET /."""

TEXTS = {
    "home.about": (
        "Một địa chỉ cho mô hình của nhiều nhà cung cấp: mỗi câu hỏi được nhà cung cấp rẻ nhất đang hoạt động trả lời, "
        "và được tính tiền chính xác."
    ),
    "home.base": "Chương trình viết cho API của OpenAI dùng được với địa chỉ gốc này:",
    "home.key": (
        "Để có khóa API, hãy gửi /keys cho bot Telegram của dịch vụ này, hoặc hỏi người vận hành. "
        "Gửi khóa trong tiêu đề “Authorization: Bearer”."
    ),
    "home.example": "Thử ngay:",
    "home.more": "Mọi lệnh gọi được mô tả trong",
}
