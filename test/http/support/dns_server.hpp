#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace weir::test {

/// A name server on loopback, on a thread of its own, that says what a test wants, by UDP and
/// by TCP on one port.
class dns_server {
public:
    struct reply {
        std::vector<std::string> found;
        std::uint32_t ttl = 60;
        unsigned rcode = 0; // 2 SERVFAIL, 3 NXDOMAIN
        bool silent = false;
        bool by_tcp = false;     // by UDP there is only half an answer
        std::uint32_t alias = 0; // unless 0: the addresses are those of another name, for so long
    };
    /// Called on the server's thread. The name is in lower case.
    using answers = std::function<reply(const std::string& name, bool v6)>;

    explicit dns_server(answers a)
        : answers_(std::move(a)),
          acceptor_(io_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
          socket_(io_, udp::endpoint(boost::asio::ip::address_v4::loopback(),
                                     acceptor_.local_endpoint().port()))
    {
        socket_.set_option(udp::socket::receive_buffer_size(1 << 20));
        receive();
        accept();
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
    using tcp = boost::asio::ip::tcp;
    using udp = boost::asio::ip::udp;

    struct peer {
        explicit peer(tcp::socket s) : socket(std::move(s)) {}
        tcp::socket socket;
        std::array<char, 1500> in{};
    };

    void receive()
    {
        const auto then = [this](const boost::system::error_code& e, std::size_t size) {
            boost::system::error_code ignored;
            const std::string out = e ? "" : answer({in_.data(), size}, false);
            if (!out.empty())
                socket_.send_to(boost::asio::buffer(out), from_, 0, ignored);
            receive();
        };
        socket_.async_receive_from(boost::asio::buffer(in_), from_, then);
    }

    void accept()
    {
        acceptor_.async_accept([this](const boost::system::error_code& e, tcp::socket s) {
            if (e)
                return;
            read(std::make_shared<peer>(std::move(s)));
            accept();
        });
    }

    // c-ares sends a query in one piece, its length in front, and waits for the answer.
    void read(const std::shared_ptr<peer>& from)
    {
        const auto then = [this, from](const boost::system::error_code& e, std::size_t size) {
            if (e || size < 2)
                return;
            const std::string out = answer({from->in.data() + 2, size - 2}, true);
            std::string framed;
            put(framed, unsigned(out.size()));
            boost::system::error_code ignored;
            if (!out.empty())
                boost::asio::write(from->socket, boost::asio::buffer(framed + out), ignored);
            read(from);
        };
        from->socket.async_read_some(boost::asio::buffer(from->in), then);
    }

    /// Empty: says nothing.
    std::string answer(std::string_view query, bool by_tcp)
    {
        std::string name;
        std::size_t at = 12; // after the header
        while (at < query.size() && query[at] != 0) {
            const auto length = std::size_t(query[at]);
            name += (name.empty() ? "" : ".") + std::string(query.substr(at + 1, length));
            at += length + 1;
        }
        if (at + 5 > query.size())
            return {};
        const bool v6 = query[at + 2] == 28;
        {
            std::lock_guard lock(mutex_);
            ++asked_[{name, v6}];
        }
        reply said = answers_(name, v6);
        if (said.silent)
            return {};
        const bool is_cut = said.by_tcp && !by_tcp;
        if (is_cut)
            said.found.clear();
        const bool has_alias = said.alias != 0 && !is_cut;
        std::string out(query.substr(0, 2));
        // An answer; recursion was asked for and is there.
        put(out, 0x8180 | said.rcode | (is_cut ? 0x200 : 0));
        put(out, 1);
        put(out, unsigned(said.found.size() + has_alias));
        put(out, 0);
        put(out, 0);
        out += query.substr(12, at + 5 - 12);
        const std::size_t target = out.size() + 12;
        if (has_alias) {
            put_head(out, 0xc00c, 5, said.alias);
            put(out, 7);
            out += std::string("\5alias\0", 7);
        }
        const unsigned owner = has_alias ? unsigned(0xc000 | target) : 0xc00cU;
        for (const std::string& each : said.found)
            put_address(out, owner, each, said.ttl);
        return out;
    }

    static void put(std::string& out, unsigned two_bytes)
    {
        out += char(two_bytes >> 8 & 255);
        out += char(two_bytes & 255);
    }

    /// `owner` is the place of the name in this packet.
    static void put_head(std::string& out, unsigned owner, unsigned type, std::uint32_t ttl)
    {
        put(out, owner);
        put(out, type);
        put(out, 1);
        put(out, ttl >> 16);
        put(out, ttl & 0xffff);
    }

    static void put_address(std::string& out, unsigned owner, const std::string& text,
                            std::uint32_t ttl)
    {
        const auto address = boost::asio::ip::make_address(text);
        put_head(out, owner, address.is_v6() ? 28 : 1, ttl);
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
    tcp::acceptor acceptor_; // first: outgoing connections have more of the ports
    udp::socket socket_;
    udp::endpoint from_;
    std::array<char, 1500> in_{};
    mutable std::mutex mutex_;
    std::map<std::pair<std::string, bool>, int> asked_;
    std::thread thread_;
};

} // namespace weir::test
