#include <weir/http/detail/coding_step.hpp>

#include <string>
#include <utility>

namespace weir::http::detail {

std::unique_ptr<coding_step> make_coding_step(content_coding which, memory_account& memory)
{
    switch (which) {
    case content_coding::gzip:
        return make_gzip_step(memory);
    case content_coding::deflate:
        return make_deflate_step(memory);
    case content_coding::br:
        return make_brotli_step(memory);
    case content_coding::zstd:
        break;
    }
    return make_zstd_step(memory);
}

failure broken_coding(content_coding which, std::string_view how)
{
    std::string text = "the body is no valid ";
    text.append(name(which)).append(": ").append(how);
    return {error_class::protocol, std::move(text)};
}

failure no_memory_for(content_coding which, const memory_account& memory)
{
    std::string text(name(which));
    if (const memory_account* const whole = memory.full_whole())
        return {error_class::too_large, "decoding " + text + " takes more than is left of the " +
                                            std::to_string(whole->limit()) +
                                            " bytes of memory for all responses"};
    if (!memory.refused())
        return {error_class::internal, "there is no memory to decode " + text};
    return {error_class::too_large, "decoding " + text + " takes more than the limit of " +
                                        std::to_string(memory.limit()) + " bytes of memory"};
}

} // namespace weir::http::detail
