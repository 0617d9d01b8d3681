#pragma once

#include <weir/error.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace weir_fetch {

class directory;

/// A file that is written as `NAME.part` and renamed to `NAME` once it is complete. Unless `keep`
/// succeeds, the destructor removes it.
///
/// Lifetime: its directory outlives it.
class new_file {
public:
    new_file(directory& home, std::string name, int descriptor);
    new_file(const new_file&) = delete;
    new_file& operator=(const new_file&) = delete;
    ~new_file();

    weir::error_code write(std::string_view part);
    /// Gives the file its name. An existing file is never replaced.
    weir::error_code keep();

    const std::string& name() const noexcept { return name_; }

private:
    directory& home_;
    std::string name_;
    int descriptor_;
    bool kept_ = false;
};

/// The directory where bodies are stored. Names are made unique, also among running jobs; existing
/// files are never replaced and symbolic links are not followed.
///
/// Memory: the next free number of at most `remembered` names.
class directory {
public:
    /// Creates the directory if needed. Throws boost::system::system_error.
    explicit directory(const std::string& path);
    directory(const directory&) = delete;
    directory& operator=(const directory&) = delete;
    ~directory();

    /// Creates a file under `name` or the first free `name.N`; null and an error when it cannot.
    std::unique_ptr<new_file> create(const std::string& name, weir::error_code& error);

private:
    friend class new_file;

    bool exists(const std::string& name) const;

    static constexpr std::size_t remembered = 4096;
    int descriptor_;
    std::unordered_map<std::string, unsigned> next_number_;
};

} // namespace weir_fetch
