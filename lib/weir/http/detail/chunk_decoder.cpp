#include <weir/http/detail/chunk_decoder.hpp>

#include <weir/http/detail/message_lines.hpp>

#include <algorithm>
#include <cstddef>
#include <string>

namespace weir::http::detail {

chunk_decoder::chunk_decoder(const response_limits& limits)
    : limits_(limits), trailers_("trailer section", limits.trailer_bytes, limits.trailer_fields)
{
}

result<chunk_decoder::state> chunk_decoder::read(std::string_view& bytes, headers& trailers)
{
    constexpr std::size_t line_end = 2; // CR LF
    for (;;) {
        if (part_ == part::trailers) {
            const auto now = trailers_.read(lines_, bytes, trailers);
            if (!now)
                return now.error();
            return *now == field_section::state::end ? state::end : state::more;
        }
        if (part_ == part::data) {
            if (bytes.empty())
                return state::more;
            data_ = bytes.substr(0, std::min<std::uint64_t>(left_, bytes.size()));
            bytes.remove_prefix(data_.size());
            left_ -= data_.size();
            data_bytes_ += data_.size();
            if (left_ == 0)
                part_ = part::data_end;
            return state::data;
        }
        const bool size = part_ == part::size;
        const auto found = lines_.next(bytes, size ? limits_.chunk_line_bytes : line_end);
        if (found == line_splitter::state::more)
            return state::more;
        const auto next = size ? begin_chunk(found) : end_data(found);
        if (!next)
            return next.error();
        tolerated_ = tolerated_ || lines_.line().bare_lf;
        part_ = *next;
    }
}

result<chunk_decoder::part> chunk_decoder::begin_chunk(line_splitter::state found)
{
    if (found == line_splitter::state::too_long)
        return failure(error_class::too_large,
                       "the size and extensions of a chunk have more than " +
                           std::to_string(limits_.chunk_line_bytes) + " bytes");
    const auto chunk = read_chunk_line(lines_.line().text);
    if (!chunk)
        return chunk.error();
    extension_bytes_ += chunk->extension;
    if (extension_bytes_ > limits_.extension_bytes &&
        extension_bytes_ - limits_.extension_bytes > data_bytes_)
        return failure(error_class::too_large,
                       "the extensions of chunks have " + std::to_string(extension_bytes_) +
                           " bytes, after " + std::to_string(data_bytes_) + " of the body");
    tolerated_ = tolerated_ || chunk->blank_after_size;
    left_ = chunk->size;
    return left_ == 0 ? part::trailers : part::data;
}

result<chunk_decoder::part> chunk_decoder::end_data(line_splitter::state found) const
{
    if (found == line_splitter::state::too_long || !lines_.line().text.empty())
        return invalid("the data of a chunk is longer than its size");
    return part::size;
}

} // namespace weir::http::detail
