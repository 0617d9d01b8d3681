// Feeds libFuzzer's bytes to the reader of URL lists: however they are cut into parts, the lines
// are the same, each is what it says it is, and it comes through the fetcher as it was read.

#include <entry.hpp>
#include <lines.hpp>

#include <boost/json/parse.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace weir_fetch;

namespace {

void must(bool holds, std::string_view what)
{
    if (holds)
        return;
    std::cerr << what << "\n";
    std::abort();
}

struct reading {
    std::vector<std::string> texts;
    std::vector<std::uint64_t> numbers;
    std::string fault; // with which it ended

    bool operator==(const reading&) const = default;
};

void take(line_cutter& from, reading& into)
{
    while (auto line = from.next()) {
        into.texts.push_back(std::move(line->text));
        into.numbers.push_back(line->number);
    }
}

reading read(std::string_view text, std::size_t part)
{
    reading all;
    line_cutter cutter;
    try {
        for (; !text.empty(); text.remove_prefix(std::min(part, text.size()))) {
            cutter.feed(text.substr(0, part));
            take(cutter, all);
        }
        cutter.finish();
        take(cutter, all);
    } catch (const input_fault& e) {
        all.fault = e.what();
    }
    return all;
}

void check(const std::string& text, std::uint64_t number)
{
    must(!text.empty() && text.front() != '#', "not a line of the list");
    must(text.find('\n') == std::string::npos, "a line end in a line");
    must(text.find('\0') == std::string::npos, "a NUL in a line");
    for (const auto from : {place::source::line, place::source::argument}) {
        const place at{from, number};
        const entry back = read_entry(tagged(at, text, false));
        must(back.text == text && back.at.number == number && back.at.from == from, "another text");
        must(!back.is_cut && read_entry(tagged(at, text, true)).is_cut, "another mark");
        must(static_cast<bool>(url_of(back)) == back.fault.empty(), "a URL with a fault");
        must(text.front() == '{' || text.find(back.url) != text.npos, "another URL");
        boost::json::error_code error;
        if (!back.id.empty())
            (void)boost::json::parse(back.id, error);
        must(!error, "an id that is no JSON");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const reading whole = read(text, std::max<std::size_t>(size, 1));
    for (const std::size_t part : {1U, 2U, 7U})
        must(read(text, part) == whole, "the parts make a difference");
    must(std::is_sorted(whole.numbers.begin(), whole.numbers.end()), "numbers in no order");
    for (std::size_t i = 0; i < whole.texts.size(); ++i)
        check(whole.texts[i], whole.numbers[i]);
    return 0;
}
