// A job that waits in every way there is, cancelled at each of its suspensions in turn: ledger,
// permits, values and memory balance.
#include "proof/fates.hpp"
#include "proof/memory.hpp"
#include "proof/prove.hpp"

#include <weir/flow/for_each.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/policy/timeout.hpp>
#include <weir/sync/channel.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::sim::context;
using weir::sim::world;
using weir::test::expect;
using weir::test::value;

namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t jobs = 3;

enum class blow { stop, destroy_pool, destroy_context };

class patient {
public:
    using pool = weir::worker_pool<int, int>;

    explicit patient(world& w)
        : world_(w), home_(w), away_(std::make_unique<context>(w)),
          permits_(away_->get_executor(), 1),
          requests_(std::make_unique<weir::channel<value>>(
              home_.get_executor(), 0, [this](value&& v) { values_.undelivered(v); })),
          replies_(home_.get_executor(), 1)
    {
        const std::vector<asio::any_io_executor> executors = {away_->get_executor()};
        const auto handler = [this](int n) { return job(n); };
        const auto lost = [this](weir::outcome<int>&& out) { record(out); };
        pool_ = std::make_unique<pool>(executors, weir::pool_options(2).queue(jobs), handler, lost);
        for (std::size_t i = 0; i < jobs; ++i)
            expect(bool(pool_->try_submit(static_cast<int>(i))), "accepted");
        pool_->close();
        home_.spawn([this] { return answer(); }, "answers");
        home_.spawn([this] { return collect(); }, "collector");
    }

    /// False: the job ended before that.
    bool run(std::size_t steps, blow b)
    {
        for (std::size_t i = 0; i < steps; ++i)
            if (!world_.run_one())
                return finish(b, false);
        if (b == blow::stop)
            pool_->stop();
        else if (b == blow::destroy_pool)
            pool_.reset();
        else
            away_.reset();
        return finish(b, true);
    }

private:
    struct at_work {
        explicit at_work(int& c) : count(c) { ++count; }
        at_work(const at_work&) = delete;
        at_work& operator=(const at_work&) = delete;
        ~at_work() { --count; }
        int& count;
    };

    asio::awaitable<int> job(int n)
    {
        const at_work here(at_work_);
        const auto executor = co_await asio::this_coro::executor;
        const weir::permit held = co_await permits_.async_acquire(asio::use_awaitable);
        co_await weir::async_sleep_for(executor, 1s, asio::use_awaitable);
        co_await ask();
        co_await replies_.async_receive(asio::use_awaitable);
        co_await weir::with_timeout(2s, nap());
        const auto each = [this](int) { return nap(); };
        co_await weir::for_each(std::array<int, 2>{1, 2}, 2, each);
        co_return n;
    }

    asio::awaitable<void> nap()
    {
        const at_work here(at_work_);
        co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1s, asio::use_awaitable);
    }

    asio::awaitable<void> ask()
    {
        co_await asio::this_coro::throw_if_cancelled(false);
        value v = values_.make();
        const std::size_t number = v.number();
        auto sent = co_await requests_->async_send(std::move(v), quietly);
        if (std::get<0>(sent))
            values_.told_sent(number);
        else
            values_.handed_back(number);
        co_await asio::this_coro::throw_if_cancelled(true);
    }

    asio::awaitable<void> answer()
    {
        while (auto v = co_await requests_->async_receive(asio::use_awaitable)) {
            values_.received(*v);
            auto sent = co_await replies_.async_send(1, quietly);
            if (!std::get<0>(sent))
                co_return;
        }
    }

    asio::awaitable<void> collect()
    {
        while (pool_) {
            auto out = co_await pool_->results().async_receive(asio::use_awaitable);
            if (!out)
                break;
            record(*out);
        }
        requests_->close();
        replies_.close();
    }

    // Also called from the pool's hook, which must not throw.
    void record(const weir::outcome<int>& out) noexcept
    {
        once_.expect(outcomes_.emplace(out.id(), out.status()).second, "each job has one outcome");
    }

    bool finish(blow b, bool struck)
    {
        world_.run();
        if (pool_ && b != blow::destroy_context)
            expect(pool_->ledger().balanced(), "the ledger balances");
        pool_.reset();
        world_.run_to_end();
        expect(at_work_ == 0, "no work is left at the end");
        expect(permits_.in_use() == 0 && permits_.waiters() == 0, "every permit has come back");
        once_.check();
        expect(outcomes_.size() == jobs, "each job has an outcome");
        if (!struck)
            for (const auto& [id, how] : outcomes_)
                expect(how == weir::status::ok, "all are done when nothing strikes");
        requests_.reset();
        values_.check();
        return struck;
    }

    world& world_;
    weir::test::fates values_;
    std::map<weir::job_id, weir::status> outcomes_;
    weir::test::verdict once_;
    int at_work_ = 0;
    context home_;
    std::unique_ptr<context> away_;
    weir::semaphore permits_;
    std::unique_ptr<weir::channel<value>> requests_;
    weir::channel<int> replies_;
    std::unique_ptr<pool> pool_;
};

void strike_at_every_step(const char* what, blow b)
{
    const std::uint64_t orders = weir::test::is_small() ? 5 : 200;
    std::size_t runs = 0;
    for (std::uint64_t seed = 1; seed <= orders; ++seed)
        for (std::size_t step = 0;; ++step) {
            const long before = weir::test::blocks_held();
            bool struck = false;
            std::string wrong;
            try {
                world w(seed);
                patient p(w);
                struck = p.run(step, b);
            } catch (const std::exception& e) {
                wrong = e.what();
            }
            ++runs;
            if (wrong.empty() && weir::test::blocks_held() != before)
                wrong = "memory is not given back";
            if (!wrong.empty()) {
                BOOST_ERROR(what << " at step " << step << ", seed " << seed << ": " << wrong);
                return;
            }
            if (!struck)
                break;
        }
    std::printf("3 jobs that wait in every way, %s at every step: %zu runs\n", what, runs);
}

} // namespace

BOOST_AUTO_TEST_SUITE(every_suspension)

BOOST_AUTO_TEST_CASE(stopped)
{
    strike_at_every_step("stopped", blow::stop);
}

BOOST_AUTO_TEST_CASE(pool_destroyed)
{
    strike_at_every_step("their pool destroyed", blow::destroy_pool);
}

BOOST_AUTO_TEST_CASE(context_destroyed)
{
    strike_at_every_step("their context destroyed", blow::destroy_context);
}

BOOST_AUTO_TEST_CASE(the_memory_is_counted)
{
#if defined(WEIR_PROOF_COUNTS_MEMORY)
    const long before = weir::test::blocks_held();
    auto one = std::make_unique<int>(1);
    BOOST_TEST(weir::test::blocks_held() == before + 1);
    void* volatile two = std::aligned_alloc(64, 64); // volatile, or the compiler removes it
    BOOST_TEST(weir::test::blocks_held() == before + 2);
    std::free(two);
    one.reset();
    BOOST_TEST(weir::test::blocks_held() == before);
#endif
}

BOOST_AUTO_TEST_SUITE_END()
