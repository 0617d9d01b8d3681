#include "resumption.hpp"

#include "escape.hpp"
#include "lines.hpp"

#include <cstddef>
#include <utility>

namespace weir_fetch {

resumption::walk::walk(const journal& results)
    : checks{input_check(results.done(place::source::line)),
             input_check(results.done(place::source::argument))}
{
}

resumption::resumption(const journal& results, std::string file)
    : results_(results), file_(std::move(file))
{
    while_reading_.emplace(results_);
}

void resumption::check(const input& all)
{
    walk ahead(results_);
    const bool seen = all.look_ahead([&](const place& at, std::string_view text) {
        pass(ahead, at, text);
        return false;
    });
    if (!seen)
        return;
    end(ahead);
    while_reading_.reset();
}

bool resumption::is_done(const place& at, std::string_view text)
{
    if (while_reading_)
        pass(*while_reading_, at, text);
    const bool is_done = results_.done(at.from).contains(at.number);
    if (is_done && while_reading_)
        note(at, text);
    return is_done;
}

void resumption::note(const place& at, std::string_view text)
{
    auto& known = unsure_[static_cast<std::size_t>(at.from)];
    constexpr auto size = done_lines::block_size;
    if (!known.empty() && known.front().number / size != at.number / size)
        known.clear(); // that block was what it was
    known.push_back({at.number, std::string(text)});
}

void resumption::check_end()
{
    if (while_reading_)
        end(*while_reading_);
    unsure_ = {};
}

std::vector<std::string> resumption::take_not_done()
{
    std::vector<std::string> out;
    for (const auto from : {place::source::argument, place::source::line}) {
        auto& known = unsure_[static_cast<std::size_t>(from)];
        if (known.empty())
            continue;
        input_check::difference all;
        all.block = known.front().number / done_lines::block_size;
        for (const auto& [number, text] : known) {
            all.lines |= std::uint64_t{1} << number % done_lines::block_size;
            all.hashes[number % done_lines::block_size] = hash_of(text);
        }
        const std::uint64_t done = results_.recorded(from, all);
        for (auto& [number, text] : known)
            if ((done >> number % done_lines::block_size & 1U) == 0)
                out.push_back(std::move(text));
        known.clear();
    }
    return out;
}

void resumption::pass(walk& by, const place& at, std::string_view text) const
{
    auto& check = by.checks[static_cast<std::size_t>(at.from)];
    if (const auto differs = check.pass(at.number, hash_of(text)))
        refuse(at.from, *differs);
}

void resumption::end(walk& by) const
{
    for (const auto from : {place::source::argument, place::source::line})
        if (const auto differs = by.checks[static_cast<std::size_t>(from)].finish())
            refuse(from, *differs);
}

void resumption::refuse(place::source from, const input_check::difference& in) const
{
    const place first{from, results_.first_difference(from, in)};
    const bool is_there = (in.lines >> first.number % done_lines::block_size & 1U) != 0;
    throw input_fault("this is not the input of " + escaped(file_) + ": " + first.text() +
                      (is_there ? " is not what was done then" : " is not there any more") +
                      "; resume with the same input, or give other "
                      "results another --results");
}

} // namespace weir_fetch
