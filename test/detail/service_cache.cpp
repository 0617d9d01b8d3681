#include <weir/detail/service_cache.hpp>

#include <boost/asio/execution_context.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(service_cache)

int made = 0;

class counted final : public asio::execution_context::service {
public:
    static inline asio::execution_context::id id;

    explicit counted(asio::execution_context& context) : service(context), number(++made) {}
    ~counted() override { weir::detail::service_cache<counted>::forget(); }

    const int number;

private:
    void shutdown() override {}
};

counted& of(asio::execution_context& context)
{
    return weir::detail::service_cache<counted>::of(context);
}

BOOST_AUTO_TEST_CASE(it_finds_what_asio_finds)
{
    asio::execution_context a, b;
    counted& first = of(a);
    BOOST_TEST(&first == &asio::use_service<counted>(a));
    BOOST_TEST(&of(a) == &first);
    BOOST_TEST(&of(b) == &asio::use_service<counted>(b));
    BOOST_TEST(&of(a) == &first);
}

BOOST_AUTO_TEST_CASE(a_context_at_the_place_of_another_has_a_service_of_its_own)
{
    std::allocator<asio::execution_context> memory;
    asio::execution_context* const place = memory.allocate(1);
    const int before = made;
    for (int i = 1; i <= 3; ++i) {
        std::construct_at(place);
        BOOST_TEST(of(*place).number == before + i);
        BOOST_TEST(of(*place).number == before + i);
        std::destroy_at(place);
    }
    memory.deallocate(place, 1);
}

BOOST_AUTO_TEST_SUITE_END()
