#pragma once

#include "appended_file.hpp"
#include "body_target.hpp"
#include "directory.hpp"
#include "journal.hpp"
#include "options.hpp"
#include "parts.hpp"
#include "record.hpp"
#include "stored_body.hpp"

#include <weir/http/body.hpp>
#include <weir/http/error.hpp>
#include <weir/http/fetch_result.hpp>
#include <weir/http/url.hpp>

#include <ctime>
#include <memory>
#include <optional>
#include <string>

namespace weir_fetch {

/// Decides where the body of each URL goes, and which bodies are kept.
class storage {
public:
    /// Throws std::runtime_error when a folder or file cannot be written to.
    explicit storage(const options& chosen);

    /// Says in the journal which files get their names, and replaces those of a run that was
    /// killed. `results` outlives this object.
    void join(journal& results);

    /// Whether bodies get files.
    bool has_files() const noexcept { return directory_ != nullptr; }

    /// What receives the body of this URL; null when nobody needs it. `output` is the name that
    /// its line asks for; empty for none. Throws std::runtime_error when that cannot be had.
    std::shared_ptr<weir::http::body> body_for(const weir::http::url& target,
                                               const std::string& output);

    /// `--skip-existing`: why this URL is not fetched; nothing when it is.
    std::optional<weir::http::failure> reason_to_skip(const std::string& url,
                                                      const std::string& output);
    /// Of a URL that was not fetched for that reason: the file that is there. The result is no
    /// failure then. Nothing for others.
    std::optional<stored> skipped(weir::http::fetch_result& result,
                                  const std::string& output) const;

    /// Ends what receives the body. It is kept when it is whole and the result is no failure, as
    /// long as its result `can_be_recorded`. A body that cannot be kept makes the result a failure.
    stored finish(weir::http::fetch_result& result, const std::string& output,
                  bool can_be_recorded);
    /// To be called at the end of the run: removes what no other run can continue.
    void end();

    /// Whether a body was lost because the disk is full: no other could be stored either.
    bool disk_is_full() const noexcept { return disk_is_full_; }
    /// Whether a body was lost because of that, or for want of a file descriptor.
    bool could_not_store() const noexcept { return could_not_store_; }

private:
    std::shared_ptr<weir::http::body> appended(const weir::http::url& target);
    stored finish_appended(weir::http::fetch_result& result);
    static void fail(weir::http::fetch_result& result, const weir::error_code& why);
    void note(const std::optional<weir::http::failure>& error);
    static stored_body::ending ending_of(const weir::http::response& answer);
    stored_body::labels labels_for(const weir::http::response& answer,
                                   const std::string& output) const;
    void open_directory(const std::string& path);
    directory& home_of_lines();
    void join(directory& home, bool has_one_file);
    states_of_files of_one_file(const states_of_files& recorded) const;
    void open_file(const std::string& path);
    bool is_kept(const weir::http::response& answer) const;
    bool is_one_file(const std::string& output) const { return output.empty() && !name_.empty(); }
    std::string name_for(const weir::http::url& target, const std::string& output) const;
    std::string path_of(const std::string& name) const;
    std::string place_of(const std::string& output) const;
    void set_file(stored& where, const std::string& name, const std::string& output) const;

    const options& chosen_;
    body_target target_;
    bool is_hashed_;
    std::unique_ptr<directory> directory_;
    std::unique_ptr<directory> of_lines_; // where that is another one: the working directory
    journal* journal_ = nullptr;
    parts parts_;
    std::shared_ptr<appended_file> appended_; // for all attempts at it
    std::string folder_;                      // the path of the directory
    std::string name_; // in the directory; empty for one that is made from the URL
    stored_body::naming naming_ = stored_body::naming::free;
    std::timespec started_{};
    bool disk_is_full_ = false;
    bool could_not_store_ = false;
};

} // namespace weir_fetch
