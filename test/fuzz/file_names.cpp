// Feeds libFuzzer's bytes to what makes names of files, from URLs and from Content-Disposition:
// each is a name in its folder that no shell and no file system reads as something else.

#include <disposition.hpp>
#include <file_name.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

using namespace weir_fetch;

namespace {

void must(bool holds, std::string_view what, const std::string& name)
{
    if (holds)
        return;
    std::cerr << what << ": <" << name << ">\n";
    std::abort();
}

bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("._~%+=,@-").find(c) != std::string_view::npos;
}

void check(const std::string& name)
{
    must(!name.empty() && name.size() <= 200, "the length", name);
    must(std::all_of(name.begin(), name.end(), is_plain), "a character with a meaning", name);
    must(name.front() != '.' && name.front() != '-', "a name that hides, or is a flag", name);
    must(!name.ends_with(".part"), "the name of what is not complete", name);
    must(safe_name(name) == name, "not safe the second time", name);
    for (const unsigned n : {0U, 1U, 4'000'000'000U}) {
        const std::string other = numbered(name, n);
        must(other.size() <= 255 - 5 && other.starts_with(name), "a name that is too long", other);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check(file_name(text));
    check(safe_name(std::string(text)));
    // A long one as well: libFuzzer tries short texts first.
    std::string repeated;
    while (!text.empty() && repeated.size() < 300)
        repeated += text;
    check(safe_name(repeated));
    const std::string given = disposition_name(text);
    for (const char c : given)
        must(static_cast<unsigned char>(c) < 0x80, "a byte that is not ASCII", given);
    check(safe_name(given));
    return 0;
}
