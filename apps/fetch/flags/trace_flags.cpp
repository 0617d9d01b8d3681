#include "flag_group.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace weir_fetch {
namespace {

class trace_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
    std::string finish() override;

private:
    CLI::Option* dump_given_ = nullptr;
};

void trace_group::add_to(CLI::App& app)
{
    app.add_flag("-v,--verbose", chosen_.verbose,
                 "show requests ('> '), headers of answers ('< ') and connections ('* ') on\n"
                 "standard error, without passwords; of many URLs, each line names its own");
    dump_given_ =
        app.add_option("-D,--dump-header", chosen_.dump_header,
                       "copy the headers of the one URL's answers to FILE, those of redirects "
                       "first; '-': to standard output")
            ->type_name("FILE");
}

std::string trace_group::finish()
{
    if (dump_given_->count() == 0)
        return {};
    if (chosen_.dump_header.empty())
        return "--dump-header: needs the name of a file";
    if (!chosen_.input_file.empty() || chosen_.urls.size() > 1)
        return "--dump-header is for one URL; of many, -v shows the headers, and -w "
               "'%header{NAME}' prints those that are wanted";
    return {};
}

} // namespace

std::unique_ptr<flag_group> trace_flags(options& chosen)
{
    return std::make_unique<trace_group>(chosen);
}

} // namespace weir_fetch
