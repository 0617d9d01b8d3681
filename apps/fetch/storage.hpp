#pragma once

#include "body_target.hpp"
#include "directory.hpp"
#include "journal.hpp"
#include "options.hpp"
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

    /// What receives the body of this URL; null when nobody needs it.
    std::shared_ptr<weir::http::body> body_for(const weir::http::url& target);

    /// `--skip-existing`: why this URL is not fetched; nothing when it is.
    std::optional<weir::http::failure> reason_to_skip(const std::string& url) const;
    /// Of a URL that was not fetched for that reason: the file that is there. The result is no
    /// failure then. Nothing for others.
    std::optional<stored> skipped(weir::http::fetch_result& result) const;

    /// Ends what receives the body. It is kept when it is whole and the result is no failure, as
    /// long as its result `can_be_recorded`. A body that cannot be kept makes the result a failure.
    stored finish(weir::http::fetch_result& result, bool can_be_recorded);

    /// Whether a body was lost because the disk is full: no other could be stored either.
    bool disk_is_full() const noexcept { return disk_is_full_; }

private:
    stored_body::labels labels_for(const weir::http::response& answer) const;
    void open_directory(const std::string& path);
    void open_file(const std::string& path);
    bool is_kept(const weir::http::response& answer) const;
    std::string path_of(const std::string& name) const;
    void set_file(stored& where, const std::string& name) const;

    const options& chosen_;
    body_target target_;
    bool is_hashed_;
    std::unique_ptr<directory> directory_;
    std::string folder_; // the path of the directory
    std::string name_;   // in the directory; empty for one that is made from the URL
    stored_body::naming naming_ = stored_body::naming::free;
    std::timespec started_{};
    bool disk_is_full_ = false;
};

} // namespace weir_fetch
