#include <weir/http/detail/byte_queue.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <random>
#include <string>
#include <utility>

using weir::http::detail::byte_queue;

namespace {

constexpr std::size_t block = byte_queue::block_size;

std::string some(std::size_t count, char first)
{
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
        text += static_cast<char>(first + i % 23);
    return text;
}

std::string all_of(const byte_queue& queue)
{
    return queue.copy(0, queue.size());
}

// Few bytes more than there are, for many; few times as many, for few.
void check_capacity(const byte_queue& queue)
{
    BOOST_TEST_REQUIRE(queue.capacity() <= queue.size() + 2 * block);
    BOOST_TEST_REQUIRE(queue.capacity() <= 4 * queue.size() + 3);
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_byte_queue)

BOOST_AUTO_TEST_CASE(what_was_appended_comes_out_in_its_order)
{
    byte_queue queue;
    BOOST_TEST(queue.empty());
    queue.append("abc");
    queue.append(some(3 * block, 'A'));
    BOOST_TEST(queue.size() == 3 + 3 * block);
    BOOST_TEST(queue.copy(0, 5) == "abcAB");
    BOOST_TEST(queue.copy(block - 3, 10) == some(3 * block, 'A').substr(block - 6, 10));
    queue.drop(3 + 2 * block);
    BOOST_TEST(all_of(queue) == some(3 * block, 'A').substr(2 * block));
    queue.drop(block);
    BOOST_TEST(queue.empty());
    BOOST_TEST(queue.copy(0, 0).empty());
}

BOOST_AUTO_TEST_CASE(what_is_put_in_front_comes_first)
{
    byte_queue queue;
    queue.append("0123456789");
    queue.drop(4);
    queue.prepend("cd"); // where others have left
    queue.prepend("ab");
    queue.prepend("-" + some(2 * block, 'a'));
    BOOST_TEST(all_of(queue) == "-" + some(2 * block, 'a') + "abcd456789");
    byte_queue none;
    none.prepend("x");
    BOOST_TEST(all_of(none) == "x");
}

BOOST_AUTO_TEST_CASE(all_but_the_first_bytes_can_be_taken_out)
{
    const std::string text = some(3 * block, 'a');
    for (const std::size_t gone : {0, 1, 4})
        for (const std::size_t first : {std::size_t(0), std::size_t(1), block - 1, block, block + 1,
                                        2 * block, 3 * block - 1, 3 * block}) {
            byte_queue queue;
            queue.append(std::string(gone, '-') + text);
            queue.drop(gone);
            byte_queue rest = queue.split(first);
            BOOST_TEST(all_of(queue) == text.substr(0, first));
            BOOST_TEST(all_of(rest) == text.substr(first));
            queue.append(std::move(rest));
            BOOST_TEST(all_of(queue) == text);
        }
}

// A megabyte that grew in one piece would take two, and three while it grows.
BOOST_AUTO_TEST_CASE(what_it_takes_is_little_more_than_what_it_holds)
{
    byte_queue queue;
    for (int i = 0; i < 20'000; ++i) {
        queue.append(some(53, 'a'));
        check_capacity(queue);
    }
    while (!queue.empty()) {
        queue.drop(53);
        check_capacity(queue);
    }
    BOOST_TEST(queue.capacity() == 0U);
}

BOOST_AUTO_TEST_CASE(a_few_bytes_of_many_keep_no_block)
{
    byte_queue queue;
    queue.append(some(block, 'a'));
    queue.drop(block - 10);
    BOOST_TEST(queue.capacity() == 10U);
    queue.append(some(10 * block, 'a'));
    const byte_queue rest = queue.split(100);
    BOOST_TEST(queue.capacity() == 100U);
    check_capacity(rest);
}

BOOST_AUTO_TEST_CASE(random_work_is_as_that_of_a_string)
{
    std::mt19937 random(7);
    const auto below = [&](std::size_t end) { return random() % end; };
    byte_queue queue;
    std::string model;
    for (int i = 0; i < 20'000; ++i) {
        const std::string text = some(below(10) == 0 ? below(3 * block) : below(100), 'a');
        switch (below(6)) {
        case 0:
        case 1:
            queue.append(text);
            model += text;
            break;
        case 2:
            queue.prepend(text);
            model.insert(0, text);
            break;
        case 3: {
            const std::size_t first = below(model.size() + 1);
            byte_queue rest = queue.split(first);
            check_capacity(rest);
            byte_queue both;
            both.append(std::move(rest));
            both.append(std::move(queue));
            queue = std::move(both);
            model = model.substr(first) + model.substr(0, first);
            break;
        }
        default:
            const std::size_t count = below(model.size() + 1) / 4;
            queue.drop(count);
            model.erase(0, count);
        }
        BOOST_TEST_REQUIRE(queue.size() == model.size());
        check_capacity(queue);
        const std::size_t at = below(model.size() + 1);
        const std::size_t count = below(model.size() - at + 1);
        BOOST_TEST_REQUIRE(queue.copy(at, count) == model.substr(at, count));
    }
    BOOST_TEST(all_of(queue) == model);
}

BOOST_AUTO_TEST_SUITE_END()
