#pragma once

#include "file_identity.hpp"

#include <weir/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace weir_fetch {

class directory;

/// A file that is written as `NAME.part` and renamed to `NAME` once it is complete. Unless `keep`
/// succeeds, the destructor removes it.
///
/// Lifetime: its directory outlives it.
class new_file {
public:
    /// `part` is the name while it is written.
    new_file(directory& home, std::string name, std::string part, int descriptor);
    new_file(const new_file&) = delete;
    new_file& operator=(const new_file&) = delete;
    ~new_file();

    weir::error_code write(std::string_view part);
    /// Gives the file its name. Replaces only what the directory allows.
    weir::error_code keep();

    /// Before `keep`: takes this name instead, or the first free one of it.
    weir::error_code take_name(const std::string& name);
    /// Before `keep`: when it was last changed.
    weir::error_code set_time(std::chrono::sys_seconds time);

    /// Drops all but the first `size` bytes. What is written next follows them.
    weir::error_code cut(std::uint64_t size);
    /// Reads the first `size` bytes, one part after another.
    weir::error_code read(std::uint64_t size,
                          const std::function<void(std::string_view part)>& to) const;
    /// The file stays as a part, for the attempt that continues it.
    void leave();

    const std::string& name() const noexcept { return name_; }
    /// While it is written.
    const std::string& part() const noexcept { return part_; }
    std::uint64_t size() const;
    file_identity identity() const;

private:
    friend class directory;

    void take_rights() const;
    weir::error_code take_place_of(const std::string& name);
    weir::error_code rename();

    directory& home_;
    std::string name_;
    std::string asked_; // the name, before it got a number
    std::string part_;
    int descriptor_;
    bool replaces_ = false;
    bool kept_ = false;
};

/// Sets when an open file was last changed.
weir::error_code set_file_time(int descriptor, std::chrono::sys_seconds time);

/// What becomes of a directory that is not there.
enum class if_missing { create, fail };

/// The directory where bodies are stored. Names are made unique, also among running jobs and other
/// programs: a `.part` is locked while it is written. One that is not locked is what a killed
/// program left: a run that recognises it may continue it, and any other removes it.
/// Other files are never replaced, and symbolic links are not followed. A name may be that of a
/// file in a folder of the directory, as `FOLDER/FILE`; that folder is made, and may be a link.
///
/// Memory: the next free number of at most `remembered` names.
class directory {
public:
    /// Called before a file gets its name; an error keeps it from that.
    using keep_hook =
        std::function<weir::error_code(const std::string& name, const file_state& file)>;

    /// Throws boost::system::system_error.
    directory(const std::string& path, if_missing what);
    directory(const directory&) = delete;
    directory& operator=(const directory&) = delete;
    ~directory();

    void before_keep(keep_hook hook) { before_keep_ = std::move(hook); }
    /// Files that may be replaced, as long as they are these, and nobody has written to them.
    void may_replace(states_of_files files) { replaceable_ = std::move(files); }
    /// Makes what was written, and its name, survive a loss of power before it counts as stored.
    void sync_files() { syncs_ = true; }

    /// Creates a file under `name` or the first free `name.N`; null and an error when it cannot.
    std::unique_ptr<new_file> create(const std::string& name, weir::error_code& error);
    /// Creates a file under exactly this name. It replaces a file that is there.
    std::unique_ptr<new_file> create_replacing(const std::string& name, weir::error_code& error);

    /// How a file that was begun got its name.
    enum class naming { free, replacing };
    /// Opens a part to go on with it, under `name` or the first free one of it; null when it is not
    /// that file any more, or another program has it.
    std::unique_ptr<new_file> resume(const std::string& part, const file_identity& which,
                                     const std::string& name, naming how);
    /// Removes a part that nobody goes on with, if it is that file.
    void remove(const std::string& part, const file_identity& which);

    /// Whether there is a file of this name that has not changed since `time`.
    bool has_from_before(const std::string& name, std::timespec time) const;

private:
    friend class new_file;

    int open_part(const std::string& part, weir::error_code& error) const;
    bool make_folders(const std::string& name) const;
    bool sync_folders(const std::string& name) const;
    bool clear_part(const std::string& part) const;
    int open_left(const std::string& part) const;
    bool is_plain(int descriptor, const std::string& name) const;
    bool exists(const std::string& name) const;
    bool may_replace(const std::string& name) const;
    bool is_taken(const std::string& name, bool& replaces) const;

    static constexpr std::size_t remembered = 4096;
    int descriptor_;
    keep_hook before_keep_;
    states_of_files replaceable_;
    bool syncs_ = false;
    std::unordered_map<std::string, unsigned> next_number_;
};

} // namespace weir_fetch
