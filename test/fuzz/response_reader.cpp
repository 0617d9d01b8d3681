// Feeds libFuzzer's bytes to the response reader: however they are cut, it reads the same.
//
// The first byte chooses the method and the limits, the second where to cut; the response follows.

#include "http/support/reading.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <vector>

using weir::test::in_parts_of;
using weir::test::read_parts;
using weir::test::reading;
using weir::test::reading_options;

namespace {

reading_options options_of(unsigned choice)
{
    reading_options options;
    if ((choice & 1U) != 0)
        options.method = "HEAD";
    if ((choice & 2U) != 0) {
        auto& limits = options.limits;
        limits.header_bytes = 100;
        limits.header_fields = 3;
        limits.status_line_bytes = 20;
        limits.interim_responses = 1;
        limits.chunk_line_bytes = 10;
        limits.extension_bytes = 10;
        limits.trailer_bytes = 20;
        limits.trailer_fields = 1;
        limits.body_bytes = 20;
    }
    return options;
}

void must_be(const reading& whole, const reading& other, std::string_view how)
{
    if (other == whole)
        return;
    std::cerr << how << ":\n" << other << "\nbut whole:\n" << whole << "\n";
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 2)
        return 0;
    const auto options = options_of(data[0]);
    const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
    const reading whole = read_parts({text}, options);
    must_be(whole, read_parts(in_parts_of(1, text), options), "in single bytes");
    const std::size_t cut = text.empty() ? 0 : data[1] % text.size();
    must_be(whole, read_parts({text.substr(0, cut), text.substr(cut)}, options), "in two parts");
    must_be(whole, read_parts(in_parts_of(1 + data[1] % 7, text), options), "in small parts");
    return 0;
}
