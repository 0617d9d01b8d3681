// zstd, by libzstd. Its interface that is stable takes no allocator, so the memory is counted from
// outside: at the beginning of a frame the most that it may take, then what it says.
#include <weir/http/detail/coding_step.hpp>

#include <zstd.h>
#include <zstd_errors.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

namespace weir::http::detail {
namespace {

constexpr int window_log = 23; // 8 MiB
/// How a frame begins, and one to skip, whose first byte is any of 0x50 to 0x5F. libzstd knows the
/// frames of its first versions too, which no coding of HTTP is.
///
/// Source: RFC 8878 sections 3.1.1 and 3.1.2.
constexpr std::string_view frame_magic = "\x28\xB5\x2F\xFD";
constexpr std::string_view skippable_magic = "\x50\x2A\x4D\x18";

/// A window, and less than 512 KiB for the context and two blocks.
constexpr std::size_t most_memory = (std::size_t{1} << window_log) + 512 * 1024;

class zstd_step final : public coding_step {
public:
    explicit zstd_step(memory_account& memory) noexcept : memory_(memory) {}
    ~zstd_step() override { memory_.give_back(counted_); }

    decoded decode(std::string_view& in, char* out, std::size_t room) override;
    bool complete() const noexcept override { return between_frames_; }

private:
    struct destroy {
        void operator()(ZSTD_DCtx* context) const noexcept { ::ZSTD_freeDCtx(context); }
    };

    bool begin_frame();
    bool begins_well(std::string_view in) noexcept;
    void count(std::size_t bytes) noexcept;
    failure failed(std::size_t code) const;

    memory_account& memory_;
    std::size_t counted_ = 0;
    std::unique_ptr<ZSTD_DCtx, destroy> context_;
    bool between_frames_ = true;
    std::size_t magic_ = 0; // bytes of it that have come, of this frame
    bool skippable_ = false;
};

bool zstd_step::begin_frame()
{
    if (!memory_.take(most_memory - counted_))
        return false;
    counted_ = most_memory;
    if (!context_) {
        context_.reset(::ZSTD_createDCtx());
        if (!context_)
            return false;
        ::ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, window_log);
    }
    between_frames_ = false;
    magic_ = 0;
    return true;
}

bool zstd_step::begins_well(std::string_view in) noexcept
{
    for (; magic_ != frame_magic.size() && !in.empty(); in.remove_prefix(1), ++magic_) {
        if (magic_ == 0)
            skippable_ = (in.front() & 0xF0) == skippable_magic.front();
        const bool any = magic_ == 0 && skippable_;
        if (!any && in.front() != (skippable_ ? skippable_magic : frame_magic)[magic_])
            return false;
    }
    return true;
}

/// After the first output of a frame no more memory is taken for it.
void zstd_step::count(std::size_t bytes) noexcept
{
    if (bytes >= counted_)
        return;
    memory_.give_back(counted_ - bytes);
    counted_ = bytes;
}

failure zstd_step::failed(std::size_t code) const
{
    switch (::ZSTD_getErrorCode(code)) {
    case ZSTD_error_frameParameter_windowTooLarge:
        return {error_class::too_large, "the window of the zstd body is larger than 8 MiB"};
    case ZSTD_error_memory_allocation:
        return no_memory_for(content_coding::zstd, memory_);
    default:
        return broken_coding(content_coding::zstd, ::ZSTD_getErrorName(code));
    }
}

decoded zstd_step::decode(std::string_view& in, char* out, std::size_t room)
{
    ZSTD_outBuffer to{out, room, 0};
    decoded made;
    for (;;) {
        if (between_frames_ && in.empty())
            break;
        if (between_frames_ && !begin_frame()) {
            made.error = no_memory_for(content_coding::zstd, memory_);
            break;
        }
        if (!begins_well(in)) {
            made.error = broken_coding(content_coding::zstd, "Unknown frame descriptor");
            break;
        }
        ZSTD_inBuffer from{in.data(), in.size(), 0};
        const std::size_t done = ::ZSTD_decompressStream(context_.get(), &to, &from);
        in.remove_prefix(from.pos);
        if (::ZSTD_isError(done)) {
            made.error = failed(done);
            break;
        }
        between_frames_ = done == 0;
        if (to.pos != 0 || between_frames_)
            count(::ZSTD_sizeof_DCtx(context_.get()));
        if (to.pos == room || in.empty())
            break;
    }
    made.bytes = to.pos;
    return made;
}

} // namespace

std::unique_ptr<coding_step> make_zstd_step(memory_account& memory)
{
    return std::make_unique<zstd_step>(memory);
}

} // namespace weir::http::detail
