// gzip and deflate, by zlib.
#include <weir/http/detail/coding_step.hpp>

#define ZLIB_CONST // its input stays as it is
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <optional>

namespace weir::http::detail {
namespace {

void* allocate(void* account, unsigned items, unsigned size)
{
    return memory_account::allocate(account, std::size_t{items} * size);
}

class inflate_step final : public coding_step {
public:
    inflate_step(content_coding which, memory_account& memory) noexcept
        : which_(which), memory_(memory)
    {
        zlib_.zalloc = allocate;
        zlib_.zfree = memory_account::release;
        zlib_.opaque = &memory;
    }
    ~inflate_step() override
    {
        if (part_ != part::before)
            ::inflateEnd(&zlib_);
    }

    decoded decode(std::string_view& in, char* out, std::size_t room) override;
    bool complete() const noexcept override { return part_ == part::ended; }

private:
    enum class part { before, inside, ended };

    std::optional<failure> begin(char first);

    content_coding which_;
    memory_account& memory_;
    z_stream zlib_{};
    part part_ = part::before;
};

unsigned in_zlib_units(std::size_t bytes)
{
    return static_cast<unsigned>(
        std::min<std::size_t>(bytes, std::numeric_limits<unsigned>::max()));
}

/// The windowBits of inflateInit2. A raw stream cannot be taken for zlib's: with these four bits it
/// would begin with a stored block whose padding is not zero.
int format_of(content_coding which, char first)
{
    constexpr int largest_window = 15, with_gzip_header = 16, method_mask = 0xf, deflated = 8;
    if (which == content_coding::gzip)
        return largest_window + with_gzip_header;
    return (first & method_mask) == deflated ? largest_window : -largest_window;
}

/// Prepares for a stream that begins with this byte: the first one, or a further member.
std::optional<failure> inflate_step::begin(char first)
{
    if (part_ == part::ended && which_ != content_coding::gzip)
        return broken_coding(which_, "something stands behind it");
    const int done = part_ == part::before ? ::inflateInit2(&zlib_, format_of(which_, first))
                                           : ::inflateReset(&zlib_);
    if (done != Z_OK)
        return no_memory_for(which_, memory_);
    part_ = part::inside;
    return std::nullopt;
}

decoded inflate_step::decode(std::string_view& in, char* out, std::size_t room)
{
    decoded made;
    while (made.bytes != room) {
        if (part_ != part::inside) {
            if (in.empty())
                break;
            made.error = begin(in.front());
            if (made.error)
                break;
        }
        const unsigned given = in_zlib_units(in.size());
        const unsigned space = in_zlib_units(room - made.bytes);
        zlib_.next_in = reinterpret_cast<const Bytef*>(in.data());
        zlib_.avail_in = given;
        zlib_.next_out = reinterpret_cast<Bytef*>(out) + made.bytes;
        zlib_.avail_out = space;
        const int done = ::inflate(&zlib_, Z_NO_FLUSH);
        in.remove_prefix(given - zlib_.avail_in);
        made.bytes += space - zlib_.avail_out;
        if (done == Z_STREAM_END)
            part_ = part::ended;
        else if (done == Z_BUF_ERROR)
            break; // it needs more input
        else if (done == Z_MEM_ERROR)
            made.error = no_memory_for(which_, memory_);
        else if (done != Z_OK)
            made.error = broken_coding(which_, zlib_.msg ? zlib_.msg : "it needs a dictionary");
        if (made.error)
            break;
    }
    return made;
}

} // namespace

std::unique_ptr<coding_step> make_gzip_step(memory_account& memory)
{
    return std::make_unique<inflate_step>(content_coding::gzip, memory);
}

std::unique_ptr<coding_step> make_deflate_step(memory_account& memory)
{
    return std::make_unique<inflate_step>(content_coding::deflate, memory);
}

} // namespace weir::http::detail
