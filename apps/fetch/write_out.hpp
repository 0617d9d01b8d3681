#pragma once

#include "entry.hpp"
#include "record.hpp"

#include <weir/http/fetch_result.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace weir_fetch {

/// All that `--write-out` can print about a URL.
struct write_out_source {
    const weir::http::fetch_result& result;
    const entry& what;
    const stored& where;
};

/// The format of `--write-out`, as curl reads it.
///
/// Shape: `%{NAME}` is a variable, `%header{NAME}` the value of a header, `%%` a percent sign;
///        `\n`, `\r` and `\t` are a line end, a return and a tab. All else stands for itself. What
///        comes after `%{stderr}` goes to standard error, until `%{stdout}`; what comes after
///        `%{onerror}` is for failures alone. A variable that is not known is empty.
class write_out {
public:
    /// Whether texts of servers are made safe for a terminal.
    enum class texts { as_they_are, escaped };

    explicit write_out(std::string_view format);

    /// The names of variables that are not known, as they stand in the format.
    const std::vector<std::string>& unknown() const noexcept { return unknown_; }

    /// Whether it prints the whole result as JSON.
    bool has_json() const noexcept { return has_json_; }

    struct output {
        std::string out;
        std::string err;
    };
    output text(const write_out_source& of, texts to_out, texts to_err) const;

private:
    enum class kind { text, variable, header, to_out, to_err, on_error };
    using reader = std::string (*)(const write_out_source& of);

    struct item {
        kind what = kind::text;
        std::string text = {}; // or the name of a header
        reader read = nullptr;
        bool is_safe = false; // a number, or escaped already
    };

    void add_text(std::string_view text);
    void add_variable(std::string_view name);
    std::size_t read_percent(std::string_view rest);

    std::vector<item> items_;
    std::vector<std::string> unknown_;
    bool has_json_ = false;
};

} // namespace weir_fetch
