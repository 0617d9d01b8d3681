#include <weir/http/headers.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

using weir::http::header_field;
using weir::http::headers;
using weir::http::same_token;

// What it gives would point into headers that are gone.
template <class Fields>
concept can_be_asked = requires(Fields&& fields)
{
    static_cast<Fields&&>(fields)["A"];
};
static_assert(can_be_asked<headers&> && can_be_asked<const headers&>);
static_assert(!can_be_asked<headers> && !can_be_asked<const headers>);

BOOST_AUTO_TEST_SUITE(http_headers)

std::string text_of(const headers& fields)
{
    std::string text;
    for (const header_field field : fields)
        text += std::string(field.name) + "=" + std::string(field.value) + ";";
    return text;
}

BOOST_AUTO_TEST_CASE(a_field_may_be_a_copy_of_another)
{
    headers fields;
    fields.append("A", std::string(100, 'x'));
    for (int i = 0; i < 100; ++i) // while its memory grows
        fields.append("B", fields["A"]);
    BOOST_TEST(fields.count("B") == 100U);
    for (const header_field field : fields)
        BOOST_TEST(field.value == std::string(100, 'x'));
}

BOOST_AUTO_TEST_CASE(fields_keep_their_order_and_look_ups_ignore_case)
{
    headers fields;
    BOOST_TEST(fields.empty());
    BOOST_TEST(fields["A"] == "");
    fields.append("A", "1");
    fields.append("Empty", "");
    fields.append("b", "2");
    fields.append("a", "3");
    BOOST_TEST(text_of(fields) == "A=1;Empty=;b=2;a=3;");
    BOOST_TEST(fields["a"] == "1");
    BOOST_TEST(fields["B"] == "2");
    BOOST_TEST(fields["EMPTY"] == "");
    BOOST_TEST(fields.count("A") == 2U);
    BOOST_TEST(fields.count("c") == 0U);
    BOOST_TEST(fields.size() == 4U);
}

BOOST_AUTO_TEST_CASE(all_fields_of_a_name_are_erased_and_no_others)
{
    headers fields;
    for (const char* name : {"A", "b", "a", "ab"})
        fields.append(name, "x");
    fields.erase("a");
    BOOST_TEST(text_of(fields) == "b=x;ab=x;");
    fields.erase("none");
    BOOST_TEST(text_of(fields) == "b=x;ab=x;");
}

BOOST_AUTO_TEST_CASE(only_the_last_field_is_extended_with_a_blank_between)
{
    headers fields;
    fields.append("A", "1");
    fields.append("B", "2");
    fields.extend_last("3");
    fields.append("C", "");
    fields.extend_last("4");
    BOOST_TEST(text_of(fields) == "A=1;B=2 3;C=4;");
}

BOOST_AUTO_TEST_CASE(copies_are_independent)
{
    headers fields;
    fields.append("A", "1");
    headers copy = fields;
    copy.append("B", "2");
    BOOST_TEST(text_of(fields) == "A=1;");
    BOOST_TEST(text_of(copy) == "A=1;B=2;");
}

BOOST_AUTO_TEST_CASE(tokens_are_the_same_in_either_case_of_ascii_letters)
{
    BOOST_TEST(same_token("Keep-Alive", "kEEP-aLIVE"));
    BOOST_TEST(!same_token("close", "closed"));
    BOOST_TEST(!same_token("@", "`"));
    BOOST_TEST(!same_token("[", "{"));
    BOOST_TEST(!same_token("\xc4", "\xe4"));
}

BOOST_AUTO_TEST_SUITE_END()
