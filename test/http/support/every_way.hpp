#pragma once

#include "http/support/reading.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace weir::test {

/// Reads the text whole, byte by byte, and in every two parts, and tests that it makes no
/// difference.
inline reading read_every_way(std::string_view text,
                              const reading_options& options = reading_options())
{
    reading whole = read_parts({text}, options);
    const auto same = [&](const std::vector<std::string_view>& parts, std::size_t cut) {
        const reading other = read_parts(parts, options);
        if (!(other == whole))
            BOOST_ERROR("<" << printed(text) << "> cut at " << cut << " is " << other << "\nnot "
                            << whole);
    };
    same(in_parts_of(1, text), 0);
    for (std::size_t cut = 1; cut < text.size(); ++cut)
        same({text.substr(0, cut), text.substr(cut)}, cut);
    return whole;
}

} // namespace weir::test
