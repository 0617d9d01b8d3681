#pragma once

#include <weir/error.hpp>
#include <weir/http/body_receiver.hpp>
#include <weir/http/response.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::http {

/// Stores the body of a response in a file, which has its name only when the body is complete:
/// `file_receiver to("page.html"); co_await client.async_request_into(ask, to);`
///
/// Shape: the body is written to `PATH.part`, which replaces `PATH` at the end. Until then, and
///        when there is no end, a file of that name stays as it is, and the destructor removes the
///        part. The rest of a body that breaks off is fetched where that is safe
///        (`continuation`). It serves one request after another, each of which stores it anew.
/// Errors: the request ends with class `http` when the status is not one of 200 to 299: no error
///         page becomes the file. It ends with class `io`, and a text that names the file, when
///         that cannot be written.
/// Threads: on the client's executor, which waits for the disk, as a program that writes to a file
///          does. For a disk that is slow, derive from `body_receiver`, and write in a
///          `blocking_lane`.
/// Lifetime: outlives the request.
/// Memory: none for the body. It is not synced: after a loss of power the file may be cut.
class file_receiver final : public body_receiver {
public:
    /// Nothing is opened before a body begins. Throws `std::invalid_argument` for an empty name.
    explicit file_receiver(std::string path);
    file_receiver(const file_receiver&) = delete;
    file_receiver& operator=(const file_receiver&) = delete;
    ~file_receiver() override;

    boost::asio::awaitable<error_code> begin(std::uint64_t offset, const response& head) override;
    boost::asio::awaitable<error_code> write(std::string_view part) override;
    bool accepts_offset() const override { return true; }
    boost::asio::awaitable<error_code> end() override;

private:
    [[noreturn]] void cannot_write(int number) const;
    void open();
    void drop() noexcept;

    std::string path_;
    std::string part_;
    int file_ = -1;
};

} // namespace weir::http
