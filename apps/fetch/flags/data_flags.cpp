#include "flag_group.hpp"
#include "request_texts.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir_fetch {
namespace {

class data_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
    std::string finish() override;

private:
    void add(CLI::App& app, const std::string& names, data_kind kind, const std::string& text);

    std::vector<std::pair<data_kind, std::string>> pieces_; // in the order of the command line
    std::string method_;
    bool head_ = false;
    bool get_ = false;
};

void data_group::add_to(CLI::App& app)
{
    app.add_option("-X,--request", method_,
                   "the method (GET; POST with --data); a redirect may change it: POST becomes GET")
        ->type_name("METHOD");
    app.add_flag("-I,--head", head_, "ask for headers alone, without bodies");
    app.add_flag("-G,--get", get_, "add the data below to the query of each URL, and send none");
    add(app, "-d,--data,--data-ascii", data_kind::ascii,
        "send this, as a form does, to every URL (no body); '@FILE' sends a file without its line "
        "breaks; pieces are joined with &");
    add(app, "--data-binary", data_kind::binary,
        "send DATA as --data does, but '@FILE' as it is (no body)");
    add(app, "--data-raw", data_kind::raw,
        "send DATA as --data does, but @ has no meaning (no body)");
    add(app, "--data-urlencode", data_kind::urlencoded,
        "send DATA as --data does, percent-encoded (no body): TEXT, NAME=TEXT, @FILE or NAME@FILE");
}

void data_group::add(CLI::App& app, const std::string& names, data_kind kind,
                     const std::string& text)
{
    const auto take = [this, kind](const std::string& piece) { pieces_.emplace_back(kind, piece); };
    app.add_option_function<std::string>(names, take, text)
        ->type_name("DATA")
        ->trigger_on_parse(); // so that the order of different ones is kept
}

std::string data_group::finish()
{
    if (head_ && !get_ && !pieces_.empty())
        return "--head and --data exclude each other: leave one of them out, or add --get";
    if (head_ && !method_.empty())
        return "--head and --request exclude each other: leave one of them out";
    try {
        for (const auto& [kind, text] : pieces_) {
            if (chosen_.data)
                *chosen_.data += '&';
            chosen_.data = chosen_.data.value_or("") + data_piece(kind, text);
        }
    } catch (const std::exception& e) {
        return "--data: " + std::string(e.what());
    }
    if (get_)
        chosen_.query = std::exchange(chosen_.data, std::nullopt).value_or("");
    chosen_.method_given = !method_.empty();
    if (!method_.empty())
        chosen_.method = method_;
    else if (head_)
        chosen_.method = "HEAD";
    else if (chosen_.data)
        chosen_.method = "POST";
    return {};
}

} // namespace

std::unique_ptr<flag_group> data_flags(options& chosen)
{
    return std::make_unique<data_group>(chosen);
}

} // namespace weir_fetch
