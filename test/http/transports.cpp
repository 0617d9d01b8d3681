// Transports over others: bytes that were read already, and TLS.
#include <weir/http/detail/connection.hpp>
#include <weir/http/detail/prefixed_transport.hpp>
#include <weir/http/detail/secure_transport.hpp>
#include <weir/http/network.hpp>
#include <weir/http/url.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace asio = boost::asio;
namespace http = weir::http;
using http::io_step;
using state = io_step::state;

namespace {

// What a test says is there; it counts waits.
struct line_state {
    std::string bytes;
    int waits = 0;
};

class some_line final : public http::transport {
public:
    explicit some_line(line_state& all) : all_(all) {}

    io_step try_read(char* to, std::size_t size) override
    {
        if (all_.bytes.empty())
            return io_step(state::wait_read);
        const auto n = all_.bytes.copy(to, size);
        all_.bytes.erase(0, n);
        return io_step(state::done, n);
    }
    io_step try_write(const char* from, std::size_t size) override
    {
        all_.bytes.append(from, size);
        return io_step(state::done, size);
    }
    io_step peek() override { return io_step(all_.bytes.empty() ? state::wait_read : state::done); }
    asio::awaitable<weir::error_code> wait(state) override
    {
        ++all_.waits;
        co_return weir::error_code();
    }

private:
    line_state& all_;
};

// A session with records in memory. It says that something is pending for a part of one, too.
struct record_state {
    std::string whole;
    bool part = false;
};

class some_session final : public http::secure_session {
public:
    explicit some_session(record_state& all) : all_(all) {}

    io_step handshake() override { return io_step(state::done); }
    io_step read(char* to, std::size_t size) override
    {
        if (all_.whole.empty())
            return io_step(state::wait_read);
        const auto n = all_.whole.copy(to, std::min<std::size_t>(size, 2));
        all_.whole.erase(0, n);
        return io_step(state::done, n);
    }
    io_step write(const char*, std::size_t size) override { return io_step(state::done, size); }
    bool has_pending() const override { return all_.part || !all_.whole.empty(); }
    std::string fault() const override { return {}; }

private:
    record_state& all_;
};

// A network whose TLS is such a session.
class some_network final : public http::network {
public:
    explicit some_network(record_state& all) : all_(all) {}

    std::shared_ptr<http::name_source> names() override { return nullptr; }
    std::unique_ptr<attempt> connect(const asio::ip::tcp::endpoint&, connected) override
    {
        return nullptr;
    }
    std::unique_ptr<http::secure_session> secure(http::transport&, const http::url&) override
    {
        return std::make_unique<some_session>(all_);
    }

private:
    record_state& all_;
};

// Reads all there is, waiting as a connection does, until it has waited on the line once.
asio::awaitable<std::string> read_until_wait(http::transport& from, const line_state& line)
{
    std::string all;
    const int before = line.waits;
    for (int n = 0; n < 100 && line.waits == before; ++n) {
        char bytes[3];
        const io_step step = from.try_read(bytes, sizeof bytes);
        all.append(bytes, step.bytes);
        const weir::error_code error = co_await from.wait(state::wait_read);
        BOOST_TEST(!error);
    }
    co_return all;
}

void expect(http::transport& from, const line_state& line, const std::string& wanted)
{
    asio::io_context io;
    asio::co_spawn(io, read_until_wait(from, line), [&](std::exception_ptr e, std::string all) {
        BOOST_TEST(!e);
        BOOST_TEST(all == wanted);
    });
    io.run();
    BOOST_TEST(line.waits == 1);
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_transports)

BOOST_AUTO_TEST_CASE(bytes_that_were_read_already_come_first_without_waiting)
{
    line_state line{"behind", 0};
    http::detail::prefixed_transport from("before ", std::make_unique<some_line>(line));
    BOOST_TEST((from.peek().what == state::done));
    expect(from, line, "before ");
    line.bytes.clear();
    BOOST_TEST((from.peek().what == state::wait_read));
    BOOST_TEST((from.try_write("x", 1).what == state::done));
    BOOST_TEST(line.bytes == "x");
}

BOOST_AUTO_TEST_CASE(tls_that_has_whole_records_is_read_before_the_line_is_waited_for)
{
    line_state line;
    record_state records{"six in memory", false};
    http::detail::secure_transport from(std::make_unique<some_line>(line),
                                        std::make_unique<some_session>(records));
    BOOST_TEST((from.peek().what == state::done));
    expect(from, line, "six in memory");
    BOOST_TEST((from.peek().what == state::wait_read));
}

// It would spin: only the line can bring the rest.
BOOST_AUTO_TEST_CASE(tls_that_has_a_part_of_a_record_waits_for_the_line)
{
    line_state line;
    record_state records{"ab", true};
    http::detail::secure_transport from(std::make_unique<some_line>(line),
                                        std::make_unique<some_session>(records));
    expect(from, line, "ab");
    BOOST_TEST((from.peek().what == state::wait_read));
}

// The line is silent; but what arrived with the last response is a response to nothing.
BOOST_AUTO_TEST_CASE(a_connection_is_not_quiet_where_tls_has_bytes_in_memory)
{
    line_state line;
    record_state records;
    some_network all(records);
    http::detail::connection over(std::make_unique<some_line>(line), asio::ip::tcp::endpoint());
    const auto target = http::url::parse("https://h/").value();
    asio::io_context io;
    asio::co_spawn(io, over.handshake(all, target),
                   [](std::exception_ptr e, weir::error_code) { BOOST_TEST(!e); });
    io.run();
    BOOST_TEST(over.is_quiet());
    records.part = true;
    BOOST_TEST(over.is_quiet()); // a ticket that is not whole, perhaps
    records.whole = "more";
    BOOST_TEST(!over.is_quiet());
}

BOOST_AUTO_TEST_SUITE_END()
