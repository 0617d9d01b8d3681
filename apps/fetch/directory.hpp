#pragma once

#include <weir/error.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace weir_fetch {

class directory;

/// A file being written as `NAME.part`, and renamed to `NAME` once it is whole. What was not kept
/// is removed.
///
/// Lifetime  not longer than its directory.
class new_file {
public:
    new_file(directory& home, std::string name, int descriptor);
    new_file(const new_file&) = delete;
    new_file& operator=(const new_file&) = delete;
    ~new_file();

    weir::error_code write(std::string_view part);
    /// Gives the file its name. Nothing that was there before is replaced.
    weir::error_code keep();

    const std::string& name() const noexcept { return name_; }

private:
    directory& home_;
    std::string name_;
    int descriptor_;
    bool kept_ = false;
};

/// Where bodies are stored. Names are made unique among jobs and never replace what is there;
/// symbolic links are not followed.
///
/// Memory    bounded: it remembers the next free number of a few thousand names, no more.
class directory {
public:
    /// Creates it when it is not there. Throws boost::system::system_error.
    explicit directory(const std::string& path);
    directory(const directory&) = delete;
    directory& operator=(const directory&) = delete;
    ~directory();

    /// A file to write, under `name` or the first free `name.N`. Null and an error when there is
    /// none.
    std::unique_ptr<new_file> create(const std::string& name, weir::error_code& error);

private:
    friend class new_file;

    bool exists(const std::string& name) const;

    static constexpr std::size_t remembered = 4096;
    int descriptor_;
    std::unordered_map<std::string, unsigned> next_number_;
};

} // namespace weir_fetch
