#include <weir/http/detail/spill_file.hpp>

#include <weir/http/detail/last_error.hpp>

#include <boost/asio/error.hpp>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace weir::http::detail {
namespace {

/// Calls `move(done)`, which is `pread` or `pwrite`, until all bytes are moved.
template <class Move>
error_code move_all(std::size_t size, Move move)
{
    std::size_t done = 0;
    while (done != size) {
        const ssize_t n = move(done);
        if (n == 0)
            return boost::asio::error::eof;
        if (n > 0)
            done += static_cast<std::size_t>(n);
        else if (errno != EINTR)
            return last_error();
    }
    return {};
}

/// For file systems that make no file without a name: it has one for a moment.
int make_and_unlink(const std::string& directory)
{
    std::string name = directory + "/weir-spill-XXXXXX";
    const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
    if (descriptor >= 0)
        ::unlink(name.c_str());
    return descriptor;
}

} // namespace

spill_file::spill_file(std::string directory, opener unnamed)
    : directory_(std::move(directory)), unnamed_(unnamed)
{
    const char* const chosen = std::getenv("TMPDIR");
    if (directory_.empty())
        directory_ = chosen != nullptr && *chosen != '\0' ? chosen : "/tmp";
}

spill_file::~spill_file()
{
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

int spill_file::open_unnamed(const char* directory)
{
    return ::open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

error_code spill_file::open()
{
    if (descriptor_ >= 0)
        return {};
    descriptor_ = unnamed_(directory_.c_str());
    // What old kernels and other file systems say of O_TMPFILE.
    if (descriptor_ < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        descriptor_ = make_and_unlink(directory_);
    return descriptor_ < 0 ? last_error() : error_code();
}

error_code spill_file::write(std::uint64_t at, std::string_view bytes)
{
    if (const error_code error = open())
        return error;
    return move_all(bytes.size(), [&](std::size_t done) {
        return ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                        static_cast<off_t>(at + done));
    });
}

error_code spill_file::read(std::uint64_t at, std::string& into) const
{
    return move_all(into.size(), [&](std::size_t done) {
        return ::pread(descriptor_, into.data() + done, into.size() - done,
                       static_cast<off_t>(at + done));
    });
}

} // namespace weir::http::detail
