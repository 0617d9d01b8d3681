#include <weir/flow/explain.hpp>
#include <weir/flow/ledger.hpp>
#include <weir/flow/outcome.hpp>

#include <weir/flow/detail/pool/pool_state.hpp>

// What people read about a pool.

#include <chrono>
#include <cstdint>
#include <exception>
#include <ostream>
#include <string>
#include <utility>

namespace weir {

std::string to_string(const ledger& l)
{
    const std::pair<const char*, std::uint64_t> figures[] = {
        {"rejected", l.rejected}, {"queued", l.queued()},     {"running", l.running()},
        {"retrying", l.retrying}, {"retries", l.retries},     {"ok", l.ok},
        {"failed", l.failed},     {"cancelled", l.cancelled}, {"timed out", l.timed_out},
        {"dropped", l.dropped},   {"abandoned", l.abandoned}, {"late", l.late},
        {"stuck", l.stuck},
    };
    std::string text = "accepted " + std::to_string(l.accepted);
    for (const auto& [name, figure] : figures)
        if (figure != 0)
            text += std::string(", ") + name + " " + std::to_string(figure);
    return text;
}

std::ostream& operator<<(std::ostream& os, const ledger& l)
{
    return os << to_string(l);
}

std::ostream& detail::write(std::ostream& os, const std::string& text)
{
    return os << text;
}

std::string detail::describe(job_id id, std::string_view name, status s, cancel_reason reason,
                             const std::exception_ptr& error)
{
    std::string text = "job " + std::to_string(id);
    if (!name.empty())
        text += " (" + std::string(name) + ")";
    text += std::string(": ") + to_string(s);
    if (reason != cancel_reason::none)
        text += std::string(", ") + to_string(reason);
    if (s != status::failed)
        return text;
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        text += std::string(": ") + e.what();
    } catch (...) {
        text += ": not a std::exception";
    }
    return text;
}

namespace {

std::string seconds(duration length)
{
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(length).count();
    std::string below = std::to_string(ms % 1000);
    below.insert(0, 3 - below.size(), '0');
    return std::to_string(ms / 1000) + "." + below + " s";
}

void write_limits(const detail::what_holds_back& seen, std::ostream& os)
{
    const auto add = [&os](std::size_t count, const char* what) {
        if (count != 0)
            os << ", " << what << ": " << count;
    };
    os << "  in line for a worker or a limit: " << seen.in_line;
    add(seen.asleep, "asleep until their next attempt");
    add(seen.full_keys, "keys at their limit");
    add(seen.held_keys, "keys that are held");
    add(seen.broken_keys, "keys that the breaker refuses");
    if (seen.next_start != duration::zero())
        os << ", the rate allows the next start in " << seconds(seen.next_start);
    os << "\n";
}

} // namespace

void detail::explain(const pool_state& state, std::ostream& os)
{
    constexpr std::size_t most = 1000;
    const pool_stats now = state.stats();
    const limit workers = state.workers();
    os << "a pool of ";
    if (workers.is_unlimited())
        os << "any number of jobs at a time";
    else if (workers.is_paused())
        os << "no job at a time: it is paused";
    else
        os << workers.count() << " jobs at a time";
    if (state.stopping() != cancel_reason::none)
        os << ", stopped (" << to_string(state.stopping()) << ")";
    else if (state.is_closed())
        os << ", closed";
    os << "\n  " << now.ledger << "\n  waiting submitters: " << now.waiting_submitters
       << ", results not received: " << now.results << "\n";
    if (const job_limits* const limits = state.limits())
        write_limits(limits->looked_at(), os);
    const std::vector<running_job> jobs = state.running_jobs(most);
    for (const running_job& job : jobs) {
        os << "  job " << job.id;
        if (!job.name.empty())
            os << " (" << job.name << ")";
        os << ": " << seconds(job.age) << ", " << to_string(job.where) << "\n";
    }
    if (jobs.size() == most)
        os << "  and perhaps more\n";
}

} // namespace weir
