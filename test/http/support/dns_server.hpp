#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/udp.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace weir::test {

/// A name server on loopback, on a thread of its own, that says what a test wants. UDP only.
class dns_server {
public:
    struct reply {
        std::vector<std::string> found;
        std::uint32_t ttl = 60;
        unsigned rcode = 0; // 2 SERVFAIL, 3 NXDOMAIN
        bool silent = false;
    };
    /// Called on the server's thread. The name is in lower case.
    using answers = std::function<reply(const std::string& name, bool v6)>;

    explicit dns_server(answers a)
        : answers_(std::move(a)),
          socket_(io_, udp::endpoint(boost::asio::ip::address_v4::loopback(), 0))
    {
        socket_.set_option(udp::socket::receive_buffer_size(1 << 20));
        receive();
        thread_ = std::thread([this] { io_.run(); });
    }
    dns_server(const dns_server&) = delete;
    dns_server& operator=(const dns_server&) = delete;
    ~dns_server()
    {
        io_.stop();
        thread_.join();
    }

    /// As `client_options::name_servers` takes it.
    std::string address() const
    {
        return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port());
    }
    /// How many queries came for this name, those sent again too.
    int asked(const std::string& name, bool v6) const
    {
        std::lock_guard lock(mutex_);
        const auto at = asked_.find({name, v6});
        return at == asked_.end() ? 0 : at->second;
    }

private:
    using udp = boost::asio::ip::udp;

    void receive()
    {
        socket_.async_receive_from(boost::asio::buffer(in_), from_,
                                   [this](const boost::system::error_code& e, std::size_t size) {
                                       if (!e)
                                           answer(size);
                                       receive();
                                   });
    }

    void answer(std::size_t size)
    {
        std::string name;
        std::size_t at = 12; // after the header
        while (at < size && in_[at] != 0) {
            name += (name.empty() ? "" : ".") + std::string(&in_[at + 1], std::size_t(in_[at]));
            at += std::size_t(in_[at]) + 1;
        }
        if (at + 5 > size)
            return;
        const bool v6 = in_[at + 2] == 28;
        const std::string question(&in_[12], at + 5 - 12);
        {
            std::lock_guard lock(mutex_);
            ++asked_[{name, v6}];
        }
        const reply said = answers_(name, v6);
        if (said.silent)
            return;
        std::string out(in_.data(), 2);
        put(out, 0x8180 | said.rcode); // an answer, recursion was asked for and is there
        put(out, 1);
        put(out, unsigned(said.found.size()));
        put(out, 0);
        put(out, 0);
        out += question;
        for (const std::string& each : said.found)
            put_record(out, each, said.ttl);
        boost::system::error_code ignored;
        socket_.send_to(boost::asio::buffer(out), from_, 0, ignored);
    }

    static void put(std::string& out, unsigned two_bytes)
    {
        out += char(two_bytes >> 8 & 255);
        out += char(two_bytes & 255);
    }

    static void put_record(std::string& out, const std::string& text, std::uint32_t ttl)
    {
        const auto address = boost::asio::ip::make_address(text);
        put(out, 0xc00c); // the name in the question
        put(out, address.is_v6() ? 28 : 1);
        put(out, 1);
        put(out, ttl >> 16);
        put(out, ttl & 0xffff);
        put(out, address.is_v6() ? 16 : 4);
        if (address.is_v6())
            for (const unsigned char byte : address.to_v6().to_bytes())
                out += char(byte);
        else
            for (const unsigned char byte : address.to_v4().to_bytes())
                out += char(byte);
    }

    answers answers_;
    boost::asio::io_context io_{1};
    udp::socket socket_;
    udp::endpoint from_;
    std::array<char, 1500> in_{};
    mutable std::mutex mutex_;
    std::map<std::pair<std::string, bool>, int> asked_;
    std::thread thread_;
};

} // namespace weir::test
