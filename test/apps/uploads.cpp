// Sends bodies, for the fault table: weir-fetch has none of unknown length. A line of standard
// input is a request and what to ask the same server for when it has ended:
//
//     URL SIZE length|chunks GOOD-URL|-
//
// The first is a PUT with a body of SIZE bytes, of known length or in chunks, the second a GET. The
// output is that of `weir-fetch --jsonl`.
#include "entry.hpp"
#include "record.hpp"
#include "sha256.hpp"

#include <weir/http/client.hpp>
#include <weir/http/request_body.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

namespace asio = boost::asio;
namespace http = weir::http;

namespace {

/// The body that the fault server expects: 61 characters, again and again.
class counted_source final : public http::body_source {
public:
    explicit counted_source(std::uint64_t size, bool says_length)
        : size_(size), says_length_(says_length)
    {
    }

    asio::awaitable<std::size_t> read(char* to, std::size_t size) override
    {
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(size, size_ - given_));
        for (std::size_t i = 0; i != n; ++i)
            to[i] = static_cast<char>('A' + (given_ + i) % 61);
        given_ += n;
        co_return n;
    }
    std::optional<std::uint64_t> length() const override
    {
        return says_length_ ? std::optional(size_) : std::nullopt;
    }
    bool can_rewind() const override { return true; }
    void rewind() override { given_ = 0; }

private:
    std::uint64_t size_;
    std::uint64_t given_ = 0;
    bool says_length_;
};

struct task {
    task() {} // no aggregate: g++ 12 destroys those twice beside co_await

    std::string url, good;
    std::uint64_t size = 0;
    bool says_length = false;
};

asio::awaitable<void> make(http::client& by, http::request ask, std::string url)
{
    http::fetch_result result;
    result.url = url;
    result.final_url = std::move(url);
    auto asking = by.async_request(std::move(ask));
    result.answer = co_await std::move(asking);
    auto& answer = result.answer;
    if (!answer.error && answer.status >= 400)
        answer.error = http::failure(http::error_class::http, "the server refused");
    weir_fetch::sha256 sum;
    sum.add(answer.body);
    weir_fetch::stored where;
    where.sha256 = sum.hex();
    weir_fetch::entry what;
    what.url = result.url;
    const std::string line = weir_fetch::json_line(result, what, where);
    std::fputs(line.c_str(), stdout);
}

asio::awaitable<void> send(http::client& by, task what)
{
    http::request ask(http::url::parse(what.url).value(), "PUT");
    ask.body(
        http::request_body::from(std::make_shared<counted_source>(what.size, what.says_length)));
    auto sending = make(by, std::move(ask), what.url);
    co_await std::move(sending);
    if (what.good == "-")
        co_return;
    http::request next(http::url::parse(what.good).value());
    auto asking = make(by, std::move(next), what.good);
    co_await std::move(asking);
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 3) {
        std::fputs("usage: uploads CA-FILE SECONDS < requests\n", stderr);
        return 2;
    }
    asio::io_context io(1);
    http::client client(io.get_executor(), http::client_options().ca_file(argv[1]).requests(
                                               http::request_options().total_timeout(
                                                   std::chrono::seconds(std::atoi(argv[2])))));
    for (std::string line; std::getline(std::cin, line);) {
        task one;
        std::string framing;
        std::istringstream(line) >> one.url >> one.size >> framing >> one.good;
        one.says_length = framing == "length";
        asio::co_spawn(io, send(client, std::move(one)), [](const std::exception_ptr& error) {
            if (error)
                std::rethrow_exception(error);
        });
    }
    io.run();
    return 0;
}
