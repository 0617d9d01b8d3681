// Feeds libFuzzer's bytes to the content decoder: however a good body is cut, it decodes the same,
// and limits hold whatever comes.
//
// The first byte chooses up to three codings, the second where to cut and the limits.

#include <weir/http/detail/content_decoder.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using weir::http::decoding_options;
using weir::http::error_class;
using weir::http::failure;
using weir::http::detail::content_coding;
using weir::http::detail::content_decoder;

namespace {

constexpr std::size_t mebibyte = 1024 * 1024;

struct decoded_body {
    std::string text;
    std::optional<failure> error;
};

void must(bool holds, std::string_view what)
{
    if (holds)
        return;
    std::cerr << what << "\n";
    std::abort();
}

decoded_body decode(const std::vector<content_coding>& codings, const decoding_options& options,
                    std::string_view body, std::size_t step)
{
    decoded_body got;
    content_decoder decoder(codings, options);
    const std::size_t size = body.size();
    for (; !body.empty() && !got.error; body.remove_prefix(std::min(step, body.size()))) {
        const auto piece = body.substr(0, step);
        const std::vector<char> copy(piece.begin(), piece.end());
        std::string_view left(copy.data(), copy.size());
        for (;;) {
            const auto now = decoder.read(left);
            if (!now)
                got.error = now.error();
            if (!now || *now == content_decoder::state::more)
                break;
            must(!decoder.data().empty(), "an empty part");
            got.text += decoder.data();
        }
        must(got.error || left.empty(), "bytes were left");
    }
    if (!got.error)
        got.error = decoder.end();
    must(got.text.size() <= options.max_bytes(), "more than the limit of bytes");
    must(got.text.size() <= std::max(mebibyte, size * options.max_ratio()), "more than the ratio");
    must(decoder.memory().peak() <= options.max_memory(), "more than the limit of memory");
    return got;
}

bool is_too_large(const decoded_body& body)
{
    return body.error && body.error->kind() == error_class::too_large;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 2)
        return 0;
    std::vector<content_coding> codings;
    for (unsigned choice = data[0], n = 0; n <= data[0] / 64 % 3U; ++n, choice /= 4)
        codings.push_back(static_cast<content_coding>(choice % 4));
    decoding_options options;
    options.max_bytes(2 * mebibyte);
    if ((data[1] & 1U) != 0)
        options.max_memory(256 * 1024);
    const std::string_view body(reinterpret_cast<const char*>(data) + 2, size - 2);
    const auto whole = decode(codings, options, body, body.size() + 1);
    for (const std::size_t step : {std::size_t{1}, std::size_t{2} + data[1] % 61}) {
        const auto other = decode(codings, options, body, step);
        // How much memory br takes, and how far input is read ahead, does depend on the cut.
        if (!is_too_large(whole) && !is_too_large(other))
            must(whole.error.has_value() == other.error.has_value(), "good by its cut alone");
        if (!whole.error && !other.error)
            must(whole.text == other.text, "another text");
        else // of what is broken, more or less may come out before that is seen
            must(whole.text.starts_with(other.text) || other.text.starts_with(whole.text),
                 "another beginning");
    }
    return 0;
}
