#pragma once

#include "directory.hpp"
#include "sha256.hpp"
#include "spool.hpp"

#include <weir/error.hpp>
#include <weir/http/body.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace weir_fetch {

/// Hashes a body, and stores it in a directory or holds it in a spool.
class stored_body final : public weir::http::body {
public:
    /// Whether a file that has the name already stays, and the next free name is taken.
    enum class naming { free, replacing };

    /// With a null `home`, the body is not stored. Without `hashed`, it is not hashed.
    stored_body(directory* home, std::string name, naming how, bool hashed);
    stored_body(std::unique_ptr<spool> held, bool hashed);

    weir::error_code write(std::string_view part) override;

    /// What is known about a file only at its end.
    struct labels {
        std::string name;                             // empty: as it was created
        std::optional<std::chrono::sys_seconds> time; // of its last change; nothing: now
    };

    /// To be called once, when the fetch has ended. Keeps the file when the body is `whole`, and
    /// removes it otherwise.
    weir::error_code finish(bool whole, const labels& with);

    /// After `finish`: the sum; empty without `hashed`.
    const std::string& sha256_hex() const noexcept { return sum_; }
    /// After `finish`: the name of the stored file; empty when there is none.
    const std::string& file() const noexcept { return kept_as_; }
    /// After `finish`: the whole body; null without a spool.
    std::unique_ptr<spool> take_held() { return std::move(held_); }

private:
    weir::error_code open();
    weir::error_code keep(const labels& with);

    directory* home_ = nullptr;
    std::string name_;
    naming how_ = naming::free;
    std::unique_ptr<spool> held_;
    std::unique_ptr<sha256> hash_;
    std::unique_ptr<new_file> file_;
    std::string sum_;
    std::string kept_as_;
};

} // namespace weir_fetch
