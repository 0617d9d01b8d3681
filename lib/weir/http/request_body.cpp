#include <weir/http/request_body.hpp>

#include <weir/error.hpp>
#include <weir/http/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <utility>

namespace weir::http {
namespace {

namespace asio = boost::asio;

[[noreturn]] void cannot_read(const std::string& path, const std::string& why, int number)
{
    throw failed(failure(error_class::io, "cannot send the file " + path + ": " + why,
                         error_code(number, boost::system::system_category())));
}

[[noreturn]] void cannot_read(const std::string& path, int number)
{
    cannot_read(path, error_code(number, boost::system::system_category()).message(), number);
}

class file_source final : public body_source {
public:
    explicit file_source(const std::string& path)
        : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK))
    {
        if (file_ < 0)
            cannot_read(path_, errno);
        struct stat about {};
        if (::fstat(file_, &about) != 0 || !S_ISREG(about.st_mode)) {
            ::close(file_);
            cannot_read(path_, "it is no regular file", EINVAL);
        }
        length_ = static_cast<std::uint64_t>(about.st_size);
    }
    file_source(const file_source&) = delete;
    file_source& operator=(const file_source&) = delete;
    ~file_source() override { ::close(file_); }

    asio::awaitable<std::size_t> read(char* to, std::size_t size) override
    {
        ssize_t n = -1;
        do
            n = ::read(file_, to, size);
        while (n < 0 && errno == EINTR);
        if (n < 0)
            cannot_read(path_, errno);
        if (n == 0)
            cannot_read(path_, "it has become shorter", EIO);
        co_return static_cast<std::size_t>(n);
    }

    std::optional<std::uint64_t> length() const override { return length_; }

private:
    std::string path_;
    int file_;
    std::uint64_t length_ = 0;
};

} // namespace

/// A source of the user's, and whether it was read from, or is just being sent.
class request_body::stream final : public body_source {
public:
    explicit stream(std::shared_ptr<body_source> from) : from_(std::move(from)) {}

    asio::awaitable<std::size_t> read(char* to, std::size_t size) override
    {
        begun_ = true;
        return from_->read(to, size);
    }
    std::optional<std::uint64_t> length() const override { return from_->length(); }
    bool can_rewind() const override { return !begun_ || from_->can_rewind(); }
    void rewind() override
    {
        if (!begun_)
            return;
        from_->rewind();
        begun_ = false;
    }

    /// Itself for one request, until that lets go of it.
    static std::shared_ptr<body_source> lend(const std::shared_ptr<stream>& self)
    {
        if (self->lent_.exchange(true, std::memory_order_acquire))
            throw failed(failure(error_class::io,
                                 "the source of the request's body is being sent by another "
                                 "request: give each request a source of its own"));
        const auto give_back = [self](body_source*) {
            self->lent_.store(false, std::memory_order_release);
        };
        return std::shared_ptr<body_source>(self.get(), give_back); // it does so if this throws
    }

private:
    std::shared_ptr<body_source> from_;
    bool begun_ = false;
    std::atomic<bool> lent_ = false; // requests of a group are on several threads
};

request_body request_body::text(std::string bytes)
{
    request_body made;
    made.text_ = std::make_shared<const std::string>(std::move(bytes));
    return made;
}

request_body request_body::file(std::string path)
{
    if (path.empty())
        throw std::invalid_argument("weir::http::request_body: the name of the file is empty");
    request_body made;
    made.path_ = std::move(path);
    return made;
}

request_body request_body::from(std::shared_ptr<body_source> source)
{
    if (!source)
        throw std::invalid_argument("weir::http::request_body: there is no source");
    request_body made;
    made.stream_ = std::make_shared<stream>(std::move(source));
    return made;
}

bool request_body::can_be_sent() const
{
    return !stream_ || stream_->can_rewind();
}

std::shared_ptr<body_source> request_body::open() const
{
    if (!stream_)
        return std::make_shared<file_source>(path_);
    auto loan = stream::lend(stream_);
    if (!stream_->can_rewind())
        throw failed(failure(error_class::io, "the request's body was sent already, and its source "
                                              "cannot rewind"));
    stream_->rewind();
    return loan;
}

} // namespace weir::http
