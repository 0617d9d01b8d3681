#include "flag_group.hpp"
#include "values.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace weir_fetch {
namespace {

class journal_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
    std::string finish() override;

private:
    CLI::Option* results_given_ = nullptr;
    CLI::Option* remaining_given_ = nullptr;
};

void journal_group::add_to(CLI::App& app)
{
    results_given_ =
        app.add_option("--results", chosen_.results,
                       "append each result to FILE too, as --jsonl prints it; a FILE that holds\n"
                       "something is refused without --resume")
            ->type_name("FILE");
    app.add_flag("--resume", chosen_.resume,
                 "skip what --results FILE records as done, and append to it; URLs that failed\n"
                 "are fetched again");
    app.add_flag("--sync", chosen_.sync,
                 "make results and stored bodies survive a loss of power; slow");
    remaining_given_ =
        app.add_option(
               "--remaining", chosen_.remaining,
               "at the end, write the URLs that were not done to FILE, unread lines included")
            ->type_name("FILE");
    app.add_option("--drain-timeout", chosen_.drain_timeout,
                   "after a signal, --deadline or --max-errors: time for the running\n"
                   "fetches to end (30)")
        ->type_name("SECONDS")
        ->check(seconds());
}

std::string journal_group::finish()
{
    if (results_given_->count() > 1)
        return "--results is given twice: there is one file of results";
    if (remaining_given_->count() > 1)
        return "--remaining is given twice: there is one file for what was not done";
    for (const auto* given : {results_given_, remaining_given_}) {
        const std::string name = given->get_name();
        const std::string& file = given == results_given_ ? chosen_.results : chosen_.remaining;
        if (given->count() != 0 && file.empty())
            return name + ": needs the name of a file";
        if (file == "-")
            return name + ": needs the name of a file; - is none here (./- names one)";
    }
    if (chosen_.resume && chosen_.results.empty())
        return "--resume goes on with a file of results: name it with --results FILE";
    if (chosen_.sync && chosen_.results.empty())
        return "--sync is about the file of results: name it with --results FILE";
    return {};
}

} // namespace

std::unique_ptr<flag_group> journal_flags(options& chosen)
{
    return std::make_unique<journal_group>(chosen);
}

} // namespace weir_fetch
