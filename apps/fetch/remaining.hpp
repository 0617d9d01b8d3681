#pragma once

#include <weir/error.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace weir_fetch {

/// The file of `--remaining`: the entries that were not done, a line each. It is written as
/// `FILE.part` and replaces FILE at the end. Unless `keep` succeeds, the destructor removes it.
///
/// Errors: after one, nothing more is written, and `keep` returns it.
class remaining {
public:
    /// Throws boost::system::system_error when it cannot be made, and for the code
    /// `resource_unavailable_try_again` when another program writes it. For tests, `opened` is
    /// called before the file is locked.
    explicit remaining(const std::string& path, const std::function<void()>& opened = {});
    remaining(const remaining&) = delete;
    remaining& operator=(const remaining&) = delete;
    ~remaining();

    /// Adds an entry: as a JSON line where its text alone would be read as something else.
    void add_line(std::string_view text);
    /// Adds a part of an input, as it is.
    void add_bytes(std::string_view bytes);
    weir::error_code keep();
    /// Whether it could not be written.
    bool has_failed() const noexcept { return static_cast<bool>(error_); }

private:
    void flush();

    std::string path_;
    std::string part_;
    int descriptor_;
    std::string held_;
    bool at_line_start_ = true;
    bool kept_ = false;
    weir::error_code error_;
};

} // namespace weir_fetch
