#include "body_target.hpp"
#include "flag_group.hpp"

#include <weir/http/headers.hpp>

#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>

namespace weir_fetch {
namespace {

class continue_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
    std::string finish() override;

private:
    std::string read_offset();
    bool asks_for_a_range() const;

    CLI::Option* given_ = nullptr;
    std::string offset_;
};

void continue_group::add_to(CLI::App& app)
{
    given_ = app.add_option("-C,--continue-at", offset_,
                            "go on with a file that was fetched in part: append what follows its\n"
                            "OFFSET bytes; '-': where it ends (none); with -o FILE or -O, one URL")
                 ->type_name("OFFSET");
}

std::string continue_group::read_offset()
{
    chosen_.continues = true;
    if (offset_ == "-")
        return {};
    std::uint64_t offset = 0;
    const char* const end = offset_.data() + offset_.size();
    const auto read = std::from_chars(offset_.data(), end, offset);
    if (read.ec != std::errc{} || read.ptr != end)
        return "--continue-at: a number of bytes, or - for where the file ends";
    chosen_.continue_at = offset;
    return {};
}

bool continue_group::asks_for_a_range() const
{
    for (const auto& [name, value] : chosen_.headers)
        if (weir::http::same_token(name, "Range"))
            return true;
    return false;
}

std::string continue_group::finish()
{
    if (given_->count() == 0)
        return {};
    if (std::string fault = read_offset(); !fault.empty())
        return fault;
    if (!chosen_.input_file.empty() || chosen_.urls.size() > 1)
        return "--continue-at is about one file, and so one URL; --results FILE and --resume go on "
               "with many";
    const body_target target = target_of(chosen_);
    if (target != body_target::file && target != body_target::directory)
        return "--continue-at goes on with a file; add -o FILE, or -O for the name in the URL";
    if (asks_for_a_range())
        return "--continue-at and --range exclude each other: leave one of them out";
    if (chosen_.method != "GET" || chosen_.data)
        return "--continue-at: there is a rest of what a GET fetches only";
    if (chosen_.compressed)
        return "--continue-at and --compressed exclude each other: what was decoded has no rest";
    if (chosen_.no_clobber || chosen_.skip_existing || chosen_.remote_header_name ||
        chosen_.fail_with_body)
        return "--continue-at goes on with the file that is there, with its rest and nothing else; "
               "leave out --no-clobber, --skip-existing, --remote-header-name and "
               "--fail-with-body";
    return {};
}

} // namespace

std::unique_ptr<flag_group> continue_flags(options& chosen)
{
    return std::make_unique<continue_group>(chosen);
}

} // namespace weir_fetch
