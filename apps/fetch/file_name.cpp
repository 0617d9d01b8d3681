#include "file_name.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace weir_fetch {
namespace {

constexpr std::string_view unfinished = ".part"; // the suffix of a file that is not complete
constexpr std::size_t longest = 200;             // of 255: a number and `.part` must fit too
constexpr std::size_t longest_path = 4000;       // of 4095, likewise

bool is_plain(char c)
{
    static constexpr std::string_view others = "._~%+=,@-";
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           others.find(c) != std::string_view::npos;
}

char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Whether a name is a device on some systems, with any extension.
bool is_reserved(std::string_view name)
{
    static constexpr std::array<std::string_view, 4> devices = {"con", "prn", "aux", "nul"};
    std::string stem(name.substr(0, name.find('.')));
    std::transform(stem.begin(), stem.end(), stem.begin(), lower);
    if (std::find(devices.begin(), devices.end(), stem) != devices.end())
        return true;
    return stem.size() == 4 && (stem.compare(0, 3, "com") == 0 || stem.compare(0, 3, "lpt") == 0) &&
           stem[3] >= '0' && stem[3] <= '9';
}

/// Visits the names between the slashes of a path.
template <class Visit>
void each_name(std::string_view path, Visit visit)
{
    for (;;) {
        const auto slash = path.find('/');
        visit(path.substr(0, slash));
        if (slash == std::string_view::npos)
            return;
        path.remove_prefix(slash + 1);
    }
}

} // namespace

std::string file_name(std::string_view target)
{
    const auto question = target.find('?');
    const auto path = target.substr(0, question);
    std::string name(path.substr(path.rfind('/') + 1));
    if (name.empty())
        name = "index.html";
    if (question != std::string_view::npos)
        name += target.substr(question);
    return safe_name(std::move(name));
}

std::string host_folder(std::string_view host)
{
    std::string name(host);
    const auto colon = name.rfind(':');
    if (colon != std::string::npos && name.find(']', colon) == std::string::npos)
        name[colon] = '+';
    std::erase_if(name, [](char c) { return c == '[' || c == ']'; });
    return safe_name(std::move(name));
}

std::string safe_name(std::string name)
{
    std::replace_if(
        name.begin(), name.end(), [](char c) { return !is_plain(c); }, '_');
    if (name.empty())
        name = "_";
    if (name.front() == '.' || name.front() == '-')
        name.front() = '_';
    if (is_reserved(name))
        name.insert(0, "_");
    if (name.size() > longest)
        name.resize(longest);
    if (name.ends_with(unfinished)) {
        name.resize(std::min(name.size(), longest - 1));
        name += "_";
    }
    return name;
}

bool stays_inside(std::string_view path)
{
    if (path.empty() || path.front() == '/')
        return false;
    bool leaves = false;
    each_name(path, [&](std::string_view name) { leaves = leaves || name == ".."; });
    return !leaves;
}

std::string fault_of_path(std::string_view path)
{
    if (path.starts_with('/'))
        return "it begins at the root; write a name in the folder that --output-dir names";
    if (path == "-")
        return "bodies of single lines are not printed; write the name of a file";
    if (path.empty() || path.back() == '/')
        return "it ends without the name of a file; write FILE or FOLDER/FILE";
    if (!stays_inside(path))
        return "it leads out of its folder with '..'; name another folder with --output-dir";
    if (path.size() > longest_path)
        return "it is longer than " + std::to_string(longest_path) + " bytes";
    for (const char c : path)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return "it holds a control character";
    std::string fault;
    each_name(path, [&](std::string_view name) {
        if (name.empty() || name == ".")
            fault = "a name in it is missing; write FILE or FOLDER/FILE";
        else if (name.size() > longest)
            fault = "a name in it is longer than " + std::to_string(longest) + " bytes";
        else if (name.ends_with(unfinished))
            fault = "names that end in .part are those of files that are not complete";
    });
    return fault;
}

std::string numbered(std::string_view name, unsigned n)
{
    std::string out(name);
    if (n != 0)
        out += "." + std::to_string(n);
    return out;
}

} // namespace weir_fetch
