#include "stored_body.hpp"

#include <utility>

namespace weir_fetch {

stored_body::stored_body(directory* home, std::string name, bool hashed)
    : home_(home), name_(std::move(name))
{
    if (hashed)
        hash_ = std::make_unique<sha256>();
}

weir::error_code stored_body::open()
{
    weir::error_code error;
    if (home_ && !file_)
        file_ = home_->create(name_, error);
    return error;
}

weir::error_code stored_body::write(std::string_view part)
{
    if (hash_)
        hash_->add(part);
    // The file is created with the first byte: a fetch without any leaves none behind.
    auto error = open();
    if (!error && file_)
        error = file_->write(part);
    return error;
}

weir::error_code stored_body::finish(bool whole)
{
    if (hash_)
        sum_ = hash_->hex();
    weir::error_code error;
    if (whole)
        error = open(); // an empty body is stored too
    if (whole && !error && file_) {
        error = file_->keep();
        if (!error)
            kept_as_ = file_->name();
    }
    file_.reset();
    return error;
}

} // namespace weir_fetch
