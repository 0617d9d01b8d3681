#include <weir/http/detail/text_backlog.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

using weir::http::detail::text_backlog;
using weir::http::detail::waiting_url;
using kind = text_backlog::step::kind;

namespace {

constexpr std::size_t window = 64 * 1024;

waiting_url url_of(std::uint64_t id, std::size_t length)
{
    waiting_url url;
    url.id = id;
    url.taken = weir::time_point(std::chrono::nanoseconds(id * 3));
    url.text = std::to_string(id) + std::string(length, 'x');
    return url;
}

// A file that a backlog writes to, and reads from.
struct file {
    // False: there was nothing to do.
    bool one_step(text_backlog& all, bool fails = false)
    {
        auto next = all.next_step();
        if (next.what == kind::none)
            return false;
        finish(all, std::move(next), fails);
        return true;
    }

    void finish(text_backlog& all, text_backlog::step s, bool fails = false)
    {
        if (!fails && s.what == kind::write) {
            if (bytes.size() < s.at + s.size)
                bytes.resize(s.at + s.size);
            bytes.replace(s.at, s.size, s.bytes);
        } else if (!fails) {
            s.bytes = bytes.substr(s.at, s.size);
            // What was read is not read again.
            std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(s.at), s.size, '!');
        }
        ++(s.what == kind::write ? writes : reads);
        all.done(std::move(s), fails);
    }

    std::string bytes;
    int writes = 0;
    int reads = 0;
};

std::uint64_t next_of(text_backlog& all, text_backlog::line& l, file& f)
{
    for (;;) {
        if (auto url = all.take(l))
            return url->id;
        BOOST_REQUIRE(f.one_step(all));
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_text_backlog)

BOOST_AUTO_TEST_CASE(what_fits_into_the_window_stays_in_memory)
{
    text_backlog all(window, 1 << 30);
    text_backlog::line l;
    all.set_blocked(l, true);
    for (std::uint64_t id = 1; id <= 100; ++id)
        all.push(l, url_of(id, 100));
    BOOST_TEST((all.next_step().what == kind::none));
    BOOST_TEST(all.has_room());
    for (std::uint64_t id = 1; id <= 100; ++id) {
        const auto url = all.take(l);
        BOOST_TEST_REQUIRE(url.has_value());
        BOOST_TEST(url->id == id);
        BOOST_TEST(url->text == url_of(id, 100).text);
        BOOST_TEST((url->taken == url_of(id, 100).taken));
    }
    BOOST_TEST(!all.take(l));
    BOOST_TEST(!l.is_away());
    BOOST_TEST(all.held() == 0U);
}

BOOST_AUTO_TEST_CASE(only_blocked_lines_are_written_and_the_largest_first)
{
    text_backlog all(window, 1 << 30);
    std::array<text_backlog::line, 3> lines;
    for (std::uint64_t id = 0; id < 200; ++id) {
        all.push(lines[0], url_of(id, 200));
        all.push(lines[1], url_of(id, 100));
        all.push(lines[2], url_of(id, 10));
    }
    BOOST_TEST(!all.has_room());
    BOOST_TEST((all.next_step().what == kind::none)); // all of them go on soon
    all.set_blocked(lines[1], true);
    all.set_blocked(lines[2], true);
    auto first = all.next_step();
    BOOST_TEST((first.what == kind::write));
    BOOST_TEST(first.of == &lines[1]);
    BOOST_TEST(!all.has_room()); // until it is written
    file f;
    f.finish(all, std::move(first));
    BOOST_TEST(all.has_room());
    BOOST_TEST((all.next_step().what == kind::none)); // there is room
    all.set_blocked(lines[0], true);
    for (std::uint64_t id = 200; all.has_room(); ++id)
        all.push(lines[2], url_of(id, 10));
    BOOST_TEST(all.next_step().of == &lines[0]);
}

// 1 KiB of it stays, which is enough until the next part has been read.
BOOST_AUTO_TEST_CASE(a_line_that_goes_on_is_read_ahead)
{
    text_backlog all(window, 1 << 30);
    text_backlog::line l;
    file f;
    all.set_blocked(l, true);
    std::uint64_t in = 0;
    for (int i = 0; i < 20'000; ++i) {
        all.push(l, url_of(++in, 30));
        while (!all.has_room())
            BOOST_TEST_REQUIRE(f.one_step(all));
    }
    BOOST_TEST(f.bytes.size() <= in * 60);
    BOOST_TEST(f.writes < 40);
    for (std::uint64_t id = 1; id <= in; ++id) {
        const auto url = all.take(l);
        BOOST_TEST_REQUIRE(url.has_value());
        BOOST_TEST_REQUIRE(url->id == id);
        f.one_step(all);
    }
    BOOST_TEST(all.segments() == 0U);
    BOOST_TEST(all.spilled() == 0U);
    BOOST_TEST(all.held() == 0U);
}

BOOST_AUTO_TEST_CASE(a_line_takes_little_more_memory_than_it_counts_for)
{
    text_backlog all(16 * window, 1 << 30);
    text_backlog::line l;
    file f;
    std::uint64_t in = 0;
    std::uint64_t out = 0;
    const auto check = [&] { BOOST_TEST_REQUIRE(l.capacity() <= all.held() + 16 * 1024); };
    while (all.has_room()) {
        all.push(l, url_of(++in, 40));
        check();
    }
    all.set_blocked(l, true);
    for (int i = 0; i < 20'000; ++i) {
        while (!all.has_room())
            BOOST_TEST_REQUIRE(f.one_step(all));
        check();
        all.push(l, url_of(++in, 40));
        check();
    }
    while (out != in) {
        BOOST_TEST_REQUIRE(next_of(all, l, f) == ++out);
        check();
    }
    BOOST_TEST(l.capacity() == 0U);
}

BOOST_AUTO_TEST_CASE(parts_of_one_line_share_a_segment_and_a_url_may_be_longer_than_one)
{
    text_backlog all(1, 1 << 30);
    text_backlog::line l;
    file f;
    all.set_blocked(l, true);
    all.push(l, url_of(1, 200'000));
    all.push(l, url_of(2, 10));
    while (f.one_step(all)) {
    }
    BOOST_TEST(f.writes == 4);
    BOOST_TEST(all.segments() == 4U);
    all.push(l, url_of(3, 60'000));
    all.push(l, url_of(4, 10'000));
    while (f.one_step(all)) {
    }
    BOOST_TEST(all.segments() == 5U);
    BOOST_TEST(f.writes == 6);
    for (std::uint64_t id = 1; id <= 4; ++id)
        BOOST_TEST(next_of(all, l, f) == id);
    BOOST_TEST(all.segments() == 0U);
}

BOOST_AUTO_TEST_CASE(at_the_limit_of_the_file_there_is_no_room_until_some_was_taken)
{
    text_backlog all(window, 2 * text_backlog::segment_size);
    text_backlog::line l;
    file f;
    all.set_blocked(l, true);
    std::uint64_t in = 0;
    const auto fill = [&] {
        while (!all.is_refused()) {
            while (all.has_room())
                all.push(l, url_of(++in, 80));
            f.one_step(all);
        }
    };
    fill();
    BOOST_TEST(!all.has_room());
    BOOST_TEST(all.segments() == 2U);
    BOOST_TEST(f.bytes.size() == 2 * text_backlog::segment_size);
    BOOST_TEST(all.held() < window + 200);
    const std::size_t before = all.waiting();
    std::uint64_t out = 0;
    while (!all.has_room())
        BOOST_TEST_REQUIRE(next_of(all, l, f) == ++out);
    BOOST_TEST(all.held() < window - window / 8);
    BOOST_TEST(all.waiting() == before - out);
    fill();
    while (out != in)
        BOOST_TEST_REQUIRE(next_of(all, l, f) == ++out);
    BOOST_TEST(all.segments() == 0U);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_stays_in_memory_in_its_order)
{
    text_backlog all(window, 1 << 30);
    text_backlog::line l;
    file f;
    all.set_blocked(l, true);
    std::uint64_t in = 0;
    while (all.has_room())
        all.push(l, url_of(++in, 80));
    auto writing = all.next_step();
    all.push(l, url_of(++in, 80)); // meanwhile
    BOOST_TEST(all.take(l)->id == 1U);
    f.finish(all, std::move(writing), true);
    BOOST_TEST(all.is_refused());
    BOOST_TEST(all.segments() == 0U);
    BOOST_TEST((all.next_step().what == kind::none));
    for (std::uint64_t id = 2; id <= in; ++id)
        BOOST_TEST_REQUIRE(all.take(l).value().id == id);
    BOOST_TEST(all.held() == 0U);
    BOOST_TEST(all.has_room());
}

BOOST_AUTO_TEST_CASE(one_that_is_put_back_is_the_first_again)
{
    text_backlog all(window, 1 << 30);
    text_backlog::line l;
    file f;
    all.set_blocked(l, true);
    for (std::uint64_t id = 1; id <= 2'000; ++id)
        all.push(l, url_of(id, 50));
    while (f.one_step(all)) {
    }
    auto url = all.take(l);
    all.push_front(l, *url);
    for (std::uint64_t id = 1; id <= 2'000; ++id)
        BOOST_TEST_REQUIRE(next_of(all, l, f) == id);
    BOOST_TEST(all.segments() == 0U);
}

BOOST_AUTO_TEST_CASE(what_waits_elsewhere_counts_too)
{
    text_backlog all(window, 1 << 30);
    all.hold(window);
    BOOST_TEST(!all.has_room());
    all.release(1);
    BOOST_TEST(all.has_room());
}

namespace {

// Random work on some lines, beside a deque for each.
class random_work {
public:
    explicit random_work(unsigned seed) : random_(seed) {}

    void run(int steps)
    {
        for (int i = 0; i < steps; ++i)
            once();
        while (all_.waiting() != 0) {
            finish_step(false);
            for (std::size_t i = 0; i < lines_.size(); ++i)
                take(i);
            begin_step();
        }
        finish_step(false);
        BOOST_TEST_REQUIRE(all_.segments() == 0U);
        BOOST_TEST_REQUIRE(all_.held() == 0U);
        BOOST_TEST_REQUIRE(all_.spilled() == 0U);
    }

    int moved = 0;

private:
    std::size_t below(std::size_t end) { return random_() % end; }

    void once()
    {
        const std::size_t i = below(lines_.size());
        // There are times when more comes than goes, and others.
        const bool grows = (++done_ / 3'000) % 2 == 0;
        switch (below(10)) {
        case 0:
        case 1:
        case 2:
            finish_step(below(10) == 0);
            begin_step();
            break;
        case 3:
            all_.set_blocked(lines_[i], below(4) != 0);
            break;
        case 4:
            put_back(i);
            break;
        case 5:
            take(i);
            break;
        default:
            grows ? push(i) : take(i);
        }
        BOOST_TEST_REQUIRE(all_.segments() <= most_segments);
        BOOST_TEST_REQUIRE(all_.held() + all_.spilled() == bytes_);
    }

    void push(std::size_t i)
    {
        // Few are long, and lines differ in how much they get.
        const auto url = url_of(++last_, below(20) == 0 ? below(9'000) : below(200) * (i + 1));
        bytes_ += url.text.size() + text_backlog::record_size;
        all_.push(lines_[i], url);
        model_[i].push_back(url.id);
    }
    void take(std::size_t i)
    {
        const auto url = all_.take(lines_[i]);
        if (!url) {
            BOOST_TEST_REQUIRE(lines_[i].is_away() == !model_[i].empty());
            return;
        }
        BOOST_TEST_REQUIRE(url->id == model_[i].front());
        BOOST_TEST_REQUIRE(url->text.rfind(std::to_string(url->id), 0) == 0U);
        bytes_ -= url->text.size() + text_backlog::record_size;
        model_[i].pop_front();
    }
    void put_back(std::size_t i)
    {
        if (const auto url = all_.take(lines_[i])) {
            all_.push_front(lines_[i], *url);
            BOOST_TEST_REQUIRE(url->id == model_[i].front());
        }
    }
    void begin_step()
    {
        if (!step_)
            step_ = all_.next_step();
        if (step_->what == kind::none)
            step_.reset();
    }
    void finish_step(bool fails)
    {
        if (!step_)
            return;
        fails = fails && step_->what == kind::write;
        moved += !fails;
        file_.finish(all_, *std::exchange(step_, std::nullopt), fails);
    }

    static constexpr std::size_t most_segments = 12;

    std::mt19937 random_;
    text_backlog all_{16 * 1024, most_segments* text_backlog::segment_size + 1};
    std::array<text_backlog::line, 6> lines_;
    std::array<std::deque<std::uint64_t>, 6> model_;
    std::optional<text_backlog::step> step_;
    file file_;
    std::uint64_t last_ = 0;
    std::uint64_t bytes_ = 0;
    int done_ = 0;
};

} // namespace

BOOST_AUTO_TEST_CASE(random_work_loses_nothing_and_changes_no_order)
{
    int moved = 0;
    for (unsigned seed = 1; seed <= 30; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed)
        {
            random_work work(seed);
            work.run(20'000);
            moved += work.moved;
        }
    }
    BOOST_TEST(moved > 2'000);
}

BOOST_AUTO_TEST_SUITE_END()
