// Writes a journal as libFuzzer's bytes say, tears it at any byte, or feeds them as the journal:
// what is whole is read back, nothing else is taken for done, and the next run can go on with it.
//
// The first byte says which; of a written one the second says where it is torn and what stands
// behind, and each byte after it is a line.

#include <escape.hpp>
#include <journal.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
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

class file_in_memory final : public journal_file {
public:
    explicit file_in_memory(std::string& content) : content_(content) {}

    std::size_t read(std::uint64_t at, char* to, std::size_t size, weir::error_code&) override
    {
        return std::string_view(content_).substr(at).copy(to, size);
    }
    weir::error_code append(std::string_view bytes) override
    {
        content_ += bytes;
        return {};
    }
    weir::error_code truncate(std::uint64_t size) override
    {
        content_.resize(size);
        return {};
    }
    weir::error_code sync() override { return {}; }

private:
    std::string& content_;
};

std::unique_ptr<journal> opened(std::string& content)
{
    try {
        return std::make_unique<journal>(std::make_unique<file_in_memory>(content),
                                         journal::durability::system_keeps_running);
    } catch (const std::runtime_error&) {
        return nullptr; // another kind of file
    }
}

std::string record(std::uint64_t line, bool done, std::string_view file)
{
    std::array<char, 17> hash{};
    std::snprintf(hash.data(), hash.size(), "%016llx",
                  static_cast<unsigned long long>(hash_of(std::to_string(line))));
    std::string text = "{\"id\":null,\"line\":" + std::to_string(line) + ",\"hash\":\"" +
                       hash.data() + "\",\"file\":";
    append_json(text, file);
    return text + ",\"error\":" + (done ? "null" : "{}") + "}\n";
}

bool is_done(const journal& of, std::uint64_t line)
{
    return of.done(place::source::line).contains(line);
}

/// What a run after this one does to a journal.
void go_on(std::string& content, const std::set<std::uint64_t>& done, std::uint64_t lines)
{
    constexpr std::uint64_t mine = 100'000;
    for (int run = 0; run < 2; ++run) {
        const auto next = opened(content);
        must(next != nullptr, "what was a journal is none");
        for (std::uint64_t line = 1; line <= lines; ++line)
            must(is_done(*next, line) == done.contains(line), "another line is done");
        must(is_done(*next, mine) == (run == 1), "the line of the next run");
        if (run == 0)
            must(!next->add(record(mine, true, "x"), "x") && !next->flush(), "cannot go on");
    }
}

void written(std::string_view how)
{
    std::string content;
    std::vector<std::size_t> ends; // of the lines in it
    std::vector<std::uint64_t> numbers;
    const std::uint8_t tear = how.empty() ? 0 : static_cast<std::uint8_t>(how.front());
    how.remove_prefix(std::min<std::size_t>(how.size(), 1));
    {
        const auto first = opened(content);
        must(first != nullptr, "a new file is none");
        std::uint64_t line = 0;
        for (const char each : how) {
            const auto byte = static_cast<std::uint8_t>(each);
            const std::string name(byte % 7, each);
            if (byte % 3 == 0 && !name.empty())
                must(!first->keeping(name, {{byte + 1U, byte}, byte, -byte}),
                     "cannot say what is kept");
            const bool done = byte % 2 == 0;
            must(!first->add(record(++line, done, name), name) && !first->flush(), "cannot add");
            ends.push_back(content.size());
            numbers.push_back(done ? line : 0);
        }
    }
    content.resize(content.size() - std::min<std::size_t>(content.size(), tear));
    std::set<std::uint64_t> done;
    for (std::size_t i = 0; i < ends.size(); ++i)
        // A line whose end alone is missing was written as well.
        if (numbers[i] != 0 && ends[i] <= content.size() + 1)
            done.insert(numbers[i]);
    if (tear % 4 == 3 && content.size() != 0 && content.back() == '\n')
        content.append(tear, '\0'); // a file system that lost the bytes, but not the length
    go_on(content, done, ends.size());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0)
        return 0;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    const bool writes = text.front() % 2 == 0;
    text.remove_prefix(1);
    if (writes) {
        written(text.substr(0, 64));
        return 0;
    }
    std::string content(text);
    if (content.find(std::to_string(100'000)) != std::string::npos)
        return 0; // the line of the next run
    const auto first = opened(content);
    if (!first)
        return 0;
    std::set<std::uint64_t> done;
    for (std::uint64_t line = 1; line <= 9; ++line)
        if (is_done(*first, line))
            done.insert(line);
    go_on(content, done, 9);
    return 0;
}
