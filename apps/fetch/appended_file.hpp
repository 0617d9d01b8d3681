#pragma once

#include "sha256.hpp"

#include <weir/error.hpp>
#include <weir/http/body.hpp>
#include <weir/http/error.hpp>
#include <weir/http/request.hpp>
#include <weir/http/response.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace weir_fetch {

/// The file of `--continue-at`. As with curl, the rest of the body is appended to it, and it has
/// its name all the time: it is whole when the result says so.
///
/// Shape: another attempt goes on where the one before has ended.
class appended_file {
public:
    /// Without `from`, its rest begins where the file ends.
    appended_file(std::string path, std::optional<std::uint64_t> from, bool hashed);
    appended_file(const appended_file&) = delete;
    appended_file& operator=(const appended_file&) = delete;
    ~appended_file();

    /// Opens it, if it is there. Throws std::runtime_error when it cannot be gone on with.
    void open();
    /// Where the rest begins.
    std::uint64_t next() const noexcept { return next_; }
    /// Asks for the rest.
    void ask(weir::http::request& what) const;
    /// What is wrong with an answer to that.
    std::optional<weir::http::failure> judge(const weir::http::response& head);

    weir::error_code append(std::string_view part);
    /// An empty body makes a file, too. With a `time`, it was last changed then.
    weir::error_code keep(bool sync, std::optional<std::chrono::sys_seconds> time);

    /// Whether the answer was that nothing is missing.
    bool was_complete() const noexcept { return was_complete_; }
    const std::string& path() const noexcept { return path_; }
    /// The sum of the whole file, once; empty without `hashed`.
    std::string sha256_hex();

private:
    weir::error_code create();
    weir::error_code hash_beginning();
    std::runtime_error not_there(const std::string& why) const;
    weir::http::failure refused(const std::string& why) const;

    std::string path_;
    std::optional<std::uint64_t> from_;
    bool hashed_;
    int descriptor_ = -1;
    std::uint64_t next_ = 0;
    std::uint64_t size_ = 0;
    bool is_open_ = false;
    bool takes_ = false; // the body that comes belongs to it
    bool was_complete_ = false;
    std::string seen_; // the strong validator of an earlier attempt
    std::unique_ptr<sha256> hash_;
};

/// One attempt at its rest.
class appended_body final : public weir::http::body {
public:
    explicit appended_body(std::shared_ptr<appended_file> to) : to_(std::move(to)) {}

    void ask(weir::http::request& what) override;
    std::optional<weir::http::failure> begin(const weir::http::request& asked,
                                             const weir::http::response& head) override;
    weir::error_code write(std::string_view part) override { return to_->append(part); }

    appended_file& file() noexcept { return *to_; }
    std::uint64_t from() const noexcept { return from_; }

private:
    std::shared_ptr<appended_file> to_;
    std::uint64_t from_ = 0;
};

} // namespace weir_fetch
