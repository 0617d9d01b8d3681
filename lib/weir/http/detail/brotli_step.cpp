// br, by libbrotlidec.
#include <weir/http/detail/coding_step.hpp>

#include <brotli/decode.h>

#include <cstdint>
#include <optional>

namespace weir::http::detail {
namespace {

class brotli_step final : public coding_step {
public:
    explicit brotli_step(memory_account& memory) noexcept : memory_(memory) {}

    decoded decode(std::string_view& in, char* out, std::size_t room) override;
    bool complete() const noexcept override { return ended_; }

private:
    struct destroy {
        void operator()(BrotliDecoderState* state) const noexcept
        {
            ::BrotliDecoderDestroyInstance(state);
        }
    };

    failure failed() const;

    memory_account& memory_;
    std::unique_ptr<BrotliDecoderState, destroy> state_;
    bool ended_ = false;
};

failure brotli_step::failed() const
{
    const auto code = ::BrotliDecoderGetErrorCode(state_.get());
    if (code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
        code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES)
        return no_memory_for(content_coding::br, memory_);
    return broken_coding(content_coding::br, ::BrotliDecoderErrorString(code));
}

decoded brotli_step::decode(std::string_view& in, char* out, std::size_t room)
{
    constexpr auto here = content_coding::br;
    if (ended_)
        return {0, in.empty() ? std::nullopt
                              : std::optional(broken_coding(here, "something stands behind it"))};
    if (!state_)
        state_.reset(::BrotliDecoderCreateInstance(memory_account::allocate,
                                                   memory_account::release, &memory_));
    if (!state_)
        return {0, no_memory_for(here, memory_)};
    std::size_t given = in.size(), space = room;
    const auto* next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    auto* next_out = reinterpret_cast<std::uint8_t*>(out);
    const auto done =
        ::BrotliDecoderDecompressStream(state_.get(), &given, &next_in, &space, &next_out, nullptr);
    in.remove_prefix(in.size() - given);
    decoded made{room - space, std::nullopt};
    ended_ = done == BROTLI_DECODER_RESULT_SUCCESS;
    if (done == BROTLI_DECODER_RESULT_ERROR)
        made.error = failed();
    else if (ended_ && !in.empty())
        made.error = broken_coding(here, "something stands behind it");
    return made;
}

} // namespace

std::unique_ptr<coding_step> make_brotli_step(memory_account& memory)
{
    return std::make_unique<brotli_step>(memory);
}

} // namespace weir::http::detail
