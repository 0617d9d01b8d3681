#include "suggestion.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace weir_fetch {
namespace {

constexpr std::pair<std::string_view, std::string_view> words_of_others[] = {
    {"dir", "output-dir"},
    {"directory-prefix", "output-dir"},
    {"max-concurrent-downloads", "jobs"},
    {"max-connection-per-server", "per-host"},
    {"no-check-certificate", "insecure"},
    {"output-document", "output"},
    {"quiet", "silent"},
    {"spider", "head"},
    {"timeout", "max-time"},
    {"tries", "retry"},
};

/// How many letters are to be added, removed or exchanged to make one of the other.
///
/// Source: V. I. Levenshtein, 1966; row by row.
std::size_t distance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i != a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j != b.size(); ++j) {
            const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({changed, diagonal + 1, row[j] + 1});
        }
    }
    return row.back();
}

} // namespace

std::string suggestion_for(std::string_view given, const std::vector<std::string>& names)
{
    constexpr std::size_t shortest = 4; // letters of which two may be wrong
    if (given.size() < shortest)
        return {};
    for (const auto& [word, ours] : words_of_others)
        if (word == given)
            return std::string(ours);
    std::size_t nearest = 4;
    std::string found;
    for (const std::string& name : names) {
        const bool begins = name.starts_with(given) || given.starts_with(name);
        const std::size_t letters = distance(given, name);
        // One of which a part was written is as near as one with three letters wrong.
        const std::size_t far = letters > 2 && begins && name.size() >= shortest ? 3 : letters;
        if (far < nearest && (letters < 3 || begins)) {
            nearest = far;
            found = name;
        }
    }
    return found;
}

} // namespace weir_fetch
