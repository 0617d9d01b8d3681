#include <weir/http/detail/line_splitter.hpp>

#include <algorithm>

namespace weir::http::detail {

line_splitter::state line_splitter::next(std::string_view& bytes, std::size_t most)
{
    if (kept_whole_)
        kept_.clear();
    kept_whole_ = false;
    const std::size_t room = most - std::min(most, kept_.size());
    const std::size_t end = bytes.substr(0, room).find('\n');
    if (end == std::string_view::npos) {
        searched_ += std::min(bytes.size(), room);
        if (bytes.size() > room)
            return state::too_long;
        kept_ += bytes;
        bytes = {};
        return state::more;
    }
    searched_ += end + 1;
    std::string_view whole = bytes.substr(0, end + 1);
    bytes.remove_prefix(end + 1);
    if (!kept_.empty()) {
        kept_ += whole;
        kept_whole_ = true;
        whole = kept_;
    }
    line_.bytes = whole.size();
    whole.remove_suffix(1);
    line_.bare_lf = !whole.ends_with('\r');
    if (!line_.bare_lf)
        whole.remove_suffix(1);
    line_.text = whole;
    return state::line;
}

} // namespace weir::http::detail
