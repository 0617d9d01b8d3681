#include "journal.hpp"

#include "escape.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
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

/// Whether it could be the beginning of a line of a journal. What is whole was not torn.
bool may_be_torn(std::string_view text)
{
    json::error_code error;
    (void)json::parse(json::string_view(text.data(), text.size()), error);
    if (!error)
        return read_journal_line(text).what != journal_line::kind::unreadable;
    for (const std::string_view begin : {R"({"id":)", R"({"keeping":)"})
        if (text.substr(0, begin.size()) == begin.substr(0, text.size()))
            return true;
    return text.find_first_not_of('\0') == std::string_view::npos; // never written, by a crash
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
    if (all.if_contains("keeping") == nullptr) {
        read_result(all, out);
        return out;
    }
    out.file = text_in(all, "keeping");
    out.inode = number_in(all, "inode");
    if (!out.file.empty() && out.inode != 0)
        out.what = journal_line::kind::keeping;
    return out;
}

journal::journal(std::unique_ptr<journal_file> file, durability how)
    : file_(std::move(file)), how_(how)
{
    std::string torn;
    read_lines([this](const journal_line& line) { note(line); }, size_, torn);
    if ((size_ != 0 && understood_ == 0) || (size_ == 0 && !may_be_torn(torn)))
        throw std::runtime_error("it is there, and it is no file of results");
    mend(torn);
}

/// Visits all whole lines; what comes behind the last line end is `torn`.
void journal::read_lines(const visitor& visit, std::uint64_t& whole, std::string& torn) const
{
    std::vector<char> part(part_size);
    std::uint64_t at = 0;
    bool skipping = false; // a line that is too long to be ours
    whole = 0;
    for (;;) {
        weir::error_code error;
        const std::size_t n = file_->read(at, part.data(), part.size(), error);
        if (error)
            throw system_error(error);
        if (n == 0)
            return;
        std::string_view rest(part.data(), n);
        for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
            torn += rest.substr(0, end);
            visit(skipping ? journal_line() : read_journal_line(torn));
            skipping = false;
            torn.clear();
            rest.remove_prefix(end + 1);
            whole = at + n - rest.size();
        }
        torn += rest;
        at += n;
        if (torn.size() > longest) {
            skipping = true;
            torn.resize(1);
        }
    }
}

void journal::note(const journal_line& line)
{
    understood_ += line.what == journal_line::kind::unreadable ? 0 : 1;
    switch (line.what) {
    case journal_line::kind::keeping:
        unrecorded_[line.file] = line.inode;
        break;
    case journal_line::kind::result:
        unrecorded_.erase(line.file);
        stored_ += line.done && !line.file.empty() ? 1 : 0;
        if (line.done)
            done_[static_cast<std::size_t>(line.at.from)].add(line.at.number, line.hash);
        break;
    default:
        ++unreadable_;
    }
}

/// A last line that lacks nothing but its end gets it; any other is removed.
void journal::mend(const std::string& torn)
{
    if (torn.empty())
        return;
    const journal_line last = read_journal_line(torn);
    weir::error_code error;
    if (last.what == journal_line::kind::unreadable) {
        error = file_->truncate(size_);
    } else {
        note(last);
        error = file_->append("\n");
        size_ += torn.size() + 1;
    }
    if (error)
        throw system_error(error);
}

std::uint64_t journal::first_difference(place::source from, const input_check::difference& in) const
{
    std::uint64_t first = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t whole = 0;
    std::string torn;
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
    read_lines(look, whole, torn);
    return first;
}

std::uint64_t journal::recorded(place::source from, const input_check::difference& of) const
{
    std::uint64_t found = 0;
    std::uint64_t whole = 0;
    std::string torn;
    const auto look = [&](const journal_line& line) {
        const auto bit = line.at.number % done_lines::block_size;
        if (line.what == journal_line::kind::result && line.done && line.at.from == from &&
            line.at.number / done_lines::block_size == of.block && of.hashes[bit] == line.hash)
            found |= of.lines & std::uint64_t{1} << bit;
    };
    read_lines(look, whole, torn);
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

weir::error_code journal::keeping(const std::string& name, std::uint64_t inode)
{
    if (broken_)
        return broken_;
    held_ += "{\"keeping\":";
    append_json(held_, name);
    held_ += ",\"inode\":" + std::to_string(inode) + "}\n";
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
