#include <weir/sim/explore.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace weir::sim {
namespace {

/// Depth first: each run repeats the choices of the one before, except for the last choice that has
/// another answer left.
class systematic_chooser final : public chooser {
public:
    explicit systematic_chooser(std::size_t delays) : bound_(delays), left_(delays) {}

    std::size_t next_step(std::size_t n) override
    {
        if (left_ == 0)
            return 0;
        const std::size_t delays = take(n - 1 <= left_ ? n : left_ + 1);
        left_ -= delays;
        return delays;
    }

    std::size_t choose(std::size_t n) override { return take(n); }

    /// False: that was the last schedule.
    bool advance()
    {
        // A run that failed early has not come to the end of the path.
        path_.resize(depth_);
        depth_ = 0;
        left_ = bound_;
        while (!path_.empty()) {
            if (++path_.back().taken < path_.back().of)
                return true;
            path_.pop_back();
        }
        return false;
    }

private:
    struct point {
        std::size_t taken;
        std::size_t of;
    };

    std::size_t take(std::size_t n)
    {
        if (depth_ == path_.size())
            path_.push_back({0, n});
        if (path_[depth_].of != n)
            throw std::logic_error("weir::sim: the scenario does not do the same a second time");
        return path_[depth_++].taken;
    }

    const std::size_t bound_;
    std::size_t left_;
    std::size_t depth_ = 0;
    std::vector<point> path_;
};

class replaying_chooser final : public chooser {
public:
    explicit replaying_chooser(const std::vector<std::uint32_t>& choices) : choices_(choices) {}

    std::size_t next_step(std::size_t n) override { return choose(n); }

    std::size_t choose(std::size_t n) override
    {
        if (next_ == choices_.size())
            return 0;
        const std::size_t choice = choices_[next_++];
        if (choice >= n)
            throw std::logic_error("weir::sim: these choices belong to another scenario");
        return choice;
    }

private:
    const std::vector<std::uint32_t>& choices_;
    std::size_t next_ = 0;
};

std::vector<std::uint32_t> parsed(std::string_view text)
{
    std::vector<std::uint32_t> choices;
    const char* at = text.data();
    const char* const end = at + text.size();
    for (;;) {
        std::uint32_t choice = 0;
        const auto [next, error] = std::from_chars(at, end, choice);
        if (error != std::errc())
            break;
        choices.push_back(choice);
        if (next == end)
            return choices;
        if (*next != '.')
            break;
        at = next + 1;
    }
    throw std::invalid_argument("weir::sim: choices are numbers with dots between");
}

std::string message_of(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "something that is no std::exception was thrown";
    }
}

} // namespace

struct explorer {
    explorer(const schedules& w, const std::function<void(world&)>& s) : which(w), scenario(s) {}

    report run()
    {
        switch (which.kind_) {
        case schedules::kind::systematic:
            run_systematically();
            break;
        case schedules::kind::random:
            run_at_random();
            break;
        case schedules::kind::replay: {
            replaying_chooser by(which.choices_);
            world w(by, which.begin_);
            run_one(w, std::nullopt);
            found.complete = true;
        }
        }
        return std::move(found);
    }

    void run_systematically()
    {
        systematic_chooser by(which.delays_);
        do {
            if (is_over())
                return;
            world w(by, which.begin_);
            run_one(w, std::nullopt);
        } while (by.advance());
        found.complete = true;
    }

    void run_at_random()
    {
        for (std::uint64_t i = 0; i < which.seeds_; ++i) {
            if (is_over())
                return;
            world w(which.first_seed_ + i, which.begin_);
            run_one(w, w.seed());
        }
        found.complete = true;
    }

    bool is_over() const
    {
        return found.schedules == which.at_most_ || (found.failures != 0 && !which.count_failures_);
    }

    void run_one(world& w, std::optional<std::uint64_t> seed)
    {
        w.limit_steps(which.max_steps_);
        ++found.schedules;
        try {
            scenario(w);
        } catch (...) {
            const std::exception_ptr error = std::current_exception();
            if (++found.failures == 1)
                found.first = failure{message_of(error), error, seed, w.choices()};
        }
        found.steps += w.steps();
    }

    const schedules& which;
    const std::function<void(world&)>& scenario;
    report found;
};

schedules schedules::all()
{
    return schedules(kind::systematic);
}

schedules schedules::delayed(std::size_t most)
{
    schedules s(kind::systematic);
    s.delays_ = most;
    return s;
}

schedules schedules::random(std::uint64_t seeds, std::uint64_t first)
{
    schedules s(kind::random);
    s.seeds_ = seeds;
    s.first_seed_ = first;
    return s;
}

schedules schedules::replay(std::string_view choices)
{
    schedules s(kind::replay);
    s.choices_ = parsed(choices);
    return s;
}

schedules& schedules::at_most(std::uint64_t count)
{
    at_most_ = count;
    return *this;
}

schedules& schedules::count_failures()
{
    count_failures_ = true;
    return *this;
}

schedules& schedules::begin_at(time_point begin)
{
    begin_ = begin;
    return *this;
}

schedules& schedules::limit_steps(std::size_t most)
{
    max_steps_ = most;
    return *this;
}

report explore(const schedules& which, const std::function<void(world&)>& scenario)
{
    return explorer(which, scenario).run();
}

std::string report::text() const
{
    std::string text =
        std::to_string(schedules) + " schedules, complete: " + (complete ? "yes" : "no");
    if (!first)
        return text;
    text += ", failed: " + std::to_string(failures) + "\n" + first->message + "\n";
    if (first->seed)
        text += "seed " + std::to_string(*first->seed) + ", ";
    return text + "choices " + first->choices;
}

} // namespace weir::sim
