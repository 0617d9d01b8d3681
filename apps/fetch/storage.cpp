#include "storage.hpp"

#include "disposition.hpp"
#include "escape.hpp"
#include "file_name.hpp"
#include "unnamed_file.hpp"
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

/// Whether this one could not be, for want of a descriptor.
bool is_out_of_descriptors(const weir::error_code& error)
{
    return error.category() == boost::system::system_category() &&
           (error.value() == EMFILE || error.value() == ENFILE);
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

constexpr std::string_view not_stored = "the body could not be stored";

/// Says of a body that could not be stored where that would have been.
void name_file(std::optional<http::failure>& error, const std::string& path)
{
    if (!error || error->kind() != http::error_class::io || !error->text().starts_with(not_stored))
        return;
    std::string text(error->text());
    text.insert(not_stored.size(), " in " + escaped(path));
    error = http::failure(http::error_class::io, std::move(text), error->code());
}

/// Whether the sum of a body is a part of what is printed.
bool prints_sum(const options& chosen)
{
    return chosen.hash && (chosen.jsonl || !chosen.results.empty() ||
                           (chosen.write_out && write_out(*chosen.write_out).has_json()));
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
    journal_ = &results;
    parts_.join(results);
    if (directory_)
        join(*directory_, !name_.empty());
}

/// `--output` is recorded by its path, and its folder knows names.
states_of_files storage::of_one_file(const states_of_files& recorded) const
{
    const auto or_here = [](const fs::path& folder) { return folder.empty() ? "." : folder; };
    states_of_files out;
    for (const auto& [path, states] : recorded) {
        const fs::path file(path);
        std::error_code failed;
        if (!fs::equivalent(or_here(file.parent_path()), or_here(folder_), failed))
            continue;
        auto& all = out[file.filename().string()];
        all.insert(all.end(), states.begin(), states.end());
    }
    return out;
}

void storage::join(directory& home, bool has_one_file)
{
    home.may_replace(has_one_file ? of_one_file(journal_->unrecorded()) : journal_->unrecorded());
    home.before_keep([this, has_one_file](const std::string& name, const file_state& file) {
        return journal_->keeping(has_one_file ? path_of(name) : name, file);
    });
}

/// The folder of the files that lines name.
directory& storage::home_of_lines()
{
    if (target_ == body_target::directory)
        return *directory_;
    if (of_lines_)
        return *of_lines_;
    try {
        of_lines_ = std::make_unique<directory>(".", if_missing::fail);
    } catch (const boost::system::system_error& e) {
        throw cannot_write(".", e.code().message());
    }
    if (chosen_.sync)
        of_lines_->sync_files();
    if (journal_ != nullptr)
        join(*of_lines_, false);
    return *of_lines_;
}

/// In its folder.
std::string storage::name_for(const http::url& target, const std::string& output) const
{
    if (!output.empty())
        return output;
    if (!name_.empty())
        return name_;
    const std::string name = file_name(target.target());
    return chosen_.host_folders ? host_folder(target.host_header()) + '/' + name : name;
}

std::shared_ptr<http::body> storage::body_for(const http::url& target, const std::string& output)
{
    if (target_ == body_target::stream && output.empty()) {
        auto held = std::make_unique<spool>(folder_for_unnamed(chosen_.spill_dir));
        return std::make_shared<stored_body>(std::move(held), is_hashed_);
    }
    directory* const home = output.empty() ? directory_.get() : &home_of_lines();
    if (home == nullptr && !is_hashed_)
        return nullptr; // the sum would not be printed
    if (chosen_.continues)
        return appended(target);
    stored_body::rules by;
    by.keeps_failures = chosen_.fail_with_body;
    by.longest = chosen_.max_filesize.value_or(by.longest);
    by.begun = home != nullptr ? &parts_ : nullptr;
    by.is_named = !output.empty();
    const auto how = by.is_named ? stored_body::naming::free : naming_;
    return std::make_shared<stored_body>(home, name_for(target, output), how, is_hashed_, by);
}

std::shared_ptr<http::body> storage::appended(const http::url& target)
{
    if (!appended_)
        appended_ = std::make_shared<appended_file>(path_of(name_for(target, {})),
                                                    chosen_.continue_at, is_hashed_);
    return std::make_shared<appended_body>(appended_);
}

void storage::end()
{
    if (parts_.last())
        return;
    for (const auto& each : parts_.take_all())
        for (const auto& home : {directory_.get(), of_lines_.get()})
            if (home != nullptr)
                home->remove(each.part, each.file); // if it is there
}

/// Of a body that is not kept: what becomes of the bytes that have come.
stored_body::ending storage::ending_of(const http::response& answer)
{
    using kind = http::error_class;
    if (!answer.error)
        return stored_body::ending::discarded;
    switch (answer.error->kind()) {
    case kind::too_large:
    case kind::protocol: // nor are they sure to be right
    case kind::io:
    case kind::internal:
        return stored_body::ending::discarded;
    default:
        return stored_body::ending::broken;
    }
}

bool storage::is_kept(const http::response& answer) const
{
    constexpr unsigned not_modified = 304; // there is nothing to store
    if (answer.error)
        return chosen_.fail_with_body && answer.error->kind() == http::error_class::http;
    return answer.status != not_modified;
}

std::string storage::path_of(const std::string& name) const
{
    return (fs::path(folder_) / name).lexically_normal().string();
}

/// The file that a body is meant for, or the folder where its name is that of the URL.
std::string storage::place_of(const std::string& output) const
{
    if (!output.empty())
        return target_ == body_target::directory ? path_of(output) : output;
    return name_.empty() ? folder_ : path_of(name_);
}

void storage::set_file(stored& where, const std::string& name, const std::string& output) const
{
    const bool is_of_line = !output.empty() && target_ != body_target::directory;
    where.path = is_of_line ? name : path_of(name);
    where.file = is_one_file(output) ? where.path : name;
}

std::optional<http::failure> storage::reason_to_skip(const std::string& url,
                                                     const std::string& output)
{
    const auto dots = chosen_.path_as_is ? http::dot_segments::keep : http::dot_segments::remove;
    const auto target = http::url::parse(url, dots);
    if (!target)
        return std::nullopt;
    const std::string name = name_for(*target, output);
    try {
        directory* const home = output.empty() ? directory_.get() : &home_of_lines();
        if (home == nullptr || !home->has_from_before(name, started_))
            return std::nullopt;
    } catch (const std::runtime_error&) {
        return std::nullopt; // `body_for` will say why
    }
    return http::failure(http::error_class::bad_url, name, file_exists);
}

std::optional<stored> storage::skipped(http::fetch_result& result, const std::string& output) const
{
    auto& error = result.answer.error;
    if (!error || error->kind() != http::error_class::bad_url || error->code() != file_exists)
        return std::nullopt;
    stored where;
    where.skipped = true;
    set_file(where, error->text(), output);
    error.reset();
    result.status = weir::status::ok;
    return where;
}

/// What the header of an answer says about its file.
stored_body::labels storage::labels_for(const http::response& answer,
                                        const std::string& output) const
{
    stored_body::labels out;
    if (chosen_.remote_header_name && output.empty()) {
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

stored storage::finish(http::fetch_result& result, const std::string& output, bool can_be_recorded)
{
    stored where;
    if (!result.content)
        return where;
    if (chosen_.continues)
        return finish_appended(result);
    auto* const content = static_cast<stored_body*>(result.content.get());
    auto& answer = result.answer;
    // After a HEAD there is nothing to store; what is printed may be empty.
    const bool is_printed = target_ == body_target::stream && output.empty();
    const bool kept = is_kept(answer) && (is_printed || !content->asked_for_head());
    using how = stored_body::ending;
    const auto ending = !kept ? ending_of(answer) : can_be_recorded ? how::whole : how::discarded;
    const auto failed = content->finish(ending, labels_for(answer, output));
    answer.bytes += content->continued_from();
    if (failed && kept)
        fail(result, failed);
    if (!is_printed)
        name_file(answer.error, place_of(output));
    note(answer.error);
    where.sha256 = content->sha256_hex();
    if (!content->file().empty())
        set_file(where, content->file(), output);
    where.held = content->take_held();
    return where;
}

void storage::fail(http::fetch_result& result, const weir::error_code& why)
{
    result.status = weir::status::failed;
    result.answer.error =
        http::failure(http::error_class::io, std::string(not_stored) + ": " + why.message(), why);
}

/// Whether it says something of the disk, and not of this body alone.
void storage::note(const std::optional<http::failure>& error)
{
    if (!error || error->kind() != http::error_class::io)
        return;
    disk_is_full_ = disk_is_full_ || is_full(error->code());
    could_not_store_ = could_not_store_ || disk_is_full_ || is_out_of_descriptors(error->code());
}

/// That nothing was missing is no failure.
stored storage::finish_appended(http::fetch_result& result)
{
    stored where;
    auto& content = static_cast<appended_body&>(*result.content);
    appended_file& file = content.file();
    auto& answer = result.answer;
    if (file.was_complete() && answer.error && answer.error->kind() == http::error_class::http) {
        answer.error.reset();
        answer.bytes = 0;
        result.status = weir::status::ok;
    }
    if (is_kept(answer)) {
        if (const auto failed = file.keep(chosen_.sync, labels_for(answer, {}).time))
            fail(result, failed);
    }
    name_file(answer.error, file.path());
    note(answer.error);
    where.sha256 = file.sha256_hex();
    answer.bytes += content.from();
    if (!answer.error)
        set_file(where, fs::path(file.path()).filename().string(), {});
    return where;
}

} // namespace weir_fetch
