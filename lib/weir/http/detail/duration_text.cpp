#include <weir/http/detail/duration_text.hpp>

#include <chrono>

namespace weir::http::detail {

std::string text_of(duration length)
{
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(length).count();
    std::string text = std::to_string(ms / 1000);
    if (ms % 1000 != 0) {
        text += "." + std::to_string(1000 + ms % 1000).substr(1);
        text.resize(text.find_last_not_of('0') + 1);
    }
    return text + " s";
}

} // namespace weir::http::detail
