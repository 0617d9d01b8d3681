#include <weir/http/detail/content_decoder.hpp>

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

namespace weir::http::detail {
namespace {

constexpr std::size_t buffer_bytes = 32 * 1024;
/// What a body may decode to whatever its ratio: the first bytes of a good one may be its header.
constexpr std::uint64_t always_allowed = 1024 * 1024;

std::uint64_t saturating_product(std::uint64_t a, std::uint64_t b)
{
    return a != 0 && b > UINT64_MAX / a ? UINT64_MAX : a * b;
}

} // namespace

content_decoder::content_decoder(const std::vector<content_coding>& applied,
                                 const decoding_options& options, memory_account* whole)
    : options_(options), memory_(options.max_memory(), whole), steps_(applied.size())
{
    assert(!applied.empty());
    for (std::size_t i = 0; i < applied.size(); ++i) {
        steps_[i].coding = applied[applied.size() - 1 - i];
        steps_[i].work = make_coding_step(steps_[i].coding, memory_);
    }
}

result<content_decoder::state> content_decoder::read(std::string_view& bytes)
{
    steps_.back().output = {};
    std::size_t index = steps_.size() - 1;
    for (;;) {
        step& here = steps_[index];
        std::string_view& input = index == 0 ? bytes : steps_[index - 1].output;
        if (here.error)
            return *here.error;
        if (input.empty() && !here.full) {
            if (index == 0)
                return state::more;
            --index;
            continue;
        }
        run(index, input);
        if (here.output.empty())
            continue;
        if (index + 1 == steps_.size())
            return state::data;
        ++index;
    }
}

void content_decoder::run(std::size_t index, std::string_view& input)
{
    step& here = steps_[index];
    here.started = true;
    if (here.buffer.empty()) {
        if (!memory_.take(buffer_bytes)) {
            here.error = no_memory_for(here.coding, memory_);
            return;
        }
        here.buffer.resize(buffer_bytes); // counted as long as the decoder lives
    }
    const std::size_t before = input.size();
    auto made = here.work->decode(input, here.buffer.data(), here.buffer.size());
    if (index == 0)
        wire_bytes_ += before - input.size();
    here.output = std::string_view(here.buffer.data(), made.bytes);
    here.made += made.bytes;
    here.full = made.bytes == here.buffer.size();
    here.error = std::move(made.error);
    apply_limits(index);
}

/// Cuts the output to what is allowed; the failure comes behind it.
void content_decoder::apply_limits(std::size_t index)
{
    step& here = steps_[index];
    const bool last = index + 1 == steps_.size();
    const auto by_ratio =
        std::max(always_allowed, saturating_product(wire_bytes_, options_.max_ratio()));
    const auto allowed = last ? std::min(by_ratio, options_.max_bytes()) : by_ratio;
    if (here.made <= allowed)
        return;
    here.output.remove_suffix(std::min<std::uint64_t>(here.output.size(), here.made - allowed));
    std::string text =
        "the decoded body is larger than the limit of " + std::to_string(allowed) + " bytes";
    if (allowed == by_ratio)
        text = std::to_string(wire_bytes_) + " bytes of body on the wire decode to more than " +
               std::to_string(options_.max_ratio()) + " times as many";
    here.error = failure(error_class::too_large, std::move(text));
}

std::optional<failure> content_decoder::end() const
{
    for (const step& each : steps_) {
        if (!each.started || each.work->complete())
            continue;
        std::string text = "the body ended inside its ";
        text.append(name(each.coding)).append(" data, after ");
        text.append(std::to_string(steps_.back().made)).append(" decoded bytes");
        return failure(error_class::incomplete, std::move(text));
    }
    return std::nullopt;
}

} // namespace weir::http::detail
