#include "stored_body.hpp"

#include <utility>

namespace weir_fetch {

stored_body::stored_body(directory* home, std::string name, naming how, bool hashed)
    : home_(home), name_(std::move(name)), how_(how)
{
    if (hashed)
        hash_ = std::make_unique<sha256>();
}

stored_body::stored_body(std::unique_ptr<spool> held, bool hashed) : held_(std::move(held))
{
    if (hashed)
        hash_ = std::make_unique<sha256>();
}

weir::error_code stored_body::open()
{
    weir::error_code error;
    if (home_ && !file_)
        file_ = how_ == naming::free ? home_->create(name_, error)
                                     : home_->create_replacing(name_, error);
    return error;
}

weir::error_code stored_body::write(std::string_view part)
{
    if (hash_)
        hash_->add(part);
    if (held_)
        return held_->write(part);
    // The file is created with the first byte: a fetch without any leaves none behind.
    auto error = open();
    if (!error && file_)
        error = file_->write(part);
    return error;
}

weir::error_code stored_body::finish(bool whole, const labels& with)
{
    if (hash_)
        sum_ = hash_->hex();
    weir::error_code error;
    if (whole)
        error = keep(with);
    else
        held_.reset();
    file_.reset();
    return error;
}

weir::error_code stored_body::keep(const labels& with)
{
    auto error = open(); // an empty body is stored too
    if (error || !file_)
        return error;
    if (!with.name.empty())
        error = file_->take_name(with.name);
    if (!error && with.time)
        error = file_->set_time(*with.time);
    if (!error)
        error = file_->keep();
    if (!error)
        kept_as_ = file_->name();
    return error;
}

} // namespace weir_fetch
