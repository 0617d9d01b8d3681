#include <weir/http/detail/text_backlog.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace weir::http::detail {
namespace {

constexpr std::size_t record_size = text_backlog::record_size;

template <class T>
T value_at(const byte_queue& records, std::size_t at)
{
    T value{};
    const std::string bytes = records.copy(at, sizeof value);
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

/// Of the first record.
std::size_t text_size(const byte_queue& records)
{
    return value_at<std::uint32_t>(records, record_size - sizeof(std::uint32_t));
}

/// The bytes of a record: number, time, length and text. They never leave this process.
std::string record_of(const waiting_url& url)
{
    const auto taken = url.taken.time_since_epoch().count();
    const auto size = static_cast<std::uint32_t>(url.text.size());
    static_assert(sizeof url.id + sizeof taken + sizeof size == record_size);
    std::string record(record_size, '\0');
    std::memcpy(record.data(), &url.id, sizeof url.id);
    std::memcpy(record.data() + sizeof url.id, &taken, sizeof taken);
    std::memcpy(record.data() + record_size - sizeof size, &size, sizeof size);
    return record += url.text;
}

waiting_url first_of(const byte_queue& records)
{
    waiting_url url;
    url.id = value_at<decltype(url.id)>(records, 0);
    const auto taken = value_at<time_point::rep>(records, sizeof url.id);
    url.taken = time_point(time_point::duration(taken));
    url.text = records.copy(record_size, text_size(records));
    return url;
}

} // namespace

bool text_backlog::line::has_record() const
{
    return head_.size() >= record_size && head_.size() - record_size >= text_size(head_);
}

text_backlog::text_backlog(std::size_t window, std::uint64_t spill)
    : window_(window), segments_(static_cast<std::size_t>(spill / segment_size))
{
}

void text_backlog::push(line& l, const waiting_url& url)
{
    const std::string record = record_of(url);
    (l.uses_file() ? l.tail_ : l.head_).append(record);
    hold(record.size());
    ++l.waiting_;
    ++waiting_;
    settle(l);
}

void text_backlog::push_front(line& l, const waiting_url& url)
{
    const std::string record = record_of(url);
    l.head_.prepend(record);
    hold(record.size());
    ++l.waiting_;
    ++waiting_;
    settle(l);
}

std::optional<waiting_url> text_backlog::take(line& l)
{
    if (l.uses_file() && (l.head_.size() < kept || !l.has_record()))
        want(l);
    if (!l.has_record())
        return std::nullopt;
    auto url = first_of(l.head_);
    const std::size_t size = record_size + url.text.size();
    l.head_.drop(size);
    release(size);
    --l.waiting_;
    --waiting_;
    settle(l);
    if (l.waiting_ == 0 && std::exchange(l.is_wanted_, false))
        std::erase(wanted_, &l); // what was to be written is in memory again
    return url;
}

void text_backlog::release(std::size_t bytes) noexcept
{
    held_ -= bytes;
    if (held_ < window_ - window_ / 8)
        refused_ = false;
}

void text_backlog::set_blocked(line& l, bool blocked)
{
    l.is_blocked_ = blocked;
    settle(l);
}

void text_backlog::want(line& l)
{
    if (!std::exchange(l.is_wanted_, true))
        wanted_.push_back(&l);
}

/// Puts a line among those of its size.
void text_backlog::settle(line& l)
{
    const std::size_t size = l.is_blocked_ ? l.spillable() : 0;
    const auto bucket = static_cast<unsigned>(std::bit_width(size));
    if (bucket == l.bucket_)
        return;
    if (l.bucket_ != 0)
        blocked_[l.bucket_].erase(l);
    l.bucket_ = bucket;
    if (bucket != 0)
        blocked_[bucket].push_back(l);
}

text_backlog::line* text_backlog::largest() noexcept
{
    for (auto of_size = blocked_.rbegin(); of_size != blocked_.rend(); ++of_size)
        if (!of_size->empty())
            return &of_size->front();
    return nullptr;
}

text_backlog::step text_backlog::next_step()
{
    step next = read_step();
    if (next.what == step::kind::none && held_ >= window_ && !refused_)
        next = write_step();
    return next;
}

text_backlog::step text_backlog::read_step()
{
    while (!wanted_.empty()) {
        line& l = *wanted_.front();
        wanted_.pop_front();
        l.is_wanted_ = false;
        if (l.pieces_.empty())
            continue; // it could not be written, and is in memory
        const auto& first = l.pieces_.front();
        step next;
        next.what = step::kind::read;
        next.of = &l;
        next.at = std::uint64_t(first.segment) * segment_size + first.begin;
        next.size = std::min(read_size, first.end - first.begin);
        return next;
    }
    return {};
}

text_backlog::step text_backlog::write_step()
{
    step next;
    line* const l = largest();
    if (l == nullptr)
        return next;
    if (l->pieces_.empty() || l->pieces_.back().end == segment_size) {
        const auto segment = segments_.take();
        if (!segment) {
            refused_ = true;
            return next;
        }
        if (!l->uses_file()) // what is not much more goes as a whole
            l->tail_.append(l->head_.split(l->head_.size() > 2 * kept ? kept : 0));
        l->pieces_.push_back({*segment, 0, 0});
    }
    const auto& last = l->pieces_.back();
    next.what = step::kind::write;
    next.of = l;
    next.at = std::uint64_t(last.segment) * segment_size + last.end;
    next.size = std::min(l->tail_.size(), segment_size - last.end);
    next.bytes = l->tail_.copy(0, next.size);
    l->tail_.drop(next.size);
    settle(*l);
    return next;
}

void text_backlog::done(step s, bool failed)
{
    if (s.what == step::kind::write)
        wrote(s, failed);
    else if (!failed)
        was_read(s);
    gather(*s.of);
    settle(*s.of);
}

void text_backlog::wrote(step& s, bool failed)
{
    line& l = *s.of;
    if (!failed) {
        l.pieces_.back().end += s.size;
        spilled_ += s.size;
        release(s.size);
    } else {
        refused_ = true;
        l.tail_.prepend(s.bytes); // and so in front of what has come meanwhile
        if (l.pieces_.back().end == 0) {
            segments_.give_back(l.pieces_.back().segment);
            l.pieces_.pop_back();
        }
    }
}

void text_backlog::was_read(const step& s)
{
    line& l = *s.of;
    l.head_.append(s.bytes);
    hold(s.size);
    spilled_ -= s.size;
    auto& first = l.pieces_.front();
    first.begin += s.size;
    if (first.begin == first.end) {
        segments_.give_back(first.segment);
        l.pieces_.pop_front();
    }
    if (!l.has_record())
        want(l);
}

/// What is behind the file is behind the head when nothing is in the file.
void text_backlog::gather(line& l)
{
    if (l.uses_file() || l.tail_.empty())
        return;
    l.head_.append(std::move(l.tail_));
}

} // namespace weir::http::detail
