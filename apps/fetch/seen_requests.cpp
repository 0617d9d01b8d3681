#include "seen_requests.hpp"

#include "unnamed_file.hpp"

#include <weir/error.hpp>

#include <boost/system/errc.hpp>
#include <boost/system/system_error.hpp>

#include <openssl/evp.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace weir_fetch {
namespace {

using record = seen_requests::record;

constexpr std::size_t block = 128;
/// Longer runs are not merged: it would take noticeable time.
constexpr std::uint64_t longest_run = std::uint64_t{1} << 22;

const EVP_MD* algorithm()
{
    // Fetched once: looking the algorithm up costs more than hashing a URL.
    static const EVP_MD* found = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return found ? found : EVP_sha256();
}

[[noreturn]] void fail()
{
    throw boost::system::system_error(weir::error_code(errno, boost::system::system_category()),
                                      "the file of --dedupe (--spill-dir)");
}

/// Reads up to `count` records from the one with this index on.
std::size_t read_records(int file, std::uint64_t index, record* to, std::size_t count)
{
    auto* const bytes = reinterpret_cast<char*>(to);
    std::size_t done = 0;
    while (done != count * sizeof(record)) {
        const auto n = ::pread(file, bytes + done, count * sizeof(record) - done,
                               static_cast<off_t>(index * sizeof(record) + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            fail();
        if (n == 0)
            break;
        done += static_cast<std::size_t>(n);
    }
    return done / sizeof(record);
}

bool is_less(const record& a, const record& b)
{
    return a.of < b.of;
}

} // namespace

fingerprint fingerprint_of(std::string_view text)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
    if (EVP_Digest(text.data(), text.size(), sum.data(), nullptr, algorithm(), nullptr) != 1)
        throw std::runtime_error("SHA-256 failed");
    fingerprint out{};
    std::memcpy(out.data(), sum.data(), sizeof(out));
    return out;
}

/// Writes a run, in order. Its file is closed unless it is finished.
class seen_requests::writer {
public:
    explicit writer(const std::string& folder)
    {
        weir::error_code error;
        made_.file = open_unnamed(folder, error);
        if (error)
            throw boost::system::system_error(error, "the file of --dedupe in " + folder);
        held_.reserve(block);
    }
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;
    ~writer()
    {
        if (made_.file >= 0)
            ::close(made_.file);
    }

    void add(const record& next)
    {
        if (made_.size++ % block == 0)
            made_.first_of.push_back(next.of);
        held_.push_back(next);
        if (held_.size() == block)
            flush();
    }
    run finish()
    {
        flush();
        made_.first_of.shrink_to_fit();
        run out = std::move(made_);
        made_.file = -1;
        return out;
    }

private:
    void flush()
    {
        const auto* bytes = reinterpret_cast<const char*>(held_.data());
        for (std::size_t left = held_.size() * sizeof(record); left != 0;) {
            const auto n = ::write(made_.file, bytes, left);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                fail();
            bytes += n;
            left -= static_cast<std::size_t>(n);
        }
        held_.clear();
    }

    run made_;
    std::vector<record> held_;
};

/// Reads a run from its beginning.
class seen_requests::reader {
public:
    explicit reader(const run& from) : from_(from) { fill(); }

    /// Null at the end.
    const record* next() const { return at_ == held_.size() ? nullptr : &held_[at_]; }
    void skip()
    {
        if (++at_ == held_.size())
            fill();
    }

private:
    void fill()
    {
        held_.resize(block);
        held_.resize(read_records(from_.file, read_, held_.data(), held_.size()));
        read_ += held_.size();
        at_ = 0;
    }

    const run& from_;
    std::vector<record> held_;
    std::size_t at_ = 0;
    std::uint64_t read_ = 0;
};

seen_requests::seen_requests(std::string folder, std::size_t in_memory)
    : folder_(std::move(folder)), table_(2 * in_memory)
{
}

seen_requests::~seen_requests()
{
    for (const run& each : runs_)
        ::close(each.file);
}

/// Where it is, or would be. There always is a free slot.
record& seen_requests::slot_of(const fingerprint& which)
{
    std::size_t at = which[0] % table_.size();
    while (table_[at].number != 0 && table_[at].of != which)
        at = (at + 1) % table_.size();
    return table_[at];
}

std::optional<std::uint64_t> seen_requests::find_or_add(const fingerprint& which,
                                                        std::uint64_t number)
{
    if (const record& held = slot_of(which); held.number != 0)
        return held.number;
    for (const run& each : runs_)
        if (const auto found = find_in(each, which))
            return found;
    if (2 * held_ == table_.size())
        flush();
    slot_of(which) = {which, number};
    ++held_;
    return std::nullopt;
}

std::optional<std::uint64_t> seen_requests::find_in(const run& where,
                                                    const fingerprint& which) const
{
    const auto after = std::upper_bound(where.first_of.begin(), where.first_of.end(), which);
    if (after == where.first_of.begin())
        return std::nullopt;
    const auto index = static_cast<std::uint64_t>(after - where.first_of.begin() - 1) * block;
    std::array<record, block> all;
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(
                                       read_records(where.file, index, all.data(), all.size()));
    const auto found = std::lower_bound(all.begin(), end, record{which, 0}, is_less);
    if (found == end || found->of != which)
        return std::nullopt;
    return found->number;
}

/// Writes a run of what is in memory. Runs get shorter from the first to the last, so that there
/// are few.
void seen_requests::flush()
{
    std::vector<record> all;
    all.reserve(held_);
    for (const record& each : table_)
        if (each.number != 0)
            all.push_back(each);
    std::sort(all.begin(), all.end(), is_less);
    writer to(folder_);
    for (const record& each : all)
        to.add(each);
    runs_.push_back(to.finish());
    std::fill(table_.begin(), table_.end(), record());
    held_ = 0;
    while (runs_.size() > 1 && runs_.back().size >= runs_.end()[-2].size &&
           runs_.back().size < longest_run) {
        run both = merged(runs_.end()[-2], runs_.back());
        for (int i = 0; i != 2; ++i) {
            ::close(runs_.back().file);
            runs_.pop_back();
        }
        runs_.push_back(std::move(both));
    }
}

/// No fingerprint is in both.
seen_requests::run seen_requests::merged(const run& a, const run& b) const
{
    reader from_a(a);
    reader from_b(b);
    writer to(folder_);
    while (from_a.next() || from_b.next()) {
        const bool is_a =
            !from_b.next() || (from_a.next() && is_less(*from_a.next(), *from_b.next()));
        reader& from = is_a ? from_a : from_b;
        to.add(*from.next());
        from.skip();
    }
    return to.finish();
}

} // namespace weir_fetch
