#include "body_target.hpp"
#include "flag_group.hpp"
#include "request_texts.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <memory>
#include <string>

namespace weir_fetch {
namespace {

class output_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
    std::string finish() override;

private:
    std::string fault_of_output() const;
    std::string fault_of_names() const;
    std::string read_write_out();

    CLI::Option* dir_given_ = nullptr;
    CLI::Option* output_given_ = nullptr;
    CLI::Option* write_out_given_ = nullptr;
    std::string write_out_;
    bool no_hash_ = false;
};

void output_group::add_to(CLI::App& app)
{
    dir_given_ =
        app.add_option("--output-dir", chosen_.output_dir,
                       "store each body in DIR, under a safe name made from the URL; written as\n"
                       "NAME.part and renamed when complete; an existing file is never replaced")
            ->type_name("DIR");
    app.add_flag("--host-folders", chosen_.host_folders,
                 "store the bodies of each host in a folder of its own: DIR/HOST/NAME, or\n"
                 "DIR/HOST+PORT/NAME where the port is not the default; with -O or --output-dir");
    output_given_ = app.add_option("-o,--output", chosen_.output,
                                   "store the body of the one URL in FILE, which is replaced when "
                                   "the new one is complete; '-': print the bodies of all URLs, in "
                                   "the order of the input, and results on standard error")
                        ->type_name("FILE");
    app.add_flag("--create-dirs", chosen_.create_dirs,
                 "create the folders of --output; those of --output-dir always are");
    app.add_flag("--no-clobber", chosen_.no_clobber,
                 "keep the file of --output if it is there, and write FILE.1");
    app.add_flag("--jsonl", chosen_.jsonl,
                 "print JSON lines, one for each result, with everything known about it");
    app.add_flag(
        "-J,--remote-header-name", chosen_.remote_header_name,
        "store under the name that the answer's Content-Disposition gives, made safe; with\n"
        "-O or --output-dir");
    app.add_flag("-R,--remote-time", chosen_.remote_time,
                 "give a file the time of the answer's Last-Modified");
    app.add_flag("--skip-existing", chosen_.skip_existing,
                 "do not fetch what would be stored under a name that was there before; its\n"
                 "result is 'skipped', which is no failure");
    app.add_flag("--fail-with-body", chosen_.fail_with_body,
                 "keep the body of an answer of 400 or above, which is a failure still");
    app.add_flag("--ordered", chosen_.ordered,
                 "give results in the order of the input; behind a URL that is slow, at most\n"
                 "1000 (or twice --jobs) others are fetched before it ends");
    write_out_given_ = app.add_option("-w,--write-out", write_out_,
                                      "print FORMAT for each URL instead of its line (none): "
                                      "'%{http_code} %{url}\\n'; '@FILE' reads it from a file; the "
                                      "variables are in the man page")
                           ->type_name("FORMAT");
    app.add_flag("--no-hash", no_hash_, "do not compute the SHA-256 of bodies for JSON lines");
    app.add_flag("-s,--silent", chosen_.silent, "no progress and no summary");
}

std::string output_group::finish()
{
    chosen_.hash = !no_hash_;
    if (std::string fault = read_write_out(); !fault.empty())
        return fault;
    if (std::string fault = fault_of_names(); !fault.empty())
        return fault;
    return output_given_->count() == 0 ? std::string() : fault_of_output();
}

std::string output_group::read_write_out()
{
    if (write_out_given_->count() == 0)
        return {};
    if (chosen_.jsonl)
        return "--write-out and --jsonl exclude each other; %{json} in a format is the JSON";
    try {
        chosen_.write_out = data_piece(data_kind::ascii, write_out_);
    } catch (const std::exception& e) {
        return "--write-out: " + std::string(e.what());
    }
    return {};
}

std::string output_group::fault_of_names() const
{
    const bool has_names = !chosen_.output_dir.empty();
    if (dir_given_->count() != 0 && !has_names)
        return "--output-dir: needs the name of a folder";
    if (chosen_.skip_existing && chosen_.fail_with_body)
        return "--skip-existing and --fail-with-body exclude each other: the body of a failure "
               "would be taken for the page the next time";
    if (chosen_.remote_header_name && !has_names)
        return "--remote-header-name chooses among names of stored bodies; add -O or --output-dir "
               "DIR";
    if (chosen_.host_folders && !has_names)
        return "--host-folders is about names of stored bodies; add -O or --output-dir DIR";
    if (chosen_.skip_existing && chosen_.remote_header_name)
        return "--skip-existing and --remote-header-name exclude each other: a name that the "
               "answer gives is not known before the request";
    if (chosen_.skip_existing && target_of(chosen_) != body_target::file && !has_names)
        return "--skip-existing is about stored bodies; add -O, --output-dir DIR or -o FILE";
    return {};
}

/// `--output` names one file, so there must be one body.
std::string output_group::fault_of_output() const
{
    if (chosen_.output.empty())
        return "--output: needs the name of a file";
    if (!chosen_.output_dir.empty())
        return "--output and --output-dir exclude each other: write the folder into the file's "
               "name, -o DIR/FILE";
    if (is_standard_output(chosen_.output) || chosen_.output == "/dev/null")
        return {};
    if (!chosen_.input_file.empty() || chosen_.urls.size() > 1)
        return "--output: one file cannot hold the bodies of many URLs; --output-dir DIR stores "
               "each in a file of its own";
    return {};
}

} // namespace

std::unique_ptr<flag_group> output_flags(options& chosen)
{
    return std::make_unique<output_group>(chosen);
}

} // namespace weir_fetch
