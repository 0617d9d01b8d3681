#include "journal.hpp"

#include "escape.hpp"
#include "file_name.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

namespace weir_fetch {
namespace {

namespace json = boost::json;
using boost::system::system_error;

constexpr std::size_t enough = 32 * 1024;
constexpr std::size_t part_size = 256 * 1024;
/// More than a record can have: a URL of 128 KiB, escaped, twice, and the fields.
constexpr std::size_t longest = 4 * 1024 * 1024;

std::uint64_t number_in(const json::object& all, std::string_view name)
{
    const auto* const value = all.if_contains(name);
    if (value == nullptr || !(value->is_int64() || value->is_uint64()))
        return 0;
    return value->is_uint64()
               ? value->as_uint64()
               : static_cast<std::uint64_t>(std::max<std::int64_t>(value->as_int64(), 0));
}

/// A number that may be below 0; nothing where there is none.
std::optional<std::int64_t> signed_in(const json::object& all, std::string_view name)
{
    const auto* const value = all.if_contains(name);
    return value != nullptr && value->is_int64() ? std::optional(value->as_int64()) : std::nullopt;
}

std::string text_in(const json::object& all, std::string_view name)
{
    const auto* const value = all.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string().c_str())
                                                  : std::string();
}

/// The 16 digits of a hash.
bool read_hash(const std::string& digits, std::uint64_t& hash)
{
    const char* const end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, hash, 16);
    return digits.size() == 16 && read.ec == std::errc{} && read.ptr == end;
}

void read_result(const json::object& all, journal_line& into)
{
    const auto* const error = all.if_contains("error");
    into.at.number = number_in(all, "line");
    if (into.at.number == 0) {
        into.at.from = place::source::argument;
        into.at.number = number_in(all, "argument");
    }
    if (error == nullptr || into.at.number == 0 || !read_hash(text_in(all, "hash"), into.hash))
        return;
    into.done = error->is_null();
    into.file = text_in(all, "file");
    into.what = journal_line::kind::result;
}

/// Without the name of a part, or its validator, there is nothing to go on with.
void read_begun(const json::object& all, journal_line& into)
{
    begun_body& body = into.body;
    body.url = text_in(all, "begun");
    body.request = text_in(all, "request");
    body.final_url = text_in(all, "final_url");
    body.output = text_in(all, "output");
    body.part = text_in(all, "part");
    body.file.inode = number_in(all, "inode");
    body.file.born = static_cast<std::int64_t>(number_in(all, "born"));
    body.boot = text_in(all, "boot");
    body.etag = text_in(all, "etag");
    body.last_modified = text_in(all, "last_modified");
    if (all.if_contains("length") != nullptr)
        body.length = number_in(all, "length");
    const std::string_view end = ".part";
    const bool is_part = body.part.size() > end.size() && body.part.ends_with(end);
    const auto name =
        std::string_view(body.part).substr(0, is_part ? body.part.size() - end.size() : 0);
    const bool is_file = is_part && stays_inside(name) && body.file.inode != 0;
    if (is_file && body.etag.empty() != body.last_modified.empty())
        into.what = journal_line::kind::begun;
}

/// Earlier versions wrote the inode alone, which proves nothing: another file may have it by now.
void read_keeping(const json::object& all, journal_line& into)
{
    into.file = text_in(all, "keeping");
    file_state kept;
    kept.file.inode = number_in(all, "inode");
    kept.size = number_in(all, "size");
    const auto born = signed_in(all, "born");
    const auto changed = signed_in(all, "changed");
    if (into.file.empty() || kept.file.inode == 0)
        return;
    into.what = journal_line::kind::keeping;
    if (!born || !changed || all.if_contains("size") == nullptr)
        return;
    kept.file.born = *born;
    kept.changed = *changed;
    into.kept = kept;
}

} // namespace

journal_line read_journal_line(std::string_view line)
{
    journal_line out;
    json::error_code error;
    const json::value value = json::parse(json::string_view(line.data(), line.size()), error);
    if (error || !value.is_object())
        return out;
    const json::object& all = value.as_object();
    if (all.if_contains("begun") != nullptr) {
        read_begun(all, out);
        return out;
    }
    if (all.if_contains("keeping") != nullptr)
        read_keeping(all, out);
    else
        read_result(all, out);
    return out;
}

journal::journal(std::unique_ptr<journal_file> file, durability how, file_look is_there)
    : file_(std::move(file)), how_(how), is_there_(std::move(is_there))
{
    const last_line last = read_lines([this](const journal_line& line) { note(line); });
    const bool is_empty = last.at == 0 && last.end == 0;
    if (understood_ == 0 && !is_empty && (last.at != 0 || !may_be_torn(last)))
        throw std::runtime_error("it is there, and it is no file of results");
    mend(last);
}

/// Whether it could be the beginning of a line of a journal. What is whole was not torn.
bool journal::may_be_torn(const last_line& last)
{
    if (last.is_too_long)
        return false;
    const std::string_view text = last.text;
    json::error_code error;
    (void)json::parse(json::string_view(text.data(), text.size()), error);
    if (!error)
        return read_journal_line(text).what != journal_line::kind::unreadable;
    for (const std::string_view begin : {R"({"id":)", R"({"keeping":)", R"({"begun":)"})
        if (text.substr(0, begin.size()) == begin.substr(0, text.size()))
            return true;
    return text.find_first_not_of('\0') == std::string_view::npos; // never written, by a crash
}

/// Visits all whole lines. What comes behind the last line end is returned.
journal::last_line journal::read_lines(const visitor& visit) const
{
    std::vector<char> part(part_size);
    last_line last;
    std::uint64_t& at = last.end;
    for (;;) {
        weir::error_code error;
        const std::size_t n = file_->read(at, part.data(), part.size(), error);
        if (error)
            throw system_error(error);
        if (n == 0)
            return last;
        std::string_view rest(part.data(), n);
        for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
            last.text += rest.substr(0, end);
            visit(last.is_too_long ? journal_line() : read_journal_line(last.text));
            last.is_too_long = false;
            last.text.clear();
            rest.remove_prefix(end + 1);
            last.at = at + n - rest.size();
        }
        last.text += rest;
        at += n;
        if (last.text.size() > longest) {
            last.is_too_long = true;
            last.text.clear();
        }
    }
}

void journal::note(const journal_line& line)
{
    understood_ += line.what == journal_line::kind::unreadable ? 0 : 1;
    switch (line.what) {
    case journal_line::kind::keeping:
        if (line.kept.file.inode != 0)
            unrecorded_[line.file].push_back(line.kept);
        begun_.erase(line.file + ".part");
        break;
    case journal_line::kind::begun:
        begun_[line.body.part] = line.body;
        break;
    case journal_line::kind::result:
        unrecorded_.erase(line.file);
        if (line.done)
            begun_.erase(line.file + ".part");
        if (line.done && !line.file.empty()) {
            ++stored_;
            missing_ += is_there_ && !is_there_(line.file) ? 1 : 0;
        }
        if (line.done)
            done_[static_cast<std::size_t>(line.at.from)].add(line.at.number, line.hash);
        break;
    default:
        ++unreadable_;
    }
}

/// A last line that lacks nothing but its end gets it. The beginning of one is removed. Anything
/// else was not written here: it stays, as a line that is not understood.
void journal::mend(const last_line& last)
{
    size_ = last.end;
    if (last.at == last.end)
        return;
    const journal_line read = last.is_too_long ? journal_line() : read_journal_line(last.text);
    weir::error_code error;
    if (read.what == journal_line::kind::unreadable && may_be_torn(last)) {
        size_ = last.at;
        error = file_->truncate(size_);
    } else {
        note(read);
        error = file_->append("\n");
        ++size_;
    }
    if (error)
        throw system_error(error);
}

std::uint64_t journal::first_difference(place::source from, const input_check::difference& in) const
{
    std::uint64_t first = std::numeric_limits<std::uint64_t>::max();
    const auto look = [&](const journal_line& line) {
        const std::uint64_t number = line.at.number;
        if (line.what != journal_line::kind::result || !line.done || line.at.from != from ||
            number / done_lines::block_size != in.block)
            return;
        const auto bit = number % done_lines::block_size;
        const bool is_there = (in.lines >> bit & 1) != 0;
        if (!is_there || in.hashes[bit] != line.hash)
            first = std::min(first, number);
    };
    read_lines(look);
    return first;
}

std::uint64_t journal::recorded(place::source from, const input_check::difference& of) const
{
    std::uint64_t found = 0;
    const auto look = [&](const journal_line& line) {
        const auto bit = line.at.number % done_lines::block_size;
        if (line.what == journal_line::kind::result && line.done && line.at.from == from &&
            line.at.number / done_lines::block_size == of.block && of.hashes[bit] == line.hash)
            found |= of.lines & std::uint64_t{1} << bit;
    };
    read_lines(look);
    return found;
}

weir::error_code journal::add(std::string_view record, std::string text)
{
    if (!broken_)
        held_ += record;
    unwritten_.add(held_.size(), std::move(text));
    if (broken_)
        return broken_;
    return held_.size() >= enough ? flush() : weir::error_code();
}

weir::error_code journal::keeping(const std::string& name, const file_state& file)
{
    if (broken_)
        return broken_;
    held_ += "{\"keeping\":";
    append_json(held_, name);
    held_ += ",\"inode\":" + std::to_string(file.file.inode) +
             ",\"born\":" + std::to_string(file.file.born) +
             ",\"size\":" + std::to_string(file.size) +
             ",\"changed\":" + std::to_string(file.changed) + "}\n";
    return write();
}

weir::error_code journal::begun(const begun_body& what)
{
    if (broken_)
        return broken_;
    held_ += journal_text(what);
    return write();
}

weir::error_code journal::flush()
{
    write();
    if (broken_ || !unsynced_ || how_ != durability::survives_power_loss)
        return broken_;
    unsynced_ = false;
    broken_ = file_->sync();
    return broken_;
}

weir::error_code journal::write()
{
    if (broken_ || held_.empty())
        return broken_;
    broken_ = file_->append(held_);
    if (broken_) {
        file_->truncate(size_); // if that fails too, the next reader mends it
        return broken_;
    }
    unsynced_ = true;
    size_ += held_.size();
    unwritten_.written(held_.size());
    held_.clear();
    return {};
}

} // namespace weir_fetch
