#include "watchers.hpp"

#include "entry.hpp"
#include "escape.hpp"
#include "head_copy.hpp"
#include "schemes.hpp"
#include "trace.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace weir_fetch {
namespace {

namespace asio = boost::asio;
namespace http = weir::http;

std::string text_of(const asio::ip::tcp::endpoint& address)
{
    std::ostringstream out;
    out << address;
    return out.str();
}

int open_dump(const std::string& file)
{
    if (file.empty())
        return -1;
    if (file == "-")
        return STDOUT_FILENO;
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
    if (fd < 0)
        throw std::runtime_error(
            "cannot use --dump-header " + escaped(file) + ": " +
            weir::error_code(errno, boost::system::system_category()).message());
    return fd;
}

/// Null without a limit.
std::unique_ptr<speed_limit> limit_of(const asio::any_io_executor& executor, std::uint64_t bytes)
{
    if (bytes == 0 || bytes > speed_limit::most)
        return nullptr;
    return std::make_unique<speed_limit>(executor, bytes);
}

} // namespace

/// Watches one attempt.
class watchers::watcher final : public http::exchange_watcher {
public:
    watcher(watchers& all, std::string_view about);

    void missed(const endpoint& address, const weir::error_code& error) override;
    void connected(const endpoint& address, line which) override;
    void sent(std::string_view head) override;
    void received(std::string_view bytes) override;
    std::optional<http::failure> refuses(const http::url& next) override;
    std::size_t most_to_read() const override { return pace_.most_to_read(); }
    bool wants_rest() const override { return pace_.wants_rest(); }
    asio::awaitable<void> rest() override { return pace_.rest(); }

private:
    void note(const std::string& text);

    watchers& all_;
    trace trace_;
    head_copy heads_;
    pace pace_;
};

watchers::watcher::watcher(watchers& all, std::string_view about)
    : all_(all), trace_(about),
      pace_(limit_of(all.executor_, all.chosen_.limit_rate.value_or(0)), all.of_all_)
{
}

void watchers::watcher::note(const std::string& text)
{
    if (all_.chosen_.verbose)
        all_.show(trace_.note(text));
}

void watchers::watcher::missed(const endpoint& address, const weir::error_code& error)
{
    note("cannot connect to " + text_of(address) + ": " + error.message());
}

void watchers::watcher::connected(const endpoint& address, line which)
{
    heads_.begin();
    note((which == line::reused ? "the connection is kept, to " : "connected to ") +
         text_of(address));
}

void watchers::watcher::sent(std::string_view head)
{
    if (all_.chosen_.verbose)
        all_.show(trace_.sent(head));
}

void watchers::watcher::received(std::string_view bytes)
{
    pace_.received(bytes.size());
    const std::string head = heads_.take(bytes);
    if (head.empty())
        return;
    if (all_.chosen_.verbose)
        all_.show(trace_.received(head));
    all_.dump(head);
}

std::optional<http::failure> watchers::watcher::refuses(const http::url& next)
{
    if (!all_.chosen_.redirect_schemes.allow(next))
        return schemes::refusal(http::error_class::redirect, next,
                                all_.chosen_.url_schemes.allow(next) ? "--proto-redir" : "--proto");
    note("redirected to " + next.str());
    return std::nullopt;
}

watchers::watchers(asio::any_io_executor executor, const options& chosen,
                   std::function<void()> before_text)
    : executor_(std::move(executor)), chosen_(chosen), before_text_(std::move(before_text)),
      of_all_(limit_of(executor_, chosen.limit_rate_total.value_or(0))),
      dump_to_(open_dump(chosen.dump_header)),
      names_urls_(!chosen.input_file.empty() || chosen.urls.size() > 1),
      dump_is_shown_(dump_to_ >= 0 && ::isatty(dump_to_) == 1)
{
}

watchers::~watchers()
{
    if (dump_to_ > STDERR_FILENO)
        ::close(dump_to_);
}

bool watchers::are_wanted() const
{
    return chosen_.verbose || dump_to_ >= 0 || of_all_ || chosen_.limit_rate.has_value() ||
           !chosen_.redirect_schemes.allow_all();
}

std::shared_ptr<http::exchange_watcher> watchers::make(std::string_view text)
{
    if (!names_urls_ || !chosen_.verbose)
        return std::make_shared<watcher>(*this, std::string_view());
    return std::make_shared<watcher>(*this, without_user(read_entry(text).url));
}

void watchers::show(const std::string& lines) const
{
    before_text_();
    std::fwrite(lines.data(), 1, lines.size(), stderr);
}

/// As curl: byte for byte, unless a terminal would obey it.
void watchers::dump(std::string_view head)
{
    if (dump_to_ < 0 || cannot_write_)
        return;
    std::string safe;
    if (dump_is_shown_) {
        safe = escaped_lines(head);
        head = safe;
    }
    while (!head.empty()) {
        const auto n = ::write(dump_to_, head.data(), head.size());
        if (n >= 0) {
            head.remove_prefix(static_cast<std::size_t>(n));
        } else if (errno == EPIPE) {
            dump_to_ = -1; // the reader has gone, which is no failure
            return;
        } else if (errno != EINTR) {
            const weir::error_code why(errno, boost::system::system_category());
            cannot_write_ = true;
            before_text_();
            std::fprintf(stderr, "weir-fetch: cannot write the headers to %s: %s\n",
                         escaped(chosen_.dump_header).c_str(), why.message().c_str());
            return;
        }
    }
}

} // namespace weir_fetch
