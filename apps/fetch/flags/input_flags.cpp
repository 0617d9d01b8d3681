#include "flag_group.hpp"
#include "request_texts.hpp"

#include "../escape.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>

namespace weir_fetch {
namespace {

class input_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
    std::string finish() override;

private:
    CLI::Option* file_given_ = nullptr;
};

void input_group::add_to(CLI::App& app)
{
    app.add_option("URL,--url", chosen_.urls,
                   "what to fetch; a URL without a scheme is taken as http")
        ->type_name("URL");
    file_given_ =
        app.add_option(
               "--input-file", chosen_.input_file,
               "read URLs from FILE, one on each line ('-': standard input), or JSON objects with\n"
               "url, id, method, headers, body and output, which go before the flags; empty lines\n"
               "and those that begin with # are skipped")
            ->type_name("FILE");
    app.add_flag(
        "--dedupe", chosen_.dedupe,
        "fetch what is the same request once: the URL normalised, the same user, and what\n"
        "a JSON line sends; the result of another is 'duplicate', which is no failure, and\n"
        "names the first");
    app.add_option("--spill-dir", chosen_.spill_dir,
                   "keep what does not fit into memory, such as URLs of slow hosts, in files\n"
                   "without names in DIR ($TMPDIR, or /tmp)")
        ->type_name("DIR");
}

std::string input_group::finish()
{
    if (file_given_->count() == 1 && chosen_.input_file.empty())
        return "--input-file: needs the name of a file; - is standard input";
    if (chosen_.urls.empty() && chosen_.input_file.empty())
        return "no URL and no --input-file";
    if (file_given_->count() > 1)
        return "--input-file is given twice, and one list is read: cat A B | weir-fetch "
               "--input-file -";
    if (!chosen_.spill_dir.empty() && ::access(chosen_.spill_dir.c_str(), W_OK | X_OK) != 0)
        return "--spill-dir " + escaped(chosen_.spill_dir) + ": " +
               std::generic_category().message(errno) + "; name a folder for files";
    if (chosen_.input_file == "-" && was_standard_input_read())
        return "--input-file -: another flag has read standard input already ('@-' or '-'): give "
               "one of them as a file";
    return {};
}

} // namespace

std::unique_ptr<flag_group> input_flags(options& chosen)
{
    return std::make_unique<input_group>(chosen);
}

} // namespace weir_fetch
