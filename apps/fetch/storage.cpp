#include "storage.hpp"

#include "disposition.hpp"
#include "escape.hpp"
#include "file_name.hpp"
#include "write_out.hpp"

#include <weir/error.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/http/date.hpp>
#include <weir/http/error.hpp>
#include <weir/http/response.hpp>

#include <boost/system/errc.hpp>
#include <boost/system/system_error.hpp>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

namespace weir_fetch {
namespace {

namespace fs = std::filesystem;
namespace http = weir::http;

/// Whether no other body could be stored either.
bool is_full(const weir::error_code& error)
{
    return error.category() == boost::system::system_category() &&
           (error.value() == ENOSPC || error.value() == EDQUOT || error.value() == EFBIG);
}

std::runtime_error cannot_write(const std::string& path, const std::string& why)
{
    return std::runtime_error("cannot write to " + escaped(path) + ": " + why);
}

/// The file that a symbolic link leads to, where there is one.
fs::path without_links(const std::string& path)
{
    std::error_code failed;
    const fs::path real = fs::canonical(path, failed);
    return failed ? fs::path(path) : real;
}

/// The code of the "failure" of a URL that is not fetched: no URL fails with it otherwise.
const weir::error_code file_exists =
    boost::system::errc::make_error_code(boost::system::errc::file_exists);

/// Whether the sum of a body is a part of what is printed.
bool prints_sum(const options& chosen)
{
    return chosen.hash && (chosen.jsonl || !chosen.results.empty() ||
                           (chosen.write_out && write_out(*chosen.write_out).has_json()));
}

/// As for URLs that do not fit into memory.
std::string folder_for_spools(const options& chosen)
{
    if (!chosen.spill_dir.empty())
        return chosen.spill_dir;
    const char* const temporary = std::getenv("TMPDIR");
    return temporary != nullptr && *temporary != '\0' ? temporary : "/tmp";
}

} // namespace

storage::storage(const options& chosen)
    : chosen_(chosen), target_(target_of(chosen)), is_hashed_(prints_sum(chosen))
{
    ::clock_gettime(CLOCK_REALTIME_COARSE, &started_); // the clock of files
    if (target_ == body_target::file)
        open_file(chosen.output);
    if (target_ == body_target::directory)
        open_directory(chosen.output_dir);
    if (directory_ && chosen.sync)
        directory_->sync_files();
}

void storage::open_directory(const std::string& path)
{
    try {
        directory_ = std::make_unique<directory>(path, if_missing::create);
        folder_ = path;
    } catch (const boost::system::system_error& e) {
        throw cannot_write(path, e.code().message());
    }
}

/// `--output`: its folder is opened, and the file is written beside the one that it replaces.
void storage::open_file(const std::string& path)
{
    const fs::path file = without_links(path);
    std::error_code ignored;
    if (!file.has_filename() || fs::is_directory(file, ignored))
        throw cannot_write(path, "it is a folder; name a file in it");
    const std::string folder = file.has_parent_path() ? file.parent_path().string() : ".";
    try {
        const auto missing = chosen_.create_dirs ? if_missing::create : if_missing::fail;
        directory_ = std::make_unique<directory>(folder, missing);
    } catch (const boost::system::system_error& e) {
        const bool is_missing = e.code() == boost::system::errc::no_such_file_or_directory;
        throw cannot_write(folder, e.code().message() +
                                       (is_missing ? "; --create-dirs creates the folder" : ""));
    }
    name_ = file.filename().string();
    folder_ = file.parent_path().string();
    if (!chosen_.no_clobber)
        naming_ = stored_body::naming::replacing;
}

void storage::join(journal& results)
{
    if (!directory_)
        return;
    directory_->may_replace(results.unrecorded());
    directory_->before_keep([this, &results](const std::string& name, std::uint64_t inode) {
        return results.keeping(name_.empty() ? name : path_of(name), inode);
    });
}

std::shared_ptr<http::body> storage::body_for(const http::url& target)
{
    if (target_ == body_target::stream) {
        auto held = std::make_unique<spool>(folder_for_spools(chosen_));
        return std::make_shared<stored_body>(std::move(held), is_hashed_);
    }
    if (!directory_ && !is_hashed_)
        return nullptr; // the sum would not be printed
    return std::make_shared<stored_body>(
        directory_.get(), name_.empty() ? file_name(target.target()) : name_, naming_, is_hashed_);
}

bool storage::is_kept(const http::response& answer) const
{
    constexpr unsigned not_modified = 304; // there is nothing to store
    if (chosen_.method == "HEAD")          // nor here
        return target_ == body_target::stream;
    if (answer.error)
        return chosen_.fail_with_body && answer.error->kind() == http::error_class::http;
    return answer.status != not_modified;
}

std::string storage::path_of(const std::string& name) const
{
    return (fs::path(folder_) / name).lexically_normal().string();
}

void storage::set_file(stored& where, const std::string& name) const
{
    where.path = path_of(name);
    where.file = name_.empty() ? name : where.path;
}

std::optional<http::failure> storage::reason_to_skip(const std::string& url) const
{
    const auto dots = chosen_.path_as_is ? http::dot_segments::keep : http::dot_segments::remove;
    const auto target = http::url::parse(url, dots);
    if (!target || !directory_)
        return std::nullopt;
    const std::string name = name_.empty() ? file_name(target->target()) : name_;
    if (!directory_->has_from_before(name, started_))
        return std::nullopt;
    return http::failure(http::error_class::bad_url, name, file_exists);
}

std::optional<stored> storage::skipped(http::fetch_result& result) const
{
    auto& error = result.answer.error;
    if (!error || error->kind() != http::error_class::bad_url || error->code() != file_exists)
        return std::nullopt;
    stored where;
    where.skipped = true;
    set_file(where, error->text());
    error.reset();
    result.status = weir::status::ok;
    return where;
}

/// What the header of an answer says about its file.
stored_body::labels storage::labels_for(const http::response& answer) const
{
    stored_body::labels out;
    if (chosen_.remote_header_name) {
        const auto path = disposition_name(answer.fields["Content-Disposition"]);
        const auto name = path.substr(path.find_last_of("/\\") + 1);
        out.name = name.empty() ? std::string() : safe_name(name);
    }
    if (chosen_.remote_time) {
        const auto now = std::chrono::system_clock::now();
        out.time = http::parse_date(answer.fields["Last-Modified"],
                                    std::chrono::floor<std::chrono::seconds>(now));
    }
    return out;
}

stored storage::finish(http::fetch_result& result, bool can_be_recorded)
{
    stored where;
    auto* const content = static_cast<stored_body*>(result.content.get());
    if (content == nullptr)
        return where;
    auto& answer = result.answer;
    const bool kept = is_kept(answer);
    const auto failed = content->finish(kept && can_be_recorded, labels_for(answer));
    if (failed && kept) {
        result.status = weir::status::failed;
        answer.error = http::failure(http::error_class::io,
                                     "the body could not be stored: " + failed.message(), failed);
    }
    if (answer.error && answer.error->kind() == http::error_class::io &&
        is_full(answer.error->code()))
        disk_is_full_ = true;
    where.sha256 = content->sha256_hex();
    if (!content->file().empty())
        set_file(where, content->file());
    where.held = content->take_held();
    return where;
}

} // namespace weir_fetch
