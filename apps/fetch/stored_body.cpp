#include "stored_body.hpp"

#include <utility>

namespace weir_fetch {
namespace {

namespace http = weir::http;

std::chrono::sys_seconds wall_clock()
{
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::optional<http::failure> not_stored(const weir::error_code& error)
{
    if (!error)
        return std::nullopt;
    return http::failure(http::error_class::io, "the body could not be stored: " + error.message(),
                         error);
}

} // namespace

stored_body::stored_body(directory* home, std::string name, naming how, bool hashed,
                         const rules& by)
    : home_(home), name_(std::move(name)), how_(how), by_(by), prints_sum_(hashed)
{
    if (hashed)
        hash_ = std::make_unique<sha256>();
}

stored_body::stored_body(std::unique_ptr<spool> held, bool hashed)
    : held_(std::move(held)), prints_sum_(hashed)
{
    if (hashed)
        hash_ = std::make_unique<sha256>();
}

/// Without `finish`, another attempt follows.
stored_body::~stored_body()
{
    put_back();
}

// ---- the rest of a body that is there

std::string stored_body::output() const
{
    return by_.is_named ? name_ : std::string();
}

void stored_body::ask(http::request& what)
{
    if (rest_) { // it was refused
        what.remove_header("Range").remove_header("If-Range");
        rest_.reset();
        return;
    }
    url_ = what.target().str();
    asked_for_head_ = what.method() == "HEAD";
    if (!home_ || !by_.begun)
        return;
    request_ = fingerprint_of(what);
    auto found = by_.begun->take(url_, request_, output());
    if (!found)
        return;
    const begun_body& known = found->of;
    auto rest = rest_of(known, what, wall_clock());
    if (!rest) {
        by_.begun->put(std::move(*found)); // of another request for this URL
        return;
    }
    auto file = home_->resume(known.part, known.file, name_, how_);
    const std::uint64_t there = file ? file->size() : 0;
    // Where nothing is missing but the name, the last byte is fetched: a server says more of a part
    // than of none.
    const std::uint64_t offset = there == known.length ? there - 1 : there;
    if (there == 0 || offset == 0 || (known.length && there > *known.length))
        return; // the file is removed
    file_ = std::move(file);
    begun_ = std::move(found->of);
    hash_ = std::move(found->hash);
    hashed_ = found->hashed;
    offset_ = offset;
    what = rest->ask(what, offset_);
    rest_ = std::move(rest);
}

std::optional<http::failure> stored_body::begin(const http::request& asked,
                                                const http::response& head)
{
    if (rest_)
        return judge(asked, head);
    takes_ = head.status < 400 || by_.keeps_failures;
    if (takes_)
        record_begin(asked, head);
    return std::nullopt;
}

std::optional<http::failure> stored_body::judge(const http::request& asked,
                                                const http::response& head)
{
    using answer = http::continuation::answer;
    constexpr unsigned partial = 206;
    constexpr unsigned not_satisfiable = 416;
    auto is = rest_->judge(head, offset_, wall_clock());
    if (is == answer::rest && asked.target().str() != begun_->final_url)
        is = answer::other; // a validator is one of its URL
    if (is == answer::rest)
        return go_on(head);
    const bool is_useless = head.status == partial || head.status == not_satisfiable;
    if (is != answer::all && !is_useless) { // 503, say: what there is may be continued later
        put_back();
        takes_ = head.status < 400 || by_.keeps_failures;
        rest_.reset();
        return std::nullopt;
    }
    drop();
    if (is_useless) {
        again_ = true;
        return http::failure(http::error_class::incomplete,
                             "the rest of the body was asked for, and the answer, " +
                                 std::to_string(head.status) + ", is something else");
    }
    rest_.reset();
    http::request whole(asked); // it has been answered with the whole
    whole.remove_header("Range").remove_header("If-Range");
    return begin(whole, head);
}

std::optional<http::failure> stored_body::go_on(const http::response& head)
{
    const auto part = http::parse_content_range(head.fields["Content-Range"]);
    if (part && part->last && *part->last >= by_.longest)
        return http::failure(http::error_class::too_large, "the body is longer than the " +
                                                               std::to_string(by_.longest) +
                                                               " bytes that are allowed");
    auto error = hash_part();
    if (!error)
        error = file_->cut(offset_);
    continued_from_ = offset_;
    rest_.reset();
    return not_stored(error);
}

/// A new attempt has the sum of what an earlier one wrote; another run must read it.
weir::error_code stored_body::hash_part()
{
    if (!prints_sum_ || (hash_ && hashed_ == offset_))
        return {};
    hash_ = std::make_unique<sha256>();
    hashed_ = offset_;
    return file_->read(offset_, [this](std::string_view part) { hash_->add(part); });
}

/// The file is new, and empty, before the journal says what will be in it; then it is written.
void stored_body::record_begin(const http::request& asked, const http::response& head)
{
    if (!home_ || !by_.begun)
        return;
    auto what = begun(asked, head, wall_clock());
    if (!what || open()) // where it fails, `write` meets that again, and says so
        return;
    what->url = url_;
    what->request = request_;
    what->output = output();
    what->part = file_->part();
    what->file = file_->identity();
    if (what->file.born != 0 && by_.begun->begin(*what))
        begun_ = std::move(what);
}

/// What there is belongs to another version.
void stored_body::drop()
{
    begun_.reset();
    file_.reset();
    offset_ = 0;
    hashed_ = 0;
    if (prints_sum_)
        hash_ = std::make_unique<sha256>();
}

void stored_body::put_back()
{
    if (!file_ || !begun_)
        return;
    file_->leave();
    file_.reset();
    by_.begun->put({std::move(*begun_), std::move(hash_), hashed_});
    drop();
}

// ---- storing

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
    hashed_ += part.size();
    if (held_)
        return held_->write(part);
    if (!takes_)
        return {};
    // The file is created with the first byte: a fetch without any leaves none behind.
    auto error = open();
    if (!error && file_)
        error = file_->write(part);
    return error;
}

weir::error_code stored_body::finish(ending how, const labels& with)
{
    if (hash_)
        sum_ = hash_->hex();
    weir::error_code error;
    if (how == ending::whole)
        error = keep(with);
    else
        held_.reset();
    if (how == ending::broken && begun_ && file_ && by_.begun->last())
        file_->leave();
    file_.reset();
    return error;
}

weir::error_code stored_body::keep(const labels& with)
{
    auto error = open(); // an empty body is stored too
    if (error || !file_)
        return error;
    if (!with.name.empty())
        error = file_->take_name(name_.substr(0, name_.rfind('/') + 1) + with.name);
    if (!error && with.time)
        error = file_->set_time(*with.time);
    if (!error)
        error = file_->keep();
    if (!error)
        kept_as_ = file_->name();
    return error;
}

} // namespace weir_fetch
