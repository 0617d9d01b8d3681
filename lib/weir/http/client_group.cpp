#include <weir/http/client_group.hpp>

#include <weir/http/detail/group_order.hpp>
#include <weir/http/detail/group_state.hpp>
#include <weir/http/detail/pulled_body.hpp>
#include <weir/http/url.hpp>

#include <utility>

namespace weir::http {

client_group::client_group(const runner_pool& runners, const client_group_options& options)
    : client_group(runners.executors(), options)
{
}

client_group::client_group(const std::vector<executor_type>& runners,
                           const client_group_options& options, const network_maker& lines)
    : state_(std::make_shared<detail::group_state>(runners, options, lines))
{
    state_->introduce();
}

client_group::~client_group()
{
    state_->close();
}

client_group::executor_type client_group::get_executor() const noexcept
{
    return state_->fallback().get();
}

void client_group::close_idle()
{
    state_->close_idle();
}

client_group::order client_group::make(request what) const
{
    return std::make_shared<detail::group_order>(state_, std::move(what));
}

client_group::order client_group::make(std::string url) const
{
    auto target = http::url::parse(url);
    if (!target)
        return std::make_shared<detail::group_order>(target.error());
    return make(request(*target));
}

client_group::order client_group::make(request what, body_sink sink) const
{
    order made = make(std::move(what));
    made->pass_to(std::move(sink));
    return made;
}

client_group::order client_group::make(request what, body_receiver* to) const
{
    order made = make(std::move(what));
    made->pass_to(*to);
    return made;
}

client_group::order client_group::make_open(request what) const
{
    order made = make(std::move(what));
    made->open(std::make_shared<detail::pulled_body>(state_->fallback().get()));
    return made;
}

std::shared_ptr<detail::group_call> client_group::call_of(const order& made)
{
    return made;
}

void client_group::send(detail::group_state& by, const order& made)
{
    by.send(made);
}

const weir::detail::own_any_executor& client_group::fallback() const
{
    return state_->fallback();
}

} // namespace weir::http
