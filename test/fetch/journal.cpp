#include <journal.hpp>

#include <begun_body.hpp>
#include <parts.hpp>

#include <record.hpp>

#include <weir/error.hpp>
#include <weir/http/error.hpp>
#include <weir/http/fetch_result.hpp>

#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using weir_fetch::entry;
using weir_fetch::journal;
using weir_fetch::journal_file;
using weir_fetch::place;
using durability = journal::durability;

BOOST_AUTO_TEST_SUITE(journals)

/// A disk with one file, which survives the programs that write it.
struct disk {
    std::string content;
    std::size_t synced = 0;         // what a loss of power leaves, at least
    std::size_t room = 1'000'000;   // bytes until it is full
    std::vector<std::string> calls; // what was done to it

    /// A loss of power: of what was not synced, the first `kept` bytes are there.
    void lose_power(std::size_t kept)
    {
        content.resize(std::min(content.size(), synced + kept));
        synced = content.size();
    }
};

class file_on final : public journal_file {
public:
    explicit file_on(disk& where) : disk_(where) {}

    std::size_t read(std::uint64_t at, char* to, std::size_t size, weir::error_code&) override
    {
        return std::string_view(disk_.content).substr(at).copy(to, std::min(size, most_at_once));
    }
    weir::error_code append(std::string_view bytes) override
    {
        disk_.calls.emplace_back("append");
        const auto n = std::min(bytes.size(), disk_.room - disk_.content.size());
        disk_.content += bytes.substr(0, n);
        return n == bytes.size() ? weir::error_code() : boost::asio::error::no_buffer_space;
    }
    weir::error_code truncate(std::uint64_t size) override
    {
        disk_.content.resize(size);
        disk_.synced = std::min(disk_.synced, disk_.content.size());
        return {};
    }
    weir::error_code sync() override
    {
        disk_.calls.emplace_back("sync");
        disk_.synced = disk_.content.size();
        return {};
    }

    static inline std::size_t most_at_once = 1000;

private:
    disk& disk_;
};

journal opened(disk& where, durability how = durability::system_keeps_running)
{
    return journal(std::make_unique<file_on>(where), how);
}

std::string text_of(std::uint64_t line)
{
    return "http://a/" + std::to_string(line);
}

std::string record_of(std::uint64_t line, bool done = true, const std::string& file = "")
{
    entry what;
    what.at.number = line;
    what.text = what.url = text_of(line);
    weir::http::fetch_result result;
    result.answer.status = 200;
    if (!done)
        result.answer.error =
            weir::http::failure(weir::http::error_class::dns, "no \"such\" host\n");
    weir_fetch::stored where;
    where.file = file;
    return json_line(result, what, where);
}

std::vector<std::uint64_t> done_in(const journal& of, std::uint64_t most)
{
    std::vector<std::uint64_t> lines;
    for (std::uint64_t line = 1; line <= most; ++line)
        if (of.done(place::source::line).contains(line))
            lines.push_back(line);
    return lines;
}

std::vector<std::uint64_t> up_to(std::uint64_t last)
{
    std::vector<std::uint64_t> lines;
    for (std::uint64_t line = 1; line <= last; ++line)
        lines.push_back(line);
    return lines;
}

BOOST_AUTO_TEST_CASE(what_was_written_is_read)
{
    disk d;
    {
        journal first = opened(d);
        BOOST_TEST(first.is_empty());
        BOOST_TEST(!first.add(record_of(1), text_of(1)));
        BOOST_TEST(!first.add(record_of(2, false), text_of(2)));
        BOOST_TEST(!first.add(record_of(3), text_of(3)));
        BOOST_TEST(!first.flush());
    }
    journal next = opened(d);
    BOOST_TEST(!next.is_empty());
    BOOST_TEST(next.unreadable() == 0U);
    BOOST_TEST(done_in(next, 9) == std::vector<std::uint64_t>({1, 3}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_failed_line_is_done_once_it_was_fetched_again)
{
    disk d;
    d.content = record_of(1, false) + record_of(1) + record_of(1);
    journal all = opened(d);
    BOOST_TEST(all.done(place::source::line).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_journal_stays_as_it_is)
{
    constexpr std::size_t limit = 4 * 1024 * 1024; // of a line
    constexpr std::size_t part = 256 * 1024;       // what is read at once
    for (const char first : {'{', '\0', 'x'}) {
        for (const std::size_t size : {limit, limit + 1, limit + part, limit + part + 1}) {
            disk d;
            d.content = first + std::string(size - 1, 'x');
            const std::string before = d.content;
            BOOST_CHECK_THROW(opened(d), std::runtime_error);
            BOOST_REQUIRE(d.content == before);
        }
    }
}

BOOST_AUTO_TEST_CASE(behind_records_only_a_torn_one_is_removed)
{
    for (const std::string& foreign : {std::string("my own notes"), std::string(R"({"a":1})"),
                                       "{" + std::string(4 * 1024 * 1024 + 9, 'x')}) {
        disk d;
        d.content = record_of(1) + foreign;
        d.room = 8 * 1024 * 1024;
        {
            journal all = opened(d);
            BOOST_TEST(all.unreadable() == 1U);
            BOOST_TEST(!all.add(record_of(2), text_of(2)));
            BOOST_TEST(!all.flush());
        }
        BOOST_REQUIRE(d.content == record_of(1) + foreign + "\n" + record_of(2));
        journal next = opened(d);
        BOOST_TEST((done_in(next, 9) == up_to(2)));
    }
}

BOOST_AUTO_TEST_CASE(a_file_cut_anywhere_loses_no_whole_record)
{
    std::string all;
    std::vector<std::size_t> ends; // of the records, without their line ends
    for (std::uint64_t line = 1; line <= 4; ++line) {
        all += record_of(line);
        ends.push_back(all.size() - 1);
    }
    for (std::size_t size = 0; size <= all.size(); ++size) {
        disk d;
        d.content = all.substr(0, size);
        const auto whole = static_cast<std::uint64_t>(
            std::count_if(ends.begin(), ends.end(), [&](std::size_t end) { return end <= size; }));
        {
            journal mended = opened(d);
            BOOST_REQUIRE(done_in(mended, 9) == up_to(whole));
            BOOST_REQUIRE(!mended.add(record_of(9), text_of(9)));
            BOOST_REQUIRE(!mended.flush());
        }
        auto wanted = up_to(whole);
        wanted.push_back(9);
        journal again = opened(d);
        BOOST_REQUIRE(done_in(again, 9) == wanted);
        BOOST_REQUIRE(again.unreadable() == 0U);
    }
}

BOOST_AUTO_TEST_CASE(a_tail_of_anything_loses_no_whole_record)
{
    using namespace std::string_literals;
    const std::string ends[] = {"\0\0\0"s, "x"s,          "{"s,      "{}"s,    "\n\n"s,  "\0\0\n"s,
                                "[1]\n"s,  "{\"id\":\n"s, "\xFF\n"s, "null\n", "{}\n{"s, "\"\n\""s};
    for (const auto& end : ends) {
        disk d;
        d.content = record_of(1) + record_of(2) + end;
        {
            journal mended = opened(d);
            BOOST_TEST(done_in(mended, 9) == up_to(2));
            BOOST_TEST(!mended.add(record_of(3), text_of(3)));
            BOOST_TEST(!mended.flush());
        }
        BOOST_TEST(done_in(opened(d), 9) == up_to(3));
    }
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_journal_is_left_alone)
{
    for (const std::string content : {"http://a/\nhttp://b/\n", "http://a/", "x\n"}) {
        disk d;
        d.content = content;
        BOOST_CHECK_THROW(opened(d), std::runtime_error);
        BOOST_TEST(d.content == content);
    }
}

BOOST_AUTO_TEST_CASE(what_a_loss_of_power_leaves_is_read)
{
    for (const auto how : {durability::system_keeps_running, durability::survives_power_loss})
        for (std::size_t kept = 0; kept < 2000; kept += 7) {
            disk d;
            journal all = opened(d, how);
            for (std::uint64_t line = 1; line <= 3; ++line)
                BOOST_REQUIRE(!all.add(record_of(line), text_of(line)));
            BOOST_REQUIRE(!all.flush());
            d.lose_power(kept);
            const auto left = done_in(opened(d), 9);
            BOOST_REQUIRE(left == up_to(left.size()));
            if (how == durability::survives_power_loss)
                BOOST_REQUIRE(left.size() == 3U);
        }
}

const weir_fetch::file_state file_7 = {{7, 1'700'000'000'123'456'789}, 5, -8};

BOOST_AUTO_TEST_CASE(records_are_synced_in_batches)
{
    disk d;
    journal all = opened(d, durability::survives_power_loss);
    for (std::uint64_t line = 1; line <= 10; ++line)
        BOOST_TEST(!all.add(record_of(line), text_of(line)));
    BOOST_TEST(!all.flush());
    BOOST_TEST(!all.flush()); // nothing new
    const std::vector<std::string> wanted = {"append", "sync", "append", "append", "sync"};
    BOOST_TEST(!all.keeping("name", file_7)); // syncs nothing, also no record before it
    BOOST_TEST(!all.add(record_of(11, true, "name"), text_of(11)));
    BOOST_TEST(!all.flush());
    BOOST_TEST(d.calls == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_name_without_its_record_may_be_replaced)
{
    disk d;
    {
        journal all = opened(d);
        BOOST_TEST(!all.keeping("a\"b", file_7));
        BOOST_TEST(!all.add(record_of(1, true, "a\"b"), text_of(1)));
        BOOST_TEST(!all.keeping("c", file_7)); // in the file at once, before the file is renamed
    }
    journal next = opened(d);
    BOOST_TEST(next.unrecorded().size() == 1U);
    BOOST_TEST((next.unrecorded().at("c") == std::vector{file_7}));
    BOOST_TEST(next.done(place::source::line).contains(1));
}

// The first was killed when its file had the name; the second before its own had it.
BOOST_AUTO_TEST_CASE(a_run_that_is_killed_again_forgets_no_file)
{
    disk d;
    const weir_fetch::file_state file_8{{8, file_7.file.born + 1}, 70, 71};
    BOOST_TEST(!opened(d).keeping("a", file_7));
    BOOST_TEST(!opened(d).keeping("a", file_8));
    BOOST_TEST((opened(d).unrecorded().at("a") == std::vector{file_7, file_8}));
    journal last = opened(d);
    BOOST_TEST(!last.add(record_of(1, true, "a"), text_of(1)));
    BOOST_TEST(!last.flush());
    BOOST_TEST(opened(d).unrecorded().empty());
}

BOOST_AUTO_TEST_CASE(an_inode_alone_says_nothing_about_a_file)
{
    disk d;
    d.content = R"({"keeping":"c","inode":7}
{"keeping":"d","inode":7,"born":1,"size":2}
)";
    journal all = opened(d);
    BOOST_TEST(all.unreadable() == 0U);
    BOOST_TEST(all.unrecorded().empty());
}

weir_fetch::begun_body body_in(const std::string& part, std::uint64_t inode = 7)
{
    weir_fetch::begun_body out;
    out.url = "http://a/\"x\"";
    out.request = "0123";
    out.final_url = "http://b/x";
    out.part = part;
    out.file = {inode, 1'700'000'000'123'456'789};
    out.boot = "a-boot";
    out.etag = "\"v1\"";
    out.length = 100'000;
    return out;
}

BOOST_AUTO_TEST_CASE(a_body_that_was_begun_is_known_until_it_is_done)
{
    disk d;
    {
        journal all = opened(d);
        for (const char* part : {"a.part", "b.part", "c.part", "d.part"})
            BOOST_TEST(!all.begun(body_in(part)));    // in the file at once
        BOOST_TEST(!all.begun(body_in("a.part", 8))); // a new file of that name
        BOOST_TEST(!all.keeping("b", file_7));
        BOOST_TEST(!all.add(record_of(1, true, "c"), text_of(1)));
        BOOST_TEST(!all.add(record_of(2, false), text_of(2))); // it broke off
        BOOST_TEST(!all.flush());
    }
    const auto left = opened(d).take_begun();
    BOOST_TEST(left.size() == 2U);
    const auto& a = left.at("a.part");
    BOOST_TEST((a.file == weir_fetch::file_identity{8, 1'700'000'000'123'456'789}));
    const auto& same = left.at("d.part");
    BOOST_TEST(same.url == "http://a/\"x\"");
    BOOST_TEST(same.final_url == "http://b/x");
    BOOST_TEST(same.boot == "a-boot");
    BOOST_TEST(same.etag == "\"v1\"");
    BOOST_TEST(same.last_modified.empty());
    BOOST_TEST((same.length == std::uint64_t{100'000}));
}

BOOST_AUTO_TEST_CASE(of_a_torn_beginning_nothing_is_known)
{
    const std::string line = weir_fetch::journal_text(body_in("a.part"));
    for (std::size_t size = 0; size <= line.size(); ++size) {
        disk d;
        d.content = record_of(1) + line.substr(0, size);
        journal mended = opened(d);
        BOOST_REQUIRE(mended.take_begun().size() == (size + 1 >= line.size() ? 1U : 0U));
        BOOST_REQUIRE(mended.unreadable() == 0U);
        BOOST_REQUIRE(done_in(mended, 9) == up_to(1));
    }
    disk alone;
    alone.content = line.substr(0, 20);
    BOOST_TEST(opened(alone).take_begun().empty());
}

BOOST_AUTO_TEST_CASE(a_beginning_that_names_another_file_is_not_read)
{
    for (const char* part : {"../a.part", "/a.part", "x/../../a.part", ".part", "a", ""}) {
        disk d;
        d.content = record_of(1) + weir_fetch::journal_text(body_in(part));
        BOOST_TEST(opened(d).take_begun().empty());
    }
    auto unsure = body_in("a.part");
    unsure.etag.clear();
    disk d;
    d.content = record_of(1) + weir_fetch::journal_text(unsure);
    BOOST_TEST(opened(d).take_begun().empty());
}

BOOST_AUTO_TEST_CASE(a_part_is_gone_on_with_under_the_name_that_a_line_asked_for)
{
    disk d;
    auto body = body_in("x/y.part");
    body.boot = weir_fetch::boot_id();
    body.output = "x/y";
    BOOST_TEST(!opened(d).begun(body));
    journal again = opened(d);
    weir_fetch::parts known;
    known.join(again);
    BOOST_TEST(!known.take(body.url, body.request, ""));
    BOOST_TEST(!known.take(body.url, body.request, "z"));
    BOOST_TEST(!known.take(body.url, "4567", "x/y")); // another user, say
    const auto found = known.take(body.url, body.request, "x/y");
    BOOST_REQUIRE(found.has_value());
    BOOST_TEST(found->of.part == "x/y.part");
}

BOOST_AUTO_TEST_CASE(after_a_loss_of_power_no_part_is_trusted)
{
    // What the journal had not on the disk is not known; what it had is of another boot.
    for (std::size_t kept = 0; kept < 400; ++kept) {
        disk d;
        {
            journal all = opened(d);
            auto body = body_in("a.part");
            body.boot = "before";
            BOOST_REQUIRE(!all.begun(body));
        }
        d.lose_power(kept);
        journal after = opened(d);
        weir_fetch::parts known;
        known.join(after);
        BOOST_REQUIRE(!known.take(body_in("").url, body_in("").request, ""));
    }
    disk d;
    auto body = body_in("a.part");
    body.boot = weir_fetch::boot_id();
    BOOST_TEST(!body.boot.empty());
    BOOST_TEST(!opened(d).begun(body));
    journal again = opened(d); // the program was killed, and nothing else
    weir_fetch::parts known;
    known.join(again);
    BOOST_TEST(known.take(body.url, body.request, "").has_value());
    BOOST_TEST(!known.take(body.url, body.request, "")); // one takes it
}

BOOST_AUTO_TEST_CASE(what_a_full_disk_did_not_take_is_known)
{
    disk d;
    d.room = record_of(1).size() + 20;
    journal all = opened(d);
    BOOST_TEST(!all.add(record_of(1), text_of(1)));
    BOOST_TEST(!all.flush());
    BOOST_TEST(!all.add(record_of(2), text_of(2)));
    BOOST_TEST(all.flush().failed());
    BOOST_TEST(d.content == record_of(1)); // nothing torn
    d.room = 1'000'000;
    BOOST_TEST(all.add(record_of(3), text_of(3)).failed()); // it stays broken
    BOOST_TEST(all.keeping("x", file_7).failed());
    BOOST_TEST(all.take_unwritten() == std::vector<std::string>({text_of(2), text_of(3)}),
               boost::test_tools::per_element());
    BOOST_TEST(d.content == record_of(1));
}

BOOST_AUTO_TEST_CASE(the_first_line_that_differs_is_found)
{
    disk d;
    for (const std::uint64_t line : {3U, 5U, 60U, 70U})
        d.content += record_of(line);
    journal all = opened(d);
    weir_fetch::input_check::difference there;
    for (const std::uint64_t line : {3U, 5U, 60U}) {
        there.lines |= std::uint64_t{1} << line;
        there.hashes[line] = weir_fetch::hash_of(text_of(line));
    }
    there.hashes[60] += 1;
    BOOST_TEST(all.first_difference(place::source::line, there) == 60U);
    there.lines &= ~(std::uint64_t{1} << 5);
    BOOST_TEST(all.first_difference(place::source::line, there) == 5U);
}

BOOST_AUTO_TEST_SUITE_END()
